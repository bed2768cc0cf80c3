"""A graph in Graphviz's language."""

from __future__ import annotations

from collections.abc import Iterator

from dataops.lineage.draw.boxes import INK, look
from dataops.lineage.draw.graph import Graph, Node
from dataops.lineage.draw.mermaid import LABELLED, direction
from dataops.lineage.draw.svg import tip
from dataops.versions.wording import clean

SHAPES = {"stage": "box", "source": "cylinder", "data": "box", "dataset": "box", "model": "box", "code": "note"}


def dot(graph: Graph) -> str:
    """A digraph; `dot -Tsvg` draws it. Every name is a quoted string, none is read as HTML or as an escape."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    names = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    title = "\n".join(filter(None, map(clean, (graph.title, graph.subtitle))))
    yield "digraph lineage {"
    yield f'  graph [rankdir={direction(graph)}, label={_quoted(title)}, labelloc=t, fontname="sans-serif"]'
    yield '  node [shape=box, style=filled, fontname="sans-serif", fontsize=11]'
    yield '  edge [color="#57606a", fontname="sans-serif", fontsize=9]'
    for node in graph.nodes:
        yield f"  {names[node.id]} [{_attributes(node)}]"
    labelled = len(graph.edges) <= LABELLED
    for edge in graph.edges:
        style = ["style=dashed"] if edge.weak else []
        style += ["constraint=false"] if edge.weak and graph.rows else []
        style += (
            [f"label={_quoted(clean(edge.label))}"]
            if labelled and clean(edge.label) and not (edge.weak and graph.rows)
            else []
        )
        yield f"  {names[edge.source]} -> {names[edge.target]}" + (f" [{', '.join(style)}]" if style else "")
    yield from (f"  {{rank=same; {'; '.join(column)}}}" for column in _columns(graph, names) if len(column) > 1)
    yield "}"


def _attributes(node: Node) -> str:
    style = look(node)
    badges = ", ".join(filter(None, map(clean, node.badges)))
    lines = [clean(node.title) or "?", f"[{badges}]" if badges else "", *map(clean, node.lines)]
    styles = "filled,rounded" if node.kind == "stage" else "filled,dashed" if node.faded else "filled"
    found = {
        "label": _quoted("\n".join(filter(None, lines))),
        "tooltip": _quoted(tip(node)),
        "shape": SHAPES[node.kind],
        "style": f'"{styles}"',
        "fillcolor": f'"{style.fill}"',
        "color": f'"{INK if node.chosen else style.border}"',
        "fontcolor": f'"{style.title}"',
        "penwidth": "3" if node.chosen else "1",
    }
    return ", ".join(f"{name}={value}" for name, value in found.items())


def _columns(graph: Graph, names: dict[str, str]) -> list[list[str]]:
    """The columns of a history."""
    columns: dict[int, list[str]] = {}
    for node, column in graph.columns.items():
        columns.setdefault(column, []).append(names[node])
    return [columns[column] for column in sorted(columns)]


def _quoted(text: str) -> str:
    """A quoted string; Graphviz knows \\N and the like, and entities, inside of one."""
    text = text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("\n", "\\n") + '"'
