"""How far numbers moved: Kolmogorov-Smirnov, PSI, Wasserstein, and the changes that people read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from dataops.tables.drift.distributions import Distribution, distances, profiled
from dataops.tables.drift.distributions import of_values as of_both
from dataops.tables.drift.shares import psi
from dataops.tables.profile.moments import mean_and_deviation
from dataops.tables.profile.numbers import as_array, finite, standard_deviation

Floats = npt.NDArray[np.float64]
LEVELS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
NAMES = [f"{level:g}" for level in LEVELS]
ASKED = np.concatenate((LEVELS, np.arange(1, 10) / 10, [0.005, 0.995]))  # levels, deciles, ends of the picture
BARS = 40
WHOLE = 1e15  # below, a float has halves
IDENTIFIERS = 100  # rows from which numbers that never repeat are taken for identifiers


@dataclass(frozen=True)
class Numbers:
    """One side of a column of numbers."""

    count: int
    missing: int
    infinite: int
    integer: bool = False
    unique: bool = False
    mean: float = 0.0
    std: float = 0.0
    low: float = 0.0
    high: float = 0.0
    distribution: Distribution | None = None
    values: npt.NDArray[Any] | None = None
    """All of them, where they are there."""


def of_values(values: pd.Series) -> Numbers:
    """Out of a column, (n,), in its own type; its values are settled into a distribution beside the other side's."""
    known, missing, infinite, total = finite(as_array(values), len(values))
    if not len(known):
        return Numbers(0, missing, infinite)
    low, high = known.min(), known.max()
    integer = known.dtype.kind in "iu"
    unique = integer and int(high) - int(low) >= len(known) - 1 and len(np.unique(known)) == len(known)
    mean, deviation = mean_and_deviation(known, float(low), float(high), total)
    return Numbers(
        len(known), missing, infinite, integer, unique, mean, deviation, float(low), float(high), None, known
    )


def of_profile(column: dict[str, Any]) -> Numbers:
    """Out of a profile's column.

    Raises:
        ValueError: it is damaged.
    """
    sizes = column["count"], column["missing"], column.get("infinite", 0)
    if not column["count"]:
        return Numbers(*sizes)
    unique = column.get("integer", False) and column.get("unique", False)
    return Numbers(
        *sizes,
        column.get("integer", False),
        unique,
        float(column["mean"]),
        standard_deviation(column),
        float(column["min"]),
        float(column["max"]),
        profiled(column),
    )


def left_out(a: Numbers, b: Numbers) -> str:
    """Why the column can't be compared as a distribution; "" where it can."""
    if a.unique and b.unique and max(a.count, b.count) >= IDENTIFIERS:
        return "identifier: whole numbers that never repeat"
    return ""


def measure(a: Numbers, b: Numbers) -> dict[str, Any]:
    """What a report says of a column; the effect is D, None where a side has no value."""
    entry: dict[str, Any] = {"kind": "numeric", "effect": None, "p_value": None}
    x, y = a.distribution, b.distribution
    if a.values is not None and b.values is not None:
        x, y = of_both(a.values, b.values)
    if x is None or y is None:
        return entry
    gap, p_value, area = distances(x, y, a.count, b.count)
    deciles = x.quantiles(ASKED)
    old, new = deciles.tolist(), y.quantiles(ASKED).tolist()
    deciles = deciles[len(LEVELS) : -2]
    cuts = deciles if (deciles[1:] > deciles[:-1]).all() else np.unique(deciles)
    edges = bars(min(old[-2], new[-2]), max(old[-1], new[-1]), whole=a.integer and b.integer)
    points = np.concatenate(([a.low, a.high], cuts, edges))
    ranks = [side.ranks(points) for side in (x, y)]
    upto = [np.concatenate(([0.0], right[2 : 2 + len(cuts)], [1.0])) for _, right in ranks]
    below, above = float(ranks[1][0][0]), float(1 - ranks[1][1][1])
    outside = (below if b.low < a.low else 0.0) + (above if b.high > a.high else 0.0)
    beyond = round(max(outside - y.error, 0.0) * b.count)
    figures = {
        "mean": (a.mean, b.mean),
        "std": (a.std, b.std),
        "median": (old[3], new[3]),
        "min": (a.low, b.low),
        "max": (a.high, b.high),
    }
    return entry | {
        "effect": gap,
        "p_value": p_value,
        "error": x.error + y.error,
        "psi": psi(*(shares[1:] - shares[:-1] for shares in upto)),
        "wasserstein": area,
        "wasserstein_in_std": area / a.std if a.std else None,
        "outside": {"share": outside, "p_value": outside_by_chance(beyond, a.count, b.count)},
        "statistics": {name: changed(*pair) for name, pair in figures.items()},
        "quantiles": {name: changed(*pair) for name, *pair in zip(NAMES, old, new, strict=False)},
        "shape": {
            "edges": edges.tolist(),
            **{
                name: _heights(left[-len(edges) :], right[-len(edges) :])
                for name, (left, right) in zip(("reference", "current"), ranks, strict=True)
            },
        },
    }


def changed(before: float, now: float) -> dict[str, float | None]:
    """Both, and the change in percent of the old; None from nothing, or beyond what a float holds."""
    change = 100 * (now / abs(before) - math.copysign(1, before)) if before else math.inf
    return {"reference": before, "current": now, "change_percent": change if math.isfinite(change) else None}


def bars(low: float, high: float, *, whole: bool) -> Floats:
    """Edges of the bars of a picture, ascending, (k + 1,): one a whole number where these are few."""
    if whole and high - low < BARS and abs(low) < WHOLE:
        return np.arange(np.floor(low) - 0.5, np.ceil(high) + 1)
    if high / 2 > low / 2:
        return np.linspace(low / 2, high / 2, BARS + 1) * 2
    return np.array([low - 0.5, high + 0.5]) if abs(low) < WHOLE else np.array(sorted([low * 0.9, low * 1.1]))


def _heights(left: Floats, right: Floats) -> list[float]:
    """Shares between edges, as exact as a picture needs; a value on the first edge belongs to the first bar."""
    found = right[1:] - right[:-1]
    found[0] += right[0] - left[0]
    heights: list[float] = np.round(found, 7).tolist()
    return heights


def outside_by_chance(found: int, n: int, m: int) -> float:
    """How likely `found` or more of `m` values lie outside the range of `n` of the same continuous distribution.

    Of all orders of the N = n + m values, (i + 1) C(N - i - 2, n - 2) have i outside (Wilks 1942: beta-binomial with
    2 and n - 1); summed up from k: ((k + 1) C(N - k - 1, n - 1) + C(N - k - 1, n)) / C(N, n).
    """
    if not found:
        return 1.0
    left = n + m - found - 1
    total = _log_binomial(n + m, n)
    tail = (found + 1) * math.exp(_log_binomial(left, n - 1) - total)
    return min(tail + (math.exp(_log_binomial(left, n) - total) if left >= n else 0.0), 1.0)


def _log_binomial(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
