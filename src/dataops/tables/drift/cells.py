"""Two large samples compared exactly without sorting them: counted in cells, of which few have to be sorted.

Values are sent to equal cells by one monotone function, so that counts before a cell are ranks, exactly. Within a cell
both distribution functions are bounded by its ends. Only where that leaves open whether the largest gap lies there, or
which function is above, or where a quantile is wanted, are the cell's values taken out and sorted: a few in a hundred.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from dataops.tables.drift.lines import neighbours, type7

CELLS = 1 << 16
CHUNK = 1 << 17  # values: with their cells they stay in the second cache
LEAST = 1 << 16  # values of a side from which it pays
GLANCED = 2048  # values of a side that say where most of them lie
REACH = 1e150  # beyond, sums of values would overflow
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Grid:
    """Equal cells from `low` on; the first and the last have what lies beyond."""

    low: float
    scale: float

    def cells(self, values: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
        """Each value's cell, (n,); never less for a greater value."""
        return self.cells_above(self.above(values))

    def above(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """How far values are above the first edge, (n,)."""
        found: npt.NDArray[Any] = values - np.float64(self.low)
        return found

    def cells_above(self, found: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
        """The cells of what is so far above the first edge, (n,)."""
        scaled = found * self.scale
        return np.clip(scaled, 0, CELLS - 1, out=scaled).astype(np.uint16)


def grid(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> Grid | None:
    """Cells that most of both samples spread over; None where they don't, or where cells don't pay."""
    if min(len(a), len(b)) < LEAST:
        return None
    seen = np.sort(np.concatenate([side[:: len(side) // GLANCED] for side in (a, b)]).astype(np.float64))
    low, high = seen[len(seen) // 200], seen[-len(seen) // 200]
    span = (high - low) * 1.1  # narrow cells have few values; those of both tails are taken out soon
    return Grid(float(low - (span - (high - low)) / 2), CELLS / span) if 1 / REACH < span < REACH else None


@dataclass(frozen=True)
class Drawer:
    """The values of some cells, taken out and sorted."""

    values: npt.NDArray[Any]
    shift: Integers
    """What a value's place here lacks to its rank among all, by its cell, (CELLS,)."""

    def counts(self, points: npt.NDArray[Any], cells: npt.NDArray[Any], side: Literal["left", "right"]) -> Integers:
        """How many values of all are below ("left"), or not above ("right"), points in its cells, (k,)."""
        found: Integers = np.searchsorted(self.values, points, side) + self.shift[cells]
        return found


@dataclass
class Celled:
    """Every value of one side, finite, (n,), float."""

    values: npt.NDArray[Any]
    grid: Grid
    ends: tuple[float, float]
    """The least and the greatest value of both sides."""
    error: float = 0.0
    places: npt.NDArray[np.uint16] = field(init=False)
    before: Integers = field(init=False)
    """How many values are in cells below, (CELLS + 1,)."""
    sums: Floats = field(init=False)
    """The sum over each cell of how far its values are above the grid's first edge, (CELLS,)."""

    def __post_init__(self) -> None:
        self.places = np.empty(len(self.values), np.uint16)
        counts, self.sums = np.zeros(CELLS, np.int64), np.zeros(CELLS)
        for start in range(0, len(self.values), CHUNK):
            above = self.grid.above(self.values[start : start + CHUNK])
            cells = self.grid.cells_above(above)
            self.places[start : start + CHUNK] = cells
            wide = cells.astype(np.intp)
            counts += np.bincount(wide, minlength=CELLS)
            self.sums += np.bincount(wide, above, CELLS)
        self.before = np.concatenate(([0], np.cumsum(counts)))
        self._of_cell: npt.NDArray[np.int8] = np.full(CELLS, -1, np.int8)  # the drawer that has a cell's values
        self._drawers: list[Drawer] = []

    def open(self, wanted: Mask) -> Drawer:
        """The values of these cells, (CELLS,), sorted."""
        counts = np.where(wanted, np.diff(self.before), 0)
        pieces = [slice(start, start + CHUNK) for start in range(0, len(self.values), CHUNK)]
        taken = [self.values[piece][np.flatnonzero(wanted.take(self.places[piece]))] for piece in pieces]
        self._of_cell[wanted] = len(self._drawers)
        self._drawers.append(Drawer(np.sort(np.concatenate(taken)), self.before[:-1] - (np.cumsum(counts) - counts)))
        return self._drawers[-1]

    def _opened(self, cells: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
        """The drawer of each of these cells, (k,); those closed yet are opened."""
        closed = self._of_cell[cells] < 0
        if closed.any():
            wanted = np.zeros(CELLS, bool)
            wanted[cells[closed]] = True
            self.open(wanted)
        found: npt.NDArray[np.int8] = self._of_cell[cells]
        return found

    def ranks(self, points: Floats) -> tuple[Floats, Floats]:
        """Shares of values below, and at or below, points, (k,)."""
        cells = self.grid.cells(points)
        where = self._opened(cells)
        found = np.zeros((2, len(points)))
        for number, drawer in enumerate(self._drawers):
            mine = where == number
            found[0, mine] = drawer.counts(points[mine], cells[mine], "left")
            found[1, mine] = drawer.counts(points[mine], cells[mine], "right")
        return found[0] / len(self.values), found[1] / len(self.values)

    def quantiles(self, shares: Floats) -> Floats:
        """The values at these shares, (k,), as numpy and pandas have them: Hyndman & Fan's type 7."""
        return type7(self.at, len(self.values), shares)

    def asked(self, shares: Floats) -> Mask:
        """The cells, (CELLS,), with the values that these quantiles are between."""
        below, above, _ = neighbours(len(self.values), shares)
        found = np.zeros(CELLS, bool)
        found[self._holding(np.concatenate((below, above)))] = True
        return found

    def _holding(self, ranks: Integers) -> Integers:
        return np.searchsorted(self.before, ranks, "right") - 1

    def at(self, ranks: Integers) -> Floats:
        """The values of these ranks, 0..n - 1, (k,)."""
        cells = self._holding(ranks)
        where = self._opened(cells)
        found = np.zeros(len(ranks))
        for number, drawer in enumerate(self._drawers):
            mine = where == number
            found[mine] = drawer.values[ranks[mine] - drawer.shift[cells[mine]]]
        return found


def gap_and_area(a: Celled, b: Celled, shares: Floats) -> tuple[float, float]:
    """D = sup |F - G|, and the area between F and G: the first Wasserstein distance. Both exactly.

    Ranks are compared as whole numbers, F n m against G n m. Where F - G has one sign over a cell, the area there is
    the difference of the areas under F and G, which follow from the sums of the cell's values.

    Cells with quantiles that will be asked for, at `shares`, (s,), are opened on the way.
    """
    n, m = len(a.values), len(b.values)
    f, g = a.before * m, b.before * n
    least, most = f[:-1] - g[1:], f[1:] - g[:-1]  # of F - G anywhere in a cell
    best = int(np.abs(f - g).max())
    crossed = (least < 0) & (most > 0)
    wanted = np.maximum(most, -least) > best
    wanted |= crossed
    # the same of both: a value's rank on the other side is known there, too
    wanted |= a.asked(shares) | b.asked(shares)
    opened = a.open(wanted), b.open(wanted)
    edges = np.arange(CELLS + 1) / a.grid.scale  # above the grid's first edge
    edges[0], edges[-1] = (end - a.grid.low for end in a.ends)
    widths = np.diff(edges)
    under = [
        (side.before[:-1] * widths + np.diff(side.before) * edges[1:] - side.sums) / len(side.values) for side in (a, b)
    ]
    area = float(np.abs(under[0] - under[1])[~crossed].sum())
    points, upto, from_a = _merged(*(drawer.values for drawer in opened))
    cells = a.grid.cells(points).astype(np.intp)
    outside = opened[0].shift * m - opened[1].shift * n  # of what isn't in the drawers
    gaps = np.abs(from_a * (n + m) - upto * n + outside[cells])
    best = max(best, int(gaps.max()))
    area += _inside(points - a.grid.low, cells, gaps, np.abs(f - g), edges, crossed) / n / m
    return best / n / m, area


def _merged(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> tuple[Floats, Integers, Integers]:
    """The distinct values of two sorted samples, (k,), ascending; how many of both, and of `a`, aren't above them."""
    both = np.concatenate((a, b)).astype(np.float64)
    order = np.argsort(both, kind="stable")  # which merges what is sorted already
    both = both[order]
    upto: Integers = np.flatnonzero(np.append(both[1:] != both[:-1], True)) + 1
    from_a: Integers = np.cumsum(order < len(a), dtype=np.int64)[upto - 1]
    return both[upto - 1], upto, from_a


def _inside(points: Floats, cells: Integers, gaps: Integers, before: Integers, edges: Floats, crossed: Mask) -> float:
    """The area in the crossed cells, from value to value; `gaps` holds right of each point, `before` left of a cell."""
    change = np.flatnonzero(cells[1:] != cells[:-1]) + 1
    first, last = np.append(0, change), np.append(change, len(cells)) - 1
    widths = np.append(points[1:] - points[:-1], 0.0)
    widths[last] = np.maximum(edges[cells[last] + 1] - points[last], 0.0)
    pieces = np.add.reduceat(gaps * widths, first)
    pieces += before[cells[first]] * np.maximum(points[first] - edges[cells[first]], 0.0)
    return float(pieces[crossed[cells[first]]].sum())
