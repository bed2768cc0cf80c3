"""The layout of a trace: layers in the direction of the data, to the right or, where that is too wide, down."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from dataops.lineage.draw.boxes import LINE, as_wide, measured
from dataops.lineage.draw.drawing import HEAD, Box, Heading, Point, Route, Step, behind
from dataops.lineage.draw.graph import Edge, Graph
from dataops.lineage.draw.layers import Layered, layered
from dataops.lineage.draw.positions import placed

PAGE = 1280.0  # pixels that a page shows without scrolling or shrinking
BETWEEN = {"right": 52.0, "down": 40.0}  # from layer to layer
APART = {"right": 14.0, "down": 22.0}  # from box to box in a layer
MORE, SLANT = 130.0, 0.08  # and so much more where an arrow has to go far aside
THIN = 6.0  # a long edge where it passes a layer


def laid(graph: Graph) -> tuple[list[Box], list[Route]]:
    """Boxes and arrows from 0, 0 on: to the right where a page is wide enough, else whichever is narrower."""
    right = _laid(graph, "right")
    if _width(right[0]) <= PAGE:
        return right
    down = _laid(graph, "down")
    return down if _width(down[0]) < _width(right[0]) else right


def shape(graph: Graph) -> Layered:
    """The layers of the graph's nodes, by their numbers."""
    numbers = {node.id: number for number, node in enumerate(graph.nodes)}
    return layered(len(numbers), [(numbers[edge.source], numbers[edge.target]) for edge in graph.edges])


def _width(boxes: Sequence[Box]) -> float:
    return max((box.x + box.width for box in boxes), default=0.0)


def _laid(graph: Graph, way: Heading) -> tuple[list[Box], list[Route]]:
    """One of the two. Along: the way of the data; across: side by side within a layer."""
    down = way == "down"
    found = shape(graph)
    boxes = [measured(node) for node in graph.nodes]
    if not down:
        for layer in found.layers:
            real = [node for node in layer if node < found.count]
            for node, box in zip(real, as_wide([boxes[node] for node in real]), strict=True):
                boxes[node] = box
    dummies = 1 + max((node for layer in found.layers for node in layer), default=-1) - len(boxes)
    sizes = [box.width if down else box.height for box in boxes] + [THIN] * dummies
    across = placed(found.layers, *found.links(), sizes, APART[way], found.count)
    starts, ends = [], []
    at = 0.0
    after = found.links()[1]
    for layer in found.layers:
        thick = max(boxes[node].height if down else boxes[node].width for node in layer if node < found.count)
        starts.append(at)
        ends.append(at + thick)
        farthest = max(
            (abs(across[node] - across[other]) for node in layer for other in after.get(node, ())), default=0
        )
        at += thick + BETWEEN[way] + min(MORE, farthest * SLANT)
    level = {node: number for number, layer in enumerate(found.layers) for node in layer}
    done = []
    for number, box in enumerate(boxes):
        middle = (starts[level[number]] + ends[level[number]]) / 2
        x, y = (across[number], middle) if down else (middle, across[number])
        done.append(box.moved(round(x - box.width / 2, 1), round(y - box.height / 2, 1)))
    routes = []
    for edge, chain, back in zip(graph.edges, found.chains, found.reversed, strict=True):
        stops = []
        for node in chain:
            sides = (starts[level[node]], ends[level[node]])
            if node < found.count:
                box = done[node]
                sides = (box.y, box.y + box.height) if down else (box.x, box.x + box.width)
            stops.append((sides, (starts[level[node]], ends[level[node]]), round(across[node], 1)))
        routes.append(_route(edge, stops, way, back))
    return done, routes


BACK: dict[Heading, Heading] = {"right": "left", "left": "right", "down": "up", "up": "down"}


def _route(edge: Edge, stops: list[tuple[Point, Point, float]], way: Heading, back: bool) -> Route:
    """Through the stops: each has where the node begins and ends along the way, where its layer does, and its place."""
    down = way == "down"

    def point(along: float, across: float) -> Point:
        return (across, along) if down else (along, across)

    (first, _, place), (last, _, goal) = stops[0], stops[-1]
    tip = point(first[1], place) if back else point(last[0], goal)
    heading = BACK[way] if back else way
    foot = behind(tip, heading)
    path: list[Step] = [("M", (foot if back else point(first[1], place),))]
    for (_, before, one), (_, after, two) in pairwise(stops):
        begin, half, end = before[1] + HEAD, (before[1] + after[0]) / 2, after[0] - HEAD
        path.append(("L", (point(begin, one),)))
        path.append(("C", (point(half, one), point(half, two), point(end, two))))
    path.append(("L", (point(last[0], goal) if back else foot,)))
    return Route(tuple(path), tip, heading, LINE, edge.weak, edge)
