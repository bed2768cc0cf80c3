"""A column of numbers as both paths see it: every value, sorted; or what a profile keeps of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from dataops.tables.drift import cells, ks, wasserstein
from dataops.tables.drift.cells import Celled
from dataops.tables.profile.numbers import distribution_of

Floats = npt.NDArray[np.float64]
COUNTED = 10_000  # values that are laid out again for scipy's exact p-value


@dataclass(frozen=True)
class Exact:
    """Every value."""

    values: npt.NDArray[Any]
    """Sorted and finite, (n,), n > 0."""
    error: float = 0.0
    """How far `ranks` may be off, as a share of the values."""

    def ranks(self, points: Floats) -> tuple[Floats, Floats]:
        """Shares of values below, and at or below, points, (k,)."""
        left, right = (np.searchsorted(self.values, points, side) for side in ("left", "right"))
        return left / len(self.values), right / len(self.values)

    def quantiles(self, shares: Floats) -> Floats:
        """The values at these shares, (k,), as numpy and pandas have them: Hyndman & Fan's type 7."""
        return _type7(lambda places: self.values[places], len(self.values), shares)


@dataclass(frozen=True)
class Profiled:
    """A profile's: values with their counts, or centroids with straight lines between."""

    points: Floats
    """Ascending, (k,)."""
    left: Floats
    right: Floats
    """Shares of values below and at or below each point, (k,)."""
    counts: npt.NDArray[np.int64] | None
    """How many of each, where every value was counted."""
    error: float

    def ranks(self, points: Floats) -> tuple[Floats, Floats]:
        """Shares of values below, and at or below, points, (k,)."""
        return self.ranks_after(points, self.points.searchsorted(points, "right"))

    def ranks_after(self, points: Floats, passed: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Those of points, (k,), that are at or behind so many of its own, (k,).

        On its own points as they are, between them on a line from the right of one to the left of the next.
        """
        half, width, rise = self._lines
        here = passed - 1
        right = self.right.take(here) + (points / 2 - half.take(here)) / width.take(here) * rise.take(here)
        right[passed == 0] = 0.0
        return np.where(self.points.take(here) == points, self.left.take(here), right), right

    @cached_property
    def _lines(self) -> tuple[Floats, Floats, Floats]:
        """From each point to the next: half of where it begins and of its width, and how far it rises; (k,) each."""
        half = self.points / 2  # differences of the largest floats overflow
        width, rise = np.empty((2, len(half)))
        width[-1], rise[-1] = 0.0, 0.0
        np.subtract(half[1:], half[:-1], out=width[:-1])
        width[width == 0] = np.inf  # the smallest float has no half
        np.subtract(self.left[1:], self.right[:-1], out=rise[:-1])
        return half, width, rise

    def quantiles(self, shares: Floats) -> Floats:
        """Of counted values as of all values; else on the same lines."""
        if self.counts is not None:
            upto = np.cumsum(self.counts)
            return _type7(lambda ranks: self.points[np.searchsorted(upto, ranks, "right")], int(upto[-1]), shares)
        levels = np.array((self.left, self.right)).ravel("F")
        unit = max(abs(float(self.points[0])), abs(float(self.points[-1]))) or 1.0  # else slopes overflow
        return np.interp(shares, levels, np.repeat(self.points / unit, 2)) * unit


@dataclass(frozen=True)
class Spread:
    """Every value of a large column, in cells."""

    cells: Celled
    error: float = 0.0

    def ranks(self, points: Floats) -> tuple[Floats, Floats]:
        """Shares of values below, and at or below, points, (k,)."""
        return self.cells.ranks(points)

    def quantiles(self, shares: Floats) -> Floats:
        """As those of `Exact`."""
        return _type7(self.cells.at, len(self.cells.values), shares)


Distribution = Exact | Profiled | Spread


def of_values(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> tuple[Distribution, Distribution]:
    """Both sides' distributions from all their values, finite, (n,) and (m,): the cheapest that is exact."""
    if a.dtype.kind in "iu" and b.dtype.kind in "iu":
        low, high = min(int(a.min()), int(b.min())), max(int(a.max()), int(b.max()))
        if high - low < cells.CELLS and max(abs(low), abs(high)) < 1 << 53 and min(len(a), len(b)) >= cells.LEAST:
            return _counted(a, low), _counted(b, low)
        return Exact(np.sort(a)), Exact(np.sort(b))
    ends = float(min(a.min(), b.min())), float(max(a.max(), b.max()))
    found = cells.grid(a, b) if max(map(abs, ends)) < cells.REACH else None
    if found is None:
        return Exact(np.sort(a)), Exact(np.sort(b))
    return Spread(Celled(a, found, ends)), Spread(Celled(b, found, ends))


def _counted(values: npt.NDArray[Any], low: int) -> Profiled:
    """Of whole numbers that span little: each one counted."""
    counts = np.bincount(values.astype(np.int64) - low)
    there = np.flatnonzero(counts)
    right = np.cumsum(counts[there]) / len(values)
    return Profiled((there + low).astype(np.float64), np.append(0.0, right[:-1]), right, counts[there], 0.0)


def profiled(column: dict[str, Any]) -> Profiled:
    """Out of a profile's column of numbers that has any.

    Raises:
        ValueError: its digest is damaged.
    """
    means, weights = distribution_of(column)
    upto = weights.cumsum()
    total = upto[-1]
    if total != column["count"] or weights.max() > total:
        raise ValueError("a distribution of other rows")
    if "values" in column:
        counts = weights if "sampled" not in column else None
        right = upto / total
        return Profiled(means, np.append(0.0, right[:-1]), right, counts, float(column["error"]))
    middle = (upto - weights / 2) / total
    points, left, right = means, middle, middle
    steps = (means[1:] == means[:-1]).nonzero()[0]
    if len(steps):  # centroids of one value are a step
        points, left, right = np.delete(means, steps), np.delete(middle, steps + 1), np.delete(middle, steps)
    low, high = float(column["min"]), float(column["max"])
    before, after = [low] * bool(points[0] > low), [high] * bool(points[-1] < high)
    points = np.concatenate((before, points, after))
    left, right = (np.concatenate(([0.0] * len(before), side, [1.0] * len(after))) for side in (left, right))
    left[0], right[-1] = 0.0, 1.0
    error = column["error"] if "error" in column else 1.5 * float(weights.max() / total)  # format 1 says nothing of it
    return Profiled(points, left, right, None, float(error))


def _type7(at: Callable[[npt.NDArray[np.int64]], npt.NDArray[Any]], count: int, shares: Floats) -> Floats:
    """Between neighbouring values; `at` gives those of the ranks 0..count - 1."""
    places = shares * (count - 1)
    below = np.floor(places).astype(np.int64)
    low = at(below).astype(np.float64)
    high = at(np.minimum(below + 1, count - 1)).astype(np.float64)
    part = places - below
    between: Floats = low * (1 - part) + high * part
    return between


def distances(a: Distribution, b: Distribution, n: int, m: int) -> tuple[float, float, float]:
    """D, its p-value, and the first Wasserstein distance, of distributions of `n` and `m` values.

    From profiles p is that of the least D within their error.
    """
    if isinstance(a, Exact) and isinstance(b, Exact):
        return *ks.two_sample(a.values, b.values), wasserstein.distance(a.values, b.values)
    if isinstance(a, Spread) and isinstance(b, Spread):
        gap, area = cells.gap_and_area(a.cells, b.cells)
        return gap, ks.p_value(gap, n, m, counted=True), area
    assert isinstance(a, Profiled)
    assert isinstance(b, Profiled)
    area, gap = _area_and_gap(a, b)
    if a.counts is not None and b.counts is not None and max(n, m) <= COUNTED:
        return *ks.two_sample(np.repeat(a.points, a.counts), np.repeat(b.points, b.counts)), area
    # chance is ruled out where it would be for the least gap within the bound: at a million rows the bound is certain
    least = max(gap - a.error - b.error, 0.0)
    return gap, ks.p_value(least, n, m, counted=a.counts is not None and b.counts is not None), area


def _area_and_gap(a: Profiled, b: Profiled) -> tuple[float, float]:
    points = np.concatenate((a.points, b.points))
    order = points.argsort(kind="stable")
    points = points[order]
    last = np.concatenate(((points[1:] != points[:-1]).nonzero()[0], [len(points) - 1]))  # of those at one place
    points, of_a = points[last], (order < len(a.points)).cumsum()[last]
    (a_left, a_right), (b_left, b_right) = a.ranks_after(points, of_a), b.ranks_after(points, last + 1 - of_a)
    before, after = a_left - b_left, a_right - b_right
    begin, end = np.abs(after), np.abs(before)
    gap = float(max(begin.max(), end.max()))
    begin, end = begin[:-1], end[1:]
    height = begin + end
    crossed = (after[:-1] * before[1:] < 0).nonzero()[0]  # two triangles instead of a trapezium
    height[crossed] = (begin[crossed] ** 2 + end[crossed] ** 2) / height[crossed]
    half = points / 2
    area = float((height / 2 * (half[1:] - half[:-1])).sum())
    return min(area, np.finfo(np.float64).max / 2) * 2, gap
