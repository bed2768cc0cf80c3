"""Time: which period each side covers, whether rows come as often, and on the same weekdays and hours."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from dataops.tables.drift.shares import chi_square, total_variation

WEEKDAYS = 28  # days from which weekdays are compared: any shorter window leans to some
HOURS = 7
DAYS = {"day": 1, "week": 7, "month": 28}
Column = dict[str, Any]


def measure(old: Column, new: Column) -> Column:
    """What a report says of a column of times. That the period moved is told, and is no drift by itself."""
    entry: Column = {"kind": "time", "effect": None, "p_value": None}
    if not old["first"] or not new["first"]:
        return entry
    entry["period"] = {
        name: {"first": side["first"], "last": side["last"]} for name, side in (("reference", old), ("current", new))
    }
    ends = [[np.datetime64(side[end], "us") for end in ("first", "last")] for side in (old, new)]
    entry["shift_days"] = sum(int((y - x).astype(np.int64)) / 10**6 / 2 for x, y in zip(*ends, strict=True)) / 86_400
    entry["volume"] = volume(old.get("rows_per"), new.get("rows_per"))
    entry["calendar"] = calendar(old, new)
    if "months" in old and "months" in new:
        entry["shape"] = {"months": {"reference": old["months"], "current": new["months"]}}
    return entry


def volume(old: Column | None, new: Column | None) -> Column | None:
    """Rows a step of each side, so that windows of any length compare; size 1 - less / more."""
    if not old or not new or old["unit"] != new["unit"]:
        return None
    means = old["mean"], new["mean"]
    return {
        "unit": f"rows a {old['unit']}",
        "reference": means[0],
        "current": means[1],
        "change_percent": 100 * (means[1] - means[0]) / means[0],
        "size": 1 - min(means) / max(means),
        "p_value": _by_chance(old, new),
    }


def _by_chance(old: Column, new: Column) -> float:
    """Two-sided p that rows a step have the same mean: Welch's t-test (1947), where both sides have two steps.

    One step alone tells nothing of how steps vary: it is taken to vary as the other side's do (Student's t-test).
    Where no step differs from another of its side, and one alone does from the other side's n, it is by chance the odd
    one of n + 1.
    """
    gap = abs(new["mean"] - old["mean"])
    few, many = sorted((old, new), key=lambda side: side["steps"])
    if many["steps"] < 2 or not gap:
        return 1.0
    if few["steps"] < 2:
        spread, freedom = many["std"] * (1 + 1 / many["steps"]) ** 0.5, many["steps"] - 1
        return float(2 * special.stdtr(freedom, -gap / spread)) if spread else 1 / (many["steps"] + 1)
    variances = [side["std"] ** 2 / side["steps"] for side in (old, new)]
    if not sum(variances):
        return 0.0
    freedom = sum(variances) ** 2 / sum(
        v**2 / (side["steps"] - 1) for v, side in zip(variances, (old, new), strict=True)
    )
    return float(2 * special.stdtr(freedom, -gap / sum(variances) ** 0.5))


def calendar(old: Column, new: Column) -> Column | None:
    """Total variation of the rows' weekdays, or hours; None where a window is too short to have all of them."""
    found = []
    for name, least in (("weekdays", WEEKDAYS), ("hours", HOURS)):
        if name in old and name in new and min(_days(old), _days(new)) >= least:
            x, y = np.array(old[name], float), np.array(new[name], float)
            found.append(
                {
                    "of": name,
                    "size": total_variation(x / x.sum(), y / y.sum()),
                    "p_value": chi_square(x, y)[0],
                    "reference": old[name],
                    "current": new[name],
                }
            )
    return max(found, key=lambda one: one["size"], default=None)


def _days(column: Column) -> int:
    per = column.get("rows_per") or {"steps": 0, "unit": "day"}
    return int(per["steps"]) * DAYS[per["unit"]]
