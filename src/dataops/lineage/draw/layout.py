"""A graph as a drawing: title, headings, boxes and arrows, and a legend of what occurs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dataops.lineage.draw import flow, grid
from dataops.lineage.draw.boxes import FADED, GROUND, INK, LINE, LINES, LOOKS, MUTED, WORDS
from dataops.lineage.draw.drawing import Box, Drawing, Look, Route, Text, behind, rounded
from dataops.lineage.draw.graph import Edge, Graph
from dataops.lineage.draw.text import elided, width
from dataops.versions.wording import clean

MARGIN = 20.0
HEADLINE, SUBTITLE, HEADING = 16.0, 12.0, 13.0
NARROWEST = 480.0


def drawing(graph: Graph) -> Drawing:
    """Where everything lies. The same graph is the same drawing.

    Raises:
        ValueError: an edge has an end that is no node, or two nodes have one id or one cell of the grid.
    """
    graph = _sound(graph)
    boxes, routes = grid.laid(graph) if graph.rows else flow.laid(graph)
    title = clean(graph.title)
    inner = max([NARROWEST, *(box.x + box.width for box in boxes)])
    texts = [Text(MARGIN, MARGIN + HEADLINE - 2, elided(title, HEADLINE, inner, bold=True), HEADLINE, INK, bold=True)]
    top = MARGIN + HEADLINE + 18
    if graph.subtitle:
        shown = elided(clean(graph.subtitle), SUBTITLE, inner)
        texts.append(Text(MARGIN, MARGIN + HEADLINE + 16, shown, SUBTITLE, MUTED))
        top += 18
    if graph.headings:
        for number, heading in enumerate(graph.headings):
            x = min((box.x for box in boxes if box.node and graph.columns[box.node.id] == number), default=0.0)
            texts.append(Text(MARGIN + x, top + HEADING - 3, clean(heading), HEADING, MUTED, bold=True))
        top += HEADING + 8
    right, bottom = _extent(boxes, routes)
    left = min([0.0, *(x for route in routes for _, points in route.path for x, _ in points)])
    boxes = [box.moved(MARGIN - left, top) for box in boxes]
    routes = [route.moved(MARGIN - left, top) for route in routes]
    inner = max(inner, right - left)
    samples, sample_routes, words, end = _legend(graph, inner, top + bottom + 26)
    return Drawing(
        title, round(inner + 2 * MARGIN), round(end + MARGIN - 6), tuple(boxes), tuple(routes), (*texts, *words),
        samples, sample_routes,
    )  # fmt: skip


def _sound(graph: Graph) -> Graph:
    """The graph with each edge once, and none from a node to itself."""
    known = {node.id for node in graph.nodes}
    if len(known) < len(graph.nodes):
        raise ValueError("two nodes have one id")
    edges: dict[tuple[str, str], Edge] = {}
    for edge in graph.edges:
        if edge.source not in known or edge.target not in known:
            raise ValueError(f"an edge between {edge.source!r} and {edge.target!r}, which are not both nodes")
        if edge.source != edge.target:
            edges.setdefault((edge.source, edge.target), edge)
    return replace(graph, edges=tuple(edges.values()))


def _extent(boxes: list[Box], routes: list[Route]) -> tuple[float, float]:
    """The greatest x and y."""
    points = [point for route in routes for _, step in route.path for point in (*step, route.tip)]
    xs = [box.x + box.width for box in boxes] + [x for x, _ in points]
    ys = [box.y + box.height for box in boxes] + [y for _, y in points]
    return max(xs, default=0.0), max(ys, default=0.0)


def _legend(graph: Graph, wide: float, y: float) -> tuple[tuple[Box, ...], tuple[Route, ...], tuple[Text, ...], float]:
    """Samples with their words, in as many lines as it takes, and where they end."""
    boxes: list[Box] = []
    routes: list[Route] = []
    texts: list[Text] = []
    x = MARGIN
    for sample, words in _entries(graph):
        size = 32 + width(words, LINES) + 18
        if x > MARGIN and x + size > MARGIN + wide:
            x, y = MARGIN, y + 20
        if isinstance(sample, Look):
            boxes.append(Box(x, y, 24, 12, sample))
        else:
            tip = (x + 24, y + 6)
            colour = LINE if sample == "arrow" else "#8c959f"
            routes.append(Route(rounded([(x, y + 6), behind(tip, "right")]), tip, "right", colour, sample == "weak"))
        texts.append(Text(x + 32, y + 10, words, LINES, MUTED))
        x += size
    return tuple(boxes), tuple(routes), tuple(texts), y + 14


def _entries(graph: Graph) -> Iterator[tuple[Look | str, str]]:
    """What occurs in the picture, each once."""
    kinds = {node.kind for node in graph.nodes if not node.faded}
    for kind, words in WORDS.items():
        if kind in kinds:
            found = LOOKS[kind]
            yield (found if found.radius < 6 else Look(found.fill, found.border, INK, INK, 6)), words
    if any(node.chosen for node in graph.nodes):
        yield Look(GROUND, INK, INK, INK, thick=3.5), "what was asked for"
    if any(node.faded for node in graph.nodes):
        yield FADED, "deprecated"
    strong = [edge for edge in graph.edges if not edge.weak]
    weak = [edge for edge in graph.edges if edge.weak]
    if strong:
        yield "arrow", "was used for"
    if weak:
        yield "weak", "next version" if graph.rows else "written down by hand, not recorded"
