"""A column's two distributions over each other as inline SVG, each labelled where it stands out."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from dataops.tables.figures import figure

WIDTH, HEIGHT, FOOT, HEAD = 400, 150, 20, 18
OLD, NEW, GRID, INK = "#6e7781", "#0969da", "#d0d7de", "#1b1f24"
LONGEST, NAMES = 18, 150  # characters of a category, and the room that its name has
Entry = Mapping[str, Any]


def drawn(entry: Entry) -> str:
    """The picture of a column; "" where there is nothing to show."""
    shape = entry.get("shape")
    if not shape:
        return ""
    if "edges" in shape:
        return outlines(shape["edges"], shape["reference"], shape["current"])
    return bars(shape) if "names" in shape else months(shape["months"])


def outlines(edges: Sequence[float], old: Sequence[float], new: Sequence[float]) -> str:
    """Two histograms with common edges: the old one filled, the new one a line."""
    top = max(*old, *new) or 1.0
    span = edges[-1] / 2 - edges[0] / 2

    def x(edge: float) -> float:
        return round((edge / 2 - edges[0] / 2) / span * WIDTH, 1) if span else 0.0

    def y(share: float) -> float:
        return round(HEAD + (HEIGHT - HEAD) * (1 - share / top), 1)

    def path(row: Sequence[float]) -> str:
        points = [f"M0 {HEIGHT}"]
        for left, right, share in zip(edges, edges[1:], row, strict=False):
            points.append(f"L{x(left)} {y(share)}L{x(right)} {y(share)}")
        return "".join([*points, f"L{WIDTH} {HEIGHT}"])

    body = f'<path d="{path(old)}Z" fill="{OLD}" fill-opacity=".3"/>'
    body += f'<path d="{path(new)}" fill="none" stroke="{NEW}" stroke-width="2"/>'
    # each label where its side stands out most over the other
    places = [max(range(len(old)), key=lambda i: row[i] - other[i]) for row, other in ((old, new), (new, old))]
    middles = [x(edges[i] / 2 + edges[i + 1] / 2) for i in places]
    heights = [y(row[i]) for row, i in zip((old, new), places, strict=True)]
    if abs(middles[0] - middles[1]) < 60 and abs(heights[0] - heights[1]) < 14:
        heights[0] = min(heights[0], heights[1]) + 16
        middles[0] = middles[0] + 60 if middles[0] < WIDTH / 2 else middles[0] - 60
    for label, place, height, colour in zip(("before", "now"), middles, heights, (OLD, NEW), strict=True):
        body += _label(min(max(place, 26), WIDTH - 26), max(height - 5, 12), label, colour, "middle")
    body += f'<path d="M0 {HEIGHT}H{WIDTH}" stroke="{GRID}"/>'
    whole = 0.5 * all(edge % 1 == 0.5 for edge in edges)  # between whole numbers
    low, high = edges[0] + whole, edges[-1] - whole
    body += _label(0, HEIGHT + 15, figure(low), OLD, "start") + _label(WIDTH, HEIGHT + 15, figure(high), OLD, "end")
    return _svg(HEIGHT + FOOT, body, "the distribution before, filled, and now, as a line")


def bars(shape: Mapping[str, Any]) -> str:
    """A pair of bars a category, the commonest on top; the shares stand beside them."""
    rows = list(zip(shape["names"], shape["reference"], shape["current"], strict=True))
    if any(rest > 0.0005 for rest in shape["rest"]):
        rows.append(("all others", *shape["rest"]))
    top = max(max(old, new) for _, old, new in rows) or 1.0
    left, room, body = NAMES, WIDTH - NAMES - 85, ""
    for i, (name, old, new) in enumerate(rows):
        y = i * 26
        short = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
        body += _label(left - 8, y + 16, short, INK, "end")
        for j, (share, colour, told) in enumerate(((old, OLD, "before"), (new, NEW, "now"))):
            width = round(share / top * room, 1)
            body += (
                f'<rect x="{left}" y="{y + 1 + j * 11}" width="{width}" height="10" fill="{colour}" fill-opacity=".7"/>'
            )
            label = f"{share:.1%}" + (f" {told}" if i == 0 else "")
            place = f'x="{left + width + 4}" y="{y + 10 + j * 11}"'
            body += f'<text {place} fill="{colour}" style="font-size:10px">{label}</text>'
    return _svg(len(rows) * 26, body, "the share of each category before and now")


def months(sides: Mapping[str, Mapping[str, int]]) -> str:
    """Rows a month: the reference's and the current's beside each other on one line of time."""
    old, new = sides["reference"], sides["current"]
    first, last = min([*old, *new]), max([*old, *new])
    span = _month(last) - _month(first) + 1
    top = max([*old.values(), *new.values()])
    width = WIDTH / span
    body = ""
    for row, colour, part in ((old, OLD, 0), (new, NEW, 1)):
        for name, count in row.items():
            height = round(count / top * (HEIGHT - HEAD) / 1.5, 1)
            x = round((_month(name) - _month(first)) * width + part * width / 2, 1)
            body += (
                f'<rect x="{x}" y="{HEIGHT - height}" width="{max(round(width / 2 - 0.5, 1), 0.5)}" height="{height}" '
                f'fill="{colour}" fill-opacity=".7"/>'
            )
        middle = (min(map(_month, row)) + max(map(_month, row))) / 2 - _month(first) + 0.5
        tallest = HEIGHT - max(row.values()) / top * (HEIGHT - HEAD) / 1.5
        told = "rows a month, " + ("now" if part else "before")
        body += _label(min(max(middle * width, 60), WIDTH - 60), tallest - 6 - 15 * part, told, colour, "middle")
    body += f'<path d="M0 {HEIGHT}H{WIDTH}" stroke="{GRID}"/>'
    body += _label(0, HEIGHT + 15, first, OLD, "start") + _label(WIDTH, HEIGHT + 15, last, OLD, "end")
    return _svg(HEIGHT + FOOT, body, "rows a month, before and now")


def _month(name: str) -> int:
    year, _, month = name.rpartition("-")
    return int(year) * 12 + int(month) - 1


def _label(x: float, y: float, text: str, colour: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{plain(text)}</text>'


def plain(value: object) -> str:
    """Somebody's text as text alone: no markup, nothing that turns what follows around."""
    return html.escape("".join(letter if letter.isprintable() else " " for letter in str(value)))


def _svg(height: int, body: str, told: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{told}">{body}</svg>'
