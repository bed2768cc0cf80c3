"""Where the boxes of a layer lie side by side: each near the middle of its neighbours, in the given order, apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

ROUNDS = 24
STRAIGHT = 6.0  # how much more a bend in a long edge is shunned than a box off its neighbours' middle
FIXED = 1e6


def placed(
    layers: Sequence[Sequence[int]],
    before: Mapping[int, Sequence[int]],
    after: Mapping[int, Sequence[int]],
    sizes: Sequence[float],
    gap: float,
    count: int,
) -> list[float]:
    """The middle of each node across the layers, in pixels from 0; nodes from `count` on are dummies of long edges.

    Neighbours in a layer keep at least `gap` between their borders. Rounds go down and up through the layers; in each
    a layer takes the places that are nearest (least squares) to the mean of its neighbours on that side, in O(n).
    Neighbours where the picture ends count only where there are no others, so that the main line stays straight.
    """
    middle = [0.0] * len(sizes)
    for layer in layers:
        for node, place in zip(layer, _offsets(layer, sizes, gap), strict=True):
            middle[node] = place
    for number in range(ROUNDS + 1):
        down = number % 2 == 1  # and down at last, but for what nothing leads to
        side = before if down else after
        for layer in layers if down else reversed(layers):
            wanted, weights = [], []
            for node in layer:
                ends = side.get(node, ())
                fixed = number == ROUNDS and node in before
                main = [other for other in ends if other in side] or ends
                wanted.append(middle[node] if fixed or not main else sum(middle[other] for other in main) / len(main))
                weights.append(FIXED if fixed else STRAIGHT if node >= count else 1.0 if ends else 0.05)
            for node, place in zip(layer, _nearest(layer, wanted, weights, sizes, gap), strict=True):
                middle[node] = place
    start = min((middle[node] - sizes[node] / 2 for layer in layers for node in layer), default=0.0)
    return [place - start for place in middle]


def _offsets(layer: Sequence[int], sizes: Sequence[float], gap: float) -> list[float]:
    """The middles when all are packed."""
    places, at = [], 0.0
    for node in layer:
        places.append(at + sizes[node] / 2)
        at += sizes[node] + gap
    return places


def _nearest(
    layer: Sequence[int], wanted: Sequence[float], weights: Sequence[float], sizes: Sequence[float], gap: float
) -> list[float]:
    """The places nearest to the wanted ones that keep order and distance: isotonic regression by pooling."""
    packed = _offsets(layer, sizes, gap)
    pools: list[tuple[float, float, int]] = []  # mean, weight, members
    for want, weight, offset in zip(wanted, weights, packed, strict=True):
        mean, total, members = want - offset, weight, 1
        while pools and pools[-1][0] >= mean:
            other, heavy, more = pools.pop()
            mean = (mean * total + other * heavy) / (total + heavy)
            total, members = total + heavy, members + more
        pools.append((mean, total, members))
    shifts = [mean for mean, _, members in pools for _ in range(members)]
    return [shift + offset for shift, offset in zip(shifts, packed, strict=True)]
