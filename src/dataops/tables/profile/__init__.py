"""A mergeable summary of every column: exact counts and moments, a t-digest for quantiles, the commonest categories.

Small enough for git, so that drift between any two versions can be computed without their data.

Format 2. Format 1, which older tags carry, is read all the same: it has no `integer`, `infinite`, `std` (but `m2`),
counted values, months or weekdays, and what needs them is left out of a comparison.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd

from dataops.tables.contract import Contract
from dataops.tables.kinds import kind_of
from dataops.tables.profile import categories, numbers, times
from dataops.tables.profile.categories import KEPT
from dataops.tables.profile.numbers import standard_deviation

__all__ = ["FORMAT", "KEPT", "Profile", "merge", "profile", "standard_deviation"]

FORMAT = 2
Profile = dict[str, Any]
Column = dict[str, Any]


def profile(frame: pd.DataFrame, contract: Contract) -> Profile:
    """The summary of `frame`'s contract columns, (n, columns); JSON-ready. A thread a core: numpy lets others run."""

    def column(name: str) -> Column:
        kind = kind_of(name, frame[name], contract)
        if kind == "time":
            return times.summary(frame[name], contract.frequency)
        return categories.summary(frame[name]) if kind == "categorical" else numbers.summary(frame[name])

    names = list(contract.columns)
    with ThreadPoolExecutor(min(len(names), os.cpu_count() or 1) or 1) as pool:
        return {"format": FORMAT, "rows": len(frame), "columns": dict(zip(names, pool.map(column, names), strict=True))}


def merge(left: Profile, right: Profile) -> Profile:
    """The profile of both tables' rows together, of the columns that both have as the same kind.

    Counts and extremes are exact, moments to the last digits, quantiles and categories within what
    `dataops.tables.drift` states of them.
    """
    of_kind = {"time": times.merged, "categorical": categories.merged, "numeric": numbers.merged}
    old, new = left["columns"], right["columns"]
    shared = [name for name in old if name in new and old[name]["kind"] == new[name]["kind"]]
    return {
        "format": min(left.get("format", 1), right.get("format", 1)),
        "rows": left["rows"] + right["rows"],
        "columns": {name: of_kind[old[name]["kind"]](old[name], new[name]) for name in shared},
    }
