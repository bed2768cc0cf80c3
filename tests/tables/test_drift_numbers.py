"""Drift of numbers from every value: scipy's and pandas' own results, to 1e-12."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dataops.tables.drift import Thresholds, compare_frames, ks, numeric, wasserstein
from dataops.tables.drift.shares import psi

RNG = np.random.default_rng(5)
SAMPLES = {
    "small": (RNG.normal(size=40), RNG.normal(0.5, 1, size=31)),
    "ties": (RNG.poisson(3, 500), RNG.poisson(4, 700)),
    "large": (RNG.normal(size=30_000), RNG.normal(0.01, 1, size=25_001)),
    "large with ties": (RNG.poisson(50, 40_000), RNG.poisson(50, 40_000)),
    "single precision": (RNG.gamma(1, size=12_000).astype("f4"), RNG.gamma(1.02, size=12_000).astype("f4")),
    "apart": (RNG.random(20_000), RNG.random(15_000) + 5),
    "cells": (RNG.normal(size=90_000), RNG.normal(0.02, 1, size=70_001)),
    "cells, the same": (RNG.normal(size=200_000), RNG.normal(size=200_000)),
    "cells, skewed": (RNG.lognormal(0, 2, 80_000), RNG.lognormal(0.01, 2.1, 100_000)),
    "cells, far tails": (RNG.standard_cauchy(70_000) * 1e9, RNG.standard_cauchy(70_000) * 1e9),
    "cells, many of one value": (
        RNG.gamma(1, 10, 80_000) * (RNG.random(80_000) > 0.6),
        RNG.gamma(1, 10, 80_000) * (RNG.random(80_000) > 0.61),
    ),
    "cells, prices": (
        RNG.choice([9.99, 4.5, 0.1 + 0.2], 90_000) * RNG.integers(1, 400, 90_000),
        RNG.choice([9.99, 4.5, 0.3], 90_000) * RNG.integers(1, 400, 90_000),
    ),
    "cells, two far peaks": (
        np.append(RNG.normal(0, 1, 50_000), RNG.normal(1e7, 1, 50_000)),
        np.append(RNG.normal(0, 1, 70_000), RNG.normal(1e7, 1, 30_000)),
    ),
    "cells, apart": (RNG.random(70_000), RNG.random(70_000) + 5),
    "cells, far from zero": (RNG.normal(1e9, 1, 80_000), RNG.normal(1e9 + 0.1, 1, 80_000)),
    "cells, single precision": (RNG.normal(5, 1, 90_000).astype("f4"), RNG.normal(5, 1.02, 90_000).astype("f4")),
    "cells, nearly constant": (
        np.append(np.zeros(99_000), RNG.random(1000)),
        np.append(np.zeros(98_000), RNG.random(2000)),
    ),
    "whole numbers, counted": (RNG.poisson(50, 70_000) - 40, RNG.poisson(50.5, 90_000) - 40),
    "whole numbers, far": (RNG.poisson(50, 70_000) + 10**9, RNG.poisson(50.5, 90_000) + 10**9),
    "whole numbers, small": (
        RNG.integers(-128, 128, 70_000).astype("i1"),
        RNG.integers(-100, 128, 70_000).astype("i1"),
    ),
    "whole numbers, wide": (RNG.integers(0, 10**9, 70_000), RNG.integers(0, 10**9, 70_000)),
    "one row each": (np.array([1.0]), np.array([2.0])),
    "one against many": (np.array([0.3]), RNG.random(15_000)),
}


def entry(a, b, **limits):
    """What the report says of one column."""
    report = compare_frames(pd.DataFrame({"x": a}), pd.DataFrame({"x": b}), Thresholds(**limits))
    return report["columns"]["x"]


@pytest.mark.parametrize("name", SAMPLES)
def test_as_scipy_and_pandas(name):
    """D, p, Wasserstein, moments, PSI's deciles and quantiles are scipy's and pandas'."""
    a, b = SAMPLES[name]
    found, known = entry(a, b), stats.ks_2samp(a, b)
    scaled = known.statistic**2 * round(len(a) * len(b) / (len(a) + len(b)))
    beyond = len(a) > 50_000 and 2.2 <= scaled < 18  # where scipy takes half a second at a million rows
    assert found["effect"] == pytest.approx(known.statistic, abs=1e-12)
    assert found["p_value"] == pytest.approx(known.pvalue, abs=5e-7 if beyond else 1e-12)
    cuts = np.unique(np.quantile(a, np.arange(1, 10) / 10))
    shares = [
        np.diff(np.searchsorted(np.sort(side), cuts, "right") / len(side), prepend=0, append=1) for side in (a, b)
    ]
    assert found["psi"] == pytest.approx(psi(*shares), abs=1e-12)
    outside = ((b < a.min()) | (b > a.max())).mean()
    assert found["outside"]["share"] == pytest.approx(outside, abs=1e-12)
    assert found["wasserstein"] == pytest.approx(
        stats.wasserstein_distance(a, b), rel=1e-12, abs=1e-12 * float(np.std(a))
    )
    old, new = pd.Series(a, dtype="float64"), pd.Series(b, dtype="float64")
    for key in ("mean", "std", "median", "min", "max"):
        for side, values in (("reference", old), ("current", new)):
            expected = getattr(values, key)() if len(values) > 1 or key != "std" else 0.0
            assert found["statistics"][key][side] == pytest.approx(expected, rel=1e-12), (key, side)
    for level, pair in found["quantiles"].items():
        assert pair["reference"] == pytest.approx(old.quantile(float(level)), rel=1e-12)
        assert pair["current"] == pytest.approx(new.quantile(float(level)), rel=1e-12)
    if len(a) > 1:
        assert found["wasserstein_in_std"] == pytest.approx(found["wasserstein"] / old.std(), rel=1e-12)


floats = st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0, 2.5])


@settings(max_examples=150, deadline=None)
@given(a=st.lists(floats, min_size=1, max_size=80), b=st.lists(floats, min_size=1, max_size=80))
def test_distances_of_any_samples(a, b):
    """Ties and sizes as they come."""
    x, y = np.sort(np.array(a)), np.sort(np.array(b))
    assert ks.largest_gap(x, y) == pytest.approx(stats.ks_2samp(a, b, method="asymp").statistic, abs=1e-12)
    assert wasserstein.distance(x, y) == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("step", [1, 7, 60])
def test_the_largest_gap_hides_between_the_points_of_the_grid(step):
    """All of one side within a gap of the other: whichever values the grid has, the exact gap is found."""
    a = np.arange(60_000.0)
    b = np.sort(np.concatenate([a[:30_000], np.full(30_000, 30_000.0 + step / 100)]))
    assert ks.largest_gap(a, b) == pytest.approx(stats.ks_2samp(a, b, method="asymp").statistic, abs=1e-15)


def test_p_values_beyond_what_scipy_affords():
    """At a million rows scipy's own formula takes half a second a value; ours is within 2e-8 of it."""
    for scaled in (0.8, 1.36, 1.63, 2.2):
        n = 1_000_000
        distance = scaled / (n / 2) ** 0.5
        assert ks.p_value(distance, n, n) == pytest.approx(stats.kstwo.sf(distance, n // 2), abs=5e-8)
    assert ks.p_value(0.5, 10**7, 10**7, counted=True) == 0.0


def test_published_critical_values():
    """Smirnov's table: for large samples D sqrt(nm / (n + m)) = 1.3581 is 5%, 1.6276 is 1%."""
    for scaled, p_value in ((1.3581, 0.05), (1.6276, 0.01), (1.2238, 0.10)):
        assert ks.p_value(scaled / 5e9**0.5, 10**10, 10**10) == pytest.approx(p_value, rel=1e-3)


@pytest.mark.parametrize(("n", "m"), [(1, 5), (2, 3), (3, 4), (5, 2), (4, 1)])
def test_how_many_lie_outside_by_chance(n, m):
    """All orders of a few values, counted."""
    orders = list(itertools.combinations(range(n + m), n))  # the places of the first side
    for k in range(m + 1):
        share = sum(n + m - 1 - places[-1] + places[0] >= k for places in orders) / len(orders)
        assert numeric.outside_by_chance(k, n, m) == pytest.approx(share, rel=1e-12)
    assert numeric.outside_by_chance(3, 10**6, 10**6) == pytest.approx(
        stats.betabinom.sf(2, 10**6, 2, 10**6 - 1), rel=1e-6
    )


def test_closed_forms():
    """Uniforms apart by a tenth: D = W = 0.1; scaled by two: D = 1/2, W = 1/2. PSI of (.5, .5) and (.4, .6)."""
    grid = np.linspace(0, 1, 100_001)
    moved, scaled = entry(grid, grid + 0.1), entry(grid, grid * 2)
    assert moved["effect"] == pytest.approx(0.1, abs=2e-5)
    assert moved["wasserstein"] == pytest.approx(0.1, rel=1e-12)
    assert moved["wasserstein_in_std"] == pytest.approx(0.1 * 12**0.5, rel=1e-4)  # a uniform's deviation is 1/sqrt(12)
    assert (scaled["effect"], scaled["wasserstein"]) == (pytest.approx(0.5, abs=2e-5), pytest.approx(0.5))
    assert scaled["statistics"]["mean"]["change_percent"] == pytest.approx(100)
    by_hand = (0.4 - 0.5) * np.log(0.4 / 0.5) + (0.6 - 0.5) * np.log(0.6 / 0.5)
    assert psi(np.array([0.5, 0.5]), np.array([0.4, 0.6])) == pytest.approx(by_hand, rel=1e-12)
    two = entry(np.arange(10.0).repeat(10), np.arange(1.0, 11.0).repeat(10))  # every decile moved on by one
    assert two["psi"] == pytest.approx((0.1 - 1e-4) * np.log(0.1 / 1e-4) + 0.1 * np.log(2), rel=1e-9)


def test_far_from_zero():
    """The deviation survives an offset whose mean no float holds."""
    values = RNG.integers(0, 15, 80_000)
    found = entry(values, values + 10**15)["statistics"]["std"]
    assert found["current"] == pytest.approx(found["reference"], rel=1e-12)
    assert found["reference"] == pytest.approx(values.std(ddof=1), rel=1e-12)


def test_another_shape_of_the_same_mean_and_deviation():
    """Two peaks instead of one: no moment says so, the distribution does."""
    found = entry(RNG.normal(10, 2, 20_000), np.concatenate([RNG.normal(10 + s, 0.3, 10_000) for s in (-1.98, 1.98)]))
    for key in ("mean", "std"):
        assert abs(found["statistics"][key]["change_percent"]) < 2
    assert (found["drifted"], found["reasons"]) == (True, ["distribution"])


def test_values_beyond_all_that_was_seen():
    """Five in a hundred are a thousand times as large: D is 0.05, and it is found."""
    a, b = RNG.normal(100, 5, 10_000), RNG.normal(100, 5, 10_000)
    b[:500] *= 1000
    found = entry(a, b)
    assert found["effect"] < 0.1
    assert found["reasons"] == ["out of range"]
    assert found["outside"]["share"] == pytest.approx(0.05, abs=0.002)


def test_a_tiny_shift_at_ten_million_rows():
    """Certain, and of no importance: p is 0, and there is no alarm."""
    a = RNG.standard_normal(10_000_000, dtype="f4")
    found = entry(a, RNG.standard_normal(10_000_000, dtype="f4") + np.float32(0.01))
    assert found["p_value"] < 1e-50
    assert found["effect"] == pytest.approx(0.004, abs=0.001)
    assert found["drifted"] is False


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64", "float32", "Int64", "Float64", "int64[pyarrow]"])
def test_any_type_of_number(dtype):
    """Whatever holds them, the same numbers give the same report; small unsigned ones don't wrap around."""
    a, b = np.arange(120) % 101, np.arange(110) % 90 + 20
    found = entry(pd.Series(a).astype(dtype), pd.Series(b).astype(dtype))
    known = stats.ks_2samp(a, b)
    assert (found["kind"], found["effect"]) == ("numeric", pytest.approx(known.statistic, abs=1e-12))
    assert found["wasserstein"] == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-12)


@pytest.mark.parametrize("span", [1, 2, 39, 40, 41, 60, 79, 80, 1000])
def test_each_bar_has_as_many_whole_numbers(span):
    """A picture of equally common whole numbers is flat up to its last bar, however many there are."""
    values = numeric.of_values(pd.Series(np.tile(np.arange(span) - 7, 3)))
    shape = numeric.measure(values, values)["shape"]
    edges = np.array(shape["edges"])
    assert len(edges) <= numeric.BARS + 1
    assert (edges % 1 == 0.5).all()
    assert len({round(height, 6) for height in shape["reference"][:-1]}) <= 1
    assert sum(shape["reference"]) > 0.98  # without the half percent at either end
