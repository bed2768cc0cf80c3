"""Distribution functions of many samples as lines: what a profile keeps of its columns of numbers.

All samples lie one behind the other in flat arrays and are measured together. A column has a few hundred points and
some hundred steps to take: by itself it would spend most of its time in calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from dataops.tables.drift import ks
from dataops.tables.profile.numbers import distributions_of

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
COUNTED = 10_000  # values that are laid out again for scipy's exact p-value
LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True)
class Lines:
    """k samples, of n points in all: values with their counts, or centroids with straight lines between."""

    points: Floats
    """Ascending in each sample, (n,)."""
    left: Floats
    right: Floats
    """Shares of the sample's values below, and at or below, each point, (n,)."""
    begins: Integers
    """Where each sample's points begin, and the last one's end, (k + 1,)."""
    counts: Sequence[Integers | None]
    """Of each sample, (k,): how many of each point, where every value was counted."""
    errors: Sequence[float]
    """How far `ranks` may be off, as a share of the sample's values, (k,)."""

    def ranks(self, points: Sequence[Floats]) -> tuple[Floats, Floats]:
        """Shares of values below, and at or below, some points for each sample, (k,) of (p,); behind each other."""
        passed = [
            self.points[begin:end].searchsorted(asked, "right")
            for (begin, end), asked in zip(pairwise(self.begins.tolist()), points, strict=True)
        ]
        firsts = self.begins[:-1].repeat([len(one) for one in points])
        return self._ranks_after(np.concatenate(points), np.concatenate(passed), firsts)

    def _ranks_after(self, points: Floats, passed: Integers, firsts: Integers) -> tuple[Floats, Floats]:
        """Those of points, (p,), that are at or behind so many of their sample's, which begin at `firsts`, (p,).

        On a sample's own points as they are, between them on a line from the right of one to the left of the next.
        """
        half, width, rise = self._lines
        beyond = passed > 0
        here = np.where(beyond, firsts + passed - 1, -1)  # from the very last point on nothing rises
        right = self.right.take(here) + (points / 2 - half.take(here)) / width.take(here) * rise.take(here)
        right[~beyond] = 0.0
        own = (self.points.take(here) == points) & beyond
        return np.where(own, self.left.take(here), right), right

    @cached_property
    def _lines(self) -> tuple[Floats, Floats, Floats]:
        """From each point to the next: half of where it begins and of its width, and how far it rises; (n,) each."""
        half = self.points / 2  # differences of the largest floats overflow
        width, rise = np.empty((2, len(half)))
        np.subtract(half[1:], half[:-1], out=width[:-1])
        np.subtract(self.left[1:], self.right[:-1], out=rise[:-1])
        ends = self.begins[1:] - 1
        width[ends], rise[ends] = np.inf, 0.0
        width[width == 0] = np.inf  # the smallest float has no half
        return half, width, rise

    def quantiles(self, shares: Floats) -> Floats:
        """Each sample's values at these shares, (k, s): of counted ones as of all values, else on the same lines."""
        ends = self.points[self.begins[:-1]], self.points[self.begins[1:] - 1]
        units = np.maximum(*np.abs(ends))
        units[units == 0] = 1.0  # else slopes overflow
        places = (self.points / units.repeat(np.diff(self.begins))).repeat(2)
        levels = np.array((self.left, self.right)).ravel("F")
        found = np.empty((len(units), len(shares)))
        for row, (begin, end) in enumerate(pairwise(self.begins.tolist())):
            counts = self.counts[row]
            if counts is not None:
                found[row] = _counted(self.points[begin:end], counts, shares)
            else:
                found[row] = np.interp(shares, levels[2 * begin : 2 * end], places[2 * begin : 2 * end]) * units[row]
        return found

    def distances(self, sizes: Sequence[int]) -> list[tuple[float, float, float]]:
        """D, its p-value, and the first Wasserstein distance of two samples each, of so many values, (k,).

        From profiles p is that of the least D within their errors: where chance is ruled out, it is for certain.
        """
        found = []
        for i, (gap, area) in enumerate(zip(*self._gaps_and_areas(), strict=True)):
            of_both = slice(2 * i, 2 * i + 2)
            (a, b), (n, m) = self.counts[of_both], sizes[of_both]
            if a is not None and b is not None and max(n, m) <= COUNTED:
                begin, middle, end = self.begins[2 * i : 2 * i + 3]
                x, y = self.points[begin:middle].repeat(a), self.points[middle:end].repeat(b)
                found.append((*ks.two_sample(x, y), area))
                continue
            least = max(gap - sum(self.errors[of_both]), 0.0)
            found.append((gap, ks.p_value(least, n, m, counted=a is not None and b is not None), area))
        return found

    def _gaps_and_areas(self) -> tuple[list[float], list[float]]:
        """D = sup |F - G| and the area between F and G, of two samples each, (k / 2,)."""
        begins, sizes = self.begins[::2], np.diff(self.begins)
        others = self.begins[:-1].reshape(-1, 2)[:, ::-1].ravel()
        order = np.concatenate([self.points[a:b].argsort(kind="stable") + a for a, b in pairwise(begins.tolist())])
        # behind how many points of the other sample each one is: its place among those of both, less that in its own
        passed = np.empty_like(order)
        passed[order] = np.arange(len(order))
        passed -= np.arange(len(order)) - np.maximum(self.begins[:-1] - others, 0).repeat(sizes)
        points = self.points[order]
        tied = points[1:] == points[:-1]
        tied[begins[1:-1] - 1] = False
        passed[order[:-1][tied]] += 1  # the first sample's come first
        left, right = self._ranks_after(self.points, passed, others.repeat(sizes))
        signs = np.resize((1.0, -1.0), len(sizes)).repeat(sizes)
        before, after = signs * (self.left - left), signs * (self.right - right)
        gaps = np.maximum.reduceat(np.maximum(np.abs(before), np.abs(after)), begins[:-1])
        # from each point to the next
        begin, end = after[order], np.append(before[order[1:]], 0.0)
        height = np.abs(begin) + np.abs(end)
        crossed = (begin * end < 0).nonzero()[0]  # two triangles instead of a trapezium
        height[crossed] = (begin[crossed] ** 2 + end[crossed] ** 2) / height[crossed]
        half = points / 2
        pieces = height[:-1] / 2 * (half[1:] - half[:-1])  # from the last of a pair to the next pair's there is no gap
        areas = np.minimum(np.add.reduceat(np.append(pieces, 0.0), begins[:-1]), LARGEST / 2) * 2
        return gaps.tolist(), areas.tolist()


def of_profiles(columns: Sequence[dict[str, Any]]) -> Lines:
    """What profiles keep of columns of numbers, (k,); each column has a value.

    Raises:
        ValueError: one is damaged.
    """
    (points, weights), sizes = distributions_of(columns)
    begins, totals = np.append(0, np.cumsum(sizes)), np.array([column["count"] for column in columns])
    upto, most = running(weights, begins), np.maximum.reduceat(weights, begins[:-1])
    if (upto[begins[1:] - 1] != totals).any() or (most > totals).any():
        raise ValueError("a distribution of other rows")
    centroids = np.array(["digest" in column for column in columns])
    half = weights * np.where(centroids, 0.5, 0.0).repeat(sizes)  # a centroid is in the middle of its values
    left, right = np.array((upto - weights + half, upto - half)) / totals.repeat(sizes)
    counts = [
        None if "digest" in column or "sampled" in column else weights[begin:end]
        for (begin, end), column in zip(pairwise(begins.tolist()), columns, strict=True)
    ]
    # format 1 says nothing of its error
    errors = [float(column.get("error", 1.5 * share)) for column, share in zip(columns, most / totals, strict=True)]
    ends = np.array([(column["min"], column["max"]) for column in columns], np.float64)
    drawn = _reaching(ends, centroids, *_steps(points, left, right, begins))
    return Lines(*drawn, counts, errors)


def _steps(points: Floats, left: Floats, right: Floats, begins: Integers) -> tuple[Floats, Floats, Floats, Integers]:
    """Centroids of one value become one point, where the line steps."""
    first = np.append(True, points[1:] != points[:-1])
    first[begins[:-1]] = True
    if first.all():
        return points, left, right, begins
    last = np.append(first[1:], True)
    return points[first], left[first], right[last], np.append(0, np.cumsum(first)[begins[1:] - 1])


def _reaching(
    ends: Floats, centroids: npt.NDArray[np.bool_], points: Floats, left: Floats, right: Floats, begins: Integers
) -> tuple[Floats, Floats, Floats, Integers]:
    """The lines through centroids go from the least to the greatest value, `ends`, (k, 2)."""
    lacking = np.array((points[begins[:-1]] > ends[:, 0], points[begins[1:] - 1] < ends[:, 1])).T & centroids[:, None]
    places, shares = np.array((begins[:-1], begins[1:])).T[lacking], np.nonzero(lacking)[1]  # 0 or 1 of the values
    points = np.insert(points, places, ends[lacking])
    left, right = np.insert(left, places, shares), np.insert(right, places, shares)
    begins = begins + np.append(0, np.cumsum(lacking.sum(1)))
    left[begins[:-1]], right[begins[1:] - 1] = 0.0, 1.0
    return points, left, right, begins


def of_counts(samples: Sequence[tuple[Floats, Integers]]) -> Lines:
    """Of values, ascending, with how many there are of each; both (p,), of each sample, (k,)."""
    points, counts = (np.concatenate(side) for side in zip(*samples, strict=True))
    begins = np.append(0, np.cumsum([len(values) for values, _ in samples]))
    upto = running(counts, begins)
    totals = upto[begins[1:] - 1].repeat(np.diff(begins))
    return Lines(
        points, (upto - counts) / totals, upto / totals, begins, [one for _, one in samples], [0.0] * len(samples)
    )


def _counted(points: Floats, counts: Integers, shares: Floats) -> Floats:
    upto = counts.cumsum()
    return type7(lambda ranks: points[upto.searchsorted(ranks, "right")], int(upto[-1]), shares)


def running(values: npt.NDArray[Any], begins: Integers) -> Integers:
    """Sums up to each value, (n,), from the beginning of its sample on, (k + 1,)."""
    found = np.cumsum(values)
    found -= np.append(0, found[begins[1:-1] - 1]).repeat(np.diff(begins))
    return found


def type7(at: Callable[[Integers], npt.NDArray[Any]], count: int, shares: Floats) -> Floats:
    """Quantiles at shares, (s,), between neighbouring values: Hyndman & Fan's type 7, as numpy and pandas have them.

    `at` gives the values of ranks 0..count - 1.
    """
    below, above, part = neighbours(count, shares)
    low, high = (at(ranks).astype(np.float64) for ranks in (below, above))
    # rounded, the sum can lie beyond both: a column of one value would have quantiles beside it
    between: Floats = np.clip(low * (1 - part) + high * part, low, high)
    return between


def neighbours(count: int, shares: Floats) -> tuple[Integers, Integers, Floats]:
    """The ranks of 0..count - 1 between which type 7 has each share, (s,), and how far it is above the lower."""
    places = shares * (count - 1)
    below = np.floor(places).astype(np.int64)
    return below, np.minimum(below + 1, count - 1), places - below
