"""Many boxes that stand alike as one: the forty stages of a `foreach`, the forty files that they read and wrote."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

from dataops.lineage.draw.graph import Edge, Graph, Node

MOST = 6  # so many may stand side by side
NAMED, TIPS = 3, 60


def folded(graph: Graph, most: int = MOST) -> Graph:
    """The graph with groups of more than `most` boxes as one box each.

    Groups are the stages of one `foreach` or `matrix`, then boxes of one kind with the same neighbours. What was
    released or asked for always keeps a box of its own.
    """
    stages = _fold(graph, lambda node: _generated(node), most)
    before: dict[str, set[str]] = {}
    after: dict[str, set[str]] = {}
    for edge in stages.edges:
        before.setdefault(edge.target, set()).add(edge.source)
        after.setdefault(edge.source, set()).add(edge.target)

    def alike(node: Node) -> Hashable:
        if node.chosen or node.kind in ("dataset", "stage") or node.badges:
            return None
        return node.kind, frozenset(before.get(node.id, ())), frozenset(after.get(node.id, ()))

    return _fold(stages, alike, most)


def _generated(node: Node) -> Hashable:
    """The name before the @ of a stage that `foreach` or `matrix` made."""
    name, sign, _ = node.title.rpartition("@")
    return name if node.kind == "stage" and sign else None


def _fold(graph: Graph, group: Callable[[Node], Hashable], most: int) -> Graph:
    members: dict[Hashable, list[Node]] = {}
    for node in graph.nodes:
        if (key := group(node)) is not None:
            members.setdefault(key, []).append(node)
    large = [nodes for nodes in members.values() if len(nodes) > most]
    into = {node.id: nodes[0].id for nodes in large for node in nodes}
    made = {nodes[0].id: _one(nodes) for nodes in large}
    nodes = tuple(made.get(node.id, node) for node in graph.nodes if into.get(node.id, node.id) == node.id)
    edges: dict[tuple[str, str], Edge] = {}
    for edge in graph.edges:
        ends = (into.get(edge.source, edge.source), into.get(edge.target, edge.target))
        label = edge.label if ends == (edge.source, edge.target) else ""
        edges.setdefault(ends, replace(edge, source=ends[0], target=ends[1], label=label))
    return replace(graph, nodes=nodes, edges=tuple(edges.values()))


def _one(nodes: Sequence[Node]) -> Node:
    """One box for all: how many, what their names share, the first few."""
    first, names = nodes[0], [node.title for node in nodes]
    if first.kind == "stage":
        stem = names[0].rpartition("@")[0]
        title, short = f"{stem}, {len(nodes)} times", ["@" + name.rpartition("@")[2] for name in names]
    else:
        shared = posixpath.dirname(posixpath.commonprefix(names))
        title = f"{len(nodes)} {'files' if first.kind in ('source', 'data') else 'boxes'}" + f" in {shared}/" * bool(
            shared
        )
        short = [name[len(shared) :].lstrip("/") for name in names]
    lines = [", ".join(short[:NAMED]) + " …"]
    lines += first.lines if all(node.lines == first.lines for node in nodes) else ()
    lines += [line for node in nodes for line in node.lines if line.startswith("! ")][:NAMED]
    tip = "\n".join([*names[:TIPS], *([f"and {len(names) - TIPS} more"] if len(names) > TIPS else [])])
    return replace(first, title=title, lines=tuple(dict.fromkeys(lines)), tip=tip)
