"""A drawing as PNG, by matplotlib: twice the size of the SVG, and smaller where that would be absurd.

No side is longer than 16,000 pixels and no picture has more than 60 million: a large one is drawn smaller, down to half
of the SVG's size. Where that isn't enough it is refused. Letters come from DejaVu Sans, which matplotlib brings.
"""

from __future__ import annotations

import io
import math
import warnings
from pathlib import Path
from typing import Any

from dataops.errors import DataOpsError
from dataops.files import write_bytes
from dataops.lineage.draw.boxes import GROUND
from dataops.lineage.draw.drawing import Box, Drawing, Route, Text
from dataops.lineage.draw.graph import Graph
from dataops.lineage.draw.layout import drawing

LONGEST, MOST = 16_000, 60_000_000  # pixels
BEST, LEAST = 2.0, 0.5  # pixels of the PNG for one of the drawing


def png(graph: Graph, path: Path) -> tuple[int, int]:
    """Write the picture; its width and height in pixels.

    Raises:
        DataOpsError: it would be too large to be read.
    """
    found = drawing(graph)
    scale = scaled(found.width, found.height)
    content = _drawn(found, scale)
    write_bytes(path, content)
    return round(found.width * scale), round(found.height * scale)


def scaled(width: float, height: float) -> float:
    """Pixels of the PNG for one of the drawing.

    Raises:
        DataOpsError: nobody could read it.
    """
    scale = min(BEST, LONGEST / max(width, height), math.sqrt(MOST / (width * height)))
    if scale < LEAST:
        size = f"{width:,.0f} by {height:,.0f} pixels"
        raise DataOpsError(f"the picture is too large for a PNG ({size})", "--format svg, or a smaller --limit")
    return scale


def _drawn(found: Drawing, scale: float) -> bytes:
    from matplotlib.figure import Figure

    dpi = 72 * scale  # so that a point is a pixel of the drawing
    figure = Figure(figsize=(found.width / 72, found.height / 72), dpi=dpi, facecolor=GROUND)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, found.width)
    axes.set_ylim(found.height, 0)
    for route in (*found.routes, *found.sample_routes):
        _route(axes, route)
    for box in (*found.boxes, *found.samples):
        _box(axes, box)
    for text in found.texts:
        _text(axes, text)
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a letter that DejaVu lacks is drawn as an empty box
        figure.savefig(content, format="png", dpi=dpi, metadata={"Software": None})
    return content.getvalue()


def _box(axes: Any, box: Box) -> None:
    from matplotlib.patches import FancyBboxPatch

    look = box.look
    for x, y, width, height, fill, border, radius, thick, dashed in (
        (box.x, box.y, box.width, box.height, look.fill, look.border, look.radius, look.thick, look.dashed),
        *((one.x, one.y, one.width, one.height, "#ffd33d", "none", 7.0, 0.0, False) for one in box.badges),
    ):
        shape = f"round,pad=0,rounding_size={min(radius, height / 2)}"
        style = (0, (4, 3)) if dashed else "solid"
        axes.add_patch(
            FancyBboxPatch(
                (x, y),
                width,
                height,
                boxstyle=shape,
                facecolor=fill,
                edgecolor=border,
                linewidth=thick,
                linestyle=style,
            )
        )
    for text in (*box.texts, *(badge.text for badge in box.badges)):
        _text(axes, text)


def _route(axes: Any, route: Route) -> None:
    from matplotlib.patches import PathPatch, Polygon
    from matplotlib.path import Path as Curve

    codes = {"M": Curve.MOVETO, "L": Curve.LINETO, "Q": Curve.CURVE3, "C": Curve.CURVE4}
    points = [point for _, step in route.path for point in step]
    kinds = [codes[letter] for letter, step in route.path for _ in step]
    style = (0, (4 / 1.4, 3 / 1.4)) if route.dashed else "solid"
    axes.add_patch(PathPatch(Curve(points, kinds), facecolor="none", edgecolor=route.colour, lw=1.4, linestyle=style))
    axes.add_patch(Polygon(route.head(), closed=True, facecolor=route.colour, edgecolor="none"))


def _text(axes: Any, text: Text) -> None:
    weight = "bold" if text.bold else "normal"
    place = "center" if text.middle else "left"
    axes.text(
        text.x, text.y, text.content, fontsize=text.size, color=text.colour, weight=weight, ha=place, va="baseline",
        family="DejaVu Sans", parse_math=False,
    )  # fmt: skip
    if text.struck:
        from dataops.lineage.draw.text import width

        long = width(text.content, text.size, text.bold)
        y = text.y - text.size * 0.32
        axes.plot([text.x, text.x + long], [y, y], color=text.colour, linewidth=1)
