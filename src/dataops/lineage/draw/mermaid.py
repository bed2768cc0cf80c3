"""A graph as Mermaid text, which GitHub, GitLab and many wikis draw by themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator

from dataops.lineage.draw import flow
from dataops.lineage.draw.boxes import FADED, INK, LOOKS, MOST_LINES
from dataops.lineage.draw.graph import Edge, Graph, Kind, Node
from dataops.versions.wording import clean, shortened

LONGEST = 80  # characters of a line
LABELLED = 40  # so many arrows may have words
LIMIT = 50_000  # characters that Mermaid draws where nobody raised it
WIDE = 7  # layers that fit beside each other
PLAIN = frozenset(" -/,.@=:")
BRACKETS: dict[Kind, tuple[str, str]] = {"stage": ("(", ")"), "source": ("[(", ")]")}


def mermaid(graph: Graph) -> str:
    """A flowchart. Names are written so that none can end a label, become a tag or be read as Markdown.

    Of a history the arrows from a version to the next are left out: Mermaid would draw what follows further to the
    right, while without them it keeps an artifact's versions in one column, in the order of time.
    """
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    names = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    if graph.title:
        yield from ("---", f"title: {json.dumps(clean(graph.title))}", "---")
    yield f"flowchart {direction(graph)}"
    for node in graph.nodes:
        begin, end = BRACKETS.get(node.kind, ("[", "]"))
        yield f'  {names[node.id]}{begin}"{_label(node)}"{end}:::{"faded" if node.faded else node.kind}'
    edges = [edge for edge in graph.edges if not (edge.weak and graph.rows)]
    labelled = len(edges) <= LABELLED
    for edge in edges:
        yield f"  {names[edge.source]} {_arrow(edge, labelled)} {names[edge.target]}"
    used = {node.kind for node in graph.nodes if not node.faded}
    for kind, look in LOOKS.items():
        if kind in used:
            yield f"  classDef {kind} fill:{look.fill},stroke:{look.border},color:{look.title}"
    if any(node.faded for node in graph.nodes):
        colours = f"fill:{FADED.fill},stroke:{FADED.border},color:{FADED.title}"
        yield f"  classDef faded {colours},stroke-dasharray:4 3"
    for node in graph.nodes:
        if node.chosen:
            yield f"  style {names[node.id]} stroke:{INK},stroke-width:4px"


def direction(graph: Graph) -> str:
    """To the right; down where so many layers would be too wide. A history has few columns."""
    return "TB" if not graph.rows and len(flow.shape(graph).layers) > WIDE else "LR"


def _label(node: Node) -> str:
    lines = [clean(line) for line in (node.title, *node.lines)]
    badges = ", ".join(filter(None, map(clean, node.badges)))
    shown = [*filter(None, [lines[0] or "?", f"★ {badges}" if badges else "", *lines[1 : MOST_LINES + 1]])]
    return "<br/>".join(_escaped(shortened(line, LONGEST)) for line in shown)


def _arrow(edge: Edge, labelled: bool) -> str:
    label = shortened(clean(edge.label), LONGEST)
    arrow = "-.->" if edge.weak else "-->"
    return f'{arrow}|"{_escaped(label)}"|' if labelled and label else arrow


def _escaped(text: str) -> str:
    """Letters, digits and a few marks as they are, everything else as Mermaid's numbered entities.

    What Mermaid looks for after it has decoded those, its mark of an entity and the dollars of a formula, is split.
    """
    text = text.replace("ﬂ", "fl").replace("$$", "$ $").replace("$$", "$ $")
    return "".join(mark if mark.isalnum() or mark in PLAIN else f"#{ord(mark)};" for mark in text)
