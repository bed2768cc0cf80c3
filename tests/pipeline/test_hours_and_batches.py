"""Times with offsets through the stages, and which batch's row stays, against plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workbench import Bench, sales

from dataops.tables.contract import Contract
from pipeline.collect import BATCH, Collect, resolve

NIGHTS = {"spring": "2024-03-30", "autumn": "2024-10-26"}  # the clocks change on the day after


@pytest.mark.parametrize("night", NIGHTS)
def test_hours_across_a_change_of_the_clocks(bench: Bench, night: str) -> None:
    """Hours as Berlin's clocks show them, offsets and all: none is missing, none there twice, a lag counts hours."""
    hours = pd.date_range(NIGHTS[night], periods=96, freq="h", tz="UTC", unit="us")
    table = pd.DataFrame(
        {
            "date": [moment.isoformat() for moment in hours.tz_convert("Europe/Berlin")],
            "store_id": 1,
            "sales": np.arange(96),
        }
    )
    assert table["date"].str[:16].duplicated().any() == (night == "autumn")
    bench.columns(date="datetime", store_id="integer", sales="integer")
    bench.set("contract", frequency="h")
    bench.set("featurize", lags=[24], seasonal_means=[])
    bench.set("validate", max_age_days=None)
    bench.land({"hours.csv": table.sample(frac=1, random_state=1)})
    bench.through("collect", "validate", "featurize")
    report = bench.report("validation")
    assert report["rows"] == {"raw": 96, "excluded": 0, "invalid": 0, "valid": 96}
    assert (report["calendar"]["steps"], report["calendar"]["missing_steps"]) == (96, 0)
    features = bench.table("features").sort_values("date")
    assert features["date"].tolist() == hours.tz_localize(None).tolist()
    np.testing.assert_array_equal(features["lag_24"], [np.nan] * 24 + list(range(72)))
    assert features["hour"].tolist() == [n % 24 for n in range(96)]


def test_one_day_in_two_zones(bench: Bench) -> None:
    """A late evening in New York is the next day in UTC, where it contradicts that day's row."""
    row = {"store_id": 1, "product_id": "a", "price": 1.0, "promotion": False}
    table = pd.DataFrame(
        [
            {"date": "2024-01-01T23:30:00-05:00", "sales": 1, **row},
            {"date": "2024-01-02T08:00:00+00:00", "sales": 2, **row},
            {"date": "2024-01-03T00:30:00+01:00", "sales": 3, **row},
        ]
    )
    bench.set("validate", max_invalid=1.0, max_age_days=None)
    bench.land({"rows.csv": table})
    bench.through("collect")
    bench.run("validate", status=1)
    broken = bench.report("validation")["broken_rules"]
    assert broken == {"contradicts a row of the same store_id, product_id, date": 3}


KEYS = st.tuples(
    st.one_of(st.none(), st.integers(1, 2)),
    st.sampled_from(["p", "q", None]),
    st.sampled_from([None, "2024-01-01", "2024-01-02"]),
)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(batches=st.lists(st.lists(KEYS, max_size=6), min_size=1, max_size=4))
def test_the_latest_batch_wins(batches: list[list[Any]]) -> None:
    """Of the rows of a key those of the latest batch that has it stay, all of them; a row without a key stays, too."""
    rows = [(*key, number) for number, batch in enumerate(batches) for key in batch]
    newest: dict[Any, int] = {}
    for *key, number in rows:
        newest[tuple(key)] = number
    wanted = [place for place, (*key, number) in enumerate(rows) if None in key or newest[tuple(key)] == number]

    frame = sales(days=1, stores=1, products=1).iloc[[0] * len(rows)].reset_index(drop=True)
    frame["store_id"] = pd.array([row[0] for row in rows], dtype="Int64")
    frame["product_id"] = pd.Series([row[1] for row in rows], dtype="str")
    frame["date"] = pd.Series([row[2] for row in rows], dtype="datetime64[us]")
    frame["sales"], frame[BATCH] = np.arange(len(rows)), [row[3] for row in rows]
    found, gone = resolve(frame, CONTRACT, Collect(columns={}))
    assert found["sales"].tolist() == wanted
    assert gone == len(rows) - len(wanted)


CONTRACT = Contract.model_validate(
    {
        "time": "date",
        "target": "sales",
        "keys": ["store_id", "product_id"],
        "columns": {
            "date": {"type": "date"},
            "store_id": {"type": "integer"},
            "product_id": {"type": "string"},
            "sales": {"type": "integer"},
            "price": {"type": "number"},
            "promotion": {"type": "boolean"},
        },
    }
)
