"""How a file seems to write names, dates and numbers. Only `infer` guesses; what it guessed is then stated."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from dataops.errors import DataOpsError
from dataops.tables import dates
from dataops.tables.cast import FALSE, TRUE, Written, cast
from dataops.tables.contract import RESERVED, Frequency, Type
from dataops.tables.dates import DAY
from dataops.tables.period import steps

# what people write for a number they don't have; \u2013 and \u2014 are dashes
ABSENT = frozenset(
    (
        "?",
        "-",
        "--",
        "\u2013",
        "\u2014",
        ".",
        "..",
        "...",
        "*",
        ":",
        "#N/A",
        "#NA",
        "na",
        "n/a",
        "N.A.",
        "n.a.",
        "nil",
        "NIL",
        "missing",
        "Missing",
        "MISSING",
        "(null)",
        "\\N",
        "-nan",
        "NaT",
    )
)
OTHER_TIME = "name another column with --time"

NUMBER = r"[+-]?[\d.,]*\d[\d.,]*([eE][+-]?\d+)?"
REGULAR = 0.8  # share of equal gaps from which on times are measurements and no events
MULTIPLES = 0.9  # share of gaps that are multiples of the usual one from which on rows are that far apart
LOOKED_AT = 1000  # distinct values that choose the formats worth trying on all of them


def clean(name: str) -> str:
    """A column's name as LightGBM, Parquet and a shell can bear it."""
    plain = re.sub(r"\W+", "_", name.strip()).strip("_") or "column"
    return f"{plain}_" if plain in RESERVED else plain


def text_of(values: pd.Series) -> pd.Series:
    """The known values as text."""
    return values.dropna().astype("str").str.strip()


def date_format(values: pd.Series, given: str | None, source: str) -> str | None:
    """How dates are written, as `dates.parse` takes it; None is ISO 8601.

    Raises:
        DataOpsError: no known format fits, or day-first and month-first both do and mean different days.
    """
    if values.isna().all():
        raise DataOpsError(f"{source} has no values", "name another column with --time")
    written_as_text = pd.api.types.is_string_dtype(values.dtype)
    known = text_of(values) if written_as_text else values.dropna()
    if given:
        dates.check(given)
    if given or pd.api.types.is_datetime64_any_dtype(values.dtype):
        bad = cast(known, "datetime", Written(date_format=given))[1]
        if bad.mean() > 0.5:
            as_given = f", read as {given}" if given else ""
            raise DataOpsError(f"{source} is no date column: {str(known[bad].iloc[0])!r}{as_given}", OTHER_TIME)
        return given
    if not written_as_text and not pd.api.types.is_numeric_dtype(values.dtype):
        known, written_as_text = text_of(values.astype("str")), True
    distinct = pd.Series(known.unique())
    first = distinct.iloc[:LOOKED_AT]
    tried = {style: _unread(first, style).mean() for style in (dates.FORMATS if written_as_text else dates.NUMERIC)}
    nearest = min(tried, key=lambda style: tried[style])
    readings = []
    for style in [style for style, unread in tried.items() if not unread]:
        read, bad = cast(distinct, "datetime", Written(date_format=style))
        if not bad.any() and dates.plausible(read, style):
            readings.append((style, read))
    if not readings:
        raise _no_date(distinct, nearest, source)
    others = [style for style, read in readings[1:] if not read.equals(readings[0][1])]
    if others:
        raise DataOpsError(
            f"{source} can be read in two ways: {str(distinct.iloc[0])!r} as {readings[0][0]} or as {others[0]}",
            f"--date-format '{readings[0][0]}' or --date-format '{others[0]}' says which",
        )
    return DAY if readings[0][0] is None and _at_midnight_elsewhere(distinct) else readings[0][0]


def _unread(values: pd.Series, style: str | None) -> pd.Series:
    read, bad = cast(values, "datetime", Written(date_format=style))
    if style and not re.sub("%[YmdHMS]", "", style):  # digits alone: 12345 is no month of the year 1234
        bad |= values.astype("str").str.removesuffix(".0").str.len() != 2 * style.count("%") + 2
    return bad if dates.plausible(read.dropna(), style) else pd.Series(True, index=values.index)


def _no_date(distinct: pd.Series, nearest: str | None, source: str) -> DataOpsError:
    """What is wrong: a few values among dates, or no dates at all."""
    bad = _unread(distinct, nearest)
    value = str(distinct[bad].iloc[0])
    if not pd.api.types.is_string_dtype(distinct.dtype):
        return DataOpsError(f"{source} is no date column: {value!r}", OTHER_TIME)
    if bad.mean() > 0.5:
        return DataOpsError(
            f"{source} is not written in a date format known here: {value!r}",
            f"--date-format '%d.%m.%Y' says how, or {OTHER_TIME}",
        )
    style = nearest or "%Y-%m-%d"
    return DataOpsError(
        f"{source} is not written in a date format known here: {value!r}, where others are {nearest or 'ISO 8601'}",
        f"a total or a footnote? leave such rows out of the file; or give --date-format '{style}', and "
        "`collect.unreadable: null` sends them to quarantine",
    )


def _at_midnight_elsewhere(text: pd.Series) -> bool:
    """Whether every time is midnight at some offset: then it is a day, and the one before in UTC is not meant."""
    form = r"\d{4}-\d{2}-\d{2}[T ]00:00(:00([.,]0+)?)?\s*[+-]\d{2}(:?\d{2})?"
    zero = r".*[+-]00(:?00)?"
    return bool(text.str.fullmatch(form).all()) and not bool(text.str.fullmatch(zero).all())


def number_style(columns: list[pd.Series]) -> tuple[str, str | None]:
    """Decimal and thousands marks that the text columns of numbers use; English where nothing says otherwise."""
    comma_decimal = comma_thousands = dot_groups = False
    for values in columns:
        text = text_of(values)
        if text.empty or not text.str.fullmatch(r"[+-]?[\d.,]+").all():
            continue
        # 1,234 may be either; 0,123 and 39851,348 and 1.234,567 are no groups of three digits
        comma_decimal |= bool(text.str.fullmatch(r"[+-]?[\d.]*\d,(\d{1,2}|\d{4,})").any())
        comma_decimal |= bool(text.str.fullmatch(r"[+-]?(0|\d{4,}|\d{1,3}(\.\d{3})+),\d+").any())
        comma_thousands |= bool(text.str.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?").any())
        dot_groups |= bool(text.str.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?").any())
    if comma_decimal:
        return ",", "." if dot_groups else None
    return ".", "," if comma_thousands else None


def absent(table: pd.DataFrame) -> list[str]:
    """Marks that stand for a missing number in `table`: all that keeps a column of numbers from being one."""
    found: set[str] = set()
    for name in table.columns:
        if not pd.api.types.is_string_dtype(table[name].dtype):
            continue
        head = text_of(table[name].head(LOOKED_AT))
        if not (head.isin(ABSENT) | head.str.fullmatch(NUMBER)).all():
            continue  # counting millions of texts takes seconds
        counts = text_of(table[name]).value_counts()
        marks = counts.index.isin(sorted(ABSENT))
        numbers = counts.index.str.fullmatch(NUMBER)
        if marks.any() and (marks | numbers).all() and counts[numbers].sum() >= counts[marks].sum():
            found.update(counts.index[marks])
    return sorted(found)


def column_type(values: pd.Series, written: Written) -> Type:
    """The narrowest type that holds every value."""
    known = values.dropna()
    if pd.api.types.is_bool_dtype(values.dtype):
        return "boolean"
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return "datetime"
    if pd.api.types.is_numeric_dtype(values.dtype):
        whole = pd.api.types.is_integer_dtype(values.dtype) or bool((known % 1 == 0).all())
        return "integer" if whole and len(known) else "number"
    text = text_of(known)
    lower = set(text.str.lower().unique()[:20])
    if text.empty or text.str.match(r"[+-]?0\d").any():  # 00123 is an id, not a number
        return "string"
    if lower <= (TRUE | FALSE) and not lower <= {"0", "1", "0.0", "1.0"}:
        return "boolean"
    for wanted in ("integer", "number"):
        if not cast(text, wanted, written)[1].any():
            return wanted
    return "string"


def part_of_time(values: pd.Series, times: pd.Series) -> bool:
    """Whether a column says of every row what its time says, and no more: the year, month, name of the day, hour."""
    known = values.notna() & times.notna()
    values, times = values[known], times[known]
    return len(values) > 0 and all(
        _is_part(values.iloc[:rows], times.iloc[:rows])
        for rows in (LOOKED_AT, len(values))  # most show at once
    )


def _is_part(values: pd.Series, times: pd.Series) -> bool:
    if pd.api.types.is_bool_dtype(values.dtype) or pd.api.types.is_datetime64_any_dtype(values.dtype):
        return False
    when = times.dt
    if not pd.api.types.is_numeric_dtype(values.dtype):
        text = values.astype("str").str.strip().str.lower()
        names = [names.str.lower() for names in (when.month_name(), when.day_name())]
        return any(bool((text == name).all()) for full in names for name in (full, full.str[:3]))
    sunday = (when.day_of_week + 1) % 7  # 0 to 6
    weekdays = (when.day_of_week, when.day_of_week + 1, sunday, sunday + 1)
    parts = (
        *(when.year, when.year % 100, when.year - when.year.min(), when.quarter, when.month),
        *(when.isocalendar().week, when.day, when.day_of_year, *weekdays, when.hour, when.minute),
    )
    numbers = values.to_numpy("float64")
    return any(bool((numbers == part.to_numpy("float64")).all()) for part in parts)


def sampling(times: pd.Series, series: list[pd.Series]) -> pd.Timedelta | None:
    """The gap of an hour at most in which each series, told apart by columns, is measured; None: it is not."""
    frame = pd.DataFrame({"time": times, **{str(place): key for place, key in enumerate(series)}}).dropna(subset="time")
    frame = frame.sort_values("time", kind="stable").drop_duplicates()
    keys = [str(place) for place in range(len(series))]
    gaps = (frame.groupby(keys, dropna=False)["time"].diff() if keys else frame["time"].diff()).dropna()
    if gaps.empty:
        return None
    usual = gaps.value_counts().index[0]
    regular = usual <= pd.Timedelta(hours=1) and (gaps == usual).mean() >= REGULAR
    return pd.Timedelta(usual) if regular else None


def frequency(times: pd.Series, *, sampled: bool = False) -> Frequency:
    """The step in which the times advance: hours, weeks or months where all of them do, else days.

    `sampled`: they are measured at a fixed gap of an hour or less, so hours are the step whatever the minute.
    """
    distinct = times.dropna().drop_duplicates().sort_values()
    if sampled:
        return "h"
    if (distinct != distinct.dt.floor("h")).any():
        return "D"  # events at odd minutes: they are added up by day
    if distinct.dt.hour.nunique() > 1:
        return "h"
    days = distinct.dt.floor("D").drop_duplicates()
    if len(days) < 3:
        return "D"
    if (days.dt.day == days.dt.day.iloc[0]).all() or days.dt.is_month_end.all():
        return "M"
    return "W" if (days.diff().dt.days.dropna() % 7 == 0).all() else "D"


def spans(table: pd.DataFrame, keys: list[str], time: str, step: Frequency) -> tuple[int, int, int]:
    """Steps of the whole and of the median series, and the number of series."""
    number = pd.Series(steps(table[time].dropna(), step), index=table[time].dropna().index)
    whole = int(number.max() - number.min() + 1)
    if not keys:
        return whole, whole, 1
    groups = number.groupby([table.loc[number.index, key] for key in keys], dropna=False)
    each = groups.max() - groups.min() + 1
    return whole, int(np.median(each)), len(each)


def spacing(table: pd.DataFrame, keys: list[str], time: str, step: Frequency) -> int:
    """Steps between a series' rows, where MULTIPLES of them are multiples of the usual gap: 12 for years in months."""
    known = table.dropna(subset=time)
    number = pd.Series(steps(known[time], step), index=known.index).sort_values(kind="stable")
    gaps = (number.groupby([known[key] for key in keys], dropna=False) if keys else number).diff().dropna()
    gaps = gaps[gaps > 0]
    usual = int(gaps.mode().iloc[0]) if len(gaps) else 1
    return usual if (gaps % usual == 0).mean() >= MULTIPLES else 1
