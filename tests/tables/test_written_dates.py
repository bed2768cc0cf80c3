"""dataops.tables.dates and what `infer` makes of it: the many ways files write a time."""

from __future__ import annotations

import pandas as pd
import pytest

from dataops.checked import check
from dataops.errors import DataOpsError
from dataops.tables import dates
from dataops.tables.cast import Written, cast
from dataops.tables.guess import absent, frequency, number_style, sampling
from dataops.tables.guess import date_format as style_of
from dataops.tables.infer import Roles, infer
from dataops.tables.sources import ReadOptions

ONE = Roles({"when": "when"}, {"value": "value"}, {})


def text(*values: str) -> pd.Series:
    """As a CSV file has it."""
    return pd.Series(values, dtype="str")


@pytest.mark.parametrize(
    ("values", "style", "first"),
    [
        (text("1948", "1949"), "%Y", "1948-01-01"),
        (text("1950.0", "1951.0"), "%Y", "1950-01-01"),
        (text("1991 Jul", "1991 Aug"), "%Y %b", "1991-07-01"),
        (text("1977-Jan", "1977-Feb"), "%Y-%b", "1977-01-01"),
        (text("Jan-1-1995", "Feb-1-1995"), "%b-%d-%Y", "1995-01-01"),
        (text("Jan 1 2000", "Feb 1 2000"), "%b %d %Y", "2000-01-01"),
        (text("1970 Q1", "1970 Q4"), "%Y Q%q", "1970-01-01"),
        (text("1974Q4", "1975Q1"), "%YQ%q", "1974-10-01"),
        (text("2020-W02", "2020-W53"), "%G-W%V", "2020-01-06"),
        (text("201901", "201912"), "%Y%m", "2019-01-01"),
        (text("2019010123", "2019010200"), "%Y%m%d%H", "2019-01-01 23:00"),
        (text("01/31/2019 12:00:00 AM", "02/01/2019 01:30:00 PM"), "%m/%d/%Y %I:%M:%S %p", "2019-01-31"),
        (text("2010/01/01 00:00", "2010/01/01 01:00"), "%Y/%m/%d %H:%M", "2010-01-01"),
        (text("1600000000", "1600003600"), "unix", "2020-09-13 12:26:40"),
        (text("1600000000500", "1600003600500"), "unix_ms", "2020-09-13 12:26:40.500"),
        (pd.Series([1600000000, 1600003600]), "unix", "2020-09-13 12:26:40"),
        (pd.Series([1600000000.25, None, 1600003600.0]), "unix", "2020-09-13 12:26:40.250"),
        (pd.Series([1956, 1957]), "%Y", "1956-01-01"),
        (pd.Series([20240131, 20240201]), "%Y%m%d", "2024-01-31"),
        (text("2020-01-22T00:00:00+02:00", "2020-07-23T00:00:00+03:00"), "day", "2020-01-22"),
    ],
)
def test_found_and_read(values, style, first):
    """Years, months by name, quarters, weeks, Unix time and midnight elsewhere are found, and read as meant."""
    assert style_of(values, None, "when") == style
    read, bad = cast(values, "datetime", Written(date_format=style))
    assert not bad.any()
    assert read.iloc[0] == pd.Timestamp(first)


@pytest.mark.parametrize("values", [text("736389", "736390"), text("12345", "12346"), text("7", "8"), text("1e9", "x")])
def test_other_numbers_are_no_times(values):
    """A running number isn't made a date of the year 7363."""
    with pytest.raises(DataOpsError, match="not written in a date format known here"):
        style_of(values, None, "when")


def test_midnight_in_utc_is_iso():
    """Only midnight at another offset is the day as written; a time of day is converted as ever."""
    assert style_of(text("2020-01-22T00:00:00Z", "2020-01-23T00:00:00Z"), None, "when") is None
    assert style_of(text("2020-01-22T00:00:00+00:00"), None, "when") is None
    assert style_of(text("2020-01-22T00:00:00+02:00", "2020-01-22T13:00:00+02:00"), None, "when") is None


def test_a_total_among_dates():
    """The row that is none is named, with the format of the others and both ways out."""
    with pytest.raises(DataOpsError) as error:
        style_of(text("30.01.2022", "31.01.2022", "01.02.2022", "Total"), None, "when")
    assert "'Total', where others are %d.%m.%Y" in error.value.message
    assert "--date-format '%d.%m.%Y'" in error.value.hint


@pytest.mark.parametrize("style", ["%", "%Q", "%s", "%G-W%V-x", "abc"])
def test_a_format_nothing_can_be_read_by(style):
    """By hand or in params.yaml, it is one line."""
    with pytest.raises(DataOpsError, match="can't be used"):
        style_of(text("2020-01-01"), style, "when")
    with pytest.raises(DataOpsError, match="can't be used"):
        check(ReadOptions, {"date_format": style}, "params.yaml: collect.read")


def test_every_format_tried_can_be_read_by():
    """The list holds nothing pandas refuses, and nothing twice."""
    for style in dates.FORMATS:
        if style is not None:
            dates.check(style)
    assert len(set(dates.FORMATS)) == len(dates.FORMATS)


def measured(minutes: str, periods: int = 500, offset: str = "0min") -> pd.DataFrame:
    """A sensor's readings."""
    when = pd.date_range("2024-01-01", periods=periods, freq=minutes) + pd.Timedelta(offset)
    return pd.DataFrame({"when": when.astype(str), "value": [f"{20 + n % 7}.5" for n in range(periods)]})


@pytest.mark.parametrize(
    ("minutes", "offset"), [("5min", "0min"), ("15min", "0min"), ("30min", "7min"), ("60min", "26min")]
)
def test_measurements_are_averaged_by_hour(minutes, offset):
    """A temperature every few minutes is no event to add up by day."""
    found = infer(measured(minutes, offset=offset), ONE)
    assert (found.frequency, found.aggregate) == ("h", {"value": "mean"})
    assert "counts want `sum`" in found.notes[0]


def test_measurements_of_several_series():
    """Each series has its own minute; hours on the hour need no aggregation; events stay events."""
    parts = [measured("15min", offset=f"{n}min").assign(site=str(n)) for n in range(3)]
    keyed = Roles({"when": "when"}, {"value": "value"}, {"site": "site"})
    assert infer(pd.concat(parts, ignore_index=True), keyed).frequency == "h"
    whole = infer(measured("1h"), ONE)
    assert (whole.frequency, whole.aggregate) == ("h", None)
    events = pd.Series(pd.to_datetime("2024-01-01") + pd.to_timedelta([n * n % 9973 for n in range(400)], unit="min"))
    assert sampling(events, []) is None
    assert frequency(events) == "D"


def test_one_hour_a_day_is_daily():
    """Every day at nine advances by days."""
    assert frequency(pd.Series(pd.date_range("2024-01-01 09:00", periods=50))) == "D"


def test_marks_for_nothing():
    """What keeps numbers from being numbers is found where nothing else does; texts keep their dashes."""
    assert absent(pd.DataFrame({"a": ["1.5", "?", "2"], "b": ["x", "-", "y"], "c": ["1,5", "n/a", None]})) == [
        "?",
        "n/a",
    ]
    assert absent(pd.DataFrame({"a": ["?", "?", "2"], "b": ["1", "2", "3"], "c": ["?", "one", "2"]})) == []


def test_decimal_commas_of_three_digits():
    """39851,348 and 0,123 have no groups of three digits before the comma."""
    assert number_style([text("39851,348", "40181,957")]) == (",", None)
    assert number_style([text("0,123", "1,234")]) == (",", None)
    assert number_style([text("12.345,678", "1,234")]) == (",", ".")
    assert number_style([text("1,234", "12,345")]) == (".", ",")


def test_names_and_ids_are_left_out():
    """In few rows too: names; and a total that is different each month is no id."""
    months = pd.date_range("2020-01-01", periods=60, freq="MS")
    table = pd.DataFrame(
        {
            "when": months.astype(str),
            "value": range(60),
            "row": [str(n + 100) for n in range(60)],
            "staff": [str(4000 + n * 7919 % 2003) for n in range(60)],
            "who": [f"name {n}" for n in range(60)],
            "kind": ["a", "b", "c"] * 20,
        }
    )
    found = infer(table, ONE)
    assert [column.name for column in found.columns] == ["when", "value", "staff", "kind"]


def test_the_target_says_what_is_in_the_way():
    """Not its first value, when that is a number."""
    table = measured("1h").assign(value=lambda frame: frame["value"].where(frame.index != 7, "closed"))
    with pytest.raises(DataOpsError, match=r"1 of 500 values are as \['closed'\]"):
        infer(table, ONE)
