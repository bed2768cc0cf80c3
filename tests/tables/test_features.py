"""dataops.tables.features: lags and windows by date, the same bits in any company."""

from __future__ import annotations

import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataops.tables.features import History, mean_of, series_ids

CELLS = st.dictionaries(
    st.tuples(st.integers(0, 2), st.integers(-40, 40)),
    st.one_of(st.none(), st.integers(-50, 50), st.floats(-1e6, 1e6)),
    min_size=1,
    max_size=60,
)


def arrays(cells):
    """A table of (series, step) -> value as sorted arrays."""
    at = sorted(cells)
    values = [np.nan if cells[place] is None else float(cells[place]) for place in at]
    return np.array([s for s, _ in at]), np.array([t for _, t in at]), np.array(values)


def window(cells, series, step, length, until):
    """The known values of the window, one step after the other."""
    found = [cells.get((series, step - until - back)) for back in reversed(range(length))]
    return [value for value in found if value is not None]


@settings(max_examples=60, deadline=None)
@given(cells=CELLS, by=st.integers(1, 20), length=st.integers(1, 30))
def test_equals_the_slow_way(cells, by, length):
    """Lag, mean and deviation are what a loop over the dates finds, gaps and other series notwithstanding."""
    series, step, values = arrays(cells)
    history = History(series, step, values)
    lag, mean, std = (
        history.lag(series, step, by),
        history.rolling_mean(series, step, length, by),
        history.rolling_std(series, step, length, by),
    )
    for place, (s, t) in enumerate(zip(series, step, strict=True)):
        there = window(cells, s, t, length, by)
        value = cells.get((s, t - by))
        np.testing.assert_equal(lag[place], np.nan if value is None else float(value))
        size = max(map(abs, there), default=1)
        wanted = statistics.fmean(there) if there else np.nan
        np.testing.assert_allclose(mean[place], wanted, rtol=1e-12, atol=1e-12 * size)
        wanted = statistics.stdev(map(float, there)) if len(there) > 1 else np.nan
        np.testing.assert_allclose(std[place], wanted, rtol=1e-9, atol=1e-9 * size)


def random_history(seed=0, series=40, span=400):
    """Many series of different length with gaps and values of very different size."""
    rng = np.random.default_rng(seed)
    rows = [(s, t) for s in range(series) for t in range(rng.integers(span)) if rng.random() < 0.8]
    values = rng.normal(size=len(rows)) * 10.0 ** rng.integers(-6, 6, len(rows))
    return np.array([s for s, _ in rows]), np.array([t for _, t in rows]) - 200, values


@pytest.mark.parametrize(("length", "until"), [(1, 1), (7, 7), (28, 3), (364, 28)])
def test_parts_give_the_bits_of_the_whole(length, until):
    """A shard of the series, a tail of the dates and a single row get the same bits as the whole table."""
    series, step, values = random_history()
    whole = History(series, step, values)

    def measures(history, rows):
        return np.stack(
            [history.rolling_mean(series[rows], step[rows], length, until),
             history.rolling_std(series[rows], step[rows], length, until),
             mean_of([history.lag(series[rows], step[rows], until + 7 * n) for n in range(9)])]
        )  # fmt: skip

    everything = measures(whole, np.arange(len(step)))
    shard = series % 3 == 1
    np.testing.assert_array_equal(
        measures(History(series[shard], step[shard], values[shard]), shard), everything[:, shard]
    )
    tail = step >= 100
    recent = step >= 100 - until - length - 70
    np.testing.assert_array_equal(
        measures(History(series[recent], step[recent], values[recent]), tail), everything[:, tail]
    )
    for row in range(0, len(step), 97):
        np.testing.assert_array_equal(measures(whole, np.array([row])), everything[:, [row]])


def test_nothing_known():
    """No value at all, or no rows at all, is NaN, or nothing."""
    rows = np.array([0, 0]), np.array([1, 2])
    history = History(*rows, np.array([np.nan, np.nan]))
    for found in (history.lag(*rows, 1), history.rolling_mean(*rows, 3, 1), history.rolling_std(*rows, 3, 1)):
        assert np.isnan(found).all()
    none = np.array([], dtype=np.int64)
    empty = History(none, none, np.array([]))
    for found in (empty.lag(none, none, 1), empty.rolling_mean(none, none, 3, 1), empty.rolling_std(none, none, 3, 1)):
        assert len(found) == 0


def test_series_are_numbered_by_their_keys():
    """Each combination of keys is a series, null among them; without keys there is one."""
    frame = pd.DataFrame({"a": ["y", "x", None, "y", "x"], "b": [1, 2, 1, 1, 3]})
    assert series_ids(frame, ["a", "b"]).tolist() == [2, 0, 3, 2, 1]
    assert series_ids(frame, []).tolist() == [0] * 5
