"""dataops.tables.validation: each rule finds its rows, and six numbers say how good a dataset is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from workbench import Bench, sales

from dataops.tables import validation
from dataops.tables.features import series_ids
from dataops.tables.identity import identity, repeats


@pytest.fixture
def table():
    """A month of good rows."""
    return sales(days=31)


def broken(frame, contract):
    """Rules by row."""
    return validation.broken_rules(frame, contract).to_dict()


def test_good_rows_break_nothing(bench: Bench, table):
    """A clean table has no bad row."""
    assert broken(table, bench.contract) == {}
    assert broken(table.iloc[:0], bench.contract) == {}


def test_every_rule(bench: Bench, table):
    """Null, below min, above max, not allowed: the row is named, with all the rules it broke."""
    bench.params["contract"]["columns"]["product_id"]["allowed"] = ["p0", "p1"]
    bench.params["contract"]["columns"]["price"] |= {"min": 0.5, "max": 1234567}
    table["sales"] = table["sales"].astype("Int64")
    table.loc[3, "sales"] = pd.NA
    table.loc[5, "sales"] = -1
    table.loc[7, "price"] = 1e9
    table.loc[9, "product_id"] = "p9"
    table.loc[9, "price"] = 0.1
    table.loc[11, "date"] = pd.NaT
    assert broken(table, bench.contract) == {
        3: "sales is not null",
        5: "sales >= 0",
        7: "price <= 1234567",
        9: "product_id is an allowed value; price >= 0.5",
        11: "date is not null",
    }


def test_limits_themselves_are_allowed(bench: Bench, table):
    """Min and max belong to the range; nulls break neither where they may be."""
    bench.params["contract"]["columns"]["price"] |= {"min": 1, "max": 9, "nullable": True}
    table["price"] = [1.0, 9.0, np.nan] + [5.0] * (len(table) - 3)
    assert broken(table, bench.contract) == {}


def test_repeats_and_contradictions(bench: Bench, table):
    """Of identical rows one stays; rows that differ under one key all go, as nobody knows which is right."""
    copies, other = table.iloc[[0, 0, 4]], table.iloc[[4, 8]].assign(sales=999)
    frame = pd.concat([table, copies, other], ignore_index=True)
    n, name = len(table), "store_id, product_id, date"
    repeat, conflict = f"repeats a row ({name})", f"contradicts a row of the same {name}"
    assert broken(frame, bench.contract) == {
        n: repeat, n + 1: repeat, n + 2: repeat,  # of rows 0, 0 and 4
        4: conflict, n + 3: conflict, 8: conflict, n + 4: conflict,
    }  # fmt: skip
    assert validation.uniqueness(repeats(identity(frame, bench.contract)), len(frame)) == pytest.approx(
        1 - 5 / len(frame)
    )


def test_one_row_a_step(bench: Bench, table):
    """Two times in one day are one day's rows twice, since lags count days."""
    bench.params["contract"]["columns"]["date"]["type"] = "datetime"
    frame = pd.concat([table, table.iloc[[6]].assign(date=table["date"].iloc[6] + pd.Timedelta(hours=5))])
    frame = frame.reset_index(drop=True)
    assert set(broken(frame, bench.contract)) == {6, len(table)}
    bench.params["contract"]["frequency"] = "h"
    assert broken(frame, bench.contract) == {}


@pytest.mark.timeout(60)  # where it depends on the square of them it takes hours
def test_many_bad_rows(bench: Bench):
    """A hundred thousand bad rows are all found."""
    table = sales(days=366, stores=20, products=14).assign(sales=-1)
    assert len(validation.broken_rules(table, bench.contract)) == len(table) > 100_000


def test_quality_by_hand(bench: Bench):
    """Each dimension is its docstring's formula."""
    contract = bench.contract
    table = sales(days=5, stores=1, products=2).astype({"sales": "Int64", "promotion": "boolean"})
    table.loc[0, "sales"] = pd.NA
    table.loc[1, "promotion"] = pd.NA
    assert validation.completeness(table, contract) == pytest.approx(1 - 2 / 60)
    rules = validation.broken_rules(table, contract)
    assert validation.validity(rules, 10) == pytest.approx(0.8)
    twice = pd.concat([table, table.iloc[[5, 6]]], ignore_index=True)
    rules = validation.broken_rules(twice, contract)
    assert len(rules) == 4
    assert validation.validity(rules, 12) == pytest.approx(1 - 2 / 12)
    assert validation.consistency(3, 60) == pytest.approx(0.95)
    assert validation.timeliness(3, None) is None
    assert (validation.timeliness(3, 7), validation.timeliness(14, 7), validation.timeliness(-1, 7)) == (1, 0.5, 1)


def test_accuracy_is_within_the_series_own_fences(bench: Bench):
    """A value far out for its series is one; a large series is no outlier to a small one; constants have no fences."""
    table = sales(days=100, stores=2, products=2)
    table["sales"] = np.tile(np.arange(100) % 10, 4)
    table.loc[table["store_id"] == 2, "sales"] += 1000
    table.loc[(table["store_id"] == 2) & (table["product_id"] == "p1"), "sales"] = 5
    table.loc[4, "sales"] = 500
    assert validation.accuracy(table[bench.contract.target], series_ids(table, bench.contract.keys)) == pytest.approx(
        1 - 1 / 400
    )


def test_quality_of_nothing(bench: Bench):
    """No rows are no fault."""
    empty = sales().iloc[:0]
    assert validation.uniqueness(repeats(identity(empty, bench.contract)), 0) == 1
    for measure in (validation.completeness, validation.accuracy):
        assert measure(empty, bench.contract) == 1
    assert validation.validity(pd.Series(dtype="str"), 0) == validation.consistency(0, 0) == 1


@pytest.mark.parametrize(
    ("frequency", "times", "expected"),
    [
        ("D", ["2024-01-03", "2024-01-01", "2024-01-01", None, "2024-01-06"],
         (6, 3, ["2024-01-01 00:00", "2024-01-03 00:00"])),
        ("h", ["2024-01-01 01:00", "2024-01-01 04:30"], (4, 2, ["2024-01-01 01:00"])),
        ("M", ["2023-12-31", "2024-02-01"], (3, 1, ["2023-12-31 00:00"])),
        ("W", ["2024-01-01", "2024-01-08"], (2, 0, [])),
    ],
)  # fmt: skip
def test_calendar_gaps(frequency, times, expected):
    """Steps between first and last, those that no row has, and where the gaps begin."""
    found = validation.calendar(pd.Series(pd.to_datetime(times, format="mixed")).astype("datetime64[us]"), frequency)
    assert (found["steps"], found["missing_steps"], found["missing_after"]) == expected


def test_calendar_of_nothing():
    """No time, no calendar."""
    assert validation.calendar(pd.Series([pd.NaT]).astype("datetime64[us]"), "D")["steps"] == 0


def test_column_report():
    """Missing, distinct, and what fits the type; null where a column has no value."""
    frame = sales(days=3, stores=1).assign(sales=[1, -2, 3, 3, 3, 4], price=np.nan)
    report = validation.column_report(frame)
    assert report["sales"] == {
        "type": "int64", "missing": 0, "distinct": 4, "min": -2, "mean": 2, "max": 4, "negative": 1}  # fmt: skip
    assert report["price"] == {
        "type": "float64", "missing": 6, "distinct": 0, "min": None, "mean": None, "max": None,
        "negative": 0}  # fmt: skip
    assert (report["date"]["first"], report["date"]["last"]) == ("2024-01-01T00:00:00", "2024-01-03T00:00:00")
    assert report["product_id"] == {"type": "str", "missing": 0, "distinct": 2}


@pytest.mark.parametrize("kind", ["few whole numbers", "many", "fractions", "gaps", "infinite"])
def test_quartiles(kind):
    """Counted or sorted, they are numpy's of each series, also of one value and where some are missing."""
    rng = np.random.default_rng(5)
    series = np.sort(rng.integers(0, 40, 3000))
    values = rng.poisson(3, 3000).astype(float) - 2
    values = {"many": values * 10**9, "fractions": values + 0.5}.get(kind, values)
    if kind in ("gaps", "infinite"):
        values[::7] = np.nan if kind == "gaps" else np.inf
    series = np.append(series, 40)
    values = np.append(values, -7.0)
    found = validation.quartiles(values, series)
    for one in range(41):
        known = values[(series == one) & ~np.isnan(values)]
        if np.isfinite(known).all():
            assert found[:, one].tolist() == np.quantile(known, [0.25, 0.75]).tolist()
