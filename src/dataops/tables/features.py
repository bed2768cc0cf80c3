"""Lags and rolling statistics by date, for many series at once.

Series are sorted by key and time and addressed by one integer made of series and step, so that any lag or window is a
binary search: a missing date shifts nothing, and memory stays at a few arrays of n rows. A rolling value is computed
from its window's own rows only, never from a running sum, so that a shard of the series or a tail of the dates gives
the same bits as the whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.integer[Any]]

SPAN = 1 << 40  # more steps than any series has, hours included; steps before 1970 are negative
CHUNK = 1 << 22  # window cells held at once by `rolling_std`


def series_ids(frame: pd.DataFrame, keys: list[str]) -> Integers:
    """A number for each row's series, shape (n,), by order of the keys; one series where there are no keys."""
    if not keys:
        return np.zeros(len(frame), dtype=np.int64)
    return frame.groupby(keys, sort=True, dropna=False).ngroup().to_numpy(np.int64)


def address(series: Integers, steps: Integers) -> Integers:
    """One integer for a series and a step, in the order of both, shape (n,)."""
    return series * SPAN + (SPAN >> 1) + steps


class History:
    """The past of many series, one value a step.

    `series` and `steps` have shape (n,) and are sorted by (series, step), each pair once; `values` has shape (n,),
    NaN where unknown.
    """

    def __init__(self, series: Integers, steps: Integers, values: Floats) -> None:
        known = ~np.isnan(values)
        self._at: Integers = address(series, steps)[known]
        self._values: Floats = values[known]

    def lag(self, series: Integers, steps: Integers, by: int) -> Floats:
        """The value `by` steps earlier, shape (n,); NaN where that step has none."""
        if not len(self._at):
            return np.full(len(steps), np.nan)
        wanted = address(series, steps - by)
        position = np.minimum(np.searchsorted(self._at, wanted), len(self._at) - 1)
        return np.where(self._at[position] == wanted, self._values[position], np.nan)

    def _window(self, series: Integers, steps: Integers, length: int, until: int) -> tuple[Integers, Integers]:
        """First and one-past-last row of the `length` steps that end `until` steps ago, that one included."""
        last = address(series, steps - until)
        low = np.searchsorted(self._at, last - length, side="right")
        high = np.searchsorted(self._at, last, side="right")
        return low.astype(np.int64), high.astype(np.int64)

    def rolling_mean(self, series: Integers, steps: Integers, length: int, until: int) -> Floats:
        """Mean of the values in the window, shape (n,); NaN where it has none."""
        low, high = self._window(series, steps, length, until)
        count = high - low
        bounds = np.stack([low, high], axis=1).ravel()
        padded = np.append(self._values, 0.0)  # reduceat needs every bound to be an index
        total = np.add.reduceat(padded, bounds)[::2] if len(bounds) else np.zeros(0)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    def rolling_std(self, series: Integers, steps: Integers, length: int, until: int) -> Floats:
        """Sample standard deviation (n-1) in the window by the two-pass formula; NaN below two values."""
        low, high = self._window(series, steps, length, until)
        result = np.full(len(steps), np.nan)
        rows = max(1, CHUNK // length)
        offsets = np.arange(length)
        for start in range(0, len(steps), rows):
            part = slice(start, start + rows)
            cells = low[part, None] + offsets
            inside = cells < high[part, None]
            count = inside.sum(axis=1)
            values = (
                self._values[np.minimum(cells, max(len(self._values) - 1, 0))] if len(self._values) else cells * 0.0
            )
            mean = np.where(inside, values, 0.0).sum(axis=1) / np.maximum(count, 1)
            squares = np.where(inside, values - mean[:, None], 0.0) ** 2
            variance = squares.sum(axis=1) / np.maximum(count - 1, 1)
            result[part] = np.where(count > 1, np.sqrt(variance), np.nan)
        return result


def mean_of(columns: list[Floats]) -> Floats:
    """Row-wise mean of the known values, shape (n,); NaN where all are unknown."""
    total, count = np.zeros(len(columns[0])), np.zeros(len(columns[0]), dtype=np.int64)
    for values in columns:  # one after the other: numpy's own sum adds in another order where there is but one row
        known = ~np.isnan(values)
        total += np.where(known, values, 0.0)
        count += known
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
