"""Lags and rolling statistics by date, for many series at once.

Series are sorted by key and time and addressed by one integer made of series and step, so that a missing date shifts
nothing, and memory stays at a few arrays of n rows. A rolling value is computed from its window's own rows only, never
from a running sum, and always in the same order, so that a shard of the series or a tail of the dates gives the same
bits as the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from math import isqrt
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from dataops.tables.blocks import in_threads
from dataops.tables.runs import Runs, addresses
from dataops.tables.sums import Floats, Integers, Places, Sums, are_whole, pairwise, running

Measure = Callable[[Places, Places, Any], Floats]

EXACT = 1 << 53  # below, floats hold every whole number


def series_ids(frame: pd.DataFrame, keys: list[str]) -> Integers:
    """A number for each row's series, shape (n,), by order of the keys; one series where there are no keys.

    Tables are sorted, if only within partitions: a run of rows with the same keys is looked up once.
    """
    if not keys or frame.empty:
        return np.zeros(len(frame), dtype=np.int64)
    first = np.ones(len(frame), dtype=bool)
    first[1:] = False
    for key in keys:
        values = frame[key].array
        first[1:] |= pd.Series(values[1:] != values[:-1]).to_numpy(bool, na_value=True)
    starts = np.flatnonzero(first)
    found = frame[keys].iloc[starts].groupby(keys, sort=True, dropna=False).ngroup().to_numpy(np.int64)
    return np.repeat(found, np.diff(starts, append=len(frame)))


class History:
    """The past of many series, one value a step, as it is seen from some of its rows.

    `series` and `steps` have shape (n,) and are sorted by (series, step), each pair once; `values` has shape (n,),
    NaN where unknown. `asked`, a slice, a mask or increasing places, says for which m rows lags and windows are wanted.
    """

    def __init__(
        self, series: Integers, steps: Integers, values: Floats, asked: slice | npt.NDArray[Any] = slice(None)
    ) -> None:
        known, at = ~np.isnan(values), addresses(series, steps)
        self._asked: Integers = at[:-1][asked]
        straight = known.all() and isinstance(asked, slice) and asked == slice(None)
        # how many rows are known up to each, itself among them; None where that is its place
        self._own: Integers | None = None if straight else np.cumsum(known)[asked]
        self._runs = Runs.of(at[:-1]) if straight else None
        if not known.all():
            at, values = at[np.append(known, True)], values[known]
        self._at = at
        self._values: Floats = np.zeros(len(values) + 1)  # the last is none, as in `_at`: every bound has one
        np.add(values, 0.0, out=self._values[:-1])  # of zeros there is one: a sum's sign would depend on its path
        self._greatest = float(max(self._values.max(), -self._values.min()))
        exact = len(self._values) * self._greatest < EXACT and are_whole(self._values)
        self._sums = running(self._values[:-1]) if exact else None

    def lag(self, by: int) -> Floats:
        """The value `by` steps earlier, shape (m,); NaN where that step has none."""

        def measure(low: Places, _: Places, count: Any) -> Floats:
            found = self._values[low]
            return found if isinstance(low, slice) else np.where(count > 0, found, np.nan)

        return self._measured(measure, 1, by)

    def rolling_mean(self, length: int, until: int) -> Floats:
        """Mean of the values in the `length` steps that end `until` steps ago, shape (m,); NaN where there is none."""

        def measure(low: Places, high: Places, count: Any) -> Floats:
            return self._sum(low, high) / np.where(count > 0, count, np.nan)

        return self._measured(measure, length, until)

    def rolling_std(self, length: int, until: int) -> Floats:
        """Sample standard deviation (n-1) in that window, shape (m,); NaN below two values.

        Of whole numbers by exact sums of them and of their squares, of others by the two-pass formula.
        """
        sums = self._sums_of_windows(length)

        def in_two_passes(low: Places, count: Any) -> Floats:
            return self._sliding_std(low, length) if isinstance(low, slice) else self._std(low, count, length)

        def measure(low: Places, high: Places, count: Any) -> Floats:
            if sums is None:
                return in_two_passes(low, count)
            exact, known = sums.std(low, high, count), sums.known(low, high)
            return exact if known.all() else np.where(known, exact, in_two_passes(low, count))

        return self._measured(measure, length, until)

    def _sums_of_windows(self, length: int) -> Sums | None:
        """Those of the values that are whole numbers and small; None where none is.

        What is small depends on the length alone, so that a window is measured in the same way in any company: no
        number is rounded before count * sum(x^2) - sum(x)^2 is divided, as that is below 2^53.
        """
        limit, values = isqrt(EXACT) // length, self._values[:-1]
        if self._sums is not None and self._greatest <= limit:
            return Sums(self._sums, self._squares)
        few = (np.abs(values) <= limit) & (values == np.rint(values))
        values = np.where(few, values, 0.0)
        return Sums(running(values), running(values * values), running(~few)) if few.any() else None

    @cached_property
    def _squares(self) -> Integers:
        return running(self._values[:-1] ** 2)

    def _measured(self, measure: Measure, length: int, until: int) -> Floats:
        """A measure of the windows of the rows asked for, shape (m,); past the largest float it is infinite.

        It is told where windows begin and end among the values, and how many values they have. Windows without a gap
        lie one value after the other, as slices, which is several times as fast as arrays of places.
        """
        back, result = until + length, np.empty(len(self._asked))
        rest: Integers
        if self._runs is None or 2 * self._runs.early(back) > len(result):
            rest = np.arange(len(result))
        else:

            def side_by_side(low: slice) -> None:
                high = slice(low.start + length, low.stop + length)
                result[low.start + back - 1 : low.stop + back - 1] = measure(low, high, length)

            in_threads(side_by_side, len(result) + 1 - back)
            rest, never = self._runs.split(back, until)
            result[never] = np.nan

        def one_by_one(part: slice) -> None:
            rows = rest[part]
            high = self._bound(rows, until)
            # a window of one step needs no second search: the value before its end is it, or isn't there
            low = self._bound(rows, back) if length > 1 else high - (self._at[high - 1] == self._asked[rows] - until)
            result[rows] = measure(low, high, high - low)

        in_threads(one_by_one, len(rest))
        return result

    def _bound(self, rows: Integers, by: int) -> Integers:
        """One past the last known row that is at least `by` steps old, or that is of an earlier series, shape (b,).

        A series has at most one row a step, so it can't be further back than `by` rows; where no step is missing it
        is just there, and only the others are searched for.
        """
        own = rows + 1 if self._own is None else self._own[rows]
        bound, wanted = np.maximum(own - by, 0), self._asked[rows] - by
        later = np.flatnonzero(self._at[bound] <= wanted)
        bound[later] = np.searchsorted(self._at, wanted[later], side="right")
        return bound

    def _sum(self, low: Places, high: Places) -> Floats:
        """The sum of the values from `low` up to `high`, shape (b,); meaningless where there is none."""
        if self._sums is not None:
            return (self._sums[high] - self._sums[low]).astype(np.float64)
        bounds = [np.arange(at.start, at.stop) if isinstance(at, slice) else at for at in (low, high)]
        return np.asarray(np.add.reduceat(self._values, np.stack(bounds, axis=1).ravel())[::2])

    def _std(self, low: Integers, count: Integers, length: int) -> Floats:
        """Deviations of `count` values from `low` on, shape (b,): what a window lacks counts as 0, at its end."""
        last = len(self._values) - 1

        def value(place: int) -> Floats:
            return np.where(place < count, self._values[np.minimum(low + place, last)], 0.0)

        def square(place: int) -> Floats:
            return np.where(place < count, value(place) - mean, 0.0) ** 2

        mean = pairwise(value, length) / np.maximum(count, 1)
        return np.asarray(np.sqrt(pairwise(square, length) / np.where(count > 1, count - 1, np.nan)))

    def _sliding_std(self, low: slice, length: int) -> Floats:
        """The deviation of the `length` values from each of the places `low` on, shape (b,)."""

        def value(place: int) -> Floats:
            return self._values[low.start + place : low.stop + place]

        def square(place: int) -> Floats:
            difference = value(place) - mean
            difference *= difference
            return difference

        mean = pairwise(value, length) / length
        return np.asarray(np.sqrt(pairwise(square, length) / (length - 1 or np.nan)))


def mean_of(columns: list[Floats]) -> Floats:
    """Row-wise mean of the known values, shape (n,); NaN where all are unknown."""
    total, count = np.zeros(len(columns[0])), np.zeros(len(columns[0]), dtype=np.int64)
    for values in columns:  # one after the other: numpy's own sum adds in another order where there is but one row
        known = ~np.isnan(values)
        total += np.where(known, values, 0.0)
        count += known
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
