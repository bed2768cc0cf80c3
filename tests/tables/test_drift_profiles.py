"""Drift from profiles is that from every value within the bound that the report states."""

from __future__ import annotations

import base64
import itertools
from functools import cache, reduce

import datasketches
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataops.files import to_json
from dataops.tables.contract import Column, Contract
from dataops.tables.drift import Thresholds, compare, compare_frames
from dataops.tables.profile import KEPT, categories, merge, numbers, profile

CONTRACT = Contract.model_construct(
    time="", target="", keys=[], columns={"x": Column(type="number")}, frequency="D", partition="none"
)
RNG = np.random.default_rng(8)
PAIRS = {
    "normal": (RNG.normal(size=50_000), RNG.normal(0.3, 1.1, 40_000)),
    "lognormal": (RNG.lognormal(0, 2, 30_000), RNG.lognormal(0.2, 2, 30_000)),
    "counts": (RNG.poisson(5, 30_000), RNG.poisson(6, 20_000)),
    "many counts": (RNG.poisson(5000, 30_000), RNG.poisson(5050, 20_000)),
    "zeros and more": (
        RNG.gamma(1, 10, 40_000) * (RNG.random(40_000) > 0.6),
        RNG.gamma(1, 10, 40_000) * (RNG.random(40_000) > 0.5),
    ),
    "prices": (
        RNG.choice([9.99, 19.99, 4.5], 5000) * RNG.choice(np.arange(1, 400), 5000),
        RNG.choice([9.99, 19.99, 4.5], 9000) * RNG.choice(np.arange(1, 500), 9000),
    ),
    "two far peaks": (
        np.append(RNG.normal(0, 1, 20_000), RNG.normal(1e6, 1, 20_000)),
        np.append(RNG.normal(0, 1, 15_000), RNG.normal(1e6, 1, 25_000)),
    ),
    "few": (RNG.normal(size=40), RNG.normal(size=300)),
    "whole range": (RNG.uniform(-1, 1, 9000) * 1.7e308, RNG.uniform(-1, 0.5, 9000) * 1.7e308),
    "heavy tails": (RNG.standard_cauchy(30_000), RNG.standard_cauchy(30_000) * 1.5),
}


def framed(values):
    """As a table."""
    return pd.DataFrame({"x": values})


def both(a, b, parts=1):
    """The exact report and that from profiles, each merged out of so many parts."""
    exact = compare_frames(framed(a), framed(b), Thresholds(), CONTRACT)
    sides = [
        reduce(merge, (profile(framed(piece), CONTRACT) for piece in np.array_split(side, parts))) for side in (a, b)
    ]
    return exact, compare(*sides, Thresholds())


@pytest.mark.parametrize("parts", [1, 3, 12])
@pytest.mark.parametrize("name", PAIRS)
def test_within_the_stated_bound(name, parts):
    """D is off by the bound at most; the report says which way it was made; mean and deviation are exact."""
    exact, sketched = both(*PAIRS[name], parts)
    old, new = exact["columns"]["x"], sketched["columns"]["x"]
    assert (exact["method"]["name"], sketched["method"]["name"]) == ("exact", "profiles")
    assert exact["method"]["bound"] == 0
    assert abs(old["effect"] - new["effect"]) <= sketched["method"]["bound"] + 1e-12
    if parts == 1:
        assert sketched["method"]["bound"] < 0.018
    assert sketched["method"]["bound"] < 0.04
    for key in ("mean", "std", "min", "max"):
        for side in ("reference", "current"):
            assert new["statistics"][key][side] == pytest.approx(old["statistics"][key][side], rel=1e-9)
    assert list(old) == list(new)  # one shape of report
    assert list(exact) == list(sketched)


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("name", PAIRS)
def test_ranks_and_quantiles(name, parts):
    """The distribution function is within the column's own error at every value; so are quantiles, by their ranks."""
    from dataops.tables.drift.distributions import Exact
    from dataops.tables.drift.lines import of_profiles

    values = np.sort(np.asarray(PAIRS[name][0], float))
    column = reduce(merge, (profile(framed(piece), CONTRACT) for piece in np.array_split(PAIRS[name][0], parts)))
    sketch, exact = of_profiles([column["columns"]["x"]]), Exact(values)
    between = np.unique(np.concatenate((values, values[:-1] / 2 + values[1:] / 2)))
    for mine, true in zip(sketch.ranks([between]), exact.ranks(between), strict=True):
        assert np.abs(mine - true).max() <= sketch.errors[0] + 1e-12
    shares = np.linspace(0.01, 0.99, 50)
    left, right = exact.ranks(sketch.quantiles(shares)[0])
    room = sketch.errors[0] + 1 / len(values) + 1e-9
    assert (left - room <= shares).all()
    assert (shares <= right + room).all()


ALONE = ("effect", "p_value", "error", "psi", "wasserstein", "outside", "statistics", "quantiles", "shape", "missing")


@cache
def of_all(parts):
    """Two profiles with a column for each pair, and some that have little, between them in any order."""
    columns = PAIRS | {
        "one value": (np.full(30, 2.5), np.full(20, 2.5)),
        "one row": (np.array([1.0]), np.array([1.0])),
        "least": (RNG.normal(size=900) * 1e-310, RNG.normal(size=900) * 1e-310),
        "up to zero": (-RNG.poisson(5, 900), -RNG.poisson(6, 700)),
        "nothing": (np.array([np.nan]), np.array([np.nan])),
    }
    found = {}
    for name, sides in columns.items():
        found[name] = [
            reduce(merge, (profile(framed(piece), CONTRACT) for piece in np.array_split(side, parts)))["columns"]["x"]
            for side in sides
        ]
    return found


@settings(max_examples=25, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("parts", [1, 3])
def test_columns_together_are_what_each_is_alone(parts, data):
    """All columns are measured at once; beside whichever others, in any order, each has its own figures to the bit."""
    kept = of_all(parts)
    names = data.draw(st.permutations([name for name in kept if name != "up to zero"]))
    names.insert(names.index("counts"), "up to zero")  # which ends where the next begins
    sides = [{"format": 2, "rows": 90_000, "columns": {n: kept[n][i] for n in names}} for i in (0, 1)]
    together = compare(*sides, Thresholds())["columns"]
    assert list(together) == names
    for name in names:
        alone = compare(*sides, Thresholds(), columns=[name])["columns"][name]
        assert {key: alone.get(key) for key in ALONE} == {key: together[name].get(key) for key in ALONE}


def test_few_values_are_exact():
    """Up to 256 distinct values are counted: the bound is zero, and p is scipy's exact one."""
    exact, sketched = both(RNG.poisson(3, 900), RNG.poisson(4, 700))
    assert sketched["method"] == {"name": "profiles", "bound": 0.0, "said": "from profiles, which have every value"}
    flat = [pd.json_normalize(report["columns"]["x"]).drop(columns=["reasons"]) for report in (exact, sketched)]
    pd.testing.assert_frame_equal(*flat, rtol=1e-12)


def test_a_sample_of_a_large_table():
    """Beyond 262,144 rows the distribution is that of a sample, which no period of the rows falls in with."""
    n = 2_000_003
    rows = np.tile([0.0, 5.0, 1.0, 7.0], n // 4 + 1)[:n] + RNG.random(n)
    exact, sketched = both(rows, rows * 1.1)
    assert abs(exact["columns"]["x"]["effect"] - sketched["columns"]["x"]["effect"]) <= sketched["method"]["bound"]
    entry = profile(framed(rows), CONTRACT)["columns"]["x"]
    assert (entry["sampled"], entry["count"]) == (numbers.SAMPLE, n)
    assert entry["mean"] == pytest.approx(rows.mean(), rel=1e-12)
    assert entry["max"] == rows.max()
    assert to_json(profile(framed(rows), CONTRACT)) == to_json(profile(framed(rows), CONTRACT))


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.floats(-1e300, 1e300) | st.sampled_from([0.0, 1.0]), min_size=1, max_size=900),
    cut=st.integers(0, 900),
)
def test_merged_moments(values, cut):
    """Merged halves have the whole's count, extremes, mean and deviation, at any magnitude."""
    halves = [numbers.summary(pd.Series(side, dtype="float64")) for side in (values[:cut], values[cut:])]
    merged, whole = numbers.merged(*halves), numbers.summary(pd.Series(values))
    assert [merged[key] for key in ("count", "min", "max")] == [whole[key] for key in ("count", "min", "max")]
    scale = max(abs(value) for value in values) or 1.0
    for key in ("mean", "std"):
        assert merged[key] / scale == pytest.approx(whole[key] / scale, abs=1e-9)


def test_the_library_reads_the_digest():
    """Apache DataSketches' own t-digest takes the bytes, with every value's weight, and answers alike."""
    values = RNG.gamma(2, 3, 100_000)
    entry = numbers.summary(pd.Series(values))
    digest = datasketches.tdigest_double.deserialize(base64.b64decode(entry["digest"]))
    assert digest.get_total_weight() == 100_000
    assert (digest.get_min_value(), digest.get_max_value()) == (values.min(), values.max())
    for share in (0.01, 0.5, 0.99):
        assert digest.get_rank(np.quantile(values, share)) == pytest.approx(share, abs=entry["error"])


def test_the_library_reads_a_merged_digest():
    """With more centroids than it makes itself, too."""
    values = RNG.gamma(2, 3, 120_000)
    entry = reduce(numbers.merged, (numbers.summary(pd.Series(piece)) for piece in np.array_split(values, 7)))
    digest = datasketches.tdigest_double.deserialize(base64.b64decode(entry["digest"]))
    assert digest.get_total_weight() == 120_000
    assert digest.get_rank(float(np.median(values))) == pytest.approx(0.5, abs=entry["error"])
    digest.merge(digest)
    assert digest.get_total_weight() == 240_000


def format_1(values):
    """A profile as older tags carry it."""
    digest = datasketches.tdigest_double(200)
    digest.update(values.copy())
    column = {
        "kind": "numeric",
        "missing": 0,
        "count": len(values),
        "mean": float(values.mean()),
        "m2": float(((values - values.mean()) ** 2).sum()),
        "min": float(values.min()),
        "max": float(values.max()),
        "digest": base64.b64encode(digest.serialize()).decode(),
    }
    counts = {"kind": "categorical", "missing": 0, "distinct": 2, "counts": {"a": len(values), "b": 9}, "other": 0}
    time = {"kind": "time", "missing": 0, "first": "2024-01-01T00:00:00", "last": "2024-02-01T00:00:00", "distinct": 32}
    return {"format": 1, "rows": len(values), "columns": {"x": column, "k": counts, "t": time}}


@pytest.mark.parametrize("size", [1, 5, 50_000])
def test_the_old_format(size):
    """Format 1 against itself, against format 2, and merged: read all the same, and within the bound."""
    a, b = RNG.normal(size=size), RNG.normal(0.5, 1, 30_000)
    exact = compare_frames(framed(a), framed(b), Thresholds(), CONTRACT)["columns"]["x"]
    for old, new in itertools.product(
        (format_1(a), profile(framed(a), CONTRACT)), (format_1(b), profile(framed(b), CONTRACT))
    ):
        report = compare(old, new, Thresholds(), columns=["x"])
        assert abs(report["columns"]["x"]["effect"] - exact["effect"]) <= report["method"]["bound"] + 1e-12
        assert report["columns"]["x"]["statistics"]["std"]["current"] == pytest.approx(b.std(ddof=1))
        merged = merge(old, new)
        assert merged["columns"]["x"]["count"] == size + 30_000
    same = compare(format_1(b), format_1(b), Thresholds())
    assert (same["drifted"], same["columns_checked"]) == (False, 3)


def test_categories_beyond_those_kept():
    """The rest of a long list is compared as one; how many there are is known after a merge as well, within 5%."""
    names = pd.Series([f"p{n}" for n in RNG.zipf(1.5, 60_000)])
    halves = [categories.summary(half) for half in (names[:30_000], names[30_000:])]
    assert len(halves[0]["counts"]) == KEPT
    merged = categories.merged(*halves)
    assert categories.distinct(merged) == pytest.approx(names.nunique(), rel=0.05)
    assert sum(merged["counts"].values()) + merged["other"] == 60_000
    text = Contract.model_construct(time="", target="", keys=["x"], columns={"x": Column(type="string")}, frequency="D")
    frames = [framed(names[:30_000]), framed(names[30_000:])]
    report = compare(*(profile(frame, text) for frame in frames), Thresholds())
    assert (report["drifted"], report["left_out"]) == (False, {})
    other = framed(names[30_000:].where(names.index[30_000:] % 3 > 0, "one of them"))
    found = compare(profile(frames[0], text), profile(other, text), Thresholds())["columns"]["x"]
    exact = compare_frames(frames[0], other, Thresholds(), text)["columns"]["x"]
    assert found["effect"] == pytest.approx(exact["effect"], abs=found["error"])
    assert found["reasons"] == ["distribution"]


def test_more_categories_than_a_profile_counts():
    """Where most rows are in categories that nobody counted, no drift isn't claimed: the column is named."""
    old, new = (pd.DataFrame({"k": [f"{mark}{number % 9000}" for number in range(30_000)]}) for mark in "ab")
    text = Contract.model_construct(time="", target="", keys=["k"], columns={"k": Column(type="string")}, frequency="D")
    report = compare(profile(old, text), profile(new, text), Thresholds())
    assert report["left_out"]["k"] == "93% of rows in categories that a profile doesn't count; --exact does"
    assert report["columns_checked"] == 0
    exact = compare_frames(old, new, Thresholds(), text)
    assert (exact["left_out"], exact["columns"]["k"]["effect"]) == ({}, 1.0)
