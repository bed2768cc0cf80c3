"""The contract checked through pandera, and the quality of a dataset in six numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pandera.pandas as pa

from dataops.errors import DataOpsError
from dataops.tables.blocks import blocks
from dataops.tables.contract import Column, Contract, Frequency
from dataops.tables.identity import Integers, distinct, identity, repeated
from dataops.tables.period import steps
from dataops.tables.sums import are_whole

RULE = "rule"
QUARTILES = (0.25, 0.75)
Floats = npt.NDArray[np.float64]


def pandera_schema(contract: Contract) -> pa.DataFrameSchema:
    """The contract's nullability, ranges and allowed values; types were settled by `collect`."""
    columns = {
        name: pa.Column(nullable=column.nullable, checks=_checks(name, column), required=True)
        for name, column in contract.columns.items()
    }
    return pa.DataFrameSchema(columns, strict=False)


def _checks(name: str, column: Column) -> list[pa.Check]:
    checks = []
    if column.min is not None:
        checks.append(pa.Check.ge(column.min, error=f"{name} >= {column.min}"))
    if column.max is not None:
        checks.append(pa.Check.le(column.max, error=f"{name} <= {column.max}"))
    if column.allowed is not None:
        checks.append(pa.Check.isin(column.allowed, error=f"{name} is an allowed value"))
    return checks


def broken_rules(frame: pd.DataFrame, contract: Contract, numbers: Integers | None = None) -> pd.Series:
    """Each bad row's rules, joined by "; ", indexed by the rows of `frame` that break any.

    `frame` has a RangeIndex. Of rows that are the same in every column one stays; rows with the same key and step of
    time but other values are all bad, as nobody can know which is right.

    Raises:
        DataOpsError: a check can't be made at all.
    """
    found: list[pd.DataFrame] = []
    try:
        pandera_schema(contract).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        unchecked = cases.loc[cases["index"].isna(), "check"]
        if len(unchecked):  # a check that failed to run has checked nothing
            raise DataOpsError(f"the contract can't be checked: {unchecked.iloc[0]}") from None
        null = cases["check"] == "not_nullable"
        cases = cases.assign(rule=cases["check"].where(~null, cases["column"].astype("str") + " is not null"))
        found.append(cases[["index", RULE]].astype({"index": "int64"}))
    found.append(_repeated(frame, contract, identity(frame, contract) if numbers is None else numbers))
    cases = pd.concat(found, ignore_index=True)
    return cases.groupby("index", sort=True)[RULE].agg("; ".join).astype("str")


def _repeated(frame: pd.DataFrame, contract: Contract, numbers: Integers) -> pd.DataFrame:
    suspects = np.flatnonzero(repeated(numbers))
    copies = frame.iloc[suspects].duplicated(list(contract.columns), keep="first").to_numpy()
    copied, left = suspects[copies], suspects[~copies]
    conflicts = left[repeated(numbers[left])]
    # a row whose key isn't known is of no series that another could be of
    conflicts = conflicts[frame.iloc[conflicts][contract.index].notna().all(axis=1).to_numpy()]
    name = ", ".join(contract.index)
    return pd.DataFrame(
        {
            "index": [*copied, *conflicts],
            RULE: [f"repeats a row ({name})"] * len(copied)
            + [f"contradicts a row of the same {name}"] * len(conflicts),
        }
    ).astype({"index": "int64", RULE: "str"})


def column_report(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Per column: type, missing, distinct, and for numbers min, mean and max; for dates first and last."""
    report: dict[str, dict[str, Any]] = {}
    for name, values in frame.items():
        entry: dict[str, Any] = {
            "type": str(values.dtype),
            "missing": int(values.isna().sum()),
            "distinct": distinct(values),
        }
        if pd.api.types.is_bool_dtype(values.dtype):
            entry["mean"] = _rounded(values.mean())
        elif pd.api.types.is_numeric_dtype(values.dtype):
            with np.errstate(over="ignore"):  # a sum past the largest float: the mean is null
                entry |= {key: _rounded(getattr(values, key)()) for key in ("min", "mean", "max")}
            entry["negative"] = int((values < 0).sum())
        elif pd.api.types.is_datetime64_dtype(values.dtype) and values.notna().any():
            entry |= {"first": values.min().isoformat(), "last": values.max().isoformat()}
        report[str(name)] = entry
    return report


def _rounded(value: Any) -> float | None:
    return None if pd.isna(value) else round(float(value), 6)


def completeness(frame: pd.DataFrame, contract: Contract) -> float:
    """1 - missing / cells, over the columns that may not be null (ISO/IEC 25012: completeness)."""
    required = [name for name, column in contract.columns.items() if not column.nullable]
    cells = len(frame) * len(required)
    return 1 - int(frame[required].isna().sum().sum()) / cells if cells else 1.0


def validity(rules: pd.Series, rows: int) -> float:
    """1 - rows that break a rule on nullability, range or allowed values / rows."""
    repeats = rules.str.fullmatch(r"(?:repeats|contradicts) a row[^;]*") if len(rules) else rules
    return 1 - (len(rules) - int(repeats.sum() if len(rules) else 0)) / rows if rows else 1.0


def uniqueness(repeated: int, rows: int) -> float:
    """1 - rows that repeat the key and time of an earlier row / rows."""
    return 1 - repeated / rows if rows else 1.0


def consistency(unreadable: int, values: int) -> float:
    """1 - values not readable as their column's type / values read: do the source files agree on what a column is?"""
    return 1 - unreadable / values if values else 1.0


def accuracy(target: pd.Series, series: npt.NDArray[np.integer[Any]]) -> float:
    """Share of target values, (n,), within Tukey's outer fences of their own series, [Q1 - 3 IQR, Q3 + 3 IQR].

    `series`, (n,), says whose each value is, from 0 on. A proxy: truth isn't in the data. Tukey, Exploratory Data
    Analysis (1977). A series with IQR 0 has no fences.
    """
    values = target.to_numpy("float64", na_value=np.nan)
    known = int(np.count_nonzero(~np.isnan(values)))
    if not known:
        return 1.0
    first, third = quartiles(values, series)
    with np.errstate(over="ignore", invalid="ignore"):
        spread = np.where(third > first, 3 * (third - first), np.inf)
        least, most = first - spread, third + spread
    outside = 0
    for part in blocks(len(values)):
        some, own = values[part], series[part]
        outside += int(np.count_nonzero((some < least[own]) | (some > most[own])))
    return 1 - outside / known


def quartiles(values: Floats, series: npt.NDArray[np.integer[Any]]) -> Floats:
    """First and third quartile (linear between neighbours) of each series' known values, (2, k); NaN without one.

    Few different whole numbers are counted instead of sorted: the same quartiles, in a fifth of the time.
    """
    low, high, count = values.min(), values.max(), int(series.max()) + 1
    size = high - low + 1  # NaN where a value is, infinite where one is
    if not size * count <= 4 * len(values) or not are_whole(values):
        return np.asarray(pd.Series(values).groupby(series).quantile(np.array(QUARTILES)).unstack().to_numpy().T)
    codes = np.empty(len(values), dtype=np.int64)
    for at in blocks(len(values)):
        codes[at] = series[at] * int(size) + (values[at] - low).astype(np.int64)
    upto = np.bincount(codes, minlength=count * int(size)).reshape(count, int(size)).cumsum(axis=1)
    found = np.empty((2, count))
    for number, share in enumerate(QUARTILES):
        place = (upto[:, -1] - 1) * share
        below, above = ((upto <= rank[:, None]).sum(axis=1) for rank in (np.floor(place), np.ceil(place)))
        found[number] = low + below + (above - below) * (place % 1)
    return found


def timeliness(age_days: float, allowed_days: float | None) -> float | None:
    """min(1, allowed / age), age = newest row to last ingest; None where the contract states no allowance."""
    if allowed_days is None:
        return None
    return 1.0 if age_days <= allowed_days else round(allowed_days / age_days, 6)


def calendar(times: pd.Series, frequency: Frequency) -> dict[str, Any]:
    """First and last time, how many steps lie between them, and how many of those no row has."""
    known = pd.Series(times.unique()).dropna().sort_values(ignore_index=True)
    if known.empty:
        return {"first": None, "last": None, "steps": 0, "missing_steps": 0, "missing_after": []}
    numbers = pd.Series(steps(known, frequency)).drop_duplicates()
    span = int(numbers.iloc[-1] - numbers.iloc[0] + 1)
    jumps = numbers.diff() > 1
    before = [str(known.iloc[i - 1])[:16] for i in jumps.index[jumps][:5]]
    return {
        "first": known.iloc[0].isoformat(),
        "last": known.iloc[-1].isoformat(),
        "steps": span,
        "missing_steps": span - len(numbers),
        "missing_after": before,
    }
