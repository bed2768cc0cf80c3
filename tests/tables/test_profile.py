"""dataops.tables.profile: small, mergeable, exact where it says so."""

from __future__ import annotations

import itertools
import json
import random
from functools import reduce

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workbench import PARAMS, Bench, sales

from dataops.files import to_json
from dataops.tables.contract import Contract
from dataops.tables.drift.lines import of_profiles
from dataops.tables.profile import KEPT, merge, profile, standard_deviation

CONTRACT = Contract.model_validate(PARAMS["contract"])


def gappy(days=60, seed=1):
    """Rows with some missing values."""
    frame = sales(days=days, seed=seed).astype({"sales": "Int64", "promotion": "boolean"})
    frame.loc[::7, "sales"] = pd.NA
    frame.loc[::5, "price"] = np.nan
    frame.loc[::9, "promotion"] = pd.NA
    return frame


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 240), max_size=4))
def test_merged_parts_are_the_whole(cuts):
    """However the rows are cut, empty parts included, merging gives counts exactly and moments to the last digits."""
    frame = gappy()
    edges = [0, *sorted(cuts), len(frame)]
    parts = [profile(frame.iloc[a:b], CONTRACT) for a, b in itertools.pairwise(edges)]
    merged, whole = reduce(merge, parts), profile(frame, CONTRACT)
    assert merged["rows"] == whole["rows"] == len(frame)
    for name, column in whole["columns"].items():
        other = merged["columns"][name]
        for key in ("kind", "missing", "count", "counts", "other", "min", "max", "first", "last"):
            assert other.get(key) == column.get(key), (name, key)
        if column["kind"] == "numeric":
            assert other["mean"] == pytest.approx(column["mean"], rel=1e-12)
            known = frame[name].dropna().astype("float64")
            assert standard_deviation(other) == pytest.approx(known.std(), rel=1e-10)
            for q in (0.1, 0.5, 0.9):
                low, high = known.quantile([max(q - 0.03, 0), min(q + 0.03, 1)])
                assert low <= of_profiles([other]).quantiles(np.array([q]))[0, 0] <= high


def test_same_rows_same_profile():
    """The same frame gives the same text, so that git shows no change where there is none."""
    assert to_json(profile(gappy(), CONTRACT)) == to_json(profile(gappy(), CONTRACT))


def test_kinds():
    """Keys are categories even where they are numbers; time has its ends; flags are counted."""
    found = profile(gappy(), CONTRACT)["columns"]
    assert {name: column["kind"] for name, column in found.items()} == {
        "date": "time", "store_id": "categorical", "product_id": "categorical", "sales": "numeric",
        "price": "numeric", "promotion": "categorical"}  # fmt: skip
    assert found["store_id"]["counts"] == {"1": 120, "2": 120}
    assert set(found["promotion"]["counts"]) == {"True", "False"}


def test_nothing_there():
    """No rows and no values are a profile as well."""
    for frame in (gappy().iloc[:0], gappy().assign(price=np.nan)):
        found = profile(frame, CONTRACT)
        assert found["columns"]["price"]["count"] == 0
        assert json.loads(to_json(found), parse_constant=pytest.fail)
        assert merge(found, profile(gappy(), CONTRACT))["columns"]["price"]["count"] == 192


def test_many_categories_stay_small(bench: Bench):
    """Beyond those kept one by one the rest are summed; a merge doesn't claim to know how many there are."""
    names = [f"p{n}" for n in range(3 * KEPT)]
    random.Random(1).shuffle(names)
    frame = pd.DataFrame({"product_id": names * 2, "date": pd.Timestamp("2024-01-01"), "store_id": 1, "sales": 1,
                          "price": 1.0, "promotion": False})  # fmt: skip
    found = profile(frame, CONTRACT)["columns"]["product_id"]
    assert (found["distinct"], len(found["counts"]), found["other"]) == (3 * KEPT, KEPT, 4 * KEPT)
    merged = merge(profile(frame, CONTRACT), profile(frame, CONTRACT))["columns"]["product_id"]
    assert sum(merged["counts"].values()) + merged["other"] == 2 * len(frame)
    assert merged["distinct"] is None
