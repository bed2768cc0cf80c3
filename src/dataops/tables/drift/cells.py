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
        found = values - np.float64(self.low)
        found *= self.scale
        return np.clip(found, 0, CELLS - 1, out=found).astype(np.uint16)


def grid(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> Grid | None:
    """Cells that most of both samples spread over; None where they don't, or where cells don't pay."""
    if min(len(a), len(b)) < LEAST:
        return None
    seen = np.sort(np.concatenate([side[:: len(side) // GLANCED] for side in (a, b)]).astype(np.float64))
    low, high = seen[len(seen) // 200], seen[-len(seen) // 200]
    span = (high - low) * 1.6
    return Grid(float(low - span * 0.1875), CELLS / span) if 1 / REACH < span < REACH else None


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
            piece = self.values[start : start + CHUNK]
            cells = self.grid.cells(piece)
            self.places[start : start + CHUNK] = cells
            wide = cells.astype(np.intp)
            counts += np.bincount(wide, minlength=CELLS)
            self.sums += np.bincount(wide, piece - np.float64(self.grid.low), CELLS)
        self.before = np.concatenate(([0], np.cumsum(counts)))
        self._of_cell: npt.NDArray[np.int8] = np.full(CELLS, -1, np.int8)  # the drawer that has a cell's values
        self._drawers: list[Drawer] = []

    def open(self, wanted: Mask) -> Drawer:
        """The values of these cells, (CELLS,), sorted."""
        counts = np.where(wanted, np.diff(self.before), 0)
        taken = np.sort(self.values[wanted[self.places]])
        self._of_cell[wanted] = len(self._drawers)
        self._drawers.append(Drawer(taken, self.before[:-1] - (np.cumsum(counts) - counts)))
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

    def at(self, ranks: Integers) -> Floats:
        """The values of these ranks, 0..n - 1, (k,)."""
        cells = np.searchsorted(self.before, ranks, "right") - 1
        where = self._opened(cells)
        found = np.zeros(len(ranks))
        for number, drawer in enumerate(self._drawers):
            mine = where == number
            found[mine] = drawer.values[ranks[mine] - drawer.shift[cells[mine]]]
        return found


def gap_and_area(a: Celled, b: Celled) -> tuple[float, float]:
    """D = sup |F - G|, and the area between F and G: the first Wasserstein distance. Both exactly.

    Ranks are compared as whole numbers, F n m against G n m. Where F - G has one sign over a cell, the area there is
    the difference of the areas under F and G, which follow from the sums of the cell's values.
    """
    n, m = len(a.values), len(b.values)
    f, g = a.before * m, b.before * n
    least, most = f[:-1] - g[1:], f[1:] - g[:-1]  # of F - G anywhere in a cell
    best = int(np.abs(f - g).max())
    crossed = (least < 0) & (most > 0)
    wanted = np.maximum(most, -least) > best
    wanted |= crossed
    opened = a.open(wanted), b.open(wanted)
    edges = np.arange(CELLS + 1) / a.grid.scale  # above the grid's first edge
    edges[0], edges[-1] = (end - a.grid.low for end in a.ends)
    widths = np.diff(edges)
    under = [
        (side.before[:-1] * widths + np.diff(side.before) * edges[1:] - side.sums) / len(side.values) for side in (a, b)
    ]
    area = float(np.abs(under[0] - under[1])[~crossed].sum())
    points = np.sort(np.concatenate((opened[0].values, opened[1].values)).astype(np.float64))
    if len(points):
        cells = a.grid.cells(points)
        ranks = [drawer.counts(points, cells, "right") for drawer in opened]
        gaps = np.abs(ranks[0] * m - ranks[1] * n)
        best = max(best, int(gaps.max()))
        area += _inside(points - a.grid.low, cells, gaps, np.abs(f - g), edges, crossed) / n / m
    return best / n / m, area


def _inside(
    points: Floats, cells: npt.NDArray[np.uint16], gaps: Integers, before: Integers, edges: Floats, crossed: Mask
) -> float:
    """The area in the crossed cells, from value to value; `gaps` holds right of each point, `before` left of a cell."""
    first = np.append(True, cells[1:] != cells[:-1])
    ends = np.where(np.append(first[1:], True), edges[cells.astype(np.intp) + 1], np.append(points[1:], 0.0))
    counted = crossed[cells]
    pieces = gaps * np.maximum(ends - points, 0.0)
    begins = before[cells] * np.maximum(points - edges[cells], 0.0)
    return float(pieces[counted].sum() + begins[first & counted].sum())
