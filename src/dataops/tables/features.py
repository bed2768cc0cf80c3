"""Lags and rolling statistics by date, for many series at once.

Series are sorted by key and time and addressed by one integer made of series and step, so that a missing date shifts
nothing, and memory stays at a few arrays of n rows. A rolling value is computed from its window's own rows only, never
from a running sum, and always in the same order, so that a shard of the series or a tail of the dates gives the same
bits as the whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from math import isqrt
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.integer[Any]]

SPAN = 1 << 40  # more steps than any series has, hours included; steps before 1970 are negative
BEYOND = np.iinfo(np.int64).max  # no row's address
BLOCK = 1 << 16  # rows measured at once: few enough for a core's cache
THREADS = min(4, os.cpu_count() or 1)  # each block by itself: their number changes no bit
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


def address(series: Integers, steps: Integers) -> Integers:
    """One integer for a series and a step, in the order of both, shape (n,)."""
    at: Integers = series * SPAN  # in place: each further array of millions comes from the system, page by page
    at += SPAN >> 1
    at += steps
    return at


class History:
    """The past of many series, one value a step, as it is seen from some of its rows.

    `series` and `steps` have shape (n,) and are sorted by (series, step), each pair once; `values` has shape (n,),
    NaN where unknown. `asked`, a slice, a mask or increasing places, says for which m rows lags and windows are wanted.
    """

    def __init__(
        self, series: Integers, steps: Integers, values: Floats, asked: slice | npt.NDArray[Any] = slice(None)
    ) -> None:
        at, known = address(series, steps), ~np.isnan(values)
        starts = np.append(0, np.flatnonzero(series[1:] != series[:-1]) + 1) if len(series) else np.zeros(0, np.int64)
        sizes = np.diff(starts, append=len(series))
        # known rows up to each row; where all are known and no step is missing, nothing has to be searched for
        self._gapless = bool(known.all()) and bool((at[starts + sizes - 1] - at[starts] == sizes - 1).all())
        self._own: Integers = (np.arange(1, len(at) + 1) if self._gapless else np.cumsum(known))[asked]
        self._asked: Integers = at[asked]
        firsts = at[starts]
        if not known.all():
            at, values = at[known], values[known]
        # of zeros there is one: a sum's sign would depend on its path. A row that is none ends both arrays
        self._values: Floats = np.zeros(len(values) + 1)
        np.add(values, 0.0, out=self._values[:-1])
        self._at: Integers = np.append(at, BEYOND)
        self._greatest = float(max(self._values.max(), -self._values.min()))
        whole = len(self._values) * self._greatest < EXACT and bool((self._values == np.rint(self._values)).all())
        self._sums = Sums(self._values[:-1]) if whole else None
        # known rows of the series before each row's own
        self._first: Integers = np.repeat(np.searchsorted(self._at, firsts), sizes)[asked]

    def lag(self, by: int) -> Floats:
        """The value `by` steps earlier, shape (m,); NaN where that step has none."""

        def measure(part: slice) -> Floats:
            last = self._bound(part, by) - 1
            there = last >= self._first[part] if self._gapless else self._at[last] == self._asked[part] - by
            return np.where(there, self._values[last], np.nan)

        return self._by_block(measure)

    def rolling_mean(self, length: int, until: int) -> Floats:
        """Mean of the values in the `length` steps that end `until` steps ago, shape (m,); NaN where there is none."""

        def measure(part: slice) -> Floats:
            low, high = self._bound(part, until + length), self._bound(part, until)
            count = high - low
            return self._sum(low, high) / np.where(count > 0, count, np.nan)

        return self._by_block(measure)

    def rolling_std(self, length: int, until: int) -> Floats:
        """Sample standard deviation (n-1) in that window, shape (m,); NaN below two values.

        Of whole numbers by exact sums of them and of their squares, of others by the two-pass formula.
        """
        sums = self._sums_of_windows(length)
        if sums is None:
            return self._std_in_two_passes(length, until)
        std, rough = sums.std(), None if sums.others is None else self._std_in_two_passes(length, until)

        def measure(part: slice) -> Floats:
            low, high = self._bound(part, until + length), self._bound(part, until)
            found = std(low, high)
            return found if rough is None else np.where(sums.known(low, high), found, rough[part])

        return self._by_block(measure)

    def _sums_of_windows(self, length: int) -> Sums | None:
        """Those of the values that are whole numbers and small; None where none is.

        What is small depends on the length alone, so that a window is measured in the same way in any company: no
        number is rounded before count * sum(x^2) - sum(x)^2 is divided, as that is below 2^53.
        """
        limit = isqrt(EXACT) // length
        if self._sums is not None and self._greatest <= limit:
            return self._sums
        values = self._values[:-1]
        few = (np.abs(values) <= limit) & (values == np.rint(values))
        return Sums(np.where(few, values, 0.0), ~few) if few.any() else None

    def _std_in_two_passes(self, length: int, until: int) -> Floats:
        gaps: list[tuple[Integers, Integers, Integers]] = []

        def measure(part: slice) -> Floats:
            low, high = self._bound(part, until + length), self._bound(part, until)
            count = high - low
            whole = count == length
            if length == 1 or 4 * np.count_nonzero(whole) < low[-1] - low[0] + 1:
                return self._std(low, high, length)
            rest = np.flatnonzero(~whole)
            gaps.append((rest + part.start, low[rest], high[rest]))
            return self._sliding_std(low, length)

        result = self._by_block(measure)
        if gaps:
            rows, low, high = (np.concatenate(parts) for parts in zip(*gaps, strict=True))
            for start in range(0, len(rows), BLOCK):
                part = slice(start, start + BLOCK)
                result[rows[part]] = self._std(low[part], high[part], length)
        return result

    def _by_block(self, measure: Callable[[slice], Floats]) -> Floats:
        """A measure of the rows asked for, shape (m,), a block at a time; past the largest float it is infinite."""
        result: Floats = np.empty(len(self._asked))

        def fill(start: int) -> None:
            part = slice(start, start + BLOCK)
            with np.errstate(over="ignore", invalid="ignore"):  # a thread's own
                result[part] = measure(part)

        starts = range(0, len(result), BLOCK)
        if len(starts) == 1:  # as a month has: starting threads would take longer
            fill(0)
        else:
            with ThreadPoolExecutor(THREADS) as threads:
                list(threads.map(fill, starts))
        return result

    def _bound(self, part: slice, by: int) -> Integers:
        """One past the last known row that is at least `by` steps old, shape (b,).

        A series has at most one row a step, so it can't be further back than `by` rows; where no step is missing it
        is just there, and only the others are searched for.
        """
        bound = np.maximum(self._own[part] - by, self._first[part])
        if self._gapless:
            return bound
        wanted = self._asked[part] - by
        later = np.flatnonzero(self._at[bound] <= wanted)
        bound[later] = np.searchsorted(self._at, wanted[later], side="right")
        return bound

    def _sum(self, low: Integers, high: Integers) -> Floats:
        """The sum of the values from `low` up to `high`, shape (b,); meaningless where there is none."""
        if self._sums is not None:
            return self._sums.of(low, high).astype(np.float64)
        return np.asarray(np.add.reduceat(self._values, np.stack([low, high], axis=1).ravel())[::2])

    def _std(self, low: Integers, high: Integers, length: int) -> Floats:
        """Deviations of the values from `low` up to `high`, shape (b,): what a window lacks counts as 0, at its end."""
        last, count = len(self._values) - 1, high - low

        def value(place: int) -> Floats:
            return np.where(place < count, self._values[np.minimum(low + place, last)], 0.0)

        def square(place: int) -> Floats:
            return np.where(place < count, value(place) - mean, 0.0) ** 2

        with np.errstate(over="ignore", invalid="ignore"):
            mean = pairwise(value, length) / np.maximum(count, 1)
            return np.asarray(np.sqrt(pairwise(square, length) / np.where(count > 1, count - 1, np.nan)))

    def _sliding_std(self, low: Integers, length: int) -> Floats:
        """The deviation of the `length` values from each of the sorted places `low` on, shape (b,)."""
        places = np.arange(low[0], min(low[-1] + 1, len(self._values) - length))
        rows = self._values[low[0] :]

        def value(place: int) -> Floats:
            return rows[place : place + len(places)]

        def square(place: int) -> Floats:
            difference = value(place) - mean
            difference *= difference
            return difference

        total = pairwise(value, length) if self._sums is None else self._sum(places, places + length)
        mean = total / length
        found = np.sqrt(pairwise(square, length) / (length - 1))
        return np.asarray(found[np.minimum(low - low[0], len(places) - 1)])


class Sums:
    """Running sums of whole numbers, (n,), and of their squares, exact in any order; `others` are none, and 0 here."""

    def __init__(self, values: Floats, others: npt.NDArray[np.bool_] | None = None) -> None:
        self._whole = np.zeros(len(values) + 1, dtype=np.int64)
        self._whole[1:] = values
        self._sums: Integers = np.cumsum(self._whole)
        self.others = None if others is None else running(others)

    @cached_property
    def _squares(self) -> Integers:
        squares = self._whole  # in its place: it is needed for nothing else
        squares *= squares
        return np.cumsum(squares, out=squares)

    def known(self, low: Integers, high: Integers) -> npt.NDArray[np.bool_]:
        """Whether all values from `low` up to `high` are such numbers, (b,)."""
        return np.ones(len(low), bool) if self.others is None else self.others[high] == self.others[low]

    def of(self, low: Integers, high: Integers) -> Integers:
        """The sum from `low` up to `high`, (b,)."""
        return np.asarray(self._sums[high] - self._sums[low])

    def std(self) -> Callable[[Integers, Integers], Floats]:
        """The sample standard deviation of values that are `known`, by `low` and `high`, (b,); NaN below two."""
        squares = self._squares  # made once, not by each thread

        def measure(low: Integers, high: Integers) -> Floats:
            count, total = high - low, self.of(low, high)
            spread = count * (squares[high] - squares[low]) - total * total
            return np.asarray(np.sqrt(spread / np.where(count > 1, count * (count - 1), np.nan)))

        return measure


def running(values: npt.NDArray[Any]) -> Integers:
    """The sum of the values before each place, (n + 1,); past the largest integer it wraps, and differences hold."""
    sums = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, dtype=np.int64, out=sums[1:])
    return sums


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


def mean_of(columns: list[Floats]) -> Floats:
    """Row-wise mean of the known values, shape (n,); NaN where all are unknown."""
    total, count = np.zeros(len(columns[0])), np.zeros(len(columns[0]), dtype=np.int64)
    for values in columns:  # one after the other: numpy's own sum adds in another order where there is but one row
        known = ~np.isnan(values)
        total += np.where(known, values, 0.0)
        count += known
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
