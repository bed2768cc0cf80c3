"""What to do about drift, each advice with the numbers that it rests on and where the report has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dataops.tables.drift.judge import Finding
from dataops.tables.figures import figure

Entry = Mapping[str, Any]
NAMED = 5
EXACT = 17  # digits that tell any two floats apart


def recommendations(
    found: Iterable[Finding], columns: Mapping[str, Entry], schema: Mapping[str, list[str]]
) -> list[dict[str, Any]]:
    """One for each change of the schema and each finding: column, reason, text, and paths into the report."""
    told = [
        _one(
            name, "schema", f"{name}: the column is gone; restore it or release a new major version", ["schema.removed"]
        )
        for name in schema["removed"]
    ]
    told += [
        _one(name, "schema", f"{name}: its kind changed; check `contract.columns`", ["schema.retyped"])
        for name in schema["retyped"]
    ]
    for one in found:
        text = f"{one.column}: {TEXTS[one.reason](columns[one.column], columns[one.column]['severity'])}"
        told.append(_one(one.column, one.reason, text, [f"columns.{one.column}.{place}" for place in one.numbers]))
    return told or [_one(None, None, "nothing moved enough to act on", ["score"])]


def _one(column: str | None, reason: str | None, text: str, numbers: list[str]) -> dict[str, Any]:
    return {"column": column, "reason": reason, "text": text, "numbers": numbers}


def _distribution(entry: Entry, severity: str) -> str:
    moved = f"{entry['effect']:.0%} of its distribution moved ({severity})"
    if entry["kind"] == "numeric":
        moved += f", mean {_change(entry['statistics']['mean'])}"
        middle = entry["statistics"]["mean"]["change_percent"]
        spread = entry["statistics"]["std"]["change_percent"]
        if middle is not None and spread is not None and abs(middle) < 5 <= abs(spread):
            moved += f", std {_change(entry['statistics']['std'])}"
    return f"{moved}; {'watch it' if severity == 'low' else 'retrain and compare'}"


def _missing(entry: Entry, _: str) -> str:
    share = entry["missing"]
    todo = "ask the source" if share["current"] > share["reference"] else "were they filled in, and with what?"
    return f"missing went from {share['reference']:.1%} to {share['current']:.1%}; {todo}"


def _infinite(entry: Entry, _: str) -> str:
    share = entry["infinite"]
    return f"infinite values went from {share['reference']:.1%} to {share['current']:.1%}; look for a division by zero"


def _new(entry: Entry, _: str) -> str:
    more = f" and {len(entry['new']) - NAMED} more" if len(entry["new"]) > NAMED else ""
    return f"{entry['new_share']:.1%} of rows in new categories ({', '.join(entry['new'][:NAMED])}{more}); retrain"


def _outside(entry: Entry, _: str) -> str:
    low, high = entry["statistics"]["min"], entry["statistics"]["max"]
    before, now = (f"{figure(low[side])} to {figure(high[side])}" for side in ("reference", "current"))
    share = f"{entry['outside']['share']:.1%}"
    return f"{share} of rows outside the reference's {before} (now {now}); check the unit, then retrain"


def _volume(entry: Entry, _: str) -> str:
    rows = entry["volume"]
    less = rows["current"] < rows["reference"]
    todo = "is a source missing?" if less else "were rows delivered twice?"
    return f"{rows['unit']} went from {rows['reference']:,.1f} to {rows['current']:,.1f}; {todo}"


def _calendar(entry: Entry, _: str) -> str:
    mix = entry["calendar"]
    return f"{mix['size']:.0%} of rows moved to other {mix['of']}; compare windows of whole weeks, or ask the source"


def _change(pair: Mapping[str, Any]) -> str:
    before, now, change = pair["reference"], pair["current"], pair["change_percent"]
    told, digits = [figure(before), figure(now)], 4
    while told[0] == told[1] and before != now and digits < EXACT:
        digits += 1
        told = [f"{value:.{digits}g}" for value in (before, now)]
    percent = "" if change is None else f"{change:+.2f}" if 0 < abs(change) < 0.5 else f"{change:+.0f}"
    return " -> ".join(told) + (f" ({percent}%)" if percent else "")


TEXTS = {
    "distribution": _distribution,
    "missing values": _missing,
    "infinite values": _infinite,
    "new categories": _new,
    "out of range": _outside,
    "row volume": _volume,
    "calendar": _calendar,
}
