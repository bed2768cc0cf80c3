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
Side = Numbers | Entry  # of a column


def compare(reference: Profile, current: Profile, limits: Thresholds, columns: Collection[str] | None = None) -> Report:
    """The report on two profiles, of either format; D is off by the report's `method.bound` at most.

    Raises:
        DataOpsError: a column of `columns` is in neither.
        ValueError: a profile is damaged; or another of `DAMAGED`.
    """
    for profile in (reference, current):
        sound.check(profile)
    kinds: list[dict[str, Kind]] = [
        {name: column["kind"] for name, column in side["columns"].items()} for side in (reference, current)
    ]

    def side(profile: Profile, name: str, kind: Kind) -> Side:
        column: Entry = profile["columns"][name]
        return numeric.of_profile(column) if kind == "numeric" else column

    def both(name: str, kind: Kind) -> tuple[Side, Side]:
        return side(reference, name, kind), side(current, name, kind)

    return _report("profiles", kinds, (reference["rows"], current["rows"]), limits, columns, both, map)


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
    kinds = [
        {str(name): kind_of(str(name), frame[str(name)], contract) for name in frame} for frame in (reference, current)
    ]
    read: Mapping[Kind, Callable[[pd.Series], Side]] = {
        "numeric": numeric.of_values,
        "categorical": lambda values: categories.summary(values, kept=None),
        "time": lambda values: time_profile.summary(values, frequency),
    }

    def both(name: str, kind: Kind) -> tuple[Side, Side]:
        return read[kind](reference[name]), read[kind](current[name])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return _report("exact", kinds, (len(reference), len(current)), limits, columns, both, pool.map)


def _report(
    method: str,
    kinds: list[dict[str, Kind]],
    rows: tuple[int, int],
    limits: Thresholds,
    columns: Collection[str] | None,
    both: Callable[[str, Kind], tuple[Side, Side]],
    each: Callable[..., Iterable[Entry]],
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
    # a column is read and measured in one go: of how many both sides lie in memory, is the number of threads
    measures = each(lambda name: _measured(shared[name], *both(name, shared[name]), *rows), shared)
    measured = dict(zip(shared, measures, strict=True))
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


def _measured(kind: Kind, old: Side, new: Side, n: int, m: int) -> Entry:
    """The column's measures; with `left_out`, why its distribution isn't among them."""
    entry: Entry = {"kind": kind, "effect": None, "p_value": None}
    if isinstance(old, Numbers) and isinstance(new, Numbers):
        why = numeric.left_out(old, new)
        entry |= {"left_out": why} if why else numeric.measure(old, new)
        lost, now = old.missing, new.missing
        if old.infinite or new.infinite:
            entry["infinite"] = absent.measure(old.infinite, new.infinite, n, m)
    else:
        assert isinstance(old, dict)
        assert isinstance(new, dict)
        why = categorical.left_out(old, new) if kind == "categorical" else ""
        measure = categorical.measure if kind == "categorical" else times.measure
        entry |= {"left_out": why} if why else measure(old, new)
        if kind == "categorical" and not why and (little := categorical.uncounted(old, new)):
            entry["left_out"] = little  # what is measured is the least that moved
        lost, now = old["missing"], new["missing"]
    return entry | {"missing": absent.measure(lost, now, n, m)}


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
