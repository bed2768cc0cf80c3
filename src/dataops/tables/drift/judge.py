"""From measures to a verdict: the size of an effect first, then whether chance could have made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from scipy import stats

from dataops.tables.drift.thresholds import Thresholds

SEVERITIES = ("none", "low", "medium", "high")
SHARES = ("distribution", "missing values", "infinite values", "new categories", "out of range")
Entry = dict[str, Any]


class Finding(NamedTuple):
    """One question asked of a column."""

    column: str
    reason: str
    size: float
    threshold: float
    p_value: float
    numbers: tuple[str, ...]
    """Where the report has what it rests on, as paths into the column's entry."""


def findings(name: str, entry: Entry, limits: Thresholds) -> list[Finding]:
    """Every question that the column's measures answer."""
    found = []

    def ask(reason: str, size: float, threshold: float, p_value: float, *numbers: str) -> None:
        found.append(Finding(name, reason, size, threshold, p_value, numbers))

    if entry["effect"] is not None:
        ask("distribution", entry["effect"], limits.effect, entry["p_value"], "effect", "q_value")
    for reason, key in (("missing values", "missing"), ("infinite values", "infinite")):
        if key in entry:
            share = entry[key]
            size = abs(share["current"] - share["reference"])
            ask(reason, size, limits.missing, share["p_value"], f"{key}.reference", f"{key}.current")
    if "outside" in entry:
        outside = entry["outside"]
        ask("out of range", outside["share"], limits.outside, outside["p_value"], "outside.share", "statistics.max")
    if "new_share" in entry:
        size = max(entry["new_share"] - entry["new_expected"], 0.0)
        ask("new categories", size, limits.new_categories, entry["new_p_value"], "new_share", "new")
    if entry.get("volume"):
        rows = entry["volume"]
        ask("row volume", rows["size"], limits.volume, rows["p_value"], "volume.reference", "volume.current")
    if entry.get("calendar"):
        mix = entry["calendar"]
        ask("calendar", mix["size"], limits.effect, mix["p_value"], "calendar.size")
    return found


def judge(columns: Mapping[str, Entry], limits: Thresholds) -> tuple[dict[str, Entry], list[Finding], float]:
    """Every column with its verdict; the findings that are drift, the worst column first; and the score.

    A finding counts where its q-value (Benjamini & Hochberg 1995, over every test of every column) is below `alpha`:
    where nothing drifted at all, the chance of any alarm is at most `alpha`. It is drift where its size reaches its
    threshold as well. Severity: high from three times the threshold, medium from twice. The score, 0..1, is the
    largest share of a column's rows that moved, of those that count.
    """
    asked = [one for name, entry in columns.items() for one in findings(name, entry, limits)]
    # many a p-value is below what a float can hold
    q_values = stats.false_discovery_control([one.p_value for one in asked]).tolist() if asked else []
    counted = [one for one, q in zip(asked, q_values, strict=True) if q < limits.alpha]
    drift = [one for one in counted if one.size >= one.threshold]
    of_column: dict[str, list[Finding]] = {name: [] for name in columns}
    q_of: dict[str, dict[str, float]] = {name: {} for name in columns}
    for one in drift:
        of_column[one.column].append(one)
    for one, q in zip(asked, q_values, strict=True):
        q_of[one.column][one.reason] = q
    judged = {}
    for name, entry in columns.items():
        mine, told = of_column[name], q_of[name]
        level = max((min(int(one.size / one.threshold + 1e-9), 3) for one in mine), default=0)
        judged[name] = {
            "drifted": bool(mine),
            "severity": SEVERITIES[level],
            "reasons": [one.reason for one in mine],
            "kind": entry["kind"],
            "effect": entry["effect"],
            "p_value": entry["p_value"],
            "q_value": told.get("distribution"),
            "q_values": told,
        } | entry
    drift.sort(
        key=lambda one: (-SEVERITIES.index(judged[one.column]["severity"]), -(columns[one.column]["effect"] or 0))
    )
    return judged, drift, max((one.size for one in counted if one.reason in SHARES), default=0.0)
