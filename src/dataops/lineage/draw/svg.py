"""A drawing as SVG: one file without scripts, style sheets or anything that is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from dataops.lineage.draw.boxes import GROUND
from dataops.lineage.draw.drawing import Box, Drawing, Look, Point, Route, Text
from dataops.lineage.draw.graph import Graph, Node
from dataops.lineage.draw.layout import drawing
from dataops.versions.wording import clean

FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
TIP = 2000  # characters


def svg(graph: Graph) -> str:
    """The picture of a graph. It has a ground of its own, so that it can be read on a dark page as well."""
    found = drawing(graph)
    return "\n".join(_svg(found)) + "\n"


def _svg(found: Drawing) -> Iterator[str]:
    wide, high = _n(found.width), _n(found.height)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}" '
        f'role="img" aria-label={quoteattr(found.title)} font-family="{FONTS}">'
    )
    yield f"<title>{escape(found.title)}</title>"
    yield f'<rect width="{wide}" height="{high}" rx="6" fill="{GROUND}"/>'
    names = {box.node.id: clean(box.node.title) for box in found.boxes if box.node}
    for route in found.routes:
        yield from _route(route, names)
    for box in found.boxes:
        yield from _box(box)
    yield from (_text(text) for text in found.texts)
    for sample in found.samples:
        yield from _box(sample)
    for route in found.sample_routes:
        yield from _route(route, {})
    yield "</svg>"


def _box(box: Box) -> Iterator[str]:
    shape = _rectangle(box, box.look)
    if box.node is None:
        yield shape
        return
    yield f'<g class="node {box.node.kind}">'
    yield f"<title>{escape(tip(box.node))}</title>"
    yield shape
    yield from (_text(text) for text in box.texts)
    for badge in box.badges:
        yield (
            f'<rect x="{_n(badge.x)}" y="{_n(badge.y)}" width="{_n(badge.width)}" height="{_n(badge.height)}" '
            f'rx="7" fill="#ffd33d"/>'
        )
        yield _text(badge.text)
    yield "</g>"


def _rectangle(box: Box, look: Look) -> str:
    dashes = ' stroke-dasharray="4 3"' if look.dashed else ""
    return (
        f'<rect x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}" '
        f'rx="{_n(look.radius)}" fill="{look.fill}" stroke="{look.border}" stroke-width="{_n(look.thick)}"{dashes}/>'
    )


def _route(route: Route, names: dict[str, str]) -> Iterator[str]:
    path = " ".join(letter + " ".join(_point(point) for point in points) for letter, points in route.path)
    corners = " ".join(_point(point) for point in route.head())
    dashes = ' stroke-dasharray="4 3"' if route.dashed else ""
    line = f'<path d="{path}" fill="none" stroke="{route.colour}" stroke-width="1.4"{dashes}/>'
    head = f'<polygon points="{corners}" fill="{route.colour}"/>'
    if route.edge is None:
        yield line + head
        return
    label = f" ({clean(route.edge.label)})" if route.edge.label else ""
    told = f"{names[route.edge.source]} → {names[route.edge.target]}{label}"
    yield f'<g class="edge"><title>{escape(told[:TIP])}</title>{line}{head}</g>'


def _text(text: Text) -> str:
    bold = ' font-weight="600"' if text.bold else ""
    middle = ' text-anchor="middle"' if text.middle else ""
    struck = ' text-decoration="line-through"' if text.struck else ""
    place = f'x="{_n(text.x)}" y="{_n(text.y)}"{bold}{middle}{struck}'
    return f'<text {place} font-size="{_n(text.size)}" fill="{text.colour}">{escape(text.content)}</text>'


def tip(node: Node) -> str:
    """What a pointer shows: everything that the box says, and more."""
    lines = [node.title, *node.badges, *node.lines, *node.tip.splitlines()]
    return "\n".join(filter(None, map(clean, lines)))[:TIP]


def _point(point: Point) -> str:
    return f"{_n(point[0])},{_n(point[1])}"


def _n(number: float) -> str:
    """A number with a tenth of a pixel, no more."""
    return f"{number:.1f}".removesuffix(".0")
