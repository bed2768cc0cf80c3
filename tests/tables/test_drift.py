"""dataops.tables.drift: a shifted column is found, a shuffled one isn't."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from workbench import PARAMS, sales

from dataops.files import to_json
from dataops.report.drift_page import page
from dataops.tables.contract import Contract
from dataops.tables.drift import Thresholds, compare
from dataops.tables.drift.advice import recommendations
from dataops.tables.drift.judge import Finding
from dataops.tables.profile import profile

CONTRACT = Contract.model_validate(PARAMS["contract"])


def compared(old: pd.DataFrame, new: pd.DataFrame, **limits):
    """The report on two tables; JSON can hold it."""
    report = compare(profile(old, CONTRACT), profile(new, CONTRACT), Thresholds(**limits))
    return json.loads(to_json(report), parse_constant=pytest.fail)


def test_shuffled_rows_are_no_drift():
    """The order of rows is nothing, and neither is another draw of the same."""
    old = sales(days=366)
    assert compared(old, old.sample(frac=1, random_state=2))["columns_drifted"] == []
    assert compared(old, sales(days=366, seed=2))["drifted"] is False


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda frame: frame.assign(price=frame["price"] + 3), ["distribution", "out of range"]),
        (lambda frame: frame.assign(price=frame["price"] * 2), ["distribution", "out of range"]),
        (lambda frame: frame.assign(price=5.0), ["distribution"]),
        (lambda frame: frame.assign(price=frame["price"].where(np.arange(len(frame)) % 10 > 0)), ["missing values"]),
        (
            lambda frame: frame.assign(price=frame["price"].where(np.arange(len(frame)) % 10 > 0, np.inf)),
            ["infinite values"],
        ),
    ],
)
def test_a_changed_number_is_found(change, reason):
    """Shift, scale, collapse and loss are each found, in that column alone, and something is recommended."""
    report = compared(sales(days=366), change(sales(days=366, seed=2)))
    assert report["columns_drifted"] == ["price"]
    assert report["columns"]["price"]["reasons"] == reason
    assert report["recommendations"][0]["text"].startswith("price: ")


def test_one_constant_for_another():
    """A column that only ever was 5 and now is 6."""
    old = sales(days=100)
    assert compared(old.assign(price=5.0), old.assign(price=6.0))["columns_drifted"] == ["price"]
    assert compared(old.assign(price=5.0), old.assign(price=5.0))["columns_drifted"] == []


def test_categories():
    """Other shares are drift, new categories are named, vanished ones too."""
    old = sales(days=100, products=3)
    report = compared(old, old[old["product_id"] != "p0"])
    assert report["columns"]["product_id"]["vanished"] == ["p0"]
    assert report["columns"]["product_id"]["effect"] == pytest.approx(1 / 3)
    report = compared(old, pd.concat([old, old.assign(product_id="new").iloc[:20]]))
    entry = report["columns"]["product_id"]
    assert (entry["new"], entry["reasons"]) == (["new"], ["new categories"])
    assert entry["new_share"] == pytest.approx(20 / 620)


def test_effect_first_then_significance():
    """A tiny move in many rows is none, nor is a large one in a handful."""
    rng = np.random.default_rng(1)
    old = sales(days=366, stores=20).assign(price=lambda f: rng.normal(100, 10, len(f)))
    assert compared(old, old.assign(price=old["price"] + 1))["columns"]["price"]["p_value"] < 0.01
    assert compared(old, old.assign(price=old["price"] + 1))["drifted"] is False
    few = old.iloc[:8].assign(price=old["price"].iloc[:8] + 4)
    assert compared(old, few)["columns"]["price"]["effect"] > 0.1
    assert "price" not in compared(old, few)["columns_drifted"]
    report = compared(old, old.iloc[:2].assign(product_id="p99"))
    assert report["columns"]["product_id"]["q_value"] == 1
    assert "100.0% moved, in too few rows to tell from chance (q 1.00)" in page(report)


@pytest.mark.parametrize(("before", "after", "told"), [(0, 0.2, "ask the source"), (0.2, 0, "were they filled in")])
def test_more_and_fewer_missing_values(before, after, told):
    """A source that lost values is another matter than one that has them again."""
    frame = sales(days=366)
    old, new = (
        frame.assign(price=frame["price"].where(np.arange(len(frame)) % 10 >= 10 * share)) for share in (before, after)
    )
    (advice,) = compared(old, new)["recommendations"]
    assert re.search(rf"missing went from {before:.0%}".replace("%", r"\.\d%"), advice["text"])
    assert told in advice["text"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (1017.2, 1017.4, "mean 1017.2 -> 1017.4 (+0.02%)"),
        (14.126, 27.2, "mean 14.13 -> 27.2 (+93%)"),
        (123456.25, 123456.5, "mean 123456.2 -> 123456.5 (+0.00%)"),
        (5.0, 5.0, "mean 5 -> 5 (+0%)"),
    ],
)
def test_figures_that_differ_are_told_apart(old, new, told):
    """As many digits as that takes."""
    change = (new - old) / old * 100
    mean = {"reference": old, "current": new, "change_percent": change}
    entry = {"effect": 0.5, "kind": "numeric", "severity": "high", "statistics": {"mean": mean, "std": mean}}
    found = [Finding("x", "distribution", 0.5, 0.1, 0.0, ("effect",))]
    (one,) = recommendations(found, {"x": entry}, {"removed": [], "retyped": []})
    assert told in one["text"]


def test_no_rows_and_no_values():
    """Nothing to compare is a report without NaN."""
    old = sales(days=100)
    assert compared(old, old.iloc[:0])["score"] == 0
    report = compared(old, old.assign(price=np.nan))
    assert report["columns"]["price"]["reasons"] == ["missing values"]
    assert compared(old.assign(price=0.0), old)["columns"]["price"]["statistics"]["mean"]["change_percent"] is None


def test_schema():
    """A column gone or of another kind is drift; a new one is told."""
    old, new = profile(sales(), CONTRACT), profile(sales(), CONTRACT)
    new["columns"]["extra"] = new["columns"].pop("price")
    new["columns"]["promotion"] = new["columns"]["sales"]
    report = compare(old, new, Thresholds())
    assert report["schema"] == {"added": ["extra"], "removed": ["price"], "retyped": ["promotion"]}
    assert report["drifted"] is True
