"""The script-mode entry point: channels in, a model out. The same file runs as a local process and on SageMaker.

It reads SM_CHANNEL_TRAIN, SM_CHANNEL_VALIDATION, SM_MODEL_DIR, SM_OUTPUT_DATA_DIR and SM_HP_*, and imports nothing of
this repository, so that it can be sent anywhere. The model is LightGBM's own text beside a JSON of what it expects.

The target is learnt relative to the series' own recent level (`level`, a feature): boosting starts from it and not from
zero. Then one small model serves series of every size, and trees need not extrapolate a trend.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

LOG_LINK = {"tweedie", "poisson", "gamma"}  # LightGBM's objectives that learn the logarithm of the mean
DEFAULTS: dict[str, Any] = {
    "time": "date",
    "target": "sales",
    "categories": [],
    "leave_out": [],  # columns that nobody knows for the day that is forecast
    "level": "",
    "objective": "tweedie",
    "tweedie_variance_power": 1.5,
    "learning_rate": 0.1,
    "num_leaves": 31,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.7,
    "rounds": 500,
    "early_stopping": 30,
    "refit": True,
    "threads": 2,
    "seed": 7,
    "contract_sha256": "",
}


def main() -> None:
    """Fit, and leave model.txt, model.json and the training curve where the platform wants them."""
    hyper = hyperparameters(dict(os.environ))
    train, validation = (
        known_target(Path(os.environ[f"SM_CHANNEL_{name}"]), hyper["target"]) for name in ("TRAIN", "VALIDATION")
    )
    output = Path(os.environ["SM_OUTPUT_DATA_DIR"])
    spec = specification(train, hyper)
    try:
        booster, rounds = fit(train, validation, spec, hyper, output)
    except lgb.basic.LightGBMError as error:
        raise SystemExit(
            f"error: LightGBM can't learn this: {str(error).strip()}\n hint: look at `train` in params.yaml"
        ) from None
    target = Path(os.environ["SM_MODEL_DIR"])
    (target / "model.txt").write_text(booster.model_to_string())
    (target / "model.json").write_text(json.dumps(spec | {"rounds": rounds}, indent=2) + "\n")


def hyperparameters(environ: dict[str, str]) -> dict[str, Any]:
    """DEFAULTS overridden by SM_HP_*, whose values are JSON where they can be."""
    found = dict(DEFAULTS)
    for variable, text in sorted(environ.items()):
        name = variable.removeprefix("SM_HP_").lower()
        if not variable.startswith("SM_HP_") or name.startswith("sagemaker_"):
            continue
        if name not in DEFAULTS:
            raise SystemExit(f"error: params.yaml: train: unknown key {name}\n hint: known keys: {', '.join(DEFAULTS)}")
        found[name] = _typed(name, text)
    for name in ("rounds", "early_stopping", "threads"):
        if found[name] < 1:
            raise SystemExit(f"error: params.yaml: train.{name} must be at least 1, found {found[name]}")
    return found


def _typed(name: str, text: str) -> Any:
    """A hyperparameter as its default's type; an integer passes for a number."""
    wanted = type(DEFAULTS[name])
    try:
        value = text if wanted is str and not text.startswith('"') else json.loads(text)
    except ValueError:
        value = text
    if wanted is float and type(value) is int:
        value = float(value)
    if type(value) is not wanted:
        raise SystemExit(f"error: params.yaml: train.{name} should be {wanted.__name__}, found {value!r}")
    return value


def read_channel(folder: Path) -> pd.DataFrame:
    """Every Parquet file below a channel, whatever it is called: SageMaker may keep the whole object key as a path."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    tables = []
    for path in paths:
        with path.open("rb") as file:
            if file.read(4) == b"PAR1":
                tables.append(pd.read_parquet(path))
    if not tables:
        raise SystemExit(f"error: the channel {folder} holds no Parquet file")
    frame = pd.concat(tables, ignore_index=True)
    for name in frame.columns:  # flags with gaps come as objects
        if frame[name].dtype == object and pd.api.types.infer_dtype(frame[name], skipna=True) == "boolean":
            frame[name] = frame[name].map({True: 1.0, False: 0.0})
    return frame


def known_target(folder: Path, target: str) -> pd.DataFrame:
    """A channel's rows that have a target to learn from."""
    frame = read_channel(folder)
    frame = frame[frame[target].notna()].reset_index(drop=True)
    if frame.empty:
        raise SystemExit(f"error: no row of the channel {folder} has a {target}")
    return frame


def specification(train: pd.DataFrame, hyper: dict[str, Any]) -> dict[str, Any]:
    """What the model expects of a frame: its features in order and the categories it knows."""
    features = [name for name in train.columns if name not in (hyper["time"], hyper["target"], *hyper["leave_out"])]
    categories = {
        name: sorted(train[name].dropna().unique().tolist()) for name in features if name in hyper["categories"]
    }
    usable = [name for name in features if name in categories or pd.api.types.is_numeric_dtype(train[name])]
    target = train[hyper["target"]].astype("float64")
    log = hyper["objective"] in LOG_LINK
    if log and (target < 0).any():
        raise SystemExit(
            f"error: the objective {hyper['objective']} can't learn a negative target\n hint: train.objective: l2"
        )
    if hyper["level"] and hyper["level"] not in usable:
        raise SystemExit(
            f"error: params.yaml: train.level: {hyper['level']} is no feature\n hint: one of {', '.join(usable)}"
        )
    return {
        "features": usable,
        "categories": categories,
        "time": hyper["time"],
        "target": hyper["target"],
        "level": hyper["level"],
        "log_link": log,
        "usual_level": float(target.mean()),
        "contract_sha256": hyper["contract_sha256"],
    }


def matrix(frame: pd.DataFrame, spec: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The model's input, (n, features) float64; a category it doesn't know is missing (NaN)."""
    columns = []
    for name in spec["features"]:
        values = frame[name]
        if name in spec["categories"]:
            codes = pd.Index(spec["categories"][name]).get_indexer(pd.Index(values)).astype("float64")
            columns.append(np.where(codes < 0, np.nan, codes))
        else:
            columns.append(values.to_numpy("float64", na_value=np.nan))
    return np.column_stack(columns)


def start(frame: pd.DataFrame, spec: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Where boosting starts for each row, shape (n,), on the objective's scale: its series' level."""
    usual = spec["usual_level"]
    level = frame[spec["level"]].fillna(usual).to_numpy("float64") if spec["level"] else np.full(len(frame), usual)
    if not spec["log_link"]:
        return np.asarray(level)
    return np.asarray(
        np.log(np.maximum(level, max(0.02 * usual, 1e-9)))
    )  # a series that sold nothing yet has no logarithm


def fit(
    train: pd.DataFrame, validation: pd.DataFrame, spec: dict[str, Any], hyper: dict[str, Any], output: Path
) -> tuple[lgb.Booster, int]:
    """Stop early on the validation part, then, if asked, fit that many rounds on both parts."""
    names = (
        "objective",
        "tweedie_variance_power",
        "learning_rate",
        "num_leaves",
        "min_data_in_leaf",
        "feature_fraction",
        "seed",
    )
    params = {name: hyper[name] for name in names}
    params |= {"num_threads": hyper["threads"], "deterministic": True, "force_row_wise": True, "verbosity": -1}
    first = dataset(train, spec)
    callbacks: list[Any] = [lgb.early_stopping(hyper["early_stopping"], verbose=False), lgb.log_evaluation(50)]
    with Curve(output) as curve:
        booster = lgb.train(
            params,
            first,
            hyper["rounds"],
            [dataset(validation, spec, first)],
            ["validation"],
            callbacks=[*callbacks, curve.callback],
        )
        rounds = booster.best_iteration or booster.current_iteration()
        curve.best(rounds, booster.best_score)
    print(f"stopped at {rounds} rounds", flush=True)
    if hyper["refit"]:
        booster = lgb.train(params, dataset(pd.concat([train, validation]), spec), rounds)
    return booster, rounds


def dataset(frame: pd.DataFrame, spec: dict[str, Any], reference: lgb.Dataset | None = None) -> lgb.Dataset:
    """LightGBM's form of a part; boosting starts from each row's level."""
    target = frame[spec["target"]].to_numpy("float64", na_value=np.nan)
    return lgb.Dataset(
        matrix(frame, spec),
        target,
        init_score=start(frame, spec),
        reference=reference,
        feature_name=list(spec["features"]),
        categorical_feature=list(spec["categories"]),
    )


def predict(booster: lgb.Booster, frame: pd.DataFrame, spec: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Forecasts in units of the target, shape (n,)."""
    found = np.asarray(booster.predict(matrix(frame, spec), raw_score=True)) + start(frame, spec)
    return np.asarray(np.exp(found) if spec["log_link"] else found)


class Curve:
    """The training curve through DVCLive, where it is installed (SageMaker's images have none)."""

    def __init__(self, output: Path) -> None:
        try:
            from dvclive.live import Live
        except ImportError:
            self.live: Any = None
        else:
            self.live = Live(str(output / "dvclive"), dvcyaml=None, report=None, save_dvc_exp=False, resume=False)

    def __enter__(self) -> Curve:
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.live.end()

    def callback(self, env: Any) -> None:
        """One step a boosting round."""
        if self.live:
            for part, _, value, _ in env.evaluation_result_list:
                self.live.log_metric(f"{part}/loss", float(value))
            self.live.next_step()

    def best(self, rounds: int, score: dict[str, dict[str, float]]) -> None:
        """The round that early stopping kept."""
        if self.live:
            losses = {part: {"loss": float(next(iter(values.values())))} for part, values in score.items()}
            self.live.summary = {"rounds": rounds} | losses
            self.live.make_summary()


if __name__ == "__main__":
    main()
