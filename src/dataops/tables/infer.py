"""The contract a file suggests. Guesses are made here, once, written down in params.yaml and told; never later."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from dataops.errors import DataOpsError
from dataops.tables.cast import Written, cast
from dataops.tables.contract import Frequency, Type
from dataops.tables.guess import (
    clean,
    column_type,
    date_format,
    frequency,
    number_style,
    part_of_time,
    sampling,
    spacing,
    spans,
)
from dataops.tables.period import floor
from dataops.tables.sources import missing_columns

IDENTITY = re.compile(r"(^|[_\s])(id|no|nr|number|key|uuid|instant)$|(ID|Id|No)$")
CATEGORIES = 200  # distinct texts up to which a column is worth keeping
FEW = 20  # and in few rows: more than these, and more than a third of the rows, are names
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
    spacing: int  # steps from one row of a series to its next, where nearly all are multiples of that; else 1
    months: list[int]  # rows by calendar month, newest first
    days: list[int]  # and by day
    series: int
    first: str
    last: str
    invalid: float  # share of rows (after aggregation) that break this very contract
    notes: list[str] = field(default_factory=list)


def aggregates(columns: list[Found], target: str, index: list[str], total: str) -> dict[str, str]:
    """How the rows of one key and time become one; `total` is the target's."""
    how = {"integer": "mean", "number": "mean", "boolean": "max"}
    return {c.name: total if c.name == target else how.get(c.type, "first") for c in columns if c.name not in index}


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
        raise _not_numeric(table[target_source].dropna(), target_source, written)
    for key in roles.keys:
        types[key] = "string" if types[key] in ("number", "boolean", "datetime", "date") else types[key]
    typed = pd.DataFrame({
        name: cast(table[source], "datetime" if name == time else types[name], written)[0]
        for name, source in sources.items()
    })  # fmt: skip
    if roles.others is None:
        parts = [name for name in others if part_of_time(typed[name], typed[time])]
        if parts:
            notes.append(f"left out as parts of the time, which the features have: {', '.join(parts)}")
            typed = typed.drop(columns=parts)
            sources = {name: source for name, source in sources.items() if name not in parts}
    gap = sampling(typed[time], [typed[name] for name in roles.keys])
    step = frequency(typed[time], sampled=gap is not None)
    types[time] = "datetime" if step == "h" else "date"
    known = typed[time].notna()
    within = bool((typed[time] != floor(typed[time], "h"))[known].any()) if step == "h" else False
    typed[time] = floor(typed[time], "h" if step == "h" else "D")
    levels = gap if within else None  # measurements within the hour are levels: their mean is the hour's
    return _describe(typed, sources, types, roles, written, step, levels, notes)


def _describe(
    typed: pd.DataFrame, sources: dict[str, str], types: dict[str, Type], roles: Roles, written: Written,
    step: Frequency, levels: pd.Timedelta | None, notes: list[str],
) -> Inferred:  # fmt: skip
    time, target, keys = next(iter(roles.time)), next(iter(roles.target)), list(roles.keys)
    index = [*keys, time]
    unknown = typed[index].isna().any(axis=1)
    repeated = float((typed.duplicated(index) & ~unknown).mean())
    columns = [
        Found(name, source, types[name], name not in index and bool(typed[name].isna().any()))
        for name, source in sources.items()
    ]
    how = None
    if levels is not None or repeated > AGGREGATED:
        how = aggregates(columns, target, index, "sum" if levels is None else "mean")
        why = (
            f"{repeated:.0%} of rows repeat a key and {time}: they are aggregated"
            if levels is None
            else f"measured every {levels.total_seconds() / 60:g} minutes: aggregated by hour"
        )
        told = ", ".join(f"{name}: {function}" for name, function in how.items())
        other = "a price or a temperature wants `mean`" if levels is None else "counts want `sum`"
        notes.append(f"{why} ({told}); of {target}, {other}: `collect.aggregate`")
        told_apart = typed[~unknown].groupby(index, as_index=False).agg(how)
        typed = pd.concat([told_apart, typed.loc[unknown, told_apart.columns]], ignore_index=True)
        unknown = typed[index].isna().any(axis=1)
        for column in columns:
            if how.get(column.name) == "mean":
                column.type = "number"
    elif repeated:
        notes.append(f"{repeated:.2%} of rows repeat a key and {time}: `validate` sends them to quarantine")
    if unknown.any():
        lacking = [name for name in index if typed[name].isna().any()]
        notes.append(
            f"{int(unknown.sum()):,} rows have no {' or no '.join(lacking)}: `validate` sends them to quarantine"
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
        spacing=spacing(typed, keys, time, step),
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
            "the contract says min 0, so they go to quarantine; to learn from them, take `min` out and set "
            "`train.objective: l2`"
        )
    elif is_target:
        notes.append(f"{share:.1%} of {column.name} are negative: no minimum is set, and the objective is l2")


def _not_numeric(values: pd.Series, source: str, written: Written) -> DataOpsError:
    """With the values that are in the way, where most are numbers."""
    bad = values[cast(values, "number", written)[1]]
    shown = bad if 0 < 2 * len(bad) < len(values) else values
    sample = shown.drop_duplicates().iloc[:3].tolist()
    if shown is bad:
        return DataOpsError(
            f"the target {source} is not numeric: {len(bad):,} of {len(values):,} values are as {sample}",
            "do they stand for nothing? add them to `collect.read.null_values` in params.yaml",
        )
    return DataOpsError(
        f"the target {source} is not numeric: {sample}",
        "name another column with --target; a currency or a unit behind the number has to leave the file first",
    )


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


def _counts(values: pd.Series, written: Written) -> bool:
    """Whether distinct whole numbers are a running number, as ids are: in order, or nearly without gaps."""
    numbers = cast(values, "integer", written)[0].dropna()
    dense = float(numbers.max()) - float(numbers.min()) < 2 * len(numbers)
    return dense or bool(numbers.is_monotonic_increasing or numbers.is_monotonic_decreasing)


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
        nested = kind == "string" and distinct > 0 and bool(known.astype("str").str.match(r"[\[{]").all())
        useless = distinct < 2 or kind in ("date", "datetime") or identity or nested
        texts = kind == "string" and (distinct > CATEGORIES or distinct > max(FEW, len(known) / 3))
        if useless or texts or (kind == "integer" and distinct == len(table) and _counts(table[name], written)):
            left.append(name)
        else:
            ours, number = clean(name), 2
            while ours in taken or ours in kept:
                ours, number = f"{clean(name)}_{number}", number + 1
            kept[ours] = name
    if left:
        named = ", ".join(name or "(without a name)" for name in left)
        notes.append(f"left out as ids, dates, free text, nested or constant: {named}; --columns says what to keep")
    return kept
