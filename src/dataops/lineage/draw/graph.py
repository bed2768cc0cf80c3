"""A picture as data: boxes and arrows, before anybody decides how they are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["source", "data", "code", "stage", "dataset", "model"]
"""Where data came in; an output; a file of git; a stage; a released dataset; a model (released or not)."""


@dataclass(frozen=True)
class Node:
    """A box."""

    id: str
    kind: Kind
    title: str
    lines: tuple[str, ...] = ()
    """Smaller text below the title."""
    tip: str = ""
    """What a pointer shows: the whole hash, the command."""
    faded: bool = False
    """Deprecated."""
    badges: tuple[str, ...] = ()
    """Words that catch the eye beside the title: the stages that a version holds."""
    chosen: bool = False
    """What the picture is about."""


@dataclass(frozen=True)
class Edge:
    """An arrow, in the direction the data flow."""

    source: str
    target: str
    label: str = ""
    weak: bool = False
    """Only an order in time (the next version), or a link that was written down, not recorded."""


@dataclass(frozen=True)
class Graph:
    """Boxes and arrows."""

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    rows: Mapping[str, int] = field(default_factory=dict)
    """Of a history: the row of each node, so that time runs down; {}: the layout decides."""
    columns: Mapping[str, int] = field(default_factory=dict)
    """Of a history: the column of each node, one an artifact."""
    headings: tuple[str, ...] = ()
    """What stands above each column."""
    subtitle: str = ""
