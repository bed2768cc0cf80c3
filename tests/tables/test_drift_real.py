"""Drift of real data: bike sharing, year one against year two; and shuffled halves, which are none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from workbench import SHARED

from dataops.tables.drift import Thresholds, compare, compare_frames
from dataops.tables.profile import profile
from dataops.versions.statistics import contract_of

pytestmark = pytest.mark.realdata
BIKES = SHARED / "drift" / "bike_sharing_hour.csv"
WEATHER = {1: "clear", 2: "mist", 3: "rain", 4: "storm"}


@pytest.fixture(scope="module")
def bikes() -> pd.DataFrame:
    """17,379 hours of 2011 and 2012."""
    frame = pd.read_csv(BIKES, parse_dates=["dteday"])
    return frame.assign(weathersit=frame["weathersit"].map(WEATHER))


def test_year_two_against_year_one(bikes):
    """Counts moved, mean 143.8 to 234.7; the weather and the calendar did not. Exact and from profiles."""
    old, new = (bikes[bikes["yr"] == year].drop(columns="yr") for year in (0, 1))
    contract = contract_of(old.copy())
    exact = compare_frames(old, new, Thresholds())
    sketched = compare(profile(old, contract), profile(new, contract), Thresholds())
    for report in (exact, sketched):
        assert sorted(report["columns_drifted"]) == ["casual", "cnt", "registered"]
        mean = report["columns"]["cnt"]["statistics"]["mean"]
        assert (mean["reference"], mean["current"]) == (
            pytest.approx(143.794, abs=1e-3),
            pytest.approx(234.666, abs=1e-3),
        )
        assert list(report["left_out"]) == ["instant"]
    for name in ("temp", "hum", "windspeed", "cnt"):
        known = stats.ks_2samp(old[name], new[name])
        assert exact["columns"][name]["effect"] == pytest.approx(known.statistic, abs=1e-12)
        assert exact["columns"][name]["p_value"] == pytest.approx(known.pvalue, abs=1e-12)
        gap = abs(exact["columns"][name]["effect"] - sketched["columns"][name]["effect"])
        assert gap <= sketched["method"]["bound"]


@pytest.mark.timeout(900)
def test_shuffled_halves(bikes):
    """A thousand shuffles: at most ten are significant (alpha 0.01, give or take three deviations); none is drift."""
    frame = bikes.drop(columns=["instant", "dteday"])
    rng = np.random.default_rng(11)
    significant = alarms = 0
    for _ in range(1000):
        order = rng.permutation(len(frame))
        halves = frame.iloc[order[: len(frame) // 2]], frame.iloc[order[len(frame) // 2 :]]
        report = compare_frames(*halves, Thresholds(effect=1e-9, missing=1e-9, new_categories=1e-9, outside=1e-9))
        significant += report["drifted"]
        alarms += compare_frames(*halves, Thresholds())["drifted"] if report["drifted"] else False
    assert significant <= 10 + 3 * 10**0.5
    assert alarms == 0
