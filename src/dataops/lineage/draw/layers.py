"""Which box lies in which layer, and in which order there: the method of Sugiyama, Tagawa and Toda (1981).

Cycles are broken, the longest path gives the layer, long edges get a dummy in every layer that they pass, and sweeps by
barycentre reduce the crossings. Nodes are numbers; the same input gives the same layers.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 24

Pair = tuple[int, int]


@dataclass(frozen=True)
class Layered:
    """Layers from first to last, each in its order; numbers from `count` on are dummies."""

    count: int
    layers: tuple[tuple[int, ...], ...]
    chains: tuple[tuple[int, ...], ...]
    """For each edge the nodes it passes, in the direction of the layers."""
    reversed: tuple[bool, ...]
    """Of an edge against that direction: it closes a cycle."""

    def links(self) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
        """Of each node those in the layer before and those in the layer after that it is joined to."""
        before: dict[int, list[int]] = {}
        after: dict[int, list[int]] = {}
        for chain in self.chains:
            for one, two in pairwise(chain):
                after.setdefault(one, []).append(two)
                before.setdefault(two, []).append(one)
        return before, after


def layered(count: int, edges: Sequence[Pair]) -> Layered:
    """The layers of the nodes 0 to count - 1; no edge may join a node to itself."""
    turned = _closing(count, edges)
    forward = [(two, one) if back else (one, two) for (one, two), back in zip(edges, turned, strict=True)]
    depth = _depths(count, forward)
    layers: list[list[int]] = [[] for _ in range(max(depth, default=-1) + 1)]
    for node in range(count):
        layers[depth[node]].append(node)
    chains, new = [], count
    for one, two in forward:
        steps = range(depth[one] + 1, depth[two])
        passed = range(new, new + len(steps))
        for layer, dummy in zip(steps, passed, strict=True):
            layers[layer].append(dummy)
        new += len(steps)
        chains.append((one, *passed, two))
    first = Layered(count, tuple(map(tuple, layers)), tuple(chains), tuple(turned))
    return Layered(count, _untangled(first), first.chains, first.reversed)


def depths(count: int, edges: Sequence[Pair]) -> list[int]:
    """The layer of each node alone."""
    turned = _closing(count, edges)
    return _depths(count, [(two, one) if back else (one, two) for (one, two), back in zip(edges, turned, strict=True)])


def crossings(layers: Iterable[Sequence[int]], after: dict[int, list[int]]) -> int:
    """How many pairs of edges cross, over all layers."""
    total, upper = 0, None
    for layer in layers:
        if upper is not None:
            place = {node: number for number, node in enumerate(layer)}
            seen: list[int] = []
            for node in upper:
                ends = sorted(place[other] for other in after.get(node, ()))
                total += sum(len(seen) - bisect.bisect_right(seen, end) for end in ends)
                for end in ends:
                    bisect.insort(seen, end)
        upper = layer
    return total


def _closing(count: int, edges: Sequence[Pair]) -> list[bool]:
    """Which edges close a cycle, found in depth-first order."""
    out: list[list[Pair]] = [[] for _ in range(count)]
    for number, (one, two) in enumerate(edges):
        out[one].append((number, two))
    state = [0] * count  # unseen, on the path, done
    closing = [False] * len(edges)
    for start in range(count):
        if state[start]:
            continue
        state[start] = 1
        path = [(start, iter(out[start]))]
        while path:
            node, rest = path[-1]
            step = next(rest, None)
            if step is None:
                state[node] = 2
                path.pop()
            elif state[step[1]] == 1:
                closing[step[0]] = True
            elif state[step[1]] == 0:
                state[step[1]] = 1
                path.append((step[1], iter(out[step[1]])))
    return closing


def _depths(count: int, edges: Sequence[Pair]) -> list[int]:
    """The longest path to each node; what nothing leads to stands just before what it leads to."""
    out: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for one, two in edges:
        out[one].append(two)
        waiting[two] += 1
    depth = [0] * count
    roots = [node for node in range(count) if not waiting[node]]
    ready = list(roots)
    for node in ready:  # grows
        for other in out[node]:
            depth[other] = max(depth[other], depth[node] + 1)
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    for node in roots:
        if out[node]:
            depth[node] = min(depth[other] for other in out[node]) - 1
    return depth


def _untangled(found: Layered) -> tuple[tuple[int, ...], ...]:
    """The order with the fewest crossings that the sweeps come by; the first of several."""
    before, after = found.links()
    layers = [list(layer) for layer in found.layers]
    best, least = found.layers, crossings(found.layers, after)
    for sweep in range(SWEEPS):
        if not least:
            break
        down = sweep % 2 == 0
        for number in range(1, len(layers)) if down else range(len(layers) - 2, -1, -1):
            fixed = layers[number - 1 if down else number + 1]
            layers[number] = _by_barycentre(layers[number], fixed, before if down else after, sweep % 4 >= 2)
        now = crossings(layers, after)
        if now < least:
            best, least = tuple(map(tuple, layers)), now
    return best


def _by_barycentre(layer: list[int], fixed: list[int], links: dict[int, list[int]], turn: bool) -> list[int]:
    """Sorted by the mean place of the neighbours; who has none stays about where it is. `turn`: ties change places."""
    place = {node: number for number, node in enumerate(fixed)}
    scale = max(len(fixed) - 1, 1) / max(len(layer) - 1, 1)
    mean = {}
    for number, node in enumerate(layer):
        ends = [place[other] for other in links.get(node, ())]
        mean[node] = sum(ends) / len(ends) if ends else number * scale
    return sorted(reversed(layer) if turn else layer, key=mean.__getitem__)
