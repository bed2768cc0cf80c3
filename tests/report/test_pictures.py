"""dataops.report: pictures of whatever there is, the same data the same PNG."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from dataops.report import drift_picture, forecast_pictures


def rows(stores: int = 3, days: int = 30, naive: bool = True) -> pd.DataFrame:
    """Scored rows as `evaluate` has them."""
    rng = np.random.default_rng(1)
    n = stores * days
    return pd.DataFrame({
        "store": np.repeat([f"$s_{i} & $x^{i}" for i in range(stores)], days),
        "time": np.tile(pd.date_range("2024-01-01", periods=days), stores),
        "horizon": np.tile(np.arange(days) // 7 + 1, stores), "actual": rng.poisson(9, n).astype(float),
        "forecast": rng.gamma(9, 1, n), "naive": rng.poisson(9, n).astype(float) if naive else np.nan,
    })  # fmt: skip


def drawn(table: pd.DataFrame, folder: Path) -> dict[str, bytes]:
    """All pictures of a table; a warning is a failure."""
    folder.mkdir()
    total = table.groupby("time")[["actual", "forecast", "naive"]].sum(min_count=1).reset_index()
    tables = {}
    for name in ("store", "horizon"):
        errors = table.assign(wape=abs(table["actual"] - table["forecast"]) / 9, naive_wape=abs(table["naive"] - 9) / 9)
        tables[name] = errors.groupby(name)[["wape", "naive_wape"]].mean().reset_index()
        tables[name].insert(1, "rows", table.groupby(name).size().to_numpy())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        forecast_pictures.draw(total, table, tables, forecast_pictures.Names("sales_$x", "shop", "week"), folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_same_data_same_bytes(tmp_path: Path):
    """Drawn twice the files are equal, and they are pictures with something in them."""
    one, two = drawn(rows(), tmp_path / "a"), drawn(rows(), tmp_path / "b")
    assert one == two
    assert sorted(one) == ["error_by_store.png", "error_over_time.png", "forecast.png"]
    for name in one:
        picture = imread(tmp_path / "a" / name)
        assert picture.shape[1] > 800
        assert picture.std() > 0.05


@pytest.mark.parametrize(
    "table",
    [rows(naive=False), rows(stores=1, days=1), rows(stores=60), rows().assign(actual=0.0),
     rows().assign(actual=lambda f: -f["actual"])],
    ids=["no naive", "one row", "many stores", "nothing sold", "returns"],
)  # fmt: skip
def test_any_table(tmp_path: Path, table):
    """No naive forecast, one row, many stores, no sales, negative sales: three pictures, no warning."""
    assert len(drawn(table, tmp_path / "a")) == 3


def column(effect, drifted=False):
    """One column of a drift report."""
    return {
        "effect": effect,
        "p_value": 0.1,
        "q_value": 0.2,
        "drifted": drifted,
        "reasons": ["distribution"] if drifted else [],
    }


@pytest.mark.parametrize(
    "columns",
    [{}, {"price": column(None)}, {"price": column(0.4, True), "$a$b_": column(0.01)},
     {f"c{n}": column(n / 100, n > 20) for n in range(60)}],
    ids=["none", "unmeasured", "two", "many"],
)  # fmt: skip
def test_drift(tmp_path: Path, columns):
    """A bar a column, or none; the same report is the same PNG."""
    moved = [name for name, entry in columns.items() if entry["drifted"]]
    report = {"columns": columns, "columns_drifted": moved, "columns_checked": len(columns), "left_out": {},
              "drifted": bool(moved),
              "compared": "test against train"}  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("a.png", "b.png"):
            drift_picture.draw(report, 0.1, tmp_path / "reports" / name)
    assert (tmp_path / "reports/a.png").read_bytes() == (tmp_path / "reports/b.png").read_bytes()
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == ["a.png", "b.png"]
