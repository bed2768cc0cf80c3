"""Drift of time: periods, rows a day, weekdays; a shorter window is none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from workbench import PARAMS, sales

from dataops.tables.contract import Column, Contract
from dataops.tables.drift import Thresholds, compare, compare_frames
from dataops.tables.profile import merge, profile

CONTRACT = Contract.model_validate(PARAMS["contract"])


def compared(old, new):
    """From every value and from profiles: of times both know all."""
    exact = compare_frames(old, new, Thresholds(), CONTRACT)
    sketched = compare(profile(old, CONTRACT), profile(new, CONTRACT), Thresholds())
    assert exact["columns"]["date"] == sketched["columns"]["date"]
    return exact


@pytest.mark.parametrize("days", [1, 7, 30, 365])
def test_a_window_of_any_length(days):
    """A day, a week or a month of the same shop against five years of it."""
    frame = sales(days=5 * 365)
    report = compared(frame, sales(days=days, seed=3).assign(date=lambda f: f["date"] + pd.Timedelta(days=5 * 365)))
    assert report["columns"]["date"]["reasons"] == []
    assert report["columns"]["date"]["volume"]["size"] == 0
    assert report["columns"]["date"]["shift_days"] == pytest.approx((5 * 365 + days) / 2)


def test_half_the_rows_a_day():
    """A store that stopped sending is told by its rows a day, whatever the window."""
    old, new = sales(days=365), sales(days=30)
    entry = compared(old, new[new["store_id"] == 1])["columns"]["date"]
    assert entry["reasons"] == ["row volume"]
    assert (entry["volume"]["reference"], entry["volume"]["current"]) == (4, 2)
    twice = compared(old, pd.concat([new, new]))
    assert twice["columns"]["date"]["reasons"] == ["row volume"]
    assert "rows a day went from 4.0 to 8.0" in twice["recommendations"][0]["text"]


def test_days_without_rows_count():
    """Two days of three are missing: the days that are there have all their rows."""
    frame = sales(days=364)
    entry = compared(frame, frame[frame["date"].dt.day_of_year % 3 == 1])["columns"]["date"]
    assert entry["volume"]["size"] == pytest.approx(2 / 3, abs=0.01)
    assert entry["reasons"] == ["row volume"]


def per_day(counts, first="2023-01-01"):
    """So many rows on each day, one after the other."""
    days = pd.Series(pd.date_range(first, periods=len(counts)))
    return (
        sales(days=1, stores=1, products=1)
        .iloc[:1]
        .loc[np.zeros(sum(counts), int)]
        .assign(date=days.repeat(counts).to_numpy())
    )


def test_one_day_is_judged_by_how_days_vary():
    """A day by itself varies as the days before it do: a Sunday is no loss of rows, a tenth of any Sunday is one."""
    rng = np.random.default_rng(2)
    week = np.array([100, 100, 100, 100, 100, 100, 40])
    old = rng.poisson(np.tile(week, 60))
    for day, lost in ((30, False), (100, False), (300, True)):
        entry = compared(per_day(old), per_day([day], "2024-06-02"))["columns"]["date"]
        assert ("row volume" in entry["reasons"]) == lost
        spread = old.std(ddof=1) * (1 + 1 / len(old)) ** 0.5
        known = 2 * stats.t.sf(abs(day - old.mean()) / spread, len(old) - 1)
        assert entry["volume"]["p_value"] == pytest.approx(known, rel=1e-9)


def test_one_day_against_days_that_never_vary():
    """It is the odd one of all by chance once in as many; of two days alone nothing is known."""
    for before, p_value in (([5] * 400, 1 / 401), ([5], 1.0)):
        entry = compared(per_day(before), per_day([50], "2024-06-02"))["columns"]["date"]
        assert entry["volume"]["p_value"] == p_value


def test_weekdays():
    """Closed at weekends since: the mix of weekdays has moved; in a window of a week nobody could say."""
    frame = sales(days=364)
    closed = frame[frame["date"].dt.day_of_week < 5]
    entry = compared(frame, closed)["columns"]["date"]
    assert entry["reasons"] == ["calendar"]
    assert entry["calendar"]["size"] == pytest.approx(2 / 7)
    assert (
        compared(frame, closed[closed["date"] < frame["date"].min() + pd.Timedelta(days=20)])["columns"]["date"][
            "calendar"
        ]
        is None
    )


def test_hours_and_zones():
    """Hours are compared where there are any; a zone is read in UTC."""
    stamps = pd.Series(pd.date_range("2024-01-01", periods=24 * 40, freq="h"))
    day = stamps[stamps.dt.hour.between(8, 19)].reset_index(drop=True)
    report = compare_frames(pd.DataFrame({"t": stamps}), pd.DataFrame({"t": day}), Thresholds())
    assert report["columns"]["t"]["calendar"]["of"] == "hours"
    assert report["columns"]["t"]["calendar"]["size"] == pytest.approx(0.5)
    zoned = pd.DataFrame({"t": stamps.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")})
    assert compare_frames(pd.DataFrame({"t": stamps}), zoned, Thresholds())["columns"]["t"]["calendar"]["size"] == 0


def test_parts_by_time_merge():
    """Rows a day, months and weekdays of parts cut by time add up to those of the whole."""
    frame = sales(days=400)
    cut = frame["date"] < "2023-05-01"
    parts, whole = merge(*(profile(frame[side], CONTRACT) for side in (cut, ~cut))), profile(frame, CONTRACT)
    old, new = parts["columns"]["date"], whole["columns"]["date"]
    for key in ("first", "last", "months", "weekdays", "missing"):
        assert old[key] == new[key], key
    assert old["rows_per"] == pytest.approx(new["rows_per"])


def test_monthly_and_weekly_rows():
    """The step is the contract's: a monthly table has as many rows a month, though none on most days."""
    monthly = Contract.model_validate({**PARAMS["contract"], "frequency": "M"})
    starts = pd.date_range("2020-01-01", periods=48, freq="MS")
    frame = sales(days=1).merge(pd.DataFrame({"start": starts}), how="cross").assign(date=lambda f: f["start"])
    report = compare_frames(frame, frame[frame["date"] >= "2023-10-01"], Thresholds(), monthly)
    volume = report["columns"]["date"]["volume"]
    assert (volume["unit"], volume["reference"], volume["current"]) == ("rows a month", 4, 4)


def test_no_time_at_all():
    """All null, or a single row."""
    frame = sales(days=60)
    nothing = frame.assign(date=pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us]"))
    assert compared(frame, nothing)["columns"]["date"]["reasons"] == ["missing values"]
    assert compared(frame, frame.iloc[:1])["columns"]["date"]["drifted"] is False
    far = frame.assign(date=np.where(np.arange(len(frame)) == 0, np.datetime64("0001-01-01", "us"), frame["date"]))
    assert compared(far, far)["drifted"] is False


@pytest.mark.parametrize("year", ["-0500", "0001", "1600", "2500", "9999", "25000"])
def test_years_that_nobody_meant(year):
    """Any year that a table can hold has a report, from values and from profiles: a typing error is no traceback."""
    days = pd.Series(np.array(["2024-01-01", f"{year}-01-01"], "datetime64[us]"))
    strange, usual = pd.DataFrame({"date": days}), pd.DataFrame({"date": pd.date_range("2024-01-01", periods=60)})
    times = Contract.model_construct(
        time="date", target="", keys=[], columns={"date": Column(type="date")}, frequency="D"
    )
    exact = compare_frames(usual, strange, Thresholds(), times)["columns"]["date"]
    rough = compare(profile(usual, times), profile(strange, times), Thresholds())["columns"]["date"]
    assert exact == rough
    assert np.sign(exact["shift_days"]) == np.sign(int(year) - 2024)
