"""How far numbers moved: Kolmogorov-Smirnov, PSI, Wasserstein, and the changes that people read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from dataops.tables.drift.distributions import Distribution, Exact, distances, profiled
from dataops.tables.drift.shares import psi
from dataops.tables.profile.moments import mean_and_deviation
from dataops.tables.profile.numbers import as_array, standard_deviation

DECILES = np.arange(1, 10) / 10
LEVELS = np.array([0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])
ENDS = np.array([0.005, 0.995])
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


def of_values(values: pd.Series) -> Numbers:
    """Out of a column, (n,), sorted once, in its own type."""
    array = np.sort(as_array(values))
    known = len(array)
    finite = array
    if array.dtype.kind == "f" and known:
        known = int(np.searchsorted(array, np.nan))  # NaN is sorted last
        finite = array[np.searchsorted(array, -np.inf, "right") : np.searchsorted(array, np.inf)]
    missing, infinite = len(values) - known, known - len(finite)
    if not len(finite):
        return Numbers(0, missing, infinite)
    low, high = float(finite[0]), float(finite[-1])
    integer = array.dtype.kind in "iu"
    unique = integer and bool((finite[1:] != finite[:-1]).all())
    moments = mean_and_deviation(finite, low, high)
    return Numbers(len(finite), missing, infinite, integer, unique, *moments, low, high, Exact(finite))


def of_profile(column: dict[str, Any]) -> Numbers:
    """Out of a profile's column.

    Raises:
        ValueError: it is damaged.
    """
    sizes = column["count"], column["missing"], column.get("infinite", 0)
    if not column["count"]:
        return Numbers(*sizes)
    unique = column.get("integer", False) and column.get("unique", False)
    return Numbers(*sizes, column.get("integer", False), unique, column["mean"], standard_deviation(column),
                   column["min"], column["max"], profiled(column))  # fmt: skip


def left_out(a: Numbers, b: Numbers) -> str:
    """Why the column can't be compared as a distribution; "" where it can."""
    if a.unique and b.unique and max(a.count, b.count) >= IDENTIFIERS:
        return "identifier: whole numbers that never repeat"
    return ""


def measure(a: Numbers, b: Numbers) -> dict[str, Any]:
    """What a report says of a column; the effect is D, None where a side has no value."""
    entry: dict[str, Any] = {"kind": "numeric", "effect": None, "p_value": None}
    x, y = a.distribution, b.distribution
    if x is None or y is None:
        return entry
    gap, p_value, area = distances(x, y, a.count, b.count)
    old, new = (side.quantiles(np.concatenate((LEVELS, DECILES, ENDS))) for side in (x, y))
    edges = np.unique(old[len(LEVELS) : -2])
    shares = [np.diff(side.ranks(edges)[1], prepend=0.0, append=1.0) for side in (x, y)]
    below = y.ranks(np.array([a.low]))[0][0] if b.low < a.low else 0.0
    above = 1 - y.ranks(np.array([a.high]))[1][0] if b.high > a.high else 0.0
    outside = float(below + above)
    figures = {"mean": (a.mean, b.mean), "std": (a.std, b.std), "median": (old[3], new[3]), "min": (a.low, b.low),
               "max": (a.high, b.high)}  # fmt: skip
    levels = {f"{level:g}": pair for level, *pair in zip(LEVELS, old, new, strict=False)}
    return entry | {
        "effect": gap,
        "p_value": p_value,
        "error": x.error + y.error,
        "psi": psi(*shares),
        "wasserstein": area,
        "wasserstein_in_std": area / a.std if a.std else None,
        "outside": {"share": outside, "p_value": _outside_by_chance(outside, a.count, b.count)},
        "statistics": {name: changed(*pair) for name, pair in figures.items()},
        "quantiles": {name: changed(*pair) for name, pair in levels.items()},
        "shape": shape(x, y, a.integer and b.integer, (min(old[-2], new[-2]), max(old[-1], new[-1]))),
    }


def changed(old: float, new: float) -> dict[str, float | None]:
    """Both, and the change in percent of the old; None from nothing, or beyond what a float holds."""
    with np.errstate(over="ignore"):
        change = 100 * (float(new) / abs(float(old)) - np.sign(old)) if old else None
    return {"reference": float(old), "current": float(new),
            "change_percent": float(change) if change is not None and np.isfinite(change) else None}  # fmt: skip


def shape(a: Distribution, b: Distribution, integer: bool, ends: tuple[float, float]) -> dict[str, Any]:
    """Both distributions as bars between common edges, for pictures: shares of each side, (k,), edges, (k + 1,)."""
    low, high = ends
    if integer and high - low < BARS and abs(low) < WHOLE:
        edges: npt.NDArray[np.float64] = np.arange(np.floor(low) - 0.5, np.ceil(high) + 1)
    elif high / 2 > low / 2:
        edges = (np.linspace(low / 2, high / 2, BARS + 1)) * 2
    else:
        edges = np.array([low - 0.5, high + 0.5]) if abs(low) < WHOLE else np.array([low * 0.9, low * 1.1])
    rows = [np.diff(side.ranks(edges)[1]) for side in (a, b)]
    for row, side in zip(rows, (a, b), strict=True):  # a value on the first edge belongs to the first bar
        on = side.ranks(edges[:1])
        row[0] += float(on[1][0] - on[0][0])
    return {"edges": _short(edges), "reference": _short(rows[0]), "current": _short(rows[1])}


def _short(values: npt.NDArray[np.float64]) -> list[float]:
    """For a picture six digits do."""
    return [float(f"{value:.6g}") for value in values]


def _outside_by_chance(share: float, n: int, m: int) -> float:
    """How likely as many of `m` values as that lie outside the range of `n` of the same distribution.

    Each does with the probability 2 / (n + 1) (Wilks 1941); P(at least k) by the binomial.
    """
    found = round(share * m)
    return float(special.bdtrc(found - 1, m, min(2 / (n + 1), 1.0))) if found else 1.0
