"""dataops.tables.cast: values as written become the contract's types, and nothing is guessed."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest

from dataops.tables.cast import Written, cast

PLAIN, GERMAN, ENGLISH = Written(), Written(",", "."), Written(".", ",")


def read(values, to, written=PLAIN, dtype=None):
    """The values that were read, with None for null and "?" for what could not be read."""
    typed, bad = cast(pd.Series(values, dtype=dtype), to, written)
    return ["?" if wrong else None if pd.isna(value) else value for value, wrong in zip(typed, bad, strict=True)]


@pytest.mark.parametrize(
    ("values", "written", "expected"),
    [
        (["1e3", " 12 ", "-0.5", "+7"], Written(), [1000, 12, -0.5, 7]),
        (["abc", "", "  ", "1 2", "0x1F", "1_000", "inf", "-Infinity", "True", "12%"], Written(), ["?"] * 10),
        (["1.234,5", "1234,5", "-1.234.567", "12"], GERMAN, [1234.5, 1234.5, -1234567, 12]),
        (["1,5", "1.5"], Written(","), [1.5, "?"]),
        (["1,234.5", "1234", "1,2,3", "12,34", ",5"], ENGLISH, [1234.5, 1234, "?", "?", "?"]),
        (["1 234,5", "1234"], Written(",", " "), [1234.5, 1234]),
        (["1'234.5", "1|2"], Written(".", "'"), [1234.5, "?"]),
        (["1,5"], Written(), ["?"]),
    ],
)
def test_numbers_as_stated(values, written, expected):
    """Decimal and thousands marks are read as stated; what isn't written so can't be read."""
    assert read(values, "number", written) == expected


@pytest.mark.parametrize("dtype", [None, "string[pyarrow]", object])
def test_text_of_any_kind(dtype):
    """The same text gives the same numbers, however pandas holds it."""
    assert read(["1", None, "x", "2.0"], "integer", dtype=dtype) == [1, None, "?", 2]


def test_integers():
    """Whole numbers alone; whole floats are."""
    assert read(["1", "2.0", "3.5", "1e3"], "integer") == [1, 2, "?", 1000]
    assert read([1.0, 2.5, np.nan], "integer") == [1, "?", None]
    assert cast(pd.Series(["1", "2"]), "integer")[0].dtype == "int64"
    assert cast(pd.Series(["1", None]), "integer")[0].dtype == "Int64"


@pytest.mark.parametrize("others", [[], [None], ["3"], ["2.5"]])
def test_large_integers_are_exact(others):
    """Beyond 2**53 no digit is lost, whatever else the column holds; beyond 2**63 nothing is made up."""
    large = ["9007199254740993", "-9223372036854775807", "99999999999999999999"]
    assert read([*large, *others], "integer")[:3] == [9007199254740993, -9223372036854775807, "?"]
    numbers = [9007199254740993, None, 10**25]
    assert read(numbers, "integer", dtype=object) == [9007199254740993, None, "?"]
    assert read(pd.Series([2**63 + 5, 3], dtype="uint64"), "integer") == ["?", 3]
    assert read(["9.007.199.254.740.993"], "integer", GERMAN) == [9007199254740993]


def test_numbers_already_are_numbers():
    """A JSON, Excel or Parquet value that is a number isn't read as text in the CSV files' style."""
    mixed = [1.234, "1.234", 1e-7, 5, decimal.Decimal("2.50"), None]
    assert read(mixed, "number", GERMAN, object) == [1.234, 1234, 1e-7, 5, 2.5, None]
    assert read([3.0, "1.234", decimal.Decimal(4), 2.5], "integer", GERMAN, object) == [3, 1234, 4, "?"]
    assert read([np.inf, 1.0], "number") == ["?", 1]


def test_dates_as_stated():
    """Day-first is read when stated; without a format only ISO 8601 is a date."""
    day = pd.Timestamp("2024-02-01")
    assert read(["01/02/2024", "31/13/2024", "2024-02-01"], "date", Written(date_format="%d/%m/%Y")) == [day, "?", "?"]
    iso = ["2024-02-01", "2024-02-01T13:00:00", "2024-02-01 13:00", "2024-02"]
    assert read(iso, "date") == [day] * 4
    assert read(["01/02/2024", "2024", "20240201", "2024-02-30", "soon", ""], "date") == ["?"] * 6
    assert read([20240201, 20240201.0], "date", Written(date_format="%Y%m%d")) == [day, day]
    assert read(["1899-12-31", "8999-12-31"], "date") == [pd.Timestamp("1899-12-31"), pd.Timestamp("8999-12-31")]
    assert read(["9999-12-31", "0000-01-01"], "date") == ["?", "?"]  # "never" is no date


def test_offsets_go_to_utc():
    """A time with an offset is converted to UTC, and the day with it."""
    assert read(["2024-01-31T23:30:00-05:00", "2024-01-31T23:30:00Z"], "datetime") == [
        pd.Timestamp("2024-02-01 04:30"),
        pd.Timestamp("2024-01-31 23:30"),
    ]
    assert read(["2024-01-31T23:30:00-05:00"], "date") == [pd.Timestamp("2024-02-01")]
    aware = pd.Series(pd.to_datetime(["2024-01-01T00:00+02:00"]))
    assert read(aware, "datetime") == [pd.Timestamp("2023-12-31 22:00")]


def test_dates_already_are_dates():
    """Dates of Parquet and Excel files are dates beside text in another format."""
    mixed = [datetime.date(2024, 1, 31), "31/01/2024", pd.Timestamp("2024-01-31 10:00"), "2024-01-31", None]
    day = pd.Timestamp("2024-01-31")
    assert read(mixed, "date", Written(date_format="%d/%m/%Y"), object) == [day, day, day, "?", None]
    assert cast(pd.Series(mixed, dtype=object), "date")[0].dtype == "datetime64[us]"


def test_booleans():
    """Yes and no in the usual spellings, and nothing else."""
    assert read(["true", "F", " Yes ", "n", "1", "0.0", "2", "maybe"], "boolean") == [
        True, False, True, False, True, False, "?", "?"]  # fmt: skip
    assert read([True, None, "no", 1, 0.0], "boolean", dtype=object) == [True, None, False, True, False]
    assert cast(pd.Series([1, 0]), "boolean")[0].dtype == "bool"
    assert cast(pd.Series(["y", None]), "boolean")[0].dtype == "boolean"


def test_ids_are_text():
    """Zeros stay, blanks around go, and 17850.0, as a column with gaps has it, is the id 17850."""
    assert read(["00123", " A1 ", None], "string") == ["00123", "A1", None]
    assert read([17850.0, np.nan, 1.5], "string") == ["17850", None, "1.5"]
    assert read([17850.0, 17850, "85123A", None, 1e20], "string", dtype=object) == [
        "17850", "17850", "85123A", None, "100000000000000000000"]  # fmt: skip
    assert read([decimal.Decimal("17.50")], "string", dtype=object) == ["17.50"]


@pytest.mark.parametrize("to", ["date", "datetime", "integer", "number", "string", "boolean"])
@pytest.mark.parametrize("dtype", [object, "str", "float64"])
@pytest.mark.parametrize("rows", [0, 2])
def test_nothing_there(to, dtype, rows):
    """Nulls, or no rows at all, are null in every type and not called unreadable."""
    typed, bad = cast(pd.Series([None] * rows, dtype=dtype), to)
    assert len(typed) == rows
    assert typed.isna().all()
    assert not bad.any()


def test_rows_keep_their_place():
    """Repeated index labels, as of several files, mix nothing up."""
    values = pd.Series([1, "x", 2.0, None, "3"], index=[2, 3, 2, 3, 2], dtype=object)
    typed, bad = cast(values, "integer")
    assert typed.fillna(-1).tolist() == [1, -1, 2, -1, 3]
    assert bad.tolist() == [False, True, False, False, False]
    assert typed.index.tolist() == bad.index.tolist() == [2, 3, 2, 3, 2]


@pytest.mark.parametrize("to", ["date", "datetime", "integer", "number", "string", "boolean"])
@pytest.mark.parametrize("written", [Written(), Written(",", "."), Written(date_format="%d/%m/%Y")])
def test_repeated_text_is_read_as_text_that_stands_once(to, written):
    """Whatever is written, with nulls in between: many times is as once, and what can't be read is marked each time."""
    text = [
        "1",
        " 007",
        "+5",
        "1e3",
        "1.5",
        "1.234,5",
        "1,234",
        "9223372036854775807",
        "99999999999999999999",
        "inf",
        "nan",
        "",
        " ",
        "yes",
        "No",
        "true",
        "2024-01-31",
        "2024-02-30",
        "31/01/2024",
        "2024-01-31T23:59:59+02:00",
        "2024",
        "20240131",
        "9999-12-31",
        "0x1F",
        "\u0661",
        None,
    ]
    once, bad = cast(pd.Series(text, dtype="str"), to, written)
    order = [*range(len(text)), *reversed(range(len(text))), *range(len(text))]
    many = pd.Series([text[place] for place in order], dtype="str", index=range(7, 7 + len(order)))
    again, marked = cast(many, to, written)
    assert again.index.equals(many.index)
    assert again.dtype == once.dtype
    pd.testing.assert_series_equal(again.reset_index(drop=True), once.iloc[order].reset_index(drop=True))
    assert marked.tolist() == bad.iloc[order].tolist()
    nothing, none = cast(pd.Series([None] * 3, dtype="str"), to, written)
    assert nothing.isna().all()
    assert not none.any()
