"""How far categories moved: total variation, chi-square, Jensen-Shannon, PSI; those that are new and those gone."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from dataops.tables.drift.shares import chi_square, jensen_shannon, psi, total_variation
from dataops.tables.profile.categories import distinct

NAMED = 20  # new or vanished categories that are listed
SHOWN = 12  # categories in a picture
REPEATED = 0.5  # above this share of distinct values, a column of many is one of identifiers
MANY = 100
UNCOUNTED = 0.5  # above this share of rows in the profiles' `other`, no drift means little
Column = dict[str, Any]


def left_out(a: Column, b: Column) -> str:
    """Why the column can't be compared as a distribution; "" where it can."""
    rows = [_known(side) for side in (a, b)]
    found = [distinct(side) for side in (a, b)]
    if all(n is not None and n > REPEATED * size for n, size in zip(found, rows, strict=True) if size) and any(
        n is not None and n >= MANY for n in found
    ):
        return f"identifier: {max(n or 0 for n in found):,.0f} values that hardly repeat"
    return ""


def uncounted(old: Column, new: Column) -> str:
    """Of which rows a comparison of profiles knows too little to say that nothing moved; "" where it knows enough."""
    share = max(column["other"] / (_known(column) or 1) for column in (old, new))
    return f"{share:.0%} of rows in categories that a profile doesn't count; --exact does" if share > UNCOUNTED else ""


def measure(old: Column, new: Column) -> Column:
    """What a report says of a column; the effect is the total variation distance, None where a side has no value."""
    entry: Column = {"kind": "categorical", "effect": None, "p_value": None}
    names = sorted({*old["counts"], *new["counts"]})
    # a value that one side didn't count one by one is in its `other`, nobody knows how often: it is in both
    both = [
        name
        for name in names
        if (name in old["counts"] or not old["other"]) and (name in new["counts"] or not new["other"])
    ]
    x, y = (np.array([side["counts"].get(name, 0) for name in both], float) for side in (old, new))
    n, m = _known(old), _known(new)
    if not n or not m:
        return entry
    if old["other"] or new["other"]:
        x, y = np.append(x, n - x.sum()), np.append(y, m - y.sum())
    p, q = x / n, y / m
    p_value, pooled = chi_square(x, y)
    # a value missing among those kept one by one may be in the other side's `other`: then nothing is called new
    fresh = sorted((name for name in new["counts"] if name not in old["counts"]), key=lambda name: -new["counts"][name])
    gone = sorted((name for name in old["counts"] if name not in new["counts"]), key=lambda name: -old["counts"][name])
    fresh, gone = ([] if old["other"] else fresh), ([] if new["other"] else gone)
    count = sum(new["counts"][name] for name in fresh)
    singles = old.get("singles") or 0
    return entry | {
        "effect": total_variation(p, q),
        "p_value": p_value,
        "error": float(max(p[-1], q[-1])) if old["other"] or new["other"] else 0.0,
        "pooled": pooled,
        "jensen_shannon": jensen_shannon(p, q),
        "psi": float(psi(p, q)),
        "new": fresh[:NAMED],
        "new_share": count / m,
        "new_expected": singles / n,
        "new_p_value": _new_by_chance(count, m, singles, n),
        "vanished": gone[:NAMED],
        "vanished_share": sum(old["counts"][name] for name in gone) / n,
        "shape": _shape(old["counts"], new["counts"], n, m),
    }


def _new_by_chance(found: int, m: int, singles: int, n: int) -> float:
    """How likely as many of `m` rows are of categories that `n` earlier ones of the same distribution had not.

    Of those yet unseen the share is that of the categories seen once (Good 1953), give or take three of their standard
    deviations; P(at least `found`) by the binomial.
    """
    rate = min((singles + 3 * singles**0.5 + 1) / n, 1.0)
    return float(special.bdtrc(found - 1, m, rate)) if found else 1.0


def _known(column: Column) -> int:
    return int(sum(column["counts"].values()) + column["other"])


def _shape(old: dict[str, int], new: dict[str, int], n: int, m: int) -> Column:
    """The categories that moved most, the commonest first, and the rest, as shares of each side."""
    moved = sorted({*old, *new}, key=lambda name: (-abs(old.get(name, 0) / n - new.get(name, 0) / m), name))[:SHOWN]
    common = sorted(moved, key=lambda name: (-max(old.get(name, 0) / n, new.get(name, 0) / m), name))
    shares = [[float(f"{side.get(name, 0) / size:.6g}") for name in common] for side, size in ((old, n), (new, m))]
    rest = [round(max(1 - sum(row), 0.0), 6) for row in shares]
    return {"names": common, "reference": shares[0], "current": shares[1], "rest": rest}
