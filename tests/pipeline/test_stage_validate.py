"""pipeline.validate: bad rows go to quarantine with their rule, too many stop the pipeline."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from workbench import Bench, sales


def bad_rows() -> pd.DataFrame:
    """Good rows, and of each way to be bad at least one."""
    frame = sales(days=121).astype({"sales": "Int64"})
    frame.loc[0, "sales"] = pd.NA
    frame.loc[1, "sales"] = -4
    frame.loc[2, "price"] = 5000.0
    frame.loc[3, "product_id"] = "p9"
    repeat, contradiction = frame.iloc[[10]], frame.iloc[[20]].assign(sales=999)
    return pd.concat([frame, repeat, contradiction], ignore_index=True)


def test_every_rule_lands_in_quarantine(bench: Bench):
    """Null, min, max, allowed, repeat and contradiction: each row stands there with its rule, the rest goes on."""
    bench.params["contract"]["columns"]["product_id"]["allowed"] = ["p0", "p1"]
    bench.set("validate", max_invalid=0.1)
    bench.collected(bad_rows())
    bench.run("validate")
    name = "store_id, product_id, date"
    expected = {
        "sales is not null": 1, "sales >= 0": 1, "price <= 1000": 1, "product_id is an allowed value": 1,
        f"repeats a row ({name})": 1, f"contradicts a row of the same {name}": 2,
    }  # fmt: skip
    quarantine = bench.table("quarantine")
    assert quarantine["rule"].value_counts().to_dict() == expected
    assert quarantine.loc[quarantine["rule"] == "price <= 1000", "price"].tolist() == [5000.0]
    report = bench.report("validation")
    assert report["broken_rules"] == expected
    assert report["passed"] is True
    assert report["rows"] == {"raw": 486, "excluded": 0, "invalid": 7, "valid": 479}
    assert len(bench.table("validated")) == 479
    assert (report["duplicate_keys"], report["series"]) == (2, 5)
    assert report["quality"]["uniqueness"] == pytest.approx(1 - 2 / 486)
    assert report["quality"]["validity"] == pytest.approx(1 - 4 / 486)
    assert bench.report("metrics/validate")["invalid"] == 7


def test_sums_add_up(bench: Bench):
    """raw = excluded + invalid + valid; an excluded row is not judged."""
    (bench.root / "data/exclusions.csv").write_text(
        "store_id,date,reason\n1,2024-01-02,bad scan\n2,,opt-out\n"  # the first names the row with -4 sales
    )
    bench.set("validate", max_invalid=0.1)
    bench.collected(bad_rows())
    bench.run("validate")
    report = bench.report("validation")
    assert report["rows"]["raw"] == sum(report["rows"][kind] for kind in ("excluded", "invalid", "valid"))
    assert report["excluded_because"] == {"bad scan": 2, "opt-out": 242}
    assert "sales >= 0" not in report["broken_rules"]
    assert set(bench.table("validated")["store_id"]) == {1}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda f: f.assign(sales=f["sales"].where(f.index % 10 > 0, -1)),
            "49 of 484 rows are invalid (10.12%, allowed",
        ),
        (lambda f: f.assign(price=np.nan), "price has no value at all"),
        (lambda f: f.iloc[:0], "the dataset is empty"),
        (lambda f: f[f["date"] < "2024-04-20"], "the newest row is 11.2 days older than the last ingest (allowed 7)"),
    ],
)
def test_stops_with_a_report(bench: Bench, change, words):
    """Too many bad rows, a column without a value, no rows, stale rows: status 1, and the report all the same."""
    bench.collected(change(sales()))
    done = bench.run("validate", status=1)
    assert words in done.err
    report = bench.report("validation")
    assert report["passed"] is False
    assert any(words in problem for problem in report["problems"])
    assert not (bench.root / "data/validated").exists()
    assert (bench.root / "reports/metrics/validate.json").exists()


def test_the_table_says_which_rule_how_often(bench: Bench):
    """What a person needs to act on is printed."""
    frame = sales()
    frame.loc[:99, "sales"] = -1
    frame.loc[50:59, "price"] = 2000.0
    bench.collected(frame)
    done = bench.run("validate", status=1)
    assert "       100  sales >= 0\n" in done.err
    assert "        10  price <= 1000\n" in done.err


def test_the_limit_itself_is_allowed(bench: Bench):
    """Exactly max_invalid passes."""
    frame = sales(days=100, stores=1, products=1)
    frame.loc[0, "sales"] = -1
    bench.collected(frame, "2024-04-10T00:00:00Z")
    bench.run("validate")
    bench.set("validate", max_invalid=0.0)
    bench.run("validate", status=1)


def test_no_valid_row(bench: Bench):
    """However many bad rows are allowed, something must be left to go on with."""
    bench.set("validate", max_invalid=1.0)
    bench.collected(sales().assign(sales=-1))
    assert "no row is valid" in bench.run("validate", status=1).err


def test_everything_excluded(bench: Bench):
    """An exclusion list that leaves nothing is an empty dataset."""
    (bench.root / "data/exclusions.csv").write_text("store_id,reason\n1,x\n2,y\n")
    bench.collected(sales())
    assert "the dataset is empty" in bench.run("validate", status=1).err
    assert bench.report("validation")["rows"] == {"raw": 484, "excluded": 484, "invalid": 0, "valid": 0}


def test_freshness_is_measured_at_the_ingest(bench: Bench):
    """Age is newest row to recorded ingest time, so that an old commit still passes next year."""
    bench.collected(sales(), "2024-05-03T12:00:00Z")
    bench.run("validate")
    report = bench.report("validation")
    assert report["age_days"] == 3.5
    assert report["quality"]["timeliness"] == 1
    bench.set("validate", max_age_days=2)
    bench.run("validate", status=1)
    assert bench.report("validation")["quality"]["timeliness"] == pytest.approx(2 / 3.5)
    bench.set("validate", max_age_days=None)
    bench.run("validate")
    assert bench.report("validation")["quality"]["timeliness"] is None


def test_consistency_is_what_collect_could_not_read(bench: Bench):
    """Unreadable values of reports/collection.json count against consistency."""
    bench.collected(sales())
    path = bench.root / "reports/collection.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"unreadable_values": 29}))
    bench.run("validate")
    assert bench.report("validation")["quality"]["consistency"] == pytest.approx(1 - 29 / 2904)


def test_gaps_are_counted(bench: Bench):
    """Days that no series has are in the report."""
    frame = sales()
    bench.collected(frame[~frame["date"].between("2024-02-03", "2024-02-05")])
    bench.run("validate")
    calendar = bench.report("validation")["calendar"]
    assert (calendar["steps"], calendar["missing_steps"]) == (121, 3)
    assert calendar["missing_after"] == ["2024-02-02 00:00:00"[:16]]


def test_no_keys(bench: Bench):
    """A single series has no keys to be told by."""
    bench.columns(date="date", sales="integer")
    bench.collected(sales(stores=1, products=1)[["date", "sales"]])
    (bench.root / "data/exclusions.csv").write_text("date,reason\n2024-01-01,x\n")
    bench.run("validate")
    assert bench.report("validation")["rows"]["valid"] == 120
    assert bench.report("validation")["series"] == 1


def test_bad_exclusions_are_one_line(bench: Bench):
    """A value that is no key is the list's fault: status 2."""
    (bench.root / "data/exclusions.csv").write_text("store_id,reason\nmain street,x\n")
    bench.collected(sales())
    done = bench.run("validate", status=2)
    assert "data/exclusions.csv, line 2: 'main street' is no integer" in done.err


def test_a_bad_row_cannot_make_the_data_look_fresh(bench: Bench):
    """Freshness is that of the rows that pass; and good rows from the future are no freshness either."""
    table = sales()
    late = table.tail(1).assign(date=pd.Timestamp("2099-01-01"), sales=-1)
    bench.set("validate", max_age_days=3, max_invalid=0.5)
    bench.land({"a.parquet": pd.concat([table, late])}, at="2024-06-30T06:00:00Z")
    bench.run("collect")
    assert "older than the last ingest" in bench.run("validate", status=1).err
    bench.land({"b.parquet": table.tail(1).assign(date=pd.Timestamp("2099-01-02"))}, at="2024-06-30T06:00:00Z")
    bench.run("collect")
    assert "after the last ingest" in bench.run("validate", status=1).err
