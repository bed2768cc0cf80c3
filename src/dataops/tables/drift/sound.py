"""Is a profile one that data can have? It may be out of somebody's commit; what is measured and drawn relies on it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from dataops.tables.drift.times import DAYS

ROWS = 1 << 40  # more are nonsense, and sums of fewer are whole numbers everywhere
MONTH = re.compile(r"-?\d{3,6}-(0[1-9]|1[0-2])")
TIME = re.compile(r"-?\d{3,6}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,6})?)?")  # as pandas and numpy write any year
PARTS = {"weekdays": 7, "hours": 24}
REAL = (int, float)
Column = dict[str, Any]


def check(profile: dict[str, Any]) -> None:
    """Pass over what is sound.

    Raises:
        ValueError: a column says what can't be. Or another of `dataops.tables.drift.DAMAGED`, of what is no profile.
    """
    _demand("rows", _count(profile["rows"]))
    for name, column in profile["columns"].items():
        kind = column["kind"]
        _demand(name, kind in CHECKS and _count(column["missing"]))
        CHECKS[kind](name, column)


def _demand(name: str, sound: object) -> None:
    if not sound:
        raise ValueError(f"{name[:60]!a} can't be so")


def _count(value: object) -> bool:
    return type(value) is int and 0 <= value <= ROWS


def _counts(values: Iterable[object]) -> bool:
    return all(type(value) is int and 0 <= value <= ROWS for value in values)


def _real(value: object) -> bool:
    return isinstance(value, REAL) and not isinstance(value, bool) and math.isfinite(value)


def _numbers(name: str, column: Column) -> None:
    _demand(name, _count(column["count"]) and _count(column.get("infinite", 0)))
    if not column["count"]:
        return
    low, high, spread = column["min"], column["max"], column["std"] if "std" in column else column["m2"]
    _demand(
        name, _real(low) and _real(high) and _real(column["mean"]) and _real(spread) and spread >= 0 and low <= high
    )
    error = column.get("error", 0.0)
    _demand(name, _real(error) and error >= 0)
    if "values" in column:
        values, counts = column["values"], column["counts"]
        _demand(name, len(values) == len(counts) and all(map(_real, values)) and _counts(counts))
        _demand(name, all(one < other for one, other in pairwise(values)))


def _categories(name: str, column: Column) -> None:
    _demand(name, _counts(column["counts"].values()) and _count(column["other"]))
    _demand(name, all(column.get(key) is None or _count(column[key]) for key in ("distinct", "singles")))


def _times(name: str, column: Column) -> None:
    if column["first"] is None or column["last"] is None:
        return
    ends = column["first"], column["last"]
    _demand(name, all(map(TIME.fullmatch, ends)) and np.datetime64(ends[0], "us") <= np.datetime64(ends[1], "us"))
    for key, size in PARTS.items():
        if key in column:
            _demand(name, len(column[key]) == size and _counts(column[key]) and sum(column[key]))
    if "months" in column:
        rows = column["months"]
        _demand(name, rows and all(map(MONTH.fullmatch, rows)) and _counts(rows.values()) and sum(rows.values()))
    per = column.get("rows_per")
    if per:
        _demand(name, per["unit"] in DAYS and _count(per["steps"]) and per["steps"])
        _demand(name, _real(per["mean"]) and per["mean"] > 0 and _real(per["std"]) and 0 <= per["std"] <= ROWS)


CHECKS = {"numeric": _numbers, "categorical": _categories, "time": _times}
