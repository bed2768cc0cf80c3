"""pipeline.collect: what landed becomes one typed table, and nothing is guessed, dropped or invented."""

from __future__ import annotations

import pandas as pd
import pytest
from workbench import Bench, sales

from dataops.ingest.batches import batches
from pipeline import collect

HEADER = "date,store_id,product_id,sales,price,promotion\n"


def row(date="2024-01-01", store=1, product="p0", sold="5", price="2.5", promotion="no"):
    """One line of a CSV file."""
    return f"{date},{store},{product},{sold},{price},{promotion}\n"


def test_rows_come_through(bench: Bench):
    """A file of the contract's own making is the table, by month, and the report counts it."""
    bench.land({"sales.csv": sales()})
    bench.run("collect")
    pd.testing.assert_frame_equal(
        bench.table("raw").sort_values(["store_id", "product_id", "date"], ignore_index=True), sales()
    )
    report = bench.report("collection")
    assert report["rows"] == report["rows_read"] == len(sales())
    assert (report["batches"], report["files"], report["raw_files"]) == (1, 1, 4)
    assert report["values_read"] == sales().size
    assert report["last_ingested_at"] == "2024-04-30T06:00:00Z"
    assert report["landing_mb"] > 0 < report["raw_mb"]
    assert bench.report("metrics/collect")["rows"] == len(sales())


def test_formats_mix(bench: Bench):
    """CSV, Parquet, JSON Lines and Excel of one batch give the same table as one file, whatever types each has."""
    whole = sales(days=40)
    quarter = len(whole) // 4
    parts = [whole.iloc[n * quarter : (n + 1) * quarter] for n in range(4)]
    parts[1] = parts[1].assign(date=parts[1]["date"].dt.date, promotion=parts[1]["promotion"].astype("int64"))
    bench.land({"a.csv": parts[0], "b.parquet": parts[1], "c.jsonl": parts[2], "d.xlsx": parts[3]})
    bench.run("collect")
    mixed = bench.table("raw")
    bench.land({"all.csv": whole})
    bench.run("collect")
    pd.testing.assert_frame_equal(mixed, bench.table("raw"))
    assert bench.report("collection")["superseded_rows"] == len(whole)


def test_numbers_stay_numbers_beside_text(bench: Bench):
    """1.234 of a Parquet file isn't 1234 because the CSV files write thousands with a point."""
    bench.set("collect", read={"decimal": ",", "thousands": ".", "delimiter": ";", "date_format": "%d.%m.%Y"})
    german = HEADER.replace(",", ";") + "31.01.2024;1;p0;1.234;1.234,5;yes\n"
    frame = sales(days=1, stores=1, products=1).assign(price=1.234, sales=7)
    bench.land({"a.csv": german, "b.parquet": frame})
    bench.params["contract"]["columns"]["price"].pop("max")
    bench.save()
    bench.run("collect")
    table = bench.table("raw")
    assert table["price"].tolist() == [1.234, 1234.5]
    assert table["sales"].tolist() == [7, 1234]
    assert table["date"].dt.day.tolist() == [1, 31]


def test_a_later_batch_supersedes(bench: Bench):
    """Corrected rows replace those of the same key and time; new ones are added; the order is the batches'."""
    bench.land({"a.csv": HEADER + row(sold="1") + row("2024-01-02", sold="2")})
    bench.land({"b.csv": HEADER + row(sold="10") + row("2024-01-03", sold="3")})
    bench.run("collect")
    assert bench.table("raw")["sales"].tolist() == [10, 2, 3]
    report = bench.report("collection")
    assert (report["rows_read"], report["rows"], report["superseded_rows"]) == (4, 3, 1)


def test_repeats_within_a_batch_are_left_to_validate(bench: Bench):
    """Two rows of one key in one batch are both kept, as nobody knows which is right."""
    bench.land({"a.csv": HEADER + row(sold="1") + row(sold="2") + row(sold="2")})
    bench.run("collect")
    assert bench.table("raw")["sales"].tolist() == [1, 2, 2]
    bench.set("collect", drop_duplicates=True)
    bench.run("collect")
    assert bench.table("raw")["sales"].tolist() == [1, 2]
    assert bench.report("collection")["duplicate_rows"] == 1


def aggregated(bench: Bench, **values):
    """Rows of a day are added up."""
    bench.set("collect", aggregate={"sales": "sum", "price": "mean", "promotion": "max"}, **values)


def test_aggregation(bench: Bench):
    """Rows of a key and day become one: their sum, mean and maximum; returns count against sales."""
    aggregated(bench)
    bench.land({"a.csv": HEADER + row("2024-01-01T08:00", sold="5", price="2", promotion="no")
                + row("2024-01-01T19:30", sold="-2", price="3", promotion="yes") + row("2024-01-02")})  # fmt: skip
    bench.run("collect")
    table = bench.table("raw")
    assert table["sales"].tolist() == [3, 5]
    assert table["price"].tolist() == [2.5, 2.5]
    assert table["promotion"].tolist() == [True, False]
    assert bench.report("collection")["negative_target_rows"] == 1


def test_nothing_known_adds_up_to_nothing_known(bench: Bench):
    """The sum of values that nobody could read is null, not zero."""
    aggregated(bench, unreadable="null")
    bench.land({"a.csv": HEADER + row(sold="?") + row(sold="") + row("2024-01-02", sold="?") + row("2024-01-02")})
    bench.run("collect")
    assert bench.table("raw")["sales"].tolist() == [pd.NA, 5]


@pytest.mark.parametrize(("later", "sold"), [("supersede", [10, 2]), ("add", [13, 2])])
def test_a_day_in_two_batches(bench: Bench, later, sold):
    """`supersede`: the later batch has the whole day; `add`: it has the rest of it."""
    aggregated(bench, later_batch=later)
    bench.land({"a.csv": HEADER + row(sold="1") + row(sold="2") + row("2024-01-02", sold="2")})
    bench.land({"b.csv": HEADER + row(sold="10")})
    bench.run("collect")
    assert bench.table("raw")["sales"].tolist() == sold
    assert bench.report("collection")["superseded_rows"] == (1 if later == "supersede" else 0)


def test_unreadable_values_stop(bench: Bench):
    """Exit status 1, with file, row, column and value; nothing is written."""
    bench.land({"a.csv": HEADER + row() + row("2024-01-02", sold="many"), "b.csv": HEADER + row("02/03/2024")})
    done = bench.run("collect", status=1)
    assert "2 values are not of their column's type" in done.err
    assert "a.csv, row 3: sales = 'many' is no integer" in done.err
    assert "b.csv, row 2: date = '02/03/2024' is no date" in done.err
    assert "collect.read" in done.err
    assert not (bench.root / "data/raw").exists()


def test_unreadable_values_counted(bench: Bench):
    """With `unreadable: null` they are null, counted, and shown in the report."""
    bench.set("collect", unreadable="null")
    bench.land({"a.csv": HEADER + row() + row("2024-01-02", sold="many") + row("soon", sold="")})
    bench.run("collect")
    report = bench.report("collection")
    assert report["unreadable_values"] == 2
    assert [entry["value"] for entry in report["unreadable_examples"]] == ["soon", "many"]
    assert report["missing_values"]["sales"] == 2
    assert bench.table("raw")["date"].isna().sum() == 1


def test_no_date_can_be_read(bench: Bench):
    """A date column that isn't one at all gives an undated table for `validate` to judge."""
    bench.set("collect", unreadable="null")
    bench.land({"a.csv": HEADER + row("yesterday")})
    bench.run("collect")
    assert bench.table("raw")["date"].isna().all()


@pytest.mark.parametrize("drop", [False, True])
def test_missing_column(bench: Bench, drop):
    """A changed header is one line that names file and column."""
    bench.set("collect", drop_duplicates=drop)
    bench.land({"a.csv": HEADER + row(), "b.csv": (HEADER + row()).replace("sales", "Sales")})
    done = bench.run("collect", status=2)
    assert "b.csv" in done.err
    assert "sales" in done.err
    assert done.err.count("\n") == 2


def test_columns_are_mapped(bench: Bench):
    """Names of the source become ours, and one source column may serve twice."""
    bench.params["contract"]["columns"]["day"] = {"type": "date"}
    bench.set("collect", columns={"date": "When", "store_id": "Shop No", "product_id": "Code", "sales": "Qty",
                                  "price": "Unit Price", "promotion": "promo", "day": "When"})  # fmt: skip
    bench.land({"a.csv": "Code,Qty,When,Shop No,Unit Price,promo,_file\n007,3,2024-01-05,2,1.5,y,x\n"})
    bench.run("collect")
    assert bench.table("raw").astype("str").to_numpy().tolist() == [
        ["2024-01-05", "2", "007", "3", "1.5", "True", "2024-01-05"]
    ]


@pytest.mark.parametrize(
    ("section", "values", "words"),
    [
        ("collect", {"columns": {"date": "date"}}, "is in only one of contract.columns and collect.columns"),
        ("collect", {"later_batch": "add"}, "collect.later_batch: add needs collect.aggregate"),
        ("collect", {"aggregate": {"sales": "sum"}}, "how each of price, promotion, sales is aggregated"),
        ("collect", {"aggregate": {"sales": "median"}}, "collect: aggregate.sales: input should be 'sum'"),
        (
            "collect",
            {"aggregate": {"sales": "mean", "price": "mean", "promotion": "max"}},
            "sales: the mean of type int",
        ),
        ("collect", {"aggregate": {"sales": "sum", "price": "mean", "promotion": "sum"}}, "promotion: the sum of type"),
        ("collect", {"read": {"decimal": ",", "thousands": ","}}, "can't tell numbers apart"),
        ("collect", {"read": {"encodng": "utf-8"}}, "unknown key read.encodng"),
        ("collect", {"unreadable": "ignore"}, "unreadable: input should be 'fail' or 'null'"),
    ],
)
def test_wrong_params(bench: Bench, section, values, words):
    """What can't work is refused before anything is read."""
    bench.set(section, **values)
    bench.land({"a.csv": "no matter"})
    done = bench.run("collect", status=2)
    assert words in done.err
    assert done.err.startswith("error: params.yaml: ")


def test_no_data(bench: Bench):
    """A clone without data says what to do."""
    done = bench.run("collect", status=2)
    assert "data/landing holds no batch" in done.err
    assert "dvc pull" in done.err


def test_header_alone(bench: Bench):
    """A file without rows is a table without rows, beside others or alone."""
    bench.land({"a.csv": HEADER})
    bench.run("collect")
    assert bench.report("collection")["rows"] == 0
    bench.land({"a.csv": HEADER, "b.csv": HEADER + row()})
    bench.run("collect")
    assert bench.table("raw")["sales"].tolist() == [5]


def test_same_landing_same_bytes(bench: Bench):
    """The stage is a pure function of the landing."""
    bench.land({"a.csv": sales().sample(frac=1, random_state=1)})
    bench.run("collect")
    first = {path.name: path.read_bytes() for path in (bench.root / "data/raw").iterdir()}
    bench.run("collect")
    assert {path.name: path.read_bytes() for path in (bench.root / "data/raw").iterdir()} == first


def test_weeks(bench: Bench):
    """Aggregated by week, a row's time is the week's start."""
    aggregated(bench)
    bench.set("contract", frequency="W")
    bench.land({"a.csv": HEADER + "".join(row(f"2024-01-{day:02d}", sold="1") for day in range(1, 29))})
    bench.run("collect")
    table = bench.table("raw")
    assert table["sales"].tolist() == [7, 7, 7, 7]  # 1 January 2024 is a Monday
    assert table["date"].diff().dropna().dt.days.tolist() == [7] * 3


def test_a_landing_that_changes_underway_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """A batch that arrives while the landing is read would be recorded as read: the stage refuses."""
    bench.land({"a.csv": HEADER + row("2024-01-01")})
    calls = []

    def late(*arguments):
        if calls:
            bench.land({"b.csv": HEADER + row("2024-01-02")})
        calls.append(arguments)
        return batches(*arguments)

    monkeypatch.setattr(collect, "batches", late)
    done = bench.run("collect", status=1)
    assert "data/landing changed while it was read" in done.err
    assert not (bench.root / "data/raw").exists()


def test_added_batches_are_aggregated_once(bench: Bench):
    """A mean over batches is the mean of their rows, not of their means."""
    aggregated(bench)
    bench.set("collect", later_batch="add")
    bench.land({"a.csv": HEADER + row(price="1") * 10})
    bench.land({"b.csv": HEADER + row(price="12")})
    bench.run("collect")
    table = bench.table("raw")
    assert table["price"].tolist() == [2.0]
    assert table["sales"].tolist() == [55]


@pytest.mark.parametrize("events", [True, False])
def test_rows_without_a_date_reach_the_gate(bench: Bench, events):
    """Neither aggregating nor superseding folds them into one: `validate` has to see how many there are."""
    if events:
        aggregated(bench)
    bench.set("collect", unreadable="null")
    bench.land({"a.csv": HEADER + row() + row(date="soon") * 5})
    bench.land({"b.csv": HEADER + row(date="2024-01-02") + row(date="later") * 3})
    bench.run("collect")
    assert bench.table("raw")["date"].isna().sum() == 8
    assert len(bench.table("raw")) == 10
