"""pipeline.drift: the stage compares with what is pinned, and says what to do."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from workbench import Bench, sales

from dataops.tables.profile import profile


def shifted(month: str) -> pd.DataFrame:
    """Prices three times as high from a month on."""
    frame = sales(days=182)
    return frame.assign(price=frame["price"].where(frame["date"] < month, frame["price"] * 3))


def prepared(bench: Bench, frame: pd.DataFrame) -> None:
    """The dataset and its profile."""
    bench.put("features", frame)
    bench.run("split")


def pin(bench: Bench, frame: pd.DataFrame) -> None:
    """As `dataops drift pin v1.0.0` would."""
    value = {"version": "v1.0.0", "profile": profile(frame, bench.contract)}
    (bench.root / "reports/drift_reference.json").write_text(json.dumps(value))


def test_no_reference(bench: Bench):
    """Without a pinned reference the test part is compared with train; drift is a warning."""
    prepared(bench, shifted("2024-06-01"))
    done = bench.run("drift")
    assert "drift in price (test against train, as no reference is pinned)" in done.out
    report = bench.report("drift")
    assert report["columns_drifted"] == ["price"]
    assert report["recommendations"]
    assert bench.report("metrics/drift") == {"score": report["score"], "columns_drifted": 1}
    assert (bench.root / "reports/drift.png").read_bytes().startswith(b"\x89PNG")
    assert "Drift in 1 of 6 columns" in (bench.root / "reports/drift.html").read_text()


def test_no_drift(bench: Bench):
    """The same shop a month later is no drift."""
    prepared(bench, sales(days=182))
    assert bench.run("drift").out.startswith("no drift")


def test_fail(bench: Bench):
    """`on_drift: fail` stops with status 1 after report and picture are written."""
    prepared(bench, shifted("2024-06-01"))
    bench.set("drift", on_drift="fail")
    done = bench.run("drift", status=1)
    assert "drift in price" in done.err
    assert "on_drift: warn" in done.err
    assert bench.report("drift")["drifted"] is True
    assert (bench.root / "reports/drift.png").exists()


def test_window_new_is_not_diluted(bench: Bench):
    """Against a reference, a bad month is found alone (`new`), and is diluted by good ones (`all`)."""
    frame = shifted("2024-06-01")
    prepared(bench, frame)
    pin(bench, frame[frame["date"] < "2024-06-01"])
    bench.run("drift")
    report = bench.report("drift")
    assert report["compared"] == "what came after 2024-05-31 against v1.0.0"
    assert report["rows"] == {"reference": 152 * 4, "current": 30 * 4}
    assert report["columns"]["price"]["effect"] > 0.5
    bench.set("drift", window="all")
    bench.run("drift")
    whole = bench.report("drift")
    assert whole["compared"] == "everything against v1.0.0"
    assert whole["columns"]["price"]["effect"] < 0.2 < report["columns"]["price"]["effect"]
    assert whole["rows"]["current"] == len(frame)


def test_one_bad_month_after_five_good_years(bench: Bench):
    """`new` finds the month whose prices are a fifth higher, and only that; in five years of rows it is nothing."""
    frame = sales(days=1826)
    last = frame["date"].dt.to_period("M").max().start_time
    bad = frame.assign(price=frame["price"].where(frame["date"] < last, frame["price"] * 1.2))
    prepared(bench, bad)
    pin(bench, frame[frame["date"] < last])
    bench.run("drift")
    assert bench.report("drift")["columns_drifted"] == ["price"]
    bench.set("drift", window="all")
    bench.run("drift")
    assert bench.report("drift")["drifted"] is False
    prepared(bench, frame)
    bench.set("drift", window="new")
    bench.run("drift")
    assert bench.report("drift")["drifted"] is False  # the same month as it should have been


@pytest.mark.parametrize("partition", ["month", "none"])
def test_nothing_new(bench: Bench, partition):
    """Nothing after the reference is no drift, even where the reference has missing values."""
    bench.set("contract", partition=partition)
    prepared(bench, sales(days=182))
    pin(bench, sales(days=182).assign(price=float("nan")))
    bench.set("drift", on_drift="fail")
    bench.run("drift")
    report = bench.report("drift")
    assert [one["text"] for one in report["recommendations"]] == ["nothing came after the reference"]
    assert (report["drifted"], report["columns_drifted"]) == (False, [])


def test_reference_of_another_contract(bench: Bench):
    """A reference without the time column can't say what is new: one line."""
    prepared(bench, sales(days=182))
    pin(bench, sales(days=182))
    path = bench.root / "reports/drift_reference.json"
    path.write_text(path.read_text().replace('"date"', '"day"'))
    done = bench.run("drift", status=2)
    assert "has no date" in done.err


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"digest": "', '"digest": "AA'),
        ('"std": ', '"std": "x", "": '),
        ('"std": ', '"std": NaN, "": '),
        ('"min": ', '"min": 1e999, "": '),
        ('"counts": {', '"counts": {"a": "b", '),
        ('"last": "', '"last": "\\u001b[31m'),
        ('"weekdays": [', '"weekdays": [1e308, '),
        ('"kind": "numeric"', '"kind": "colour"'),
        ('"rows": ', '"rows": -'),
        ('"missing": ', '"missing": true, "": '),
        ('"columns": {', '"columns": [], "": {'),
    ],
)
def test_a_reference_that_somebody_edited(bench: Bench, old, new):
    """One line."""
    prepared(bench, sales(days=182))
    pin(bench, sales(days=150).assign(price=lambda frame: frame["price"] + frame.index / 1e4))
    path = bench.root / "reports/drift_reference.json"
    path.write_text(path.read_text().replace(old, new, 1))
    done = bench.run("drift", status=2)
    assert "is damaged" in done.err
    assert "\x1b" not in done.err
    assert done.err.count("\n") == 2


def test_a_reference_without_a_row(bench: Bench):
    """Nothing can be new after it: one line."""
    prepared(bench, sales(days=182))
    pin(bench, sales(days=182).iloc[:0])
    assert "has no date: it is of another contract, or of no rows" in bench.run("drift", status=2).err


def test_names_of_categories_do_nothing_to_a_terminal(bench: Bench):
    """A new category is told in a line, whatever it is called."""
    rows = sales(days=182)
    named = rows.assign(product_id=rows["product_id"].where(rows["date"] < "2024-06-01", "\x1b[2J\u202ep\n"))
    prepared(bench, named)
    pin(bench, rows[rows["date"] < "2024-06-01"])
    done = bench.run("drift")
    assert "rows in new categories" in done.out
    assert not [letter for letter in done.out if letter in "\x1b\u202e"]
    page = (bench.root / "reports/drift.html").read_text()
    assert not [letter for letter in page if letter in "\x1b\u202e"]


@pytest.mark.parametrize("text", [None, "{", "[]", "[" * 99_999])
def test_reference_missing_or_damaged(bench: Bench, text):
    """One line each."""
    prepared(bench, sales(days=182))
    path = bench.root / "reports/drift_reference.json"
    path.unlink() if text is None else path.write_text(text)
    done = bench.run("drift", status=2)
    assert "reports/drift_reference.json" in done.err
