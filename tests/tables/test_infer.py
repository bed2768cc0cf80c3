"""dataops.tables.infer: what a file suggests, and where it has to be asked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from workbench import sales

from dataops.errors import DataOpsError
from dataops.tables.guess import clean, column_type, frequency, number_style
from dataops.tables.guess import date_format as style_of
from dataops.tables.infer import Roles, infer

NUMBERS = range(1, 29)


def dates(pattern: str, first="2024-01-01", periods=40) -> pd.Series:
    """Days as text."""
    return pd.Series(pd.date_range(first, periods=periods).strftime(pattern))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("%Y-%m-%d", None), ("%Y-%m-%dT%H:%M:%S", None), ("%Y-%m-%d %H:%M", None), ("%d/%m/%Y", "%d/%m/%Y"),
        ("%m/%d/%Y", "%m/%d/%Y"), ("%d.%m.%Y", "%d.%m.%Y"), ("%d-%m-%Y", "%d-%m-%Y"), ("%Y/%m/%d", "%Y/%m/%d"),
        ("%Y%m%d", "%Y%m%d"), ("%d %b %Y", "%d %b %Y"), ("%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M"), ("%d/%m/%y", "%d/%m/%y"),
    ],
)  # fmt: skip
def test_date_formats(pattern, expected):
    """The format that fits all values is found."""
    assert style_of(dates(pattern), None, "when") == expected


def test_ambiguous_dates_are_refused():
    """When day-first and month-first both fit, both readings are named and neither is taken."""
    with pytest.raises(DataOpsError) as error:
        style_of(dates("%d/%m/%Y", periods=12), None, "when")
    assert error.value.message == "when can be read in two ways: '01/01/2024' as %d/%m/%Y or as %m/%d/%Y"
    assert "--date-format '%d/%m/%Y'" in error.value.hint
    assert style_of(dates("%d/%m/%Y", periods=12), "%m/%d/%Y", "when") == "%m/%d/%Y"


def test_same_day_and_month_is_not_ambiguous():
    """Where both readings mean the same days nothing has to be asked."""
    assert style_of(pd.Series(["01/01/2024", "02/02/2024"]), None, "when") == "%d/%m/%Y"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (pd.Series(["a", "b"]), "not written in a date format known here: 'a'"),
        (pd.Series(["2024-01-01", "2024-01-02", "soon"]), "not written in a date format known here: 'soon'"),
        (pd.Series([1.5, 2.5]), "when is no date column: '1.5'"),
        (pd.Series([12345, 12346]), "when is no date column: '12345'"),
        (pd.Series([None, None], dtype="str"), "when has no values"),
        (pd.Series([None, None], dtype="datetime64[us]"), "when has no values"),
    ],
)
def test_no_dates(values, words):
    """A column that isn't one is refused, with the value that tells."""
    with pytest.raises(DataOpsError) as error:
        style_of(values, None, "when")
    assert words in error.value.message


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ([["1.5", "2"], ["7"]], (".", None)),
        ([["1,234.5", "2"]], (".", ",")),
        ([["1,234,567"]], (".", ",")),
        ([["1,5", "2,25"]], (",", None)),
        ([["1.234,5", "2"]], (",", ".")),
        ([["1,5"], ["1.234", "2.345"]], (",", ".")),
        ([["a", "b"], ["x 1,5"]], (".", None)),
        ([[None, "3,75"]], (",", None)),
    ],
)
def test_number_style(columns, expected):
    """Decimal and thousands marks as the text columns use them."""
    assert number_style([pd.Series(values, dtype="str") for values in columns]) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "2"], "integer"), (["1", "2.5"], "number"), (["1", "x"], "string"), (["00123", "4"], "string"),
        (["17850.0", None], "integer"), (["yes", "no"], "boolean"), (["True", "False"], "boolean"),
        (["0", "1"], "integer"),
        (["1e3"], "integer"), ([1, 2], "integer"), ([1.0, np.nan], "integer"), ([1.5], "number"), ([True], "boolean"),
        ([None], "string"), (["9007199254740993", None], "integer"),
    ],
)  # fmt: skip
def test_column_type(values, expected):
    """The narrowest type that holds every value; leading zeros are ids."""
    from dataops.tables.cast import Written

    assert column_type(pd.Series(values), Written()) == expected


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (pd.date_range("2024-01-01", periods=50), "D"),
        (pd.date_range("2024-01-01", periods=50)[[0, 3, 4, 11, 40]], "D"),
        (pd.date_range("2024-01-01", periods=50, freq="h"), "h"),
        (pd.date_range("2024-01-01", periods=50, freq="15min"), "D"),
        (pd.date_range("2024-01-01", periods=30, freq="W-MON"), "W"),
        (pd.date_range("2024-01-01", periods=30, freq="14D"), "W"),
        (pd.date_range("2020-01-01", periods=30, freq="MS"), "M"),
        (pd.date_range("2020-01-01", periods=30, freq="ME"), "M"),
        (pd.date_range("2020-01-15", periods=30, freq="YS"), "M"),
        (pd.DatetimeIndex(["2024-01-01", "2024-02-01"]), "D"),
    ],
)
def test_frequency(times, expected):
    """Hours, weeks or months where all times advance so, else days; odd minutes are events of a day."""
    values = pd.Series(times.repeat(2)).sample(frac=1, random_state=1)
    assert frequency(pd.concat([values, pd.Series([pd.NaT])]).astype("datetime64[us]")) == expected


def roles(**changes):
    """Of the table below."""
    given = {"time": {"day": "When"}, "target": {"sales": "Qty"}, "keys": {"store": "Shop"}}
    return Roles(**(given | changes))


def table():
    """As a CSV file of somebody is read: text."""
    n = 400
    rng = np.random.default_rng(1)
    return pd.DataFrame({
        "When": dates("%d.%m.%Y", periods=200).tolist() * 2, "Shop": ["007"] * 200 + ["12"] * 200,
        "Qty": rng.integers(0, 9, n).astype(str), "promo": rng.choice(["yes", "no"], n),
        "Unit Price": [f"{value:.2f}".replace(".", ",") for value in rng.uniform(1, 9, n)],
        "Order ID": [str(i) for i in range(n)], "colour": rng.choice(["r", "g"], n),
        "remark": [f"text {i}" for i in range(n)], "empty": pd.Series([None] * n, dtype="str"),
        "flag": rng.choice(["0", "1"], n), "temp": rng.choice(["-3", "4", None], n),
    })  # fmt: skip


def test_contract_of_a_table():
    """Types, ranges, nullability, how numbers and dates are written; ids, free text and nothing are left out."""
    found = infer(table(), roles())
    assert found.written == (",", None, "%d.%m.%Y")
    assert found.frequency == "D"
    assert found.aggregate is None
    assert {column.name: column.entry() for column in found.columns} == {
        "day": {"type": "date"},
        "store": {"type": "string"},
        "sales": {"type": "integer", "min": 0},
        "Unit_Price": {"type": "number", "min": 0},
        "promo": {"type": "boolean"},
        "colour": {"type": "string"},
        "flag": {"type": "integer", "min": 0, "max": 1},
        "temp": {"type": "integer", "nullable": True},
    }
    assert {column.name: column.source for column in found.columns}["Unit_Price"] == "Unit Price"
    assert "Order ID, remark, empty" in found.notes[0]
    assert (found.span, found.series, found.first) == (200, 2, "2024-01-01 00:00")


def test_named_columns_alone():
    """--columns keeps what it names and nothing else."""
    found = infer(table(), roles(others={"order": "Order ID"}))
    assert [column.name for column in found.columns] == ["day", "store", "sales", "order"]


def test_a_source_with_its_own_sales():
    """A column called as ours is called takes another name; the target stays what was named."""
    frame = table().rename(columns={"flag": "sales", "temp": "sales 2"})
    found = {column.name: column.source for column in infer(frame, roles()).columns}
    assert found["sales"] == "Qty"
    assert sorted(name for name, source in found.items() if source.startswith("sales")) == ["sales_2", "sales_2_2"]


def test_repeated_keys_are_aggregated():
    """Many rows of a key and day are events: added up, and that is told."""
    frame = pd.concat([table(), table()], ignore_index=True)
    found = infer(frame, roles())
    assert found.aggregate == {"sales": "sum", "Unit_Price": "mean", "promo": "max", "colour": "first", "flag": "mean",
                               "temp": "mean"}  # fmt: skip
    types = {column.name: column.type for column in found.columns}
    assert (types["sales"], types["flag"]) == ("integer", "number")
    assert any("aggregated" in note for note in found.notes)


def test_negative_targets():
    """A few are for the contract to find; many are how the target is."""
    few, many = (sales().assign(date=lambda f: f["date"].astype(str)) for _ in range(2))
    few.loc[:4, "sales"], many.loc[:99, "sales"] = -1, -1
    by = Roles({"date": "date"}, {"sales": "sales"}, {"store_id": "store_id", "product_id": "product_id"})
    found = infer(few, by)
    assert next(c for c in found.columns if c.name == "sales").min == 0
    assert found.invalid == pytest.approx(5 / 484)
    assert any("are negative" in note for note in found.notes)
    assert next(c for c in infer(many, by).columns if c.name == "sales").min is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (roles(target={"sales": "Quantity"}), "the file has no column Quantity"),
        (roles(target={"sales": "colour"}), "the target colour is not numeric: "),
        (roles(keys={"sales": "Shop"}), "sales is named for two parts"),
        (roles(time={"day": "Shop"}), "Shop is not written in a date format"),
        (roles(date_format="%Y-%m-%d"), "When is no date column: '01.01.2024'"),
    ],
)
def test_one_line(given, words):
    """What can't be what it is named for is refused."""
    with pytest.raises(DataOpsError) as error:
        infer(table(), given)
    assert words in error.value.message


def test_header_alone():
    """A file without rows suggests nothing."""
    with pytest.raises(DataOpsError, match="the file has no rows"):
        infer(table().iloc[:0], roles())


@pytest.mark.parametrize(
    ("name", "ours"), [("Unit Price", "Unit_Price"), (" a/b ", "a_b"), ("?", "column"), ("größe", "größe")]
)
def test_clean(name, ours):
    """Names are what Parquet, LightGBM and a shell can bear."""
    assert clean(name) == ours
