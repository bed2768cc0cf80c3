"""The contract a file suggests. Guesses are made here, once, written down in params.yaml and told; never later."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from dataops.errors import DataOpsError
from dataops.tables.cast import FALSE, TRUE, Written, cast
from dataops.tables.contract import Frequency, Type
from dataops.tables.period import steps
from dataops.tables.sources import missing_columns

DATE_FORMATS = (
    None,  # ISO 8601
    "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d %b %Y",
    "%b %d, %Y",
    "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%Y/%m/%d %H:%M:%S",
    "%d/%m/%y", "%m/%d/%y", "%m/%d/%y %H:%M",
)  # fmt: skip
IDENTITY = re.compile(r"(^|[_\s])(id|no|nr|number|key|uuid|instant)$|(ID|Id|No)$")
CATEGORIES = 200  # distinct texts up to which a column is worth keeping
AGGREGATED = 0.02  # share of rows that repeat a key and time from which on they are taken for events to add up
TOLERATED = 0.05  # share of negative targets up to which they are taken for what a contract should find


@dataclass
class Found:
    """One column as it will stand in the contract."""

    name: str
    source: str
    type: Type
    nullable: bool
    min: float | None = None
    max: float | None = None

    def entry(self) -> dict[str, Any]:
        """As in params.yaml."""
        result: dict[str, Any] = {"type": self.type}
        if self.nullable:
            result["nullable"] = True
        for name in ("min", "max"):
            value = getattr(self, name)
            if value is not None:
                result[name] = int(value) if float(value).is_integer() else value
        return result


@dataclass
class Inferred:
    """What a table suggests, and what a person should look at."""

    columns: list[Found]
    written: Written
    frequency: Frequency
    aggregate: dict[str, str] | None
    span: int  # steps from first to last
    typical: int  # steps from first to last of the median series
    months: list[int]  # rows by calendar month, newest first
    days: list[int]  # and by day
    series: int
    first: str
    last: str
    invalid: float  # share of rows (after aggregation) that break this very contract
    notes: list[str] = field(default_factory=list)


def clean(name: str) -> str:
    """A column's name as LightGBM, Parquet and a shell can bear it."""
    return re.sub(r"\W+", "_", name.strip()).strip("_") or "column"


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
            raise DataOpsError(f"{source} is no date column: {known.iloc[0]!r}", "name another with --time")
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


def aggregates(columns: list[Found], target: str, index: list[str]) -> dict[str, str]:
    """How the rows of one key and time become one."""
    how = {"integer": "mean", "number": "mean", "boolean": "max"}
    return {c.name: "sum" if c.name == target else how.get(c.type, "first") for c in columns if c.name not in index}


def spans(table: pd.DataFrame, keys: list[str], time: str, step: Frequency) -> tuple[int, int, int]:
    """Steps of the whole and of the median series, and the number of series."""
    number = pd.Series(steps(table[time].dropna(), step), index=table[time].dropna().index)
    whole = int(number.max() - number.min() + 1)
    if not keys:
        return whole, whole, 1
    groups = number.groupby([table.loc[number.index, key] for key in keys], dropna=False)
    each = groups.max() - groups.min() + 1
    return whole, int(np.median(each)), len(each)


@dataclass
class Roles:
    """Which source column plays which part, and what it is to be called: {our name: the source's}."""

    time: dict[str, str]
    target: dict[str, str]
    keys: dict[str, str]
    others: dict[str, str] | None = None  # None: whatever is worth keeping
    date_format: str | None = None


def infer(table: pd.DataFrame, roles: Roles) -> Inferred:
    """The contract that `table`, (n, columns) as read, suggests.

    Raises:
        DataOpsError: a column is missing, is not what its part needs, or can be read in more than one way.
    """
    _check_roles(table, roles)
    (time, time_source), (target, target_source) = next(iter(roles.time.items())), next(iter(roles.target.items()))
    style = date_format(table[time_source], roles.date_format, time_source)
    used = {time_source, target_source, *roles.keys.values()}
    decimal, thousands = number_style(
        [table[name] for name in table.columns if name != time_source and _is_text(table[name])]
    )
    written = Written(decimal, thousands, style)
    notes: list[str] = []
    others = roles.others
    if others is None:
        others = _worth_keeping(
            table,
            [str(name) for name in table.columns if name not in used],
            {*roles.time, *roles.target, *roles.keys},
            written,
            notes,
        )
    sources = {**roles.time, **roles.keys, **roles.target, **others}
    types: dict[str, Type] = {
        name: column_type(table[source], written) for name, source in sources.items() if name != time
    }
    if types[target] not in ("integer", "number"):
        sample = table[target_source].dropna().iloc[:1].tolist()
        raise DataOpsError(f"the target {target_source} is not numeric: {sample}", "name another column with --target")
    for key in roles.keys:
        types[key] = "string" if types[key] in ("number", "boolean", "datetime", "date") else types[key]
    typed = pd.DataFrame({
        name: cast(table[source], "datetime" if name == time else types[name], written)[0]
        for name, source in sources.items()
    })  # fmt: skip
    step = frequency(typed[time])
    types[time] = "datetime" if step == "h" else "date"
    if step != "h":
        typed[time] = typed[time].dt.floor("D")
    return _describe(typed, sources, types, roles, written, step, notes)


def _describe(
    typed: pd.DataFrame, sources: dict[str, str], types: dict[str, Type], roles: Roles, written: Written,
    step: Frequency, notes: list[str],
) -> Inferred:  # fmt: skip
    time, target, keys = next(iter(roles.time)), next(iter(roles.target)), list(roles.keys)
    repeated = float(typed.duplicated([*keys, time]).mean())
    index = [*keys, time]
    columns = [
        Found(name, source, types[name], name not in index and bool(typed[name].isna().any()))
        for name, source in sources.items()
    ]
    how = aggregates(columns, target, [*keys, time]) if repeated > AGGREGATED else None
    if how:
        notes.append(
            f"{repeated:.0%} of rows repeat a key and {time}: they are aggregated ("
            + ", ".join(f"{name}: {function}" for name, function in how.items()) + ")"
        )  # fmt: skip
        typed = typed.groupby([*keys, time], dropna=False, as_index=False).agg(how)
        for column in columns:
            if how.get(column.name) == "mean":
                column.type = "number"
    elif repeated:
        notes.append(f"{repeated:.2%} of rows repeat a key and {time}: `validate` sends them to quarantine")
    unknown = typed[index].isna().any(axis=1)
    if unknown.any():
        notes.append(
            f"{int(unknown.sum()):,} rows have no {' or no '.join(index)}: `validate` sends them to quarantine"
        )
    for column in columns:
        _range(column, typed[column.name], column.name == target, notes)
    low = next(column.min for column in columns if column.name == target)
    bad = unknown | (typed[target] < low if low is not None else False) | typed.duplicated(index, keep=False)
    whole, typical, count = spans(typed, keys, time, step)
    known = typed[time].dropna()
    return Inferred(
        columns=columns,
        written=written,
        frequency=step,
        aggregate=how,
        span=whole,
        typical=typical,
        months=known.dt.to_period("M").value_counts().sort_index(ascending=False).tolist(),
        days=known.dt.floor("D").value_counts().sort_index(ascending=False).tolist(),
        series=count,
        first=str(known.min())[:16],
        last=str(known.max())[:16],
        invalid=float(bad.mean()),
        notes=notes,
    )


def _range(column: Found, values: pd.Series, is_target: bool, notes: list[str]) -> None:
    """Fill in the range that the values suggest: never below zero, or a flag; no limit is invented above."""
    if column.type not in ("integer", "number") or values.notna().sum() == 0:
        return
    low, high = float(values.min()), float(values.max())
    share = float((values < 0).mean())
    if low >= 0:
        column.min = 0
        if column.type == "integer" and {low, high} == {0.0, 1.0}:
            column.max = 1
    elif is_target and share <= TOLERATED:
        column.min = 0
        notes.append(
            f"{int((values < 0).sum()):,} of {len(values):,} values of {column.name} ({share:.2%}) are negative: "
            "the contract says min 0, so they go to quarantine; take `min` out to learn from them"
        )
    elif is_target:
        notes.append(f"{share:.1%} of {column.name} are negative: no minimum is set, and the objective is l2")


def _check_roles(table: pd.DataFrame, roles: Roles) -> None:
    named = [*roles.time.values(), *roles.target.values(), *roles.keys.values(), *(roles.others or {}).values()]
    missing = missing_columns([str(name) for name in table.columns], named, "the file")
    if missing:
        raise missing
    ours = [*roles.time, *roles.target, *roles.keys, *(roles.others or {})]
    twice = [name for name in ours if ours.count(name) > 1]
    if twice:
        raise DataOpsError(f"{twice[0]} is named for two parts", "time, target and keys are different columns")
    if table.empty:
        raise DataOpsError("the file has no rows", "a contract can't be inferred from a header")


def _is_text(values: pd.Series) -> bool:
    return bool(pd.api.types.is_string_dtype(values.dtype))


def _worth_keeping(
    table: pd.DataFrame, names: list[str], taken: set[str], written: Written, notes: list[str]
) -> dict[str, str]:
    """Numbers, flags and small sets of texts; ids, free text and other dates are left out and named.

    `taken` are our names of other columns: a source may have its own `sales` beside what is called so here.
    """
    kept: dict[str, str] = {}
    left: list[str] = []
    for name in names:
        known = table[name].dropna()
        kind = column_type(table[name], written) if len(known) else "string"
        distinct = known.astype("str").nunique()
        identity = bool(IDENTITY.search(name))
        useless = not len(known) or kind in ("date", "datetime") or identity
        if useless or (kind == "string" and distinct > CATEGORIES) or (kind == "integer" and distinct == len(table)):
            left.append(name)
        else:
            ours, number = clean(name), 2
            while ours in taken or ours in kept:
                ours, number = f"{clean(name)}_{number}", number + 1
            kept[ours] = name
    if left:
        notes.append(f"left out as ids, dates, free text or empty: {', '.join(left)}; --columns names what to keep")
    return kept
