"""Two samples of numbers by every value: sorted, in cells, or counted, whichever is the cheapest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dataops.tables.drift import cells, ks, lines, wasserstein
from dataops.tables.drift.cells import Celled
from dataops.tables.drift.lines import Lines, type7

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Exact:
    """Every value."""

    values: npt.NDArray[Any]
    """Sorted and finite, (n,), n > 0."""

    def ranks(self, points: Floats) -> tuple[Floats, Floats]:
        """Shares of values below, and at or below, points, (k,)."""
        left, right = (np.searchsorted(self.values, points, side) for side in ("left", "right"))
        return left / len(self.values), right / len(self.values)

    def quantiles(self, shares: Floats) -> Floats:
        """The values at these shares, (k,), as numpy and pandas have them: Hyndman & Fan's type 7."""
        return type7(lambda places: self.values[places], len(self.values), shares)


@dataclass(frozen=True)
class Pair:
    """Two samples of every value, as `Lines` are of many."""

    a: Exact | Celled
    b: Exact | Celled
    distance: tuple[float, float, float]
    """D, its p-value, and the first Wasserstein distance."""
    errors: Sequence[float] = (0.0, 0.0)

    def ranks(self, points: Sequence[Floats]) -> tuple[Floats, Floats]:
        """Shares of values below, and at or below, some points for each side, two of (p,); behind each other."""
        (a_left, a_right), (b_left, b_right) = self.a.ranks(points[0]), self.b.ranks(points[1])
        return np.concatenate((a_left, b_left)), np.concatenate((a_right, b_right))

    def quantiles(self, shares: Floats) -> Floats:
        """Each side's values at these shares, (2, s)."""
        return np.array((self.a.quantiles(shares), self.b.quantiles(shares)))

    def distances(self, _sizes: Sequence[int]) -> list[tuple[float, float, float]]:
        """D, its p-value, and the first Wasserstein distance."""
        return [self.distance]


def of_values(a: npt.NDArray[Any], b: npt.NDArray[Any], ends: tuple[float, float], shares: Floats) -> Pair | Lines:
    """Both sides' distributions from all their values, finite, (n,) and (m,): the cheapest that is exact.

    `ends`: the least and the greatest value of both. `shares`: the quantiles that will be asked for, (s,).
    """
    if a.dtype.kind in "iu" and b.dtype.kind in "iu":
        low, high = map(int, ends)
        if high - low < cells.CELLS and max(abs(low), abs(high)) < 1 << 53 and min(len(a), len(b)) >= cells.LEAST:
            return lines.of_counts([_counted(a, low), _counted(b, low)])
        return _sorted(a, b)
    found = cells.grid(a, b) if max(map(abs, ends)) < cells.REACH else None
    if found is None:
        return _sorted(a, b)
    old, new = Celled(a, found, ends), Celled(b, found, ends)
    gap, area = cells.gap_and_area(old, new, shares)
    return Pair(old, new, (gap, ks.p_value(gap, len(a), len(b), counted=True), area))


def _sorted(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> Pair:
    a, b = np.sort(a), np.sort(b)
    return Pair(Exact(a), Exact(b), (*ks.two_sample(a, b), wasserstein.distance(a, b)))


def _counted(values: npt.NDArray[Any], low: int) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Of whole numbers that span little: each one counted."""
    counts = np.bincount(values.astype(np.int64) - low)
    there = np.flatnonzero(counts)
    return (there + low).astype(np.float64), counts[there]
