"""pipeline.evaluate: the model against seasonal naive, whatever is unknown."""

from __future__ import annotations

import contextlib
import importlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from workbench import ROOT, Bench, sales

from dataops.archive import pack
from dataops.tables import metrics


@pytest.fixture
def modelled(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """Run everything up to a model, fitted in this process."""

    def make(frame: pd.DataFrame) -> Bench:
        bench.put("validated", frame)
        bench.through("featurize", "split")
        from dataops.training.launch import hyperparameters

        train = importlib.import_module("pipeline.train")
        for name, value in hyperparameters().items():
            monkeypatch.setenv(f"SM_HP_{name.upper()}", json.dumps(value))
        for part in ("train", "validation"):
            monkeypatch.setenv(f"SM_CHANNEL_{part.upper()}", str(bench.root / "data/dataset" / part))
        for variable in ("SM_MODEL_DIR", "SM_OUTPUT_DATA_DIR"):
            (bench.root / variable).mkdir(exist_ok=True)
            monkeypatch.setenv(variable, str(bench.root / variable))
        with contextlib.redirect_stdout(None):
            train.main()
        pack(bench.root / "SM_MODEL_DIR", bench.root / "models/model.tar.gz")
        return bench

    return make


def csv(bench: Bench, name: str) -> pd.DataFrame:
    """A table behind a plot."""
    return pd.read_csv(bench.root / f"reports/evaluation/{name}.csv")


def test_numbers_are_those_of_the_rows(modelled):
    """Naive and its errors, overall and by store, are what pandas says; pictures are there."""
    frame = sales()
    bench = modelled(frame)
    done = bench.run("evaluate")
    report = bench.report("evaluation")
    test = frame[frame["date"] >= "2024-04-01"]
    past = frame.assign(date=frame["date"] + pd.Timedelta(days=7)).rename(columns={"sales": "naive"})
    rows = test.merge(past[["date", "store_id", "product_id", "naive"]], on=["date", "store_id", "product_id"])
    actual, naive = rows["sales"].to_numpy("float64"), rows["naive"].to_numpy("float64")
    assert report["rows"] == report["naive"]["rows"] == len(test)
    assert report["naive"]["wape"] == pytest.approx(metrics.wape(actual, naive), abs=1e-6)
    assert report["naive"]["smape"] == pytest.approx(metrics.smape(actual, naive), abs=1e-6)
    train = frame[frame["date"] < "2024-03-01"].sort_values("date")
    gaps = train.groupby(["store_id", "product_id"])["sales"].diff(7).abs()
    scale = gaps.groupby([train["store_id"], train["product_id"]]).mean().rename("scale")
    scaled = rows.join(scale, on=["store_id", "product_id"])
    assert report["naive"]["mase"] == pytest.approx(metrics.mase(actual, naive, scaled["scale"].to_numpy()), abs=1e-6)
    assert report["beats_naive"] is (report["model"]["wape"] < report["naive"]["wape"]) is True
    by_store = csv(bench, "error_by_store")
    one = rows[rows["store_id"] == 1]
    assert by_store["store"].tolist() == [1, 2]
    assert by_store["naive_wape"][0] == pytest.approx(metrics.wape(one["sales"], one["naive"]), rel=1e-5)
    total = csv(bench, "forecast")
    assert total["actual"].tolist() == test.groupby("date")["sales"].sum().tolist()
    assert csv(bench, "error_by_horizon")["horizon"].tolist() == [1, 2, 3, 4, 5]
    for name in ("forecast", "error_by_store", "error_over_time"):
        assert (bench.root / f"reports/evaluation/{name}.png").read_bytes().startswith(b"\x89PNG")
    assert "wape" in done.out
    assert bench.report("metrics/evaluate")["naive_wape"] == report["naive"]["wape"]
    first = {path.name: path.read_bytes() for path in (bench.root / "reports/evaluation").iterdir()}
    bench.run("evaluate")
    assert first == {path.name: path.read_bytes() for path in (bench.root / "reports/evaluation").iterdir()}


def test_naive_unknown_everywhere(modelled):
    """A lag longer than the data leaves the naive forecast unknown: null, and the model is scored all the same."""
    bench = modelled(sales())
    bench.set("evaluate", naive_lag=999)
    told = bench.run("evaluate").out
    assert "(seasonal naive: wape -, smape -)\nnot good enough to be released: seasonal naive has no WAPE" in told
    report = bench.report("evaluation")
    assert report["naive"] == {"rows": 0, "wape": None, "smape": None, "rmse": None, "mase": None, "bias": None}
    assert report["beats_naive"] is None
    assert report["model"]["wape"] > 0
    assert csv(bench, "error_by_store")["naive_wape"].isna().all()


def test_no_keys(modelled, bench: Bench):
    """A single series is one store called all, so that every plot of dvc.yaml has its data."""
    bench.columns(date="date", sales="integer", price="number")
    modelled(sales(stores=1, products=1)[["date", "sales", "price"]])
    bench.run("evaluate")
    assert bench.report("evaluation")["rows"] == 30
    assert csv(bench, "error_by_store")["store"].tolist() == ["all"]
    assert (bench.root / "reports/evaluation/forecast.png").exists()


def test_nothing_was_sold(modelled, bench: Bench):
    """A test part of zeros has no WAPE, and that is null, not a failure."""
    frame = sales()
    modelled(frame.assign(sales=frame["sales"].where(frame["date"] < "2024-03-01", 0)))
    bench.run("evaluate")
    report = bench.report("evaluation")
    assert report["model"]["wape"] is None
    assert report["beats_naive"] is None
    assert report["model"]["rmse"] >= 0


def test_unknown_actuals(modelled, bench: Bench):
    """Rows whose target is unknown are not scored; a test part with none known is one line."""
    bench.params["contract"]["columns"]["sales"]["nullable"] = True
    bench.save()
    frame = sales().astype({"sales": "Int64"})
    frame.loc[frame["date"] >= "2024-04-16", "sales"] = pd.NA
    modelled(frame)
    bench.run("evaluate")
    assert bench.report("evaluation")["rows"] == 15 * 4
    modelled(frame.assign(sales=frame["sales"].where(frame["date"] < "2024-04-01")))
    assert "there is nothing to score against" in bench.run("evaluate", status=2).err


def test_unseen_products_and_odd_names(modelled, bench: Bench):
    """Stores that came after the training part are forecast and drawn, even when called "$5 & $10" or 東京."""
    bench.params["contract"]["columns"]["store_id"] = {"type": "string"}
    bench.save()
    frame = sales().assign(store_id=lambda f: f["store_id"].map({1: "$5 & $10_x", 2: "Zürich"}))
    late = frame[(frame["store_id"] == "Zürich") & (frame["date"] >= "2024-04-01")].assign(store_id="new {shop}")
    modelled(pd.concat([frame, late]))
    bench.run("evaluate")
    assert set(csv(bench, "error_by_store")["store"]) == {"$5 & $10_x", "Zürich", "new {shop}"}
    new = csv(bench, "error_by_store").set_index("store").loc["new {shop}"]
    assert np.isfinite(new["wape"])


def test_one_line_where_something_is_missing(modelled, bench: Bench):
    """No model, a damaged one, one of other features, an impossible lag: each is one line and status 2."""
    modelled(sales())
    bench.set("evaluate", naive_lag=0)
    assert "naive_lag: 0 is younger than the horizon" in bench.run("evaluate", status=2).err
    bench.set("evaluate", naive_lag=7)
    bench.set("featurize", means=[28])
    bench.through("featurize", "split")
    assert "the model wants mean_7, which data/dataset has not" in bench.run("evaluate", status=2).err
    model = bench.root / "models/model.tar.gz"
    model.write_bytes(model.read_bytes()[:100])
    assert "models/model.tar.gz is damaged" in bench.run("evaluate", status=2).err
    model.unlink()
    assert "models/model.tar.gz is missing" in bench.run("evaluate", status=2).err


def test_whole_pipeline_from_the_landing(bench: Bench):
    """All stages in dvc.yaml's order, with train as its own process, twice: the same model.tar.gz."""
    shutil.copytree(ROOT / "src/pipeline", bench.root / "src/pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    bench.land({"sales.csv": sales()})
    bench.through("collect", "validate", "featurize", "split", "feature_store", "drift")
    from dataops.training import launch

    made = []
    for _ in range(2):
        launch.run()
        made.append((bench.root / "models/model.tar.gz").read_bytes())
    assert made[0] == made[1]
    bench.run("evaluate")
    assert bench.report("evaluation")["beats_naive"] is True
    record = bench.report("training")
    assert record["hyperparameters"]["leave_out"] == []
    assert set(record["packages"]) == {"lightgbm", "numpy", "pandas", "pyarrow", "python"}
    assert json.loads(Path("reports/training/metrics.json").read_text())["rounds"] >= 1
    assert (bench.root / "reports/training/plots/metrics/validation/loss.tsv").exists()
    assert list((bench.root / ".dataops/tmp").iterdir()) == []
