"""How a file seems to write names, dates and numbers. Only `infer` guesses; what it guessed is then stated."""

from __future__ import annotations

import re

import pandas as pd

from dataops.errors import DataOpsError
from dataops.tables.cast import FALSE, TRUE, Written, cast
from dataops.tables.contract import RESERVED, Frequency, Type

DATE_FORMATS = (
    None,  # ISO 8601
    "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d %b %Y",
    "%b %d, %Y",
    "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%Y/%m/%d %H:%M:%S",
    "%d/%m/%y", "%m/%d/%y", "%m/%d/%y %H:%M",
)  # fmt: skip


def clean(name: str) -> str:
    """A column's name as LightGBM, Parquet and a shell can bear it."""
    plain = re.sub(r"\W+", "_", name.strip()).strip("_") or "column"
    return f"{plain}_" if plain in RESERVED else plain


def text_of(values: pd.Series) -> pd.Series:
    """The known values as text."""
    return values.dropna().astype("str").str.strip()


def date_format(values: pd.Series, given: str | None, source: str) -> str | None:
    """How dates are written; None is ISO 8601.

    Raises:
        DataOpsError: no known format fits, or day-first and month-first both do and mean different days.
    """
    if values.isna().all():
        raise DataOpsError(f"{source} has no values", "name another column with --time")
    if given or not pd.api.types.is_string_dtype(values.dtype):
        known = text_of(values) if pd.api.types.is_string_dtype(values.dtype) else values.dropna()
        if cast(known, "datetime", Written(date_format=given))[1].mean() > 0.5:
            raise DataOpsError(f"{source} is no date column: {str(known.iloc[0])!r}", "name another with --time")
        return given
    distinct = pd.Series(text_of(values).unique(), dtype="str")
    readings, nearest = [], pd.Series(True, index=distinct.index)
    for style in DATE_FORMATS:
        read, bad = cast(distinct, "datetime", Written(date_format=style))
        if not bad.any():
            readings.append((style, read))
        nearest = min(nearest, bad, key=pd.Series.sum)
    if not readings:
        raise DataOpsError(
            f"{source} is not written in a date format known here: {distinct[nearest].iloc[0]!r}",
            "--date-format '%d.%m.%Y' says how, or name another column with --time",
        )
    others = [style for style, read in readings[1:] if not read.equals(readings[0][1])]
    if others:
        raise DataOpsError(
            f"{source} can be read in two ways: {distinct.iloc[0]!r} as {readings[0][0]} or as {others[0]}",
            f"--date-format '{readings[0][0]}' or --date-format '{others[0]}' says which",
        )
    return readings[0][0]


def number_style(columns: list[pd.Series]) -> tuple[str, str | None]:
    """Decimal and thousands marks that the text columns of numbers use; English where nothing says otherwise."""
    comma_decimal = comma_thousands = dot_groups = False
    for values in columns:
        text = text_of(values)
        if text.empty or not text.str.fullmatch(r"[+-]?[\d.,]+").all():
            continue
        comma_decimal |= bool(text.str.fullmatch(r"[+-]?[\d.]*\d,(\d{1,2}|\d{4,})").any())
        comma_thousands |= bool(text.str.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?").any())
        dot_groups |= bool(text.str.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?").any())
    if comma_decimal:
        return ",", "." if dot_groups else None
    return ".", "," if comma_thousands else None


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


def frequency(times: pd.Series) -> Frequency:
    """The step in which the times advance: hours, weeks or months where all of them do, else days."""
    distinct = times.dropna().drop_duplicates().sort_values()
    if (distinct != distinct.dt.floor("h")).any():
        return "D"  # events at odd minutes: they are added up by day
    if (distinct != distinct.dt.floor("D")).any():
        return "h"
    days = distinct.dt.floor("D").drop_duplicates()
    if len(days) < 3:
        return "D"
    if (days.dt.day == days.dt.day.iloc[0]).all() or days.dt.is_month_end.all():
        return "M"
    return "W" if (days.diff().dt.days.dropna() % 7 == 0).all() else "D"
