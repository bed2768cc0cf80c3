"""dataops.tables.asof: what was known of an entity at a time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from workbench import Bench, sales

from dataops.errors import DataOpsError
from dataops.tables import parquet
from dataops.tables.asof import read_as_of


@pytest.fixture
def store(bench: Bench):
    """A store whose entities start and end at different times, with gaps."""
    frame = sales(first="2023-12-10", days=100, stores=3, products=3).drop(columns="sales")
    rng = np.random.default_rng(5)
    start = (frame["store_id"] * 17 + frame["product_id"].str[1].astype(int) * 11) % 60
    day = (frame["date"] - frame["date"].min()).dt.days
    frame = frame[(day >= start) & (day < start + 45) & (rng.random(len(frame)) < 0.6)].reset_index(drop=True)
    form = parquet.schema(bench.contract).remove(3)
    folder = bench.root / "data/feature_store/history"
    parquet.write(frame, folder, form, bench.contract.index, "date", bench.contract.partition)
    return frame


def slow(frame, moment, **entity):
    """The newest row of each entity, by going through all of them."""
    rows = frame[frame["date"] <= moment]
    for key, value in entity.items():
        rows = rows[rows[key] == value]
    newest = rows.loc[rows.groupby(["store_id", "product_id"])["date"].idxmax()] if len(rows) else rows
    return newest.sort_values(["store_id", "product_id"], ignore_index=True)


def test_every_moment_equals_the_slow_way(bench: Bench, store):
    """At any time, for all, for one and for some entities."""
    path = bench.root / "data/feature_store"
    for moment in pd.date_range("2023-12-01", "2024-04-01", freq="9D12h"):
        pd.testing.assert_frame_equal(read_as_of(path, moment, bench.contract), slow(store, moment))
        for entity in ({"store_id": 2, "product_id": "p1"}, {"store_id": 3}, {"store_id": 9, "product_id": "p1"}):
            pd.testing.assert_frame_equal(
                read_as_of(path, str(moment), bench.contract, entity), slow(store, moment, **entity), check_dtype=False
            )


def test_before_everything_is_an_empty_frame(bench: Bench, store):
    """Nothing was known: no rows, but the columns."""
    found = read_as_of(bench.root / "data/feature_store", "1999-01-01", bench.contract, columns=["price"])
    assert len(found) == 0
    assert list(found) == ["store_id", "product_id", "date", "price"]


def test_an_offset_is_converted(bench: Bench, store):
    """One o'clock in the morning in Berlin is still the day before in UTC."""
    path, day = bench.root / "data/feature_store", store["date"].max()
    local = read_as_of(path, f"{day:%Y-%m-%d}T01:00:00+02:00", bench.contract)
    pd.testing.assert_frame_equal(local, slow(store, day - pd.Timedelta(1)))


@pytest.mark.parametrize("partition", ["day", "none"])
def test_other_partitions(bench: Bench, partition):
    """Whatever the files are called."""
    bench.set("contract", partition=partition)
    bench.put("feature_store/history", sales(days=20))
    found = read_as_of(bench.root / "data/feature_store", "2024-01-07", bench.contract)
    assert found["date"].tolist() == [pd.Timestamp("2024-01-07")] * 4


def test_no_keys(bench: Bench):
    """Without keys there is one entity."""
    bench.set("contract", keys=[])
    bench.put("feature_store/history", sales(days=50, stores=1, products=1))
    found = read_as_of(bench.root / "data/feature_store", "2024-02-11 10:00", bench.contract)
    assert found["date"].tolist() == [pd.Timestamp("2024-02-11")]
    assert len(read_as_of(bench.root / "data/feature_store", "2023-02-11", bench.contract)) == 0


@pytest.mark.parametrize(
    ("as_of", "entities", "columns", "words"),
    [
        ("soon", None, None, "'soon' is no time"),
        ("2024-01-01", {"shop": 1}, None, "the feature store has no shop"),
        ("2024-01-01", None, ["lag_7"], "the feature store has no lag_7"),
    ],
)
def test_one_line(bench: Bench, store, as_of, entities, columns, words):
    """What can't be asked is said in one line."""
    with pytest.raises(DataOpsError) as error:
        read_as_of(bench.root / "data/feature_store", as_of, bench.contract, entities, columns)
    assert words in error.value.message


def test_no_store(bench: Bench):
    """A clone without data."""
    with pytest.raises(DataOpsError, match="dvc pull"):
        read_as_of(bench.root / "data/feature_store", "2024-01-01", bench.contract)
