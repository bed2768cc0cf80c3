"""How far numbers moved: Kolmogorov-Smirnov, PSI, Wasserstein, and the changes that people read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from dataops.tables.drift import distributions, lines
from dataops.tables.drift.distributions import Pair
from dataops.tables.drift.lines import Lines
from dataops.tables.drift.shares import psi
from dataops.tables.profile.moments import mean_and_deviation
from dataops.tables.profile.numbers import as_array, finite, standard_deviation

Floats = npt.NDArray[np.float64]
Column = dict[str, Any]
Entry = dict[str, Any]
NOTHING: Entry = {"kind": "numeric", "effect": None, "p_value": None}
LEVELS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
NAMES = [f"{level:g}" for level in LEVELS]
STATISTICS = ("mean", "std", "median", "min", "max")
CUTS = 9
ASKED = np.concatenate((LEVELS, np.arange(1, 1 + CUTS) / 10, [0.005, 0.995]))  # levels, deciles, ends of the picture
BARS = 40
STEPS = np.arange(0.0, BARS + 1)
WHOLE = 1e15  # below, a float has halves
IDENTIFIERS = 100  # rows from which numbers that never repeat may be identifiers,
DENSE = 10  # as running numbers are: at most so many to a row; amounts of a hundred months never repeat, either
MANY = 10_000  # rows from which nothing else never repeats


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
    values: npt.NDArray[Any] | None = None
    """All of them, where they are there."""


def of_values(values: pd.Series, *, target: bool = False) -> Numbers:
    """Out of a column, (n,), in its own type; the `target` is no identifier, whatever it holds."""
    known, missing, infinite, total = finite(as_array(values), len(values))
    if not len(known):
        return Numbers(0, missing, infinite)
    low, high = known.min(), known.max()
    integer = known.dtype.kind in "iu"
    unique = integer and not target and int(high) - int(low) >= len(known) - 1 and len(np.unique(known)) == len(known)
    mean, deviation = mean_and_deviation(known, float(low), float(high), total)
    return Numbers(len(known), missing, infinite, integer, unique, mean, deviation, float(low), float(high), known)


def of_profile(column: Column, *, target: bool = False) -> Numbers:
    """Out of a profile's column, likewise."""
    sizes = column["count"], column["missing"], column.get("infinite", 0)
    if not column["count"]:
        return Numbers(*sizes)
    unique = column.get("integer", False) and column.get("unique", False) and not target
    return Numbers(
        *sizes,
        column.get("integer", False),
        unique,
        float(column["mean"]),
        standard_deviation(column),
        float(column["min"]),
        float(column["max"]),
    )


def measure(a: Numbers, b: Numbers) -> Entry:
    """What a report says of a column, by every value.

    The effect is D; None where a side has no value, or where `left_out` says why the column can't be compared.
    """
    if (unmeasured := _unmeasured(a, b)) is not None:
        return unmeasured
    assert a.values is not None
    assert b.values is not None
    ends = min(a.low, b.low), max(a.high, b.high)
    return _measures([(a, b)], distributions.of_values(a.values, b.values, ends, ASKED))[0]


def measure_profiles(columns: Sequence[tuple[Column, Column]], sides: Sequence[tuple[Numbers, Numbers]]) -> list[Entry]:
    """What a report says of columns, (k,), by two profiles; `sides` are what they were read as.

    Raises:
        ValueError: one is damaged.
    """
    found = [_unmeasured(*pair) for pair in sides]
    asked = [i for i, entry in enumerate(found) if entry is None]
    if not asked:
        return [entry for entry in found if entry is not None]
    kept = lines.of_profiles([column for i in asked for column in columns[i]])
    measured = dict(zip(asked, _measures([sides[i] for i in asked], kept), strict=True))
    return [measured[i] if entry is None else entry for i, entry in enumerate(found)]


def _unmeasured(a: Numbers, b: Numbers) -> Entry | None:
    """What is said of a column that can't be compared as a distribution; None where it can."""
    if max(a.count, b.count) >= IDENTIFIERS and _is_identifier(a) and _is_identifier(b):
        return NOTHING | {"left_out": "identifier: whole numbers that never repeat"}
    return None if a.count and b.count else dict(NOTHING)


def _is_identifier(side: Numbers) -> bool:
    return side.unique and (side.count >= MANY or side.high - side.low < DENSE * side.count)


def _measures(sides: Sequence[tuple[Numbers, Numbers]], samples: Pair | Lines) -> list[Entry]:
    """Of k columns at once, each of two samples, one behind the other."""
    quantiles = samples.quantiles(ASKED)
    old, new = quantiles[::2], quantiles[1::2]
    lows, highs = np.minimum(old, new)[:, -2].tolist(), np.maximum(old, new)[:, -1].tolist()
    edges = [bars(*ends, whole=a.integer and b.integer) for (a, b), *ends in zip(sides, lows, highs, strict=True)]
    points = [
        np.concatenate(([a.low, a.high], deciles, outline))
        for (a, _), deciles, outline in zip(sides, old[:, len(LEVELS) : -2], edges, strict=True)
    ]
    ranks = samples.ranks([asked for asked in points for _ in ("reference", "current")])
    sizes = np.array([len(asked) for asked in points]).repeat(2)
    begins = np.cumsum(sizes) - sizes
    moved = psi(*_shares(ranks[1], begins)).tolist()
    heights = _heights(*ranks, begins + 2 + CUTS, sizes - 2 - CUTS)
    below, above = ranks[0][begins[1::2]].tolist(), (1 - ranks[1][begins[1::2] + 1]).tolist()
    gaps = samples.distances([side.count for pair in sides for side in pair])
    changes = _changes([a for a, _ in sides], [b for _, b in sides], old, new)
    found = []
    for i, (a, b) in enumerate(sides):
        error, other = samples.errors[2 * i : 2 * i + 2]
        gap, p_value, area = gaps[i]
        outside = (below[i] if b.low < a.low else 0.0) + (above[i] if b.high > a.high else 0.0)
        beyond = round(max(outside - other, 0.0) * b.count)
        found.append(
            NOTHING
            | {
                "effect": gap,
                "p_value": p_value,
                "error": error + other,
                "psi": moved[i],
                "wasserstein": area,
                "wasserstein_in_std": area / a.std if a.std else None,
                "outside": {"share": outside, "p_value": outside_by_chance(beyond, a.count, b.count)},
                "statistics": dict(zip(STATISTICS, changes[i], strict=False)),
                "quantiles": dict(zip(NAMES, changes[i][len(STATISTICS) :], strict=True)),
                "shape": {
                    "edges": edges[i].tolist(),
                    "reference": heights[2 * i],
                    "current": heights[2 * i + 1],
                },
            }
        )
    return found


def _shares(right: Floats, begins: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Each side's shares between the deciles of the first, (k, 10), out of ranks flat; two equal deciles have none."""
    upto = np.zeros((len(begins), CUTS + 2))
    upto[:, 1:-1], upto[:, -1] = right[begins[:, None] + np.arange(2, 2 + CUTS)], 1.0
    found = upto[:, 1:] - upto[:, :-1]
    return found[::2], found[1::2]


def _heights(
    left: Floats, right: Floats, begins: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]
) -> list[list[float]]:
    """Shares between edges, as exact as a picture needs; a value on the first edge belongs to the first bar."""
    found = np.append(right[1:] - right[:-1], 0.0)
    found[begins] += right[begins] - left[begins]
    heights = np.round(found, 7).tolist()
    return [heights[begin : begin + size - 1] for begin, size in zip(begins.tolist(), sizes.tolist(), strict=True)]


def _changes(a: Sequence[Numbers], b: Sequence[Numbers], old: Floats, new: Floats) -> list[list[Entry]]:
    """Statistics and quantiles of k columns: both, and the change in percent of the old.

    None from nothing, or beyond what a float holds.
    """
    median, asked = LEVELS.index(0.5), len(LEVELS)
    before, now = (
        np.column_stack(
            (
                [(one.mean, one.std) for one in side],
                found[:, median],
                [(one.low, one.high) for one in side],
                found[:, :asked],
            )
        )
        for side, found in ((a, old), (b, new))
    )
    with np.errstate(all="ignore"):
        change = 100 * (now / np.abs(before) - np.copysign(1, before))
    known = np.isfinite(change) & (before != 0)
    return [
        [
            {"reference": x, "current": y, "change_percent": percent if sure else None}
            for x, y, percent, sure in zip(*row, strict=True)
        ]
        for row in zip(before.tolist(), now.tolist(), change.tolist(), known.tolist(), strict=True)
    ]


def bars(low: float, high: float, *, whole: bool) -> Floats:
    """Edges of the bars of a picture, ascending, (k + 1,).

    Each bar has as many whole numbers as the others, or the picture would look like a comb.
    """
    if whole and max(-low, high) < WHOLE:
        first, last = math.floor(low), math.ceil(high)
        step = -(-(last - first + 1) // BARS)
        return np.arange(first - 0.5, last + step, step)
    width = (high / 2 - low / 2) / BARS
    if width:
        found = STEPS * width + low / 2
        found[-1] = high / 2
        return found * 2
    if abs(low) < WHOLE:
        return np.array([low - 0.5, high + 0.5])
    return np.clip(sorted([low * 0.9, low * 1.1]), -lines.LARGEST, lines.LARGEST)


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
