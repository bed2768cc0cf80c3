"""pipeline.train: the entry point alone, as SageMaker would call it."""

from __future__ import annotations

import json
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from workbench import sales

from dataops.tables.features import History, series_ids
from pipeline import boosting, channels, train


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Call main() on two frames with hyperparameters; the model's folder."""

    def start(first: pd.DataFrame, second: pd.DataFrame, name: str = "model", **hyper) -> Path:
        for part, frame in (("train", first), ("validation", second)):
            folder = tmp_path / part / "s3" / "key"  # SageMaker may keep the object's key as a path
            folder.mkdir(parents=True, exist_ok=True)
            frame.iloc[::2].to_parquet(folder / "a", index=False)
            frame.iloc[1::2].to_parquet(folder / "b.parquet", index=False)
            (folder / "manifest").write_text("{}")
            monkeypatch.setenv(f"SM_CHANNEL_{part.upper()}", str(tmp_path / part))
        for variable, folder in (("SM_MODEL_DIR", tmp_path / name), ("SM_OUTPUT_DATA_DIR", tmp_path / "output")):
            folder.mkdir(exist_ok=True)
            monkeypatch.setenv(variable, str(folder))
        values = {"categories": ["product_id"], "rounds": 8, "early_stopping": 3, "min_data_in_leaf": 3, "threads": 1}
        for key, value in (values | hyper).items():
            monkeypatch.setenv(f"SM_HP_{key.upper()}", json.dumps(value))
        monkeypatch.setenv("SM_HP_SAGEMAKER_PROGRAM", "train.py")
        train.main()
        return tmp_path / name

    return start


def parts(frame: pd.DataFrame | None = None):
    """Rows with a lag, before and after a day."""
    frame = sales() if frame is None else frame
    series, step = series_ids(frame, ["store_id", "product_id"]), frame["date"].dt.day_of_year.to_numpy()
    known = frame["sales"].to_numpy("float64", na_value=np.nan)
    frame = frame.assign(lag_7=History(series, step, known).lag(7))
    return frame[frame["date"] < "2024-04-01"], frame[frame["date"] >= "2024-04-01"]


def loaded(folder: Path):
    """The model as `evaluate` reads it."""
    return lgb.Booster(model_file=str(folder / "model.txt")), json.loads((folder / "model.json").read_text())


def test_model_and_what_it_expects(job):
    """The model is text beside a JSON; text columns that are no categories are left out."""
    first, second = parts()
    folder = job(first.assign(note="x"), second.assign(note="y"), contract_sha256="abc")
    booster, spec = loaded(folder)
    assert spec["features"] == ["store_id", "product_id", "price", "promotion", "lag_7"] == booster.feature_name()
    assert spec["categories"] == {"product_id": ["p0", "p1"]}
    assert (spec["time"], spec["target"], spec["contract_sha256"]) == ("date", "sales", "abc")
    forecast = boosting.predict(booster, second, spec)
    assert forecast.shape == (len(second),)
    assert np.isfinite(forecast).all()
    assert (forecast > 0).all()


@pytest.mark.parametrize("objective", ["tweedie", "l2"])
def test_same_bytes_twice(job, objective):
    """Fitted again the model is the same, byte for byte."""
    first, second = parts()
    one, two = (job(first, second, name, objective=objective, level="lag_7") for name in ("one", "two"))
    for name in ("model.txt", "model.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_unseen_categories(job):
    """A product nobody has learnt gets a forecast as one of an unknown product."""
    first, second = parts()
    booster, spec = loaded(job(first, second))
    strange = boosting.predict(booster, second.assign(product_id="new"), spec)
    unknown = boosting.predict(booster, second.assign(product_id=None), spec)
    np.testing.assert_array_equal(strange, unknown)
    assert np.isfinite(strange).all()


def test_flags_and_numbers_with_gaps_are_features(job):
    """A nullable flag, which comes as an object, is a feature like any other; unknown levels are no obstacle."""
    frame = sales().astype({"promotion": "boolean"})
    frame.loc[::4, "promotion"] = pd.NA
    frame.loc[::5, "price"] = np.nan
    booster, spec = loaded(job(*parts(frame), level="lag_7"))
    assert {"promotion", "price"} <= set(spec["features"])
    assert np.isfinite(boosting.predict(booster, parts(frame)[1], spec)).all()


def test_unknown_targets_are_not_learnt_from(job):
    """Rows without a target teach nothing: the model is that of the other rows."""
    frame = sales().astype({"sales": "Int64"})
    frame.loc[frame["product_id"] == "p1", "sales"] = pd.NA
    gappy = job(*parts(frame), "gappy")
    without = job(*parts(frame[frame["product_id"] == "p0"]), "without")
    assert (gappy / "model.txt").read_bytes() == (without / "model.txt").read_bytes()


def test_columns_to_leave_out(job):
    """What nobody knows for the day that is forecast is no feature."""
    _, spec = loaded(job(*parts(), leave_out=["price"]))
    assert "price" not in spec["features"]


def test_negative_targets(job):
    """l2 learns them; the others say so in one line."""
    first, second = parts(sales().assign(sales=lambda frame: frame["sales"] - 40))
    booster, spec = loaded(job(first, second, objective="l2"))
    assert boosting.predict(booster, second, spec).min() < 0
    with pytest.raises(SystemExit, match=r"tweedie can't learn a negative target\n hint: train.objective: l2"):
        job(first, second, objective="tweedie")


@pytest.mark.parametrize(
    ("hyper", "words"),
    [
        ({"num_leafs": 3}, "params.yaml: train: unknown key num_leafs"),
        ({"rounds": "many"}, "params.yaml: train.rounds should be int, found 'many'"),
        ({"rounds": 2.5}, "params.yaml: train.rounds should be int, found 2.5"),
        ({"refit": "yes"}, "params.yaml: train.refit should be bool, found 'yes'"),
        ({"threads": None}, "params.yaml: train.threads should be int, found None"),
        ({"learning_rate": [1]}, "params.yaml: train.learning_rate should be float"),
        ({"rounds": 0}, "params.yaml: train.rounds must be at least 1"),
        ({"early_stopping": 0}, "params.yaml: train.early_stopping must be at least 1"),
        ({"level": "mean_9"}, "params.yaml: train.level: mean_9 is no feature"),
        ({"objective": "tweedi"}, "LightGBM can't learn this: "),
        ({"num_leaves": 1}, "LightGBM can't learn this: "),
    ],
)
def test_wrong_hyperparameters(job, hyper, words):
    """A name nobody knows, a wrong type or a value that can't be is one line, no traceback."""
    with pytest.raises(SystemExit) as left:
        job(*parts(), **hyper)
    assert words in str(left.value)
    assert str(left.value).count("\n") <= 1


def test_an_integer_is_a_number(job):
    """learning_rate: 1 is meant as 1.0."""
    job(*parts(), learning_rate=1)


def test_nothing_to_learn_from(job):
    """A channel without rows or without a target is one line."""
    first, second = parts()
    with pytest.raises(SystemExit, match="error: no row of the channel"):
        job(first.astype({"sales": "Int64"}).assign(sales=pd.NA), second)
    with pytest.raises(SystemExit, match="holds no Parquet file"):
        channels.contents(Path("/nowhere"))


def test_all_zero(job):
    """A shop that sold nothing at all is no traceback."""
    first, second = parts(sales().assign(sales=0))
    with pytest.raises(SystemExit, match="LightGBM can't learn this"):
        job(first, second)
