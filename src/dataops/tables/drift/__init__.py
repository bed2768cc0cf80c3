"""How far one table has moved from another. Effect size decides, significance confirms.

A p-value alone flags everything at a million rows; an effect alone flags noise at a hundred. Two ways lead to the same
report: `compare` from two profiles, which git has, and `compare_frames` from every value.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd

from dataops.errors import DataOpsError
from dataops.tables.contract import Contract
from dataops.tables.drift import absent, categorical, numeric, sound, times
from dataops.tables.drift.advice import recommendations
from dataops.tables.drift.judge import SEVERITIES, judge
from dataops.tables.drift.numeric import Numbers
from dataops.tables.drift.thresholds import Thresholds
from dataops.tables.kinds import Kind, kind_of
from dataops.tables.profile import Profile, categories
from dataops.tables.profile import times as time_profile

__all__ = ["DAMAGED", "FORMAT", "Thresholds", "compare", "compare_frames"]

FORMAT = 2
# what comparing profiles that somebody edited or damaged may raise
DAMAGED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError, MemoryError)
Report = dict[str, Any]
Entry = dict[str, Any]


def compare(
    reference: Profile,
    current: Profile,
    limits: Thresholds,
    columns: Collection[str] | None = None,
    target: str | None = None,
) -> Report:
    """The report on two profiles, of either format; D is off by the report's `method.bound` at most.

    `target` is what is forecast, and so no identifier.

    Raises:
        DataOpsError: a column of `columns` is in neither.
        ValueError: a profile is damaged; or another of `DAMAGED`.
    """
    for profile in (reference, current):
        sound.check(profile)
    kinds: list[dict[str, Kind]] = [
        {name: column["kind"] for name, column in side["columns"].items()} for side in (reference, current)
    ]

    rows = reference["rows"], current["rows"]

    def measured(shared: Mapping[str, Kind]) -> list[Entry]:
        pairs = {name: (reference["columns"][name], current["columns"][name]) for name in shared}
        numbers = {
            name: (numeric.of_profile(old, target=name == target), numeric.of_profile(new, target=name == target))
            for name, (old, new) in pairs.items()
            if shared[name] == "numeric"
        }
        found = dict(
            zip(numbers, numeric.measure_profiles([pairs[name] for name in numbers], [*numbers.values()]), strict=True)
        )
        return [
            _numbers(found[name], *numbers[name], *rows) if name in numbers else _counted(kind, *pairs[name], *rows)
            for name, kind in shared.items()
        ]

    return _report("profiles", kinds, rows, limits, columns, measured)


def compare_frames(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    limits: Thresholds,
    contract: Contract | None = None,
    columns: Collection[str] | None = None,
) -> Report:
    """The report on two tables, (n, columns) and (m, columns), from every value; a thread a core.

    Columns that `contract` doesn't know are compared by their type.

    Raises:
        DataOpsError: a column of `columns` is in neither, or two columns have one name.
    """
    reference, current = (frame.rename(columns=str) for frame in (reference, current))
    for frame in (reference, current):
        if not frame.columns.is_unique:
            twice = frame.columns[frame.columns.duplicated()][0]
            raise DataOpsError(f"two columns are called {twice}", "rename one")
    frequency = contract.frequency if contract is not None else "D"
    target = contract.target if contract is not None else None
    kinds = [
        {str(name): kind_of(str(name), frame[str(name)], contract) for name in frame} for frame in (reference, current)
    ]
    rows = len(reference), len(current)

    def measure(name: str, kind: Kind) -> Entry:
        values = reference[name], current[name]
        if kind == "numeric":
            a, b = (numeric.of_values(side, target=name == target) for side in values)
            return _numbers(numeric.measure(a, b), a, b, *rows)
        if kind == "categorical":
            old, new = (categories.summary(side, kept=None) for side in values)
        else:
            old, new = (time_profile.summary(side, frequency) for side in values)
        return _counted(kind, old, new, *rows)

    # a column is read and measured in one go: of how many both sides lie in memory, is the number of threads
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return _report("exact", kinds, rows, limits, columns, lambda shared: pool.map(measure, shared, shared.values()))


def _report(
    method: str,
    kinds: list[dict[str, Kind]],
    rows: tuple[int, int],
    limits: Thresholds,
    columns: Collection[str] | None,
    measures: Callable[[Mapping[str, Kind]], Iterable[Entry]],
) -> Report:
    old, new = kinds
    for name in columns or ():
        if name not in old and name not in new:
            raise DataOpsError(f"there is no column {name} to compare", f"columns: {', '.join(list(old)[:12])}")
    if columns is not None:
        old, new = ({name: kind for name, kind in side.items() if name in columns} for side in (old, new))
    shared = {name: kind for name, kind in old.items() if new.get(name) == kind}
    schema = {
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
        "retyped": [name for name in old if name in new and old[name] != new[name]],
    }
    measured = dict(zip(shared, measures(shared), strict=True))
    left_out = {name: entry["left_out"] for name, entry in measured.items() if "left_out" in entry}
    judged, found, score = judge(measured if all(rows) else {}, limits)
    drifted = [name for name, entry in judged.items() if entry["drifted"]]
    broken = bool(schema["removed"] or schema["retyped"])
    severity = max((entry["severity"] for entry in judged.values()), key=SEVERITIES.index, default="none")
    return {
        "format": FORMAT,
        "method": _method(method, measured),
        "drifted": bool(drifted or broken),
        "score": 1.0 if broken else score,
        "severity": "high" if broken else severity,
        "columns_checked": len(shared) - len(left_out),
        "columns_drifted": drifted,
        "rows": {"reference": rows[0], "current": rows[1]},
        "schema": schema,
        "left_out": left_out,
        "thresholds": limits.model_dump(include=set(Thresholds.model_fields)),
        "columns": judged,
        "recommendations": recommendations(found, judged, schema) if all(rows) else _nothing(rows, schema),
    }


def _numbers(entry: Entry, a: Numbers, b: Numbers, n: int, m: int) -> Entry:
    """A column of numbers with its measures, and what is not among them."""
    if a.infinite or b.infinite:
        entry["infinite"] = absent.measure(a.infinite, b.infinite, n, m)
    return entry | {"missing": absent.measure(a.missing, b.missing, n, m)}


def _counted(kind: Kind, old: Entry, new: Entry, n: int, m: int) -> Entry:
    """A column of categories or times; with `left_out`, why its distribution isn't among the measures."""
    why = categorical.left_out(old, new) if kind == "categorical" else ""
    measure = categorical.measure if kind == "categorical" else times.measure
    entry = {"kind": kind, "effect": None, "p_value": None} | ({"left_out": why} if why else measure(old, new))
    if kind == "categorical" and not why and (little := categorical.uncounted(old, new)):
        entry["left_out"] = little  # what is measured is the least that moved
    return entry | {"missing": absent.measure(old["missing"], new["missing"], n, m)}


def _method(name: str, measured: Mapping[str, Entry]) -> Entry:
    bound = max((entry.get("error", 0.0) for entry in measured.values() if "left_out" not in entry), default=0.0)
    said = {
        "exact": "every value was read",
        "profiles": f"from profiles: an effect may be off by {bound:.3f} at most"
        if bound
        else "from profiles, which have every value",
    }
    return {"name": name, "bound": bound, "said": said[name]}


def _nothing(rows: tuple[int, int], schema: Mapping[str, list[str]]) -> list[Entry]:
    side = "reference" if not rows[0] else "current"
    told = recommendations([], {}, schema) if any(schema.values()) else []
    text = f"{side} has no rows: there is nothing to compare"
    return [*told, {"column": None, "reason": None, "text": text, "numbers": [f"rows.{side}"]}]
