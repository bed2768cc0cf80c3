"""Three-way merging by name: what one side alone changed is taken from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Side = Literal["ours", "theirs"]


@dataclass(frozen=True)
class Choice:
    """The names that remain, in order, each with the side it is taken from; and those that both changed differently."""

    sides: dict[str, Side]
    conflicts: tuple[str, ...]


def choose(base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Choice:
    """Compare by value. Of a conflict ours remains; theirs where ours has deleted it.

    The order is ours; what only theirs has follows what it follows there.
    """
    order = list(ours)
    last = ""
    for name in theirs:
        if name not in ours:
            order.insert(order.index(last) + 1 if last else 0, name)
        last = name
    sides: dict[str, Side] = {}
    conflicts = []
    nothing = object()
    for name in order:
        was, mine, other = (values.get(name, nothing) for values in (base, ours, theirs))
        taken: Side = "ours"
        if mine != other and mine == was:
            taken = "theirs"
        elif mine != other and other != was:
            conflicts.append(name)
            taken = "ours" if name in ours else "theirs"
        if name in (ours if taken == "ours" else theirs):
            sides[name] = taken
    return Choice(sides, tuple(conflicts))
