"""Rows of many series by their address, one integer made of series and step, and where no step is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dataops.tables.blocks import blocks
from dataops.tables.sums import Integers

SPAN = 1 << 40  # more steps than any series has, hours included; steps before 1970 are negative
BEYOND = np.iinfo(np.int64).max  # no row's address


def addresses(series: Integers, steps: Integers) -> Integers:
    """One integer for each series and step, in the order of both, and one that is beyond all, shape (n + 1,)."""
    found = np.full(len(series) + 1, BEYOND)
    at = np.multiply(series, SPAN, out=found[:-1])
    at += SPAN >> 1
    at += steps
    return found


@dataclass(frozen=True)
class Runs:
    """Where rows without a missing step begin, (r,), how many they are, and whether their series begins with them."""

    starts: Integers
    sizes: Integers
    first: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, at: Integers) -> Runs:
        """Those of the addresses of sorted rows, (n,)."""
        breaks = [
            part.start + 1 + np.flatnonzero(at[part.start + 1 : part.stop + 1] - at[part] != 1)
            for part in blocks(len(at) - 1)
        ]
        starts = np.concatenate([np.zeros(min(len(at), 1), np.int64), *breaks])
        return cls(starts, np.diff(starts, append=len(at)), np.diff(at[starts] // SPAN, prepend=-1) != 0)

    def early(self, back: int) -> int:
        """How many rows have a gap, or their series' beginning, in the `back` steps that end with the row's own."""
        return int(np.minimum(self.sizes, back - 1).sum())

    def split(self, back: int, until: int) -> tuple[Integers, Integers]:
        """Those rows: the ones whose series may go on `until` steps before and earlier, and those it begins after."""
        sizes = np.minimum(self.sizes, back - 1)
        run = np.repeat(np.arange(len(sizes)), sizes)
        place = np.arange(len(run)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        rows, never = self.starts[run] + place, self.first[run] & (place < until)
        return rows[~never], rows[never]
