"""Drift of categories: scipy's chi-square and Jensen-Shannon; small cells, new categories, identifiers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from dataops.tables.contract import Column, Contract
from dataops.tables.drift import Thresholds, compare, compare_frames
from dataops.tables.profile import profile

RNG = np.random.default_rng(6)


def compared(a, b, **limits):
    """The report on one column."""
    frames = (pd.DataFrame({"x": side}) for side in (a, b))
    return compare_frames(*frames, Thresholds(**limits))


def drawn(letters, shares, size):
    """Categories at random."""
    return RNG.choice(list(letters), size, p=shares)


def test_as_scipy():
    """Chi-square, Jensen-Shannon and total variation of large cells."""
    a, b = drawn("abc", [0.5, 0.3, 0.2], 900), drawn("abc", [0.4, 0.3, 0.3], 700)
    found = compared(a, b)["columns"]["x"]
    x, y = (np.array([(side == name).sum() for name in "abc"]) for side in (a, b))
    assert found["p_value"] == pytest.approx(stats.chi2_contingency([x, y], correction=False).pvalue, abs=1e-12)
    assert found["jensen_shannon"] == pytest.approx(jensenshannon(x, y, base=2), abs=1e-12)
    assert found["effect"] == pytest.approx(np.abs(x / 900 - y / 700).sum() / 2, abs=1e-12)
    assert found["pooled"] == 0


def test_a_published_table():
    """Fisher's (1925) hair colours of Scottish boys and girls: chi-square 10.48 at 4 degrees of freedom, p 0.033."""
    boys, girls = [592, 119, 849, 504, 36], [544, 97, 677, 451, 14]
    names = ["fair", "red", "medium", "dark", "jet black"]
    found = compared(np.repeat(names, boys), np.repeat(names, girls))["columns"]["x"]
    assert found["p_value"] == pytest.approx(stats.chi2.sf(10.48, 4), rel=0.02)


def test_small_cells_are_pooled():
    """Rare categories of which five aren't expected count as one, so that p is right where there are many."""
    a = np.array(["a"] * 50 + ["b"] * 45 + list("cdefg"))
    b = np.array(["a"] * 45 + ["b"] * 50 + list("cdehi"))
    found = compared(a, b)["columns"]["x"]
    assert found["pooled"] == 7
    table = [[50, 45, 5], [45, 50, 5]]
    assert found["p_value"] == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue, abs=1e-12)
    assert compared(["a", "b"], ["c", "d"])["columns"]["x"]["p_value"] == 1.0  # one cell is left: nothing to test


def test_a_long_tail_is_no_news():
    """Categories of which many occur once: the other half of the same rows has new ones all the time."""
    alarms = 0
    for _ in range(200):
        rows = pd.Series(RNG.zipf(1.6, 4000)).clip(upper=10**6).map("p{}".format)
        report = compared(rows[:2000], rows[2000:].reset_index(drop=True))
        entry = report["columns"]["x"]
        assert entry["new_share"] > 0.01
        alarms += report["drifted"]
    assert alarms <= 2 + 3 * 2**0.5  # 200 times alpha, and three deviations


def test_new_and_vanished():
    """Both are named, the commonest first, with their shares; new ones are drift."""
    a = np.array(["old"] * 500 + ["gone"] * 400 + ["rare"] * 100)
    report = compared(a, np.array(["old"] * 900 + ["new"] * 60 + ["newer"] * 40))
    entry = report["columns"]["x"]
    assert (entry["new"], entry["new_share"]) == (["new", "newer"], 0.1)
    assert (entry["vanished"], entry["vanished_share"]) == (["gone", "rare"], 0.5)
    assert entry["reasons"] == ["distribution", "new categories"]
    assert [one["numbers"] for one in report["recommendations"]] == [
        ["columns.x.effect", "columns.x.q_value"],
        ["columns.x.new_share", "columns.x.new"],
    ]


@pytest.mark.parametrize("rows", [50, 5000])
def test_identifiers_are_left_out(rows):
    """Text or whole numbers that never repeat say nothing about drift: left out, and said so; few rows are compared."""
    for values in ([f"u{n}" for n in range(2 * rows)], list(range(2 * rows))):
        report = compared(values[:rows], values[rows:])
        if rows == 50:
            assert report["left_out"] == {}
            continue
        assert report["left_out"]["x"].startswith("identifier: ")
        assert (report["drifted"], report["columns_checked"]) == (False, 0)
        assert report["columns"]["x"]["effect"] is None
    missing = [None if n % 3 else f"u{n}" for n in range(rows)]
    assert compared([f"u{n}" for n in range(rows)], missing)["columns"]["x"]["reasons"][-1:] == ["missing values"]


def test_amounts_that_never_repeat_are_no_identifiers():
    """A hundred months of totals are all different, and drift is asked of them; and of the target, whatever it is."""
    months = RNG.permutation(np.arange(120) ** 2 * 3 + 10_000)
    report = compared(list(months), list(months * 2))
    assert (report["left_out"], report["columns_drifted"]) == ({}, ["x"])
    dense = pd.DataFrame({"x": np.arange(150)})
    contract = Contract.model_construct(
        time="", target="x", keys=[], columns={"x": Column(type="integer")}, frequency="D"
    )
    sides = [profile(dense + more, contract) for more in (0, 150)]
    for found in (
        compare_frames(dense, dense + 150, Thresholds(), contract),
        compare(sides[0], sides[1], Thresholds(), target="x"),
    ):
        assert (found["left_out"], found["columns_drifted"]) == ({}, ["x"])
    assert compare(sides[0], sides[1], Thresholds())["left_out"] == {"x": "identifier: whole numbers that never repeat"}


def test_continuous_numbers_are_no_identifiers():
    """Floats never repeat either, and are measured."""
    assert compared(RNG.normal(size=500), RNG.normal(3, 1, 500))["columns_drifted"] == ["x"]
