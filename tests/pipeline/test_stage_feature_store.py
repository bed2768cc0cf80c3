"""pipeline.feature_store: history and the latest row of each entity, without what nobody knows at that time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from workbench import Bench, sales

from dataops.tables.asof import read_as_of


def test_latest_and_history(bench: Bench):
    """History is the features without the target; latest equals going through all rows; as-of agrees with it."""
    frame = sales(stores=3)
    day = frame["date"].dt.day_of_year
    frame = frame[(day + frame["store_id"] * 20 < 121) & (np.arange(len(frame)) % 3 > 0)].reset_index(drop=True)
    bench.put("features", frame)
    bench.run("feature_store")
    history, latest = bench.table("feature_store/history"), bench.table("feature_store")
    keys = ["store_id", "product_id"]
    rows = frame.drop(columns="sales").sort_values([*keys, "date"], ignore_index=True)
    pd.testing.assert_frame_equal(history.sort_values([*keys, "date"], ignore_index=True), rows)
    pd.testing.assert_frame_equal(latest, rows.loc[rows.groupby(keys)["date"].idxmax()].reset_index(drop=True))
    again = read_as_of(bench.root / "data/feature_store", "2030-01-01", bench.contract)
    pd.testing.assert_frame_equal(again, latest)
    report = bench.report("feature_store")
    assert (report["entities"], report["rows"], report["features"]) == (6, len(frame), 2)
    assert report["latest_event"] == frame["date"].max().isoformat()


def test_only_what_is_known_ahead(bench: Bench):
    """A column that nobody knows for the day that is forecast isn't served, but its lags are other columns."""
    bench.set("featurize", known_ahead=["promotion"])
    bench.put("features", sales())
    bench.run("feature_store")
    assert list(bench.table("feature_store")) == ["date", "store_id", "product_id", "promotion"]
    assert list(bench.table("feature_store/history")) == ["date", "store_id", "product_id", "promotion"]


def test_no_keys(bench: Bench):
    """A single series has one latest row."""
    bench.columns(date="date", sales="integer", price="number")
    bench.put("features", sales(stores=1, products=1)[["date", "sales", "price"]])
    bench.run("feature_store")
    assert bench.table("feature_store")["date"].tolist() == [pd.Timestamp("2024-04-30")]
