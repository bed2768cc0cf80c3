"""How a node looks: its colours, and how large a box its words need.

Blue and orange-brown stay apart for every common colour blindness; shape and border tell the kinds apart as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dataops.lineage.draw.drawing import Badge, Box, Look, Text
from dataops.lineage.draw.graph import Kind, Node
from dataops.lineage.draw.text import elided, width
from dataops.versions.wording import clean

INK, MUTED, GROUND, LINE = "#1b1f24", "#57606a", "#ffffff", "#57606a"
LOOKS: dict[Kind, Look] = {
    "source": Look("#e2f3ec", "#00805c", INK, "#33504a", 2),
    "data": Look("#e6f1fb", "#5a9bd0", INK, "#3d4f5f", 2),
    "code": Look("#ffffff", "#8c959f", INK, MUTED, 2),
    "stage": Look("#f1f2f4", "#57606a", INK, MUTED, 14),
    "dataset": Look("#0067a5", "#004b7a", "#ffffff", "#d9ebf8", 2),
    "model": Look("#a84300", "#7a3000", "#ffffff", "#fbe3d3", 2),
}
WORDS: dict[Kind, str] = {
    "source": "where data came in",
    "stage": "pipeline stage",
    "code": "code and parameters",
    "data": "output",
    "dataset": "released data",
    "model": "model",
}
FADED = Look(GROUND, "#8c959f", "#6e7781", "#6e7781", dashed=True)
TITLE, LINES, BADGE = 13.0, 11.0, 10.0  # font sizes
LEADING, TITLE_LEADING = 15.0, 17.0
PAD_X, PAD_Y = 12.0, 7.0
NARROWEST, WIDEST = 84.0, 300.0
MOST_LINES = 9


def look(node: Node) -> Look:
    """Colours and border of a node."""
    found = LOOKS[node.kind]
    if node.faded:
        found = replace(FADED, radius=found.radius)
    return replace(found, thick=3.5, border=INK) if node.chosen else found


def measured(node: Node, *, compact: bool = False) -> Box:
    """The box of a node at 0, 0, as large as its words; too long ones are cut, and whole in the tip.

    `compact`: its first line stands behind the title, its others in the tip alone.
    """
    style = look(node)
    badges = [clean(badge) for badge in node.badges if clean(badge)]
    title = elided(clean(node.title) or "?", TITLE, WIDEST, bold=True)
    top = PAD_Y - 2 * compact
    texts = [Text(PAD_X, top + 13, title, TITLE, style.title, bold=True, struck=node.faded)]
    right = PAD_X + width(title, TITLE, bold=True)
    pills: list[Badge] = []
    for word in badges:
        word = elided(word, BADGE, WIDEST / 2, bold=True)
        wide = width(word, BADGE, bold=True) + 10
        text = Text(right + 8 + wide / 2, top + 12, word, BADGE, INK, bold=True, middle=True)
        pills.append(Badge(right + 8, top + 1.5, wide, 14, text))
        right += 8 + wide
    lines = [clean(line) for line in node.lines if clean(line)]
    if compact:
        for line in lines[:1]:
            shown = elided(line, LINES, WIDEST)
            texts.append(Text(right + 10, top + 12.5, shown, LINES, style.lines))
            right += 10 + width(shown, LINES)
        lines = []
    elif len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], f"and {len(lines) - MOST_LINES + 1} more"]
    y = top + 13
    for line in lines:
        y += LEADING
        texts.append(Text(PAD_X, y, elided(line, LINES, WIDEST), LINES, style.lines))
    widest = max([right, *(text.x + width(text.content, text.size, text.bold) for text in texts)])
    height = 2 * top + TITLE_LEADING + LEADING * len(lines)
    return Box(0, 0, max(NARROWEST, widest + PAD_X), height, style, tuple(texts), tuple(pills), node)


def as_wide(boxes: Sequence[Box]) -> list[Box]:
    """The same boxes, all as wide as the widest."""
    widest = max((box.width for box in boxes), default=0.0)
    return [replace(box, width=widest) for box in boxes]
