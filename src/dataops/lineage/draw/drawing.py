"""A drawing: boxes, lines and texts with their places in pixels, y down. SVG and PNG are two prints of the same one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from dataops.lineage.draw.graph import Edge, Node

Point = tuple[float, float]
Step = tuple[Literal["M", "L", "Q", "C"], tuple[Point, ...]]
"""Move to, line to, quadratic and cubic Bézier curve to: as SVG writes them."""
Heading = Literal["right", "left", "down", "up"]


@dataclass(frozen=True)
class Text:
    """One line of text."""

    x: float
    y: float
    """Of the baseline."""
    content: str
    size: float
    colour: str
    bold: bool = False
    middle: bool = False
    """`x` is its middle; otherwise its start."""
    struck: bool = False

    def moved(self, x: float, y: float) -> Text:
        """The same elsewhere."""
        return replace(self, x=self.x + x, y=self.y + y)


@dataclass(frozen=True)
class Look:
    """How a kind of box is drawn."""

    fill: str
    border: str
    title: str
    lines: str
    radius: float = 2.0
    dashed: bool = False
    thick: float = 1.2


@dataclass(frozen=True)
class Badge:
    """A word on a ground of its own."""

    x: float
    y: float
    width: float
    height: float
    text: Text

    def moved(self, x: float, y: float) -> Badge:
        """The same elsewhere."""
        return replace(self, x=self.x + x, y=self.y + y, text=self.text.moved(x, y))


@dataclass(frozen=True)
class Box:
    """A node with its place; without a node a sample in the legend."""

    x: float
    y: float
    width: float
    height: float
    look: Look
    texts: tuple[Text, ...] = ()
    badges: tuple[Badge, ...] = ()
    node: Node | None = None

    def moved(self, x: float, y: float) -> Box:
        """The same elsewhere."""
        texts = tuple(text.moved(x, y) for text in self.texts)
        badges = tuple(badge.moved(x, y) for badge in self.badges)
        return replace(self, x=self.x + x, y=self.y + y, texts=texts, badges=badges)


@dataclass(frozen=True)
class Route:
    """An arrow with its way; without an edge a sample in the legend."""

    path: tuple[Step, ...]
    """It ends at the foot of the arrowhead."""
    tip: Point
    heading: Heading
    colour: str
    dashed: bool = False
    edge: Edge | None = None

    def moved(self, x: float, y: float) -> Route:
        """The same elsewhere."""
        path = tuple((letter, tuple((px + x, py + y) for px, py in points)) for letter, points in self.path)
        return replace(self, path=path, tip=(self.tip[0] + x, self.tip[1] + y))

    def head(self) -> tuple[Point, Point, Point]:
        """The corners of the arrowhead."""
        (x, y), (dx, dy) = self.tip, DIRECTIONS[self.heading]
        foot = (x - HEAD * dx, y - HEAD * dy)
        return (x, y), (foot[0] - HALF * dy, foot[1] - HALF * dx), (foot[0] + HALF * dy, foot[1] + HALF * dx)


@dataclass(frozen=True)
class Drawing:
    """Everything to print."""

    title: str
    width: float
    height: float
    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]
    texts: tuple[Text, ...] = ()
    samples: tuple[Box, ...] = ()
    sample_routes: tuple[Route, ...] = ()


HEAD, HALF = 8.0, 4.0  # length and half width of an arrowhead
DIRECTIONS: dict[Heading, Point] = {"right": (1, 0), "left": (-1, 0), "down": (0, 1), "up": (0, -1)}


def behind(tip: Point, heading: Heading) -> Point:
    """The foot of an arrowhead."""
    dx, dy = DIRECTIONS[heading]
    return tip[0] - HEAD * dx, tip[1] - HEAD * dy


def rounded(points: Sequence[Point], radius: float = 6.0) -> tuple[Step, ...]:
    """A way along straight lines with round corners; points on a straight line in between do nothing."""
    return tuple(_rounded(_corners(points), radius))


def _rounded(points: Sequence[Point], radius: float) -> Iterator[Step]:
    yield "M", (points[0],)
    for one, corner, two in zip(points, points[1:], points[2:], strict=False):
        yield "L", (_towards(corner, one, radius),)
        yield "Q", (corner, _towards(corner, two, radius))
    yield "L", (points[-1],)


def _corners(points: Sequence[Point]) -> list[Point]:
    """Without points that are doubled or lie on the line between their neighbours."""
    kept = [points[0]]
    for number, point in enumerate(points[1:], 1):
        if point == kept[-1] and number < len(points) - 1:
            continue
        while len(kept) > 1 and any(kept[-2][axis] == kept[-1][axis] == point[axis] for axis in (0, 1)):
            kept.pop()
        kept.append(point)
    return kept


def _towards(corner: Point, other: Point, radius: float) -> Point:
    """From a corner at most half of the way to the other end."""
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    length = (dx * dx + dy * dy) ** 0.5
    share = min(radius, length / 2) / length if length else 0.0
    return corner[0] + dx * share, corner[1] + dy * share
