"""Sums of many windows at once: exact ones of whole numbers, and others in numpy's order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dataops.tables.blocks import blocks

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.integer[Any]]
Places = slice | Integers  # of windows that lie one value after the other, or anywhere


@dataclass(frozen=True)
class Sums:
    """Running sums, (n + 1,), of whole numbers and of their squares, exact in any order; `others` are none, 0 here."""

    values: Integers
    squares: Integers
    others: Integers | None = None  # how many before each place

    def known(self, low: Places, high: Places) -> npt.NDArray[np.bool_]:
        """Whether all values from `low` up to `high` are such numbers, (b,)."""
        return np.ones(1, bool) if self.others is None else self.others[high] == self.others[low]

    def std(self, low: Places, high: Places, count: Any) -> Floats:
        """The sample standard deviation of `count` values that are `known`, (b,); NaN below two."""
        total = self.values[high] - self.values[low]
        spread = count * (self.squares[high] - self.squares[low]) - total * total
        return np.asarray(np.sqrt(spread / np.where(count > 1, count * (count - 1), np.nan)))


def are_whole(values: Floats) -> bool:
    """Whether all are whole numbers."""
    return all(bool((values[part] == np.rint(values[part])).all()) for part in blocks(len(values)))


def running(values: npt.NDArray[Any]) -> Integers:
    """The sum of the values before each place, (n + 1,); past the largest integer it wraps, and differences hold."""
    sums = np.zeros(len(values) + 1, dtype=np.int64)
    sums[1:] = values
    return np.cumsum(sums, out=sums)


def pairwise(term: Callable[[int], Floats], length: int, first: int = 0) -> Floats:
    """The sum of `length` terms, each of shape (b,), added in the order in which `numpy.sum` adds a row of them.

    Pairwise summation with eight partial sums (numpy's loops_utils.h, `pairwise_sum`): its error grows with the
    logarithm of the length. Spelled out, as many windows are summed at once, a shifted array after the other.
    """
    if length > 128:
        half = length // 2 // 8 * 8
        return pairwise(term, half, first) + pairwise(term, length - half, first + half)
    lanes = min(length, 8) if length >= 8 else 1
    sums = [np.array(term(first + lane)) for lane in range(lanes)]
    whole = length // lanes * lanes
    for place in range(lanes, whole):
        sums[place % lanes] += term(first + place)
    while len(sums) > 1:
        sums = [left + right for left, right in zip(sums[::2], sums[1::2], strict=True)]
    for place in range(whole, length):
        sums[0] += term(first + place)
    return sums[0]
