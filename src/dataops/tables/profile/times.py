"""Times in a profile: first and last, rows by month, weekday and hour, and rows a step of the contract's frequency."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from dataops.tables.contract import Frequency
from dataops.tables.period import MONDAY, steps
from dataops.tables.profile import moments

MONTHS = 600  # beyond, rows by month are left out
UNIT: dict[Frequency, tuple[Frequency, str]] = {
    "h": ("D", "day"),
    "D": ("D", "day"),
    "W": ("W", "week"),
    "M": ("M", "month"),
}
Column = dict[str, Any]


def summary(values: pd.Series, frequency: Frequency = "D") -> Column:
    """The profile of a column of times, (n,), of any resolution; a time zone is dropped after UTC."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    known = pd.Series(values.dropna().to_numpy("datetime64[us]"))
    entry: Column = {"kind": "time", "missing": len(values) - len(known), "first": None, "last": None, "distinct": 0}
    if known.empty:
        return entry
    codes, found = pd.factorize(known)
    counts = np.bincount(codes, minlength=len(found))
    distinct = pd.Series(np.asarray(found, "datetime64[us]"))
    days = distinct.to_numpy().astype("datetime64[D]")
    hours = (distinct.to_numpy() - days) // np.timedelta64(1, "h")
    entry |= {
        "first": distinct.min().isoformat(),
        "last": distinct.max().isoformat(),
        "distinct": len(distinct),
        "rows_per": _per(distinct, counts, frequency),
        "weekdays": np.bincount((days.astype(np.int64) + MONDAY) % 7, counts, 7).astype(int).tolist(),
    }
    if hours.astype(np.int64).any():
        entry["hours"] = np.bincount(hours.astype(np.int64), counts, 24).astype(int).tolist()
    months, where = np.unique(days.astype("datetime64[M]"), return_inverse=True)
    if len(months) <= MONTHS:
        rows = np.bincount(where, counts).astype(int).tolist()
        entry["months"] = dict(zip(months.astype(str).tolist(), rows, strict=True))
    return entry


def _per(distinct: pd.Series, counts: Any, frequency: Frequency) -> Column:
    """Rows a step: how many steps from first to last, those without rows included; mean and deviation."""
    unit, name = UNIT[frequency]
    numbers = steps(distinct, unit)
    found, where = np.unique(numbers, return_inverse=True)
    rows = np.bincount(where, counts)
    span = int(found[-1] - found[0]) + 1
    mean = float(rows.sum()) / span
    squares = float(np.square(rows - mean).sum()) + (span - len(found)) * mean**2
    return {"unit": name, "steps": span, "mean": mean, "std": (squares / (span - 1)) ** 0.5 if span > 1 else 0.0}


def merged(a: Column, b: Column) -> Column:
    """Of both columns' rows. Rows a step add up as if no step were in both: parts are cut by time."""
    missing = a["missing"] + b["missing"]
    if not a["first"] or not b["first"]:
        return (a if a["first"] else b) | {"missing": missing}
    entry: Column = {
        "kind": "time",
        "missing": missing,
        "first": min(a["first"], b["first"]),
        "last": max(a["last"], b["last"]),
        "distinct": None,
    }
    per = [side.get("rows_per") for side in (a, b)]
    if per[0] and per[1] and per[0]["unit"] == per[1]["unit"]:
        mean, deviation = moments.together(
            (per[0]["steps"], per[1]["steps"]), (per[0]["mean"], per[1]["mean"]), (per[0]["std"], per[1]["std"])
        )
        entry["rows_per"] = {
            "unit": per[0]["unit"],
            "steps": per[0]["steps"] + per[1]["steps"],
            "mean": mean,
            "std": deviation,
        }
    if "weekdays" in a and "weekdays" in b:
        entry["weekdays"] = [x + y for x, y in zip(a["weekdays"], b["weekdays"], strict=True)]
    if "hours" in a or "hours" in b:
        both = [side.get("hours") or [side_rows(side), *[0] * 23] for side in (a, b)]
        entry["hours"] = [x + y for x, y in zip(*both, strict=True)]
    if "months" in a and "months" in b:
        names = sorted({*a["months"], *b["months"]})
        entry["months"] = {name: a["months"].get(name, 0) + b["months"].get(name, 0) for name in names}
    return entry


def side_rows(column: Column) -> int:
    """Rows with a time."""
    return sum(column.get("weekdays") or ())
