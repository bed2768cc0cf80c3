"""What is defined, not accidental: constants, infinities, the largest floats, nothing, one row, mixed types."""

from __future__ import annotations

import json
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dataops.cli import drifttext
from dataops.errors import DataOpsError
from dataops.files import to_json
from dataops.report.drift_page import page
from dataops.tables.contract import Column, Contract
from dataops.tables.drift import Thresholds, compare, compare_frames
from dataops.tables.profile import merge, profile

TYPES = {"M": "datetime", "i": "integer", "u": "integer", "f": "number", "b": "boolean"}


def contract_of(frame):
    """Whatever there is, by its type."""
    columns = {name: Column(type=TYPES.get(frame[name].dtype.kind, "string")) for name in frame}
    return Contract.model_construct(time="", target="", keys=[], columns=columns, frequency="D")


def compared(a, b, **limits):
    """Both ways; both have the same verdict, and JSON, Markdown and a page can hold either."""
    reports = []
    frames = [pd.DataFrame({"x": side}) for side in (a, b)]
    exact = compare_frames(*frames, Thresholds(**limits))
    sketched = compare(*(profile(frame, contract_of(frame)) for frame in frames), Thresholds(**limits))
    for report in (exact, sketched):
        read = json.loads(to_json({"compared": "b against a", **report}), parse_constant=pytest.fail)
        assert "nan" not in drifttext.text(read).lower()
        assert drifttext.markdown(read)
        assert page(read).endswith("</html>\n")
        reports.append(read)
    assert reports[0]["columns_drifted"] == reports[1]["columns_drifted"]
    return reports[0]


def reasons(a, b):
    """Why the column drifted."""
    return compared(a, b)["columns"]["x"]["reasons"]


def test_constants():
    """The same constant is none, another is all of it; PSI and Wasserstein have no deviation to divide by."""
    assert reasons([5.0] * 50, [5.0] * 70) == []
    report = compared([5.0] * 50, [6.0] * 70)
    assert report["columns"]["x"]["effect"] == 1
    assert report["columns"]["x"]["wasserstein"] == 1
    assert report["columns"]["x"]["wasserstein_in_std"] is None
    assert reasons([5] * 50, [5] * 70) == reasons([True] * 50, [True] * 70) == []
    assert reasons([0.0] * 50, [-0.0] * 50) == []


def test_booleans():
    """Categories, counted."""
    report = compared([True] * 90 + [False] * 10, [True] * 60 + [False] * 40)
    assert (report["columns"]["x"]["kind"], report["columns"]["x"]["effect"]) == ("categorical", pytest.approx(0.3))


def test_all_null():
    """A column that lost everything is drift by its missing values; one that never had any is none."""
    nothing = [float("nan")] * 60
    assert reasons([1.0, 2.0] * 30, nothing) == ["missing values"]
    assert reasons(nothing, [1.0, 2.0] * 30) == ["missing values"]
    assert reasons(nothing, nothing) == []
    assert reasons(["a", "b"] * 30, [None] * 60) == ["missing values"]


def test_infinities():
    """Counted apart, and in no average."""
    values = [1.0, 2.0, 3.0] * 40
    report = compared(values, [math.inf, -math.inf, *values[2:]] * 2)
    assert report["columns"]["x"]["infinite"]["current"] == pytest.approx(2 / 120)
    assert report["columns"]["x"]["statistics"]["mean"]["current"] == pytest.approx(np.mean(values[2:]))
    assert reasons(values, [math.inf] * 120) == ["infinite values"]


@pytest.mark.parametrize("scale", [1e308, 1e-308, 1e160, 1e-160, 5e-324])
def test_the_largest_and_smallest_floats(scale):
    """Squares and differences beyond a float's range are none: mean and deviation are those of the unscaled values."""
    rng = np.random.default_rng(3)
    a, b = rng.integers(-7, 8, 400) / 4, rng.integers(-7, 8, 400) / 4 * 0.5
    unit = scale if scale > 1e-323 else scale * 8
    report = compared(a / 8 * 8 * unit / (1.75 if scale > 1 else 1), b * unit / (1.75 if scale > 1 else 1))
    entry = report["columns"]["x"]
    if scale > 1e-300:
        assert entry["effect"] == pytest.approx(stats.ks_2samp(a, b).statistic, abs=1e-12)
        assert entry["statistics"]["std"]["reference"] / scale * 1.75 ** (scale > 1) == pytest.approx(a.std(ddof=1))
        assert entry["wasserstein"] / scale * 1.75 ** (scale > 1) == pytest.approx(stats.wasserstein_distance(a, b))


def test_the_whole_range_of_floats():
    """From the most negative to the largest: their difference is no float."""
    most = float(np.finfo(float).max)
    rng = np.random.default_rng(4)
    a = np.concatenate([rng.uniform(-1, 1, 600) * most, [most, -most]])
    assert reasons(a, a) == []
    assert "distribution" in reasons(a, -np.abs(a))
    parts = [profile(pd.DataFrame({"x": side}), contract_of(pd.DataFrame({"x": side}))) for side in (a, np.abs(a))]
    assert json.loads(to_json(merge(*parts)), parse_constant=pytest.fail)["columns"]["x"]["std"] is not None


def test_quantiles_of_one_value():
    """Are that value, to the last bit: the picture has one bar, not forty of that bit's width."""
    for value in np.random.default_rng(5).random(60):
        entry = compared([value] * 40, [value] * 41)["columns"]["x"]
        assert {side[key] for side in entry["quantiles"].values() for key in ("reference", "current")} == {value}
        assert len(entry["shape"]["edges"]) == 2


@pytest.mark.parametrize("signs", [(1, 1), (-1, -1), (1, -1)])
def test_one_value_at_the_end_of_floats(signs):
    """There is no float beyond it for the picture's edges, nor for the way to the other end."""
    most = float(np.finfo(float).max)
    old, new = (pd.DataFrame({"x": [sign * most] * 40}) for sign in signs)
    contract = contract_of(old)
    profiled = compare(profile(old, contract), profile(new, contract), Thresholds())
    for report in (compare_frames(old, new, Thresholds(), contract), profiled):
        entry = report["columns"]["x"]
        json.dumps(entry, allow_nan=False)
        assert entry["effect"] == (signs[0] != signs[1])
        assert (np.diff(np.array(entry["shape"]["edges"]) / 2) > 0).all()
        assert sum(entry["shape"]["reference"]) == 1


def test_an_empty_side():
    """Nothing can be compared, and it says so."""
    for a, b, side in (([], [1.0, 2.0], "reference"), ([1.0, 2.0], [], "current")):
        report = compared(pd.Series(a, dtype="float64"), pd.Series(b, dtype="float64"))
        assert (report["drifted"], report["score"]) == (False, 0)
        assert report["recommendations"][0]["text"] == f"{side} has no rows: there is nothing to compare"


def test_single_rows():
    """One against one is no evidence, of whatever type."""
    dates = pd.Timestamp("2024-01-01"), pd.Timestamp("1970-01-01")
    for a, b in ((1.0, 2.0), ("a", "b"), (True, False), (1, 10**18), dates):
        assert reasons([a], [b]) == []


def test_mixed_types_are_text():
    """1 and "1" are the same; lists and decimals have a text as well."""
    assert reasons([1, "1", 2.5] * 40, ["1", 1, "2.5"] * 40) == []
    assert reasons([[1], {"a": 2}, None] * 40, [[1], {"a": 2}, None] * 40) == []
    assert reasons([Decimal(1), Decimal(2)] * 40, [Decimal(1)] * 80) == ["distribution"]


def test_another_type_is_another_kind():
    """Numbers that became text are told as such, and compared as nothing."""
    report = compared([1.0, 2.0] * 20, ["1", "2"] * 20)
    assert report["schema"]["retyped"] == ["x"]
    assert (report["drifted"], report["severity"], report["score"]) == (True, "high", 1)


def test_a_column_that_nobody_has():
    """One line, with those there are."""
    frame = pd.DataFrame({"x": [1]})
    with pytest.raises(DataOpsError, match="there is no column y to compare"):
        compare_frames(frame, frame, Thresholds(), columns=["y"])
    assert compare_frames(frame.assign(y=1), frame, Thresholds(), columns=["x"])["drifted"] is False


def test_names_of_columns():
    """Numbers are names as well; the same name twice is one line."""
    assert list(compare_frames(pd.DataFrame({7: [1.0]}), pd.DataFrame({7: [2.0]}), Thresholds())["columns"]) == ["7"]
    twice = pd.DataFrame([[1, 2]], columns=["x", "x"])
    with pytest.raises(DataOpsError, match="two columns are called x"):
        compare_frames(twice, twice, Thresholds())


anything = (
    st.lists(st.floats(allow_nan=True, allow_infinity=True, width=64), min_size=1, max_size=60)
    | st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=60)
    | st.lists(st.none() | st.text(max_size=3) | st.booleans(), min_size=1, max_size=60)
)


@settings(max_examples=120, deadline=None)
@given(a=anything, b=anything)
def test_anything_at_all(a, b):
    """Whatever stands in two columns, there is a report that JSON can hold, and the same side is never drift."""
    frames = [pd.DataFrame({"x": side}) for side in (a, b)]
    report = compare_frames(*frames, Thresholds())
    assert json.loads(to_json(report), parse_constant=pytest.fail)
    assert compare_frames(frames[0], frames[0], Thresholds())["drifted"] is False
    contract = contract_of(frames[0])
    assert compare(profile(frames[0], contract), profile(frames[0], contract), Thresholds())["drifted"] is False
