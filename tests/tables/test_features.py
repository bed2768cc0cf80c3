"""dataops.tables.features: lags and windows by date, the same bits in any company."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataops.tables import blocks
from dataops.tables.features import History, mean_of, series_ids
from dataops.tables.sums import pairwise

CELLS = st.dictionaries(
    st.tuples(st.integers(0, 2), st.integers(-40, 40)),
    st.one_of(st.none(), st.integers(-50, 50), st.floats(-1e6, 1e6)),
    min_size=1,
    max_size=60,
)
NUMBERS = st.one_of(st.integers(-50, 50), st.floats(-1e6, 1e6), st.floats(1e100, 1e120), st.floats(0, 1e-300))


@st.composite
def tables(draw):
    """A table as below without gaps but one or none, of one kind of number."""
    numbers = draw(st.sampled_from([st.integers(-50, 50), st.integers(-(2**40), 2**40), NUMBERS]))
    cells = {}
    for series in range(draw(st.integers(1, 3))):
        first, size = draw(st.integers(-40, 40)), draw(st.integers(1, 40))
        cells |= {(series, first + at): draw(numbers) for at in range(size)}
    gap = draw(st.sampled_from([None, *cells]))
    return {at: value for at, value in cells.items() if at != gap} or cells


TABLES = tables()


def arrays(cells):
    """A table of (series, step) -> value as sorted arrays."""
    at = sorted(cells)
    values = [np.nan if cells[place] is None else float(cells[place]) for place in at]
    return np.array([s for s, _ in at]), np.array([t for _, t in at]), np.array(values)


def window(cells, series, step, length, until):
    """The known values of the window, one step after the other."""
    found = [cells.get((series, step - until - back)) for back in reversed(range(length))]
    return [value for value in found if value is not None]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(cells=CELLS, by=st.integers(1, 20), length=st.integers(1, 30))
def test_equals_the_slow_way(cells, by, length):
    """Lag, mean and deviation are what a loop over the dates finds, gaps and other series notwithstanding."""
    check(cells, by, length)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(cells=TABLES, by=st.integers(1, 20), length=st.integers(1, 30))
def test_equals_the_slow_way_without_gaps(cells, by, length):
    """The same where no step is missing or hardly one, of whole numbers and of others, tiny and huge."""
    check(cells, by, length)


def check(cells, by, length):
    """Every row against the loop."""
    series, step, values = arrays(cells)
    history = History(series, step, values)
    lag, mean, std = (history.lag(by), history.rolling_mean(length, by), history.rolling_std(length, by))
    for place, (s, t) in enumerate(zip(series, step, strict=True)):
        there = window(cells, s, t, length, by)
        value = cells.get((s, t - by))
        np.testing.assert_equal(lag[place], np.nan if value is None else float(value))
        size = max(map(abs, there), default=1)
        wanted = statistics.fmean(there) if there else np.nan
        np.testing.assert_allclose(mean[place], wanted, rtol=1e-12, atol=1e-12 * size)
        wanted = statistics.stdev(map(float, there)) if len(there) > 1 else np.nan
        np.testing.assert_allclose(std[place], wanted, rtol=1e-9, atol=1e-9 * size)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    values=st.lists(st.one_of(st.integers(-(10**6), 10**6), st.just(0.5)), min_size=2, max_size=60),
    length=st.integers(2, 30),
)
def test_deviations_of_whole_numbers_are_exact(values, length):
    """Only the last division and the root are rounded, however large the numbers, wherever in the table they are."""
    found = History(np.zeros(len(values), int), np.arange(len(values)), np.array(values, float)).rolling_std(length, 0)
    for end in range(2, len(values) + 1):
        there = values[max(end - length, 0) : end]
        if 0.5 not in there:
            n = len(there)
            spread = n * sum(value * value for value in there) - sum(there) ** 2
            assert found[end - 1] == math.sqrt(spread / (n * (n - 1)))


def random_history(seed=0, series=40, span=400, kept=0.8, whole=False):
    """Many series of different length, of values of very different size or whole numbers; `kept` below 1 makes gaps.

    With "mixed" whole numbers have all kinds of company: their own series, windows of them, single ones, large ones.
    """
    rng = np.random.default_rng(seed)
    rows = [(s, t) for s in range(series) for t in range(rng.integers(span)) if rng.random() < kept]
    values = rng.normal(size=len(rows)) * 10.0 ** rng.integers(-6, 6, len(rows))
    ids, steps = np.array([s for s, _ in rows]), np.array([t for _, t in rows]) - 200
    if whole == "mixed":
        counts = rng.poisson(20, len(rows)) * np.where(rng.random(len(rows)) < 0.01, 10**7, 1)
        values = np.where(((ids % 4 < 2) & (steps % 90 != 0)) | (rng.random(len(rows)) < 0.2), counts, values)
    elif whole:
        values = rng.poisson(20, len(rows)).astype(float)
    return ids, steps, values


def measures(history, length, until):
    """What a stage takes of a history, as rows of bits: a NaN is a NaN, and 0 isn't -0."""
    found = [
        history.rolling_mean(length, until),
        history.rolling_std(length, until),
        mean_of([history.lag(until + 7 * n) for n in range(9)]),
    ]
    return np.stack(found).view(np.int64)


@pytest.mark.parametrize("whole", [True, False, "mixed"])
@pytest.mark.parametrize("kept", [1, 0.97, 0.5])
@pytest.mark.parametrize(("length", "until"), [(1, 1), (7, 7), (28, 3), (364, 28)])
def test_parts_give_the_bits_of_the_whole(length, until, kept, whole):
    """A shard of the series, a tail of the dates, a single row and rows of it all get the bits of the whole table."""
    series, step, values = random_history(kept=kept, whole=whole)
    values[::500] = -0.0
    everything = measures(History(series, step, values), length, until)

    def part(rows, asked=slice(None)):
        return measures(History(series[rows], step[rows], values[rows], asked), length, until)

    shard = series % 3 == 1
    np.testing.assert_array_equal(part(shard), everything[:, shard])
    recent, tail = step >= 100 - until - length - 70, step >= 100
    np.testing.assert_array_equal(part(recent, tail[recent]), everything[:, tail])
    np.testing.assert_array_equal(part(recent)[:, tail[recent]], everything[:, tail])
    for row in range(0, len(step), 397):
        np.testing.assert_array_equal(part(slice(None), np.array([row])), everything[:, [row]])
        own = (series == series[row]) & (step <= step[row])
        np.testing.assert_array_equal(part(own)[:, -1], everything[:, row])


@pytest.mark.parametrize("kept", [1, 0.9])  # windows side by side, and each by itself
@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_blocks_change_no_bit(block, kept, monkeypatch):
    """However many rows are measured at once, and by however many threads."""
    history = History(*random_history(kept=kept))
    before = measures(history, 28, 3)
    monkeypatch.setattr(blocks, "BLOCK", block)
    monkeypatch.setattr(blocks, "THREADS", 3)
    np.testing.assert_array_equal(measures(History(*random_history(kept=kept)), 28, 3), before)


@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 15, 16, 28, 128, 129, 364, 1001])
def test_sums_in_the_order_of_numpy(length):
    """Shifted arrays added one after the other give the bits of numpy's sum of each row."""
    rng = np.random.default_rng(length)
    table = rng.normal(size=(50, length)) * 10.0 ** rng.integers(-9, 9, (50, length))
    np.testing.assert_array_equal(pairwise(lambda place: table[:, place], length), table.sum(axis=1))


def test_thousands_of_series():
    """Five thousand series, many of one row, some of hundreds, one with two rows ninety years apart."""
    rng = np.random.default_rng(5)
    sizes = np.where(rng.random(5000) < 0.5, 1, rng.integers(1, 60, 5000))
    series = np.repeat(np.arange(5000), sizes)
    step = np.arange(len(series)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    step[-1] += 33_000
    values = rng.normal(size=len(series))
    frame = pd.DataFrame({"series": series, "value": values}).iloc[:-1]
    shifted = frame.groupby("series")["value"].shift(3)
    windows = shifted.groupby(frame["series"]).rolling(5, min_periods=1)
    history = History(series, step, values)
    np.testing.assert_array_equal(history.lag(3)[:-1], shifted)
    np.testing.assert_allclose(history.rolling_mean(5, 3)[:-1], windows.mean(), rtol=1e-9, atol=1e-12)
    assert all(np.isnan(found[-1]) for found in (history.lag(3), history.rolling_mean(5, 3)))


def test_huge_and_infinite_values():
    """A sum past the largest float is infinite, an infinite value spoils its own windows alone, and nothing warns."""
    series, step = np.zeros(40, dtype=np.int64), np.arange(40)
    values = np.ones(40)
    values[5:7], values[20], values[35] = 1.7e308, np.inf, -1e200
    for whole in (True, False):
        history = History(series, step, values if whole else values + (step == 39) * 0.5)
        mean, std = history.rolling_mean(3, 1), history.rolling_std(3, 1)
        assert np.isinf(mean[7:9]).all()
        assert np.isinf(mean[21:24]).all()
        assert np.isnan(std[21:24]).all()
        assert not np.isfinite(std[6:10]).any()
        assert mean[36] == pytest.approx(-1e200 / 3)
        rest = np.r_[3:6, 10:21, 24:36]
        assert (mean[rest] == 1).all()
        assert (std[rest] == 0).all()
        np.testing.assert_array_equal(history.lag(2)[2:], np.asarray(history.lag(1))[1:-1])


def test_nothing_known():
    """No value at all, or no rows at all, is NaN, or nothing."""
    history = History(np.array([0, 0]), np.array([1, 2]), np.array([np.nan, np.nan]))
    none = np.array([], dtype=np.int64)
    empty = History(none, none, np.array([]))
    nobody = History(np.array([0, 0]), np.array([1, 2]), np.array([1.0, 2.0]), none)
    for length in (1, 3):
        for of, rows in ((history, 2), (empty, 0), (nobody, 0)):
            for found in (of.lag(1), of.rolling_mean(length, 1), of.rolling_std(length, 1)):
                assert len(found) == rows
                assert np.isnan(found).all()


def test_series_are_numbered_by_their_keys():
    """Each combination of keys is a series, null among them; without keys there is one."""
    frame = pd.DataFrame({"a": ["y", "x", None, "y", "x"], "b": [1, 2, 1, 1, 3]})
    assert series_ids(frame, ["a", "b"]).tolist() == [2, 0, 3, 2, 1]
    assert series_ids(frame, []).tolist() == [0] * 5
    assert len(series_ids(frame.iloc[:0], ["a"])) == 0


@settings(max_examples=40, deadline=None, derandomize=True)
@given(rows=st.lists(st.tuples(st.sampled_from(["x", "y", "z", None]), st.integers(-1, 1), st.booleans()), max_size=30))
def test_series_in_any_order(rows):
    """Sorted or not, text, numbers with nulls and truth values: as if each row were looked up by itself."""
    frame = pd.DataFrame(rows, columns=["a", "b", "c"]).astype({"a": "str", "c": "bool"})
    frame["b"] = frame["b"].astype("Int64").mask(frame["b"] == 0)
    order = {"x": 0, "y": 1, "z": 2}
    ranks = [(order.get(a, 9), 9 if pd.isna(b) else b, c) for a, b, c in frame.itertuples(index=False)]
    numbers = {rank: number for number, rank in enumerate(sorted(set(ranks)))}
    assert series_ids(frame, ["a", "b", "c"]).tolist() == [numbers[rank] for rank in ranks]
