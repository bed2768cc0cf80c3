"""The layout of a history: a column an artifact, time runs down, and arrows like the lines of an underground map.

Whatever was made of one version leaves it as one line: out of its side, along a lane of its own in the gutter between
two columns, and into each box beside it. Lanes are taken by the first that fit, so that they are few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dataops.lineage.draw.boxes import as_wide, measured
from dataops.lineage.draw.drawing import Box, Heading, Point, Route, behind, rounded
from dataops.lineage.draw.graph import Edge, Graph

GAP = 18.0  # between rows
COMPACT = 30  # rows; where there are more, each is one line of text
LANE, WIDEST_GUTTER = 9.0, 400.0
MARGIN = 22.0  # between a box and the first lane
COLOURS = ("#0067a5", "#a84300", "#00805c", "#8a3b7c", "#6b6b00")  # Okabe and Ito's, darker; dark on white for anybody
ASIDE = 6.0  # how far an arrow comes in beside the middle, where a line goes out at the middle of the same row


@dataclass(frozen=True)
class _Line:
    """Everything that leaves one version for one column."""

    source: str
    gutter: int
    """It lies to the right of the column of that number; -1: left of the first."""
    targets: tuple[str, ...]


@dataclass(frozen=True)
class _Grid:
    graph: Graph
    boxes: Mapping[str, Box]
    tops: Sequence[float]
    """Of the rows."""
    bottoms: Sequence[float]
    lefts: Sequence[float]
    """Of the columns."""
    rights: Sequence[float]
    lanes: Mapping[_Line, tuple[int, int]]
    """The number of each line's lane, and how many there are in its gutter."""

    def row(self, node: str) -> int:
        return self.graph.rows[node]

    def column(self, node: str) -> int:
        return self.graph.columns[node]

    def middle(self, node: str) -> float:
        box = self.boxes[node]
        return box.y + box.height / 2

    def lane(self, line: _Line) -> float:
        number, count = self.lanes[line]
        left = self.rights[line.gutter] if line.gutter >= 0 else self.lefts[0] - 2 * MARGIN
        return left + MARGIN + number * min(LANE, (WIDEST_GUTTER - 2 * MARGIN) / max(count, 1))


def laid(graph: Graph) -> tuple[list[Box], list[Route]]:
    """Boxes and arrows, from 0, 0 on.

    Raises:
        ValueError: two nodes have the same row and column.
    """
    cells = {(graph.rows[node.id], graph.columns[node.id]) for node in graph.nodes}
    if len(cells) < len(graph.nodes):
        raise ValueError("two nodes in one cell of the grid")
    lines = _lines(graph)
    lanes = _lanes(graph, lines)
    boxes, tops, bottoms, lefts, rights = _boxes(graph, lanes)
    grid = _Grid(graph, boxes, tops, bottoms, lefts, rights, lanes)
    coming = {(graph.rows[line.source], line.gutter): line.source for line in lines if _leaves_right(graph, line)}
    colours = {
        source: COLOURS[number % len(COLOURS)] for number, source in enumerate({line.source: 0 for line in lines})
    }
    line_of = {(line.source, target): line for line in lines for target in line.targets}
    routes = []
    for edge in graph.edges:
        line = line_of.get((edge.source, edge.target))
        if edge.weak and line is None:
            routes.append(_next(grid, edge))
        elif line is not None:
            beside = coming.get((graph.rows[edge.target], line.gutter), edge.source) != edge.source
            routes.append(_way(grid, edge, line, ASIDE if beside else 0.0, colours[line.source]))
    return [boxes[node.id] for node in graph.nodes], routes


def _leaves_right(graph: Graph, line: _Line) -> bool:
    return graph.columns[line.source] == line.gutter


def _lines(graph: Graph) -> list[_Line]:
    """What goes out of each version, together; the plain steps down a column are none."""
    taken: dict[tuple[str, int], list[str]] = {}
    below = _below(graph)
    for edge in graph.edges:
        one, two = graph.columns[edge.source], graph.columns[edge.target]
        if one == two and below.get(edge.source) == edge.target:
            continue
        gutter = two - 1 if two > one else two
        taken.setdefault((edge.source, gutter), []).append(edge.target)
    found = [_Line(source, gutter, tuple(targets)) for (source, gutter), targets in taken.items()]
    return sorted(found, key=lambda line: (graph.rows[line.source], graph.columns[line.source], line.gutter))


def _below(graph: Graph) -> dict[str, str]:
    """The next node of each column, downwards."""
    columns: dict[int, list[str]] = {}
    for node in sorted(graph.nodes, key=lambda node: graph.rows[node.id]):
        columns.setdefault(graph.columns[node.id], []).append(node.id)
    return {one: two for nodes in columns.values() for one, two in pairwise(nodes)}


def _lanes(graph: Graph, lines: Sequence[_Line]) -> dict[_Line, tuple[int, int]]:
    """The first lane of its gutter that is free along all rows of a line."""
    busy: dict[int, list[list[tuple[int, int]]]] = {}
    number = {}
    for line in lines:
        rows = [graph.rows[node] for node in (line.source, *line.targets)]
        span = (min(rows), max(rows))
        lanes = busy.setdefault(line.gutter, [])
        free = (at for at, taken in enumerate(lanes) if all(span[0] > last or span[1] < first for first, last in taken))
        place = next(free, len(lanes))
        if place == len(lanes):
            lanes.append([])
        lanes[place].append(span)
        number[line] = place
    return {line: (place, len(busy[line.gutter])) for line, place in number.items()}


def _boxes(
    graph: Graph, lanes: Mapping[_Line, tuple[int, int]]
) -> tuple[dict[str, Box], list[float], list[float], list[float], list[float]]:
    """The boxes in their cells; tops and bottoms of the rows, lefts and rights of the columns."""
    compact = len(set(graph.rows.values())) > COMPACT
    box = {node.id: measured(node, compact=compact) for node in graph.nodes}
    ids = list(box)
    for column in set(graph.columns.values()):
        inside = [node for node in ids if graph.columns[node] == column]
        box.update(zip(inside, as_wide([box[node] for node in inside]), strict=True))
    high = [0.0] * (1 + max(graph.rows.values(), default=-1))
    wide = [0.0] * (1 + max(graph.columns.values(), default=-1))
    for node in ids:
        high[graph.rows[node]] = max(high[graph.rows[node]], box[node].height)
        wide[graph.columns[node]] = max(wide[graph.columns[node]], box[node].width)
    count = {line.gutter: most for line, (_, most) in lanes.items()}
    gap = GAP - 6 if compact else GAP
    at = 2 * MARGIN + LANE * count[-1] if -1 in count else 0.0
    lefts, rights = [], []
    for column, size in enumerate(wide):
        lefts.append(at)
        rights.append(at + size)
        at += size + min(WIDEST_GUTTER, 2 * MARGIN + LANE * count.get(column, 1))
    tops, bottoms, at = [], [], 0.0
    for size in high:
        tops.append(at)
        bottoms.append(at + size)
        at += size + gap
    for node in ids:
        row, one = graph.rows[node], box[node]
        y = (tops[row] + bottoms[row] - one.height) / 2
        box[node] = one.moved(lefts[graph.columns[node]], y)
    return box, tops, bottoms, lefts, rights


def _next(grid: _Grid, edge: Edge) -> Route:
    """Straight down to the next version, or up to it."""
    one, two = grid.boxes[edge.source], grid.boxes[edge.target]
    x = one.x + min(24.0, one.width / 2)
    down = one.y < two.y
    heading: Heading = "down" if down else "up"
    tip = (x, two.y if down else two.y + two.height)
    start = (x, one.y + one.height if down else one.y)
    return Route(rounded([start, behind(tip, heading)]), tip, heading, "#8c959f", True, edge)


def _way(grid: _Grid, edge: Edge, line: _Line, aside: float, colour: str) -> Route:
    """Out of the source's side, along the lane, into the target's side."""
    one, two = grid.boxes[edge.source], grid.boxes[edge.target]
    column = grid.column(edge.source)
    lane = grid.lane(line)
    rightwards = line.gutter >= column
    out = one.x + one.width if rightwards else one.x
    y = grid.middle(edge.source)
    points: list[Point] = [(out, y)]
    if line.gutter not in (column, column - 1):  # past other columns, between two rows
        near = out + (8.0 if rightwards else -8.0)
        between = grid.bottoms[grid.row(edge.source)] + 6.0 + 2.0 * (column % 3 - 1)
        points += [(near, y), (near, between)]
        y = between
    points.append((lane, y))
    left = line.gutter < grid.column(edge.target)  # comes in from the left
    goal = grid.middle(edge.target) - aside
    tip = (two.x if left else two.x + two.width, goal)
    heading: Heading = "right" if left else "left"
    points += [(lane, goal), behind(tip, heading)]
    return Route(rounded(points), tip, heading, colour, edge.weak, edge)
