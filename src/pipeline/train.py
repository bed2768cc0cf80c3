"""The script-mode entry point: channels in, a model out. The same file runs as a local process and on SageMaker.

It reads SM_CHANNEL_TRAIN, SM_CHANNEL_VALIDATION, SM_MODEL_DIR, SM_OUTPUT_DATA_DIR and SM_HP_*. What it imports of
src/ is sent along. The model is LightGBM's own text beside a JSON of what it expects.

A channel is read by content: the same files under any names and in any folders train the same model, byte for byte.
Where DATAOPS_CHECKPOINTS names a folder (SageMaker's spot instances), a fit that was killed goes on from there.

The target is learnt relative to the series' own recent level (`level`, a feature): boosting starts from it and not from
zero. Then one small model serves series of every size, and trees need not extrapolate a trend.
"""

from __future__ import annotations

import json
import math
import os
import platform
import shutil
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow as pa

from pipeline import boosting, channels
from pipeline.boosting import Boosting, Checkpoints, Rows, together
from pipeline.channels import File, contents, digest, rows, survey

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
    hyper, packages = hyperparameters(dict(os.environ)), versions()
    parts = [contents(Path(os.environ[f"SM_CHANNEL_{name}"])) for name in ("TRAIN", "VALIDATION")]
    train, validation = (survey(part, hyper["time"], hyper["target"], hyper["categories"]) for part in parts)
    output = Path(os.environ["SM_OUTPUT_DATA_DIR"])
    spec = specification(train, hyper)
    inputs = [
        hyper,
        packages,
        [list(part) for part in parts],
        *(digest(Path(str(file))) for file in (__file__, boosting.__file__, channels.__file__)),
    ]
    saved = Checkpoints(os.environ.get("DATAOPS_CHECKPOINTS", ""), inputs)
    try:
        booster, rounds = fit(rows(train, spec), rows(validation, spec), spec, hyper, output, saved)
    except lgb.basic.LightGBMError as error:
        raise SystemExit(
            f"error: LightGBM can't learn this: {str(error).strip()}\n hint: look at `train` in params.yaml"
        ) from None
    target = Path(os.environ["SM_MODEL_DIR"])
    (target / "model.txt").write_text(booster.model_to_string(num_iteration=rounds))
    (target / "model.json").write_text(json.dumps(spec | {"rounds": rounds}, indent=2) + "\n")
    (output / "packages.json").write_text(json.dumps(packages, indent=2) + "\n")


def versions() -> dict[str, str]:
    """The packages that the model's bytes depend on, as they run here, and Python's major and minor version."""
    found = {module.__name__: module.__version__ for module in (lgb, np, pd, pa)}
    return found | {"python": ".".join(platform.python_version_tuple()[:2])}


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


def specification(files: list[File], hyper: dict[str, Any]) -> dict[str, Any]:
    """What the model expects of a frame: its features in order and the categories it knows."""
    names = dict.fromkeys(name for file in files for name in file.numeric)
    features = [name for name in names if name not in (hyper["time"], hyper["target"], *hyper["leave_out"])]
    categories = {}
    for name in features:
        if name in hyper["categories"]:  # put together, so that all are of the type that the channel's are
            values = pd.concat([some for file in files for some in file.categories.get(name, [])], ignore_index=True)
            categories[name] = sorted(values.dropna().unique().tolist())
    kinds = {name: set().union(*(file.numeric.get(name, set()) for file in files)) for name in features}
    usable = [name for name in features if name in categories or kinds[name] == {True}]
    target = pd.Series(np.concatenate([file.target for file in files]))
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


def fit(
    train: Rows,
    validation: Rows,
    spec: dict[str, Any],
    hyper: dict[str, Any],
    output: Path,
    saved: Checkpoints,
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
    params = {name: hyper[name] for name in names} | {"num_iterations": hyper["rounds"]}
    params |= {"num_threads": hyper["threads"], "deterministic": True, "force_row_wise": True, "verbosity": -1}
    first = Boosting(params, train, spec, saved, "first", validation)
    while first.rounds < hyper["rounds"] and first.rounds - best(first.losses) < hyper["early_stopping"]:
        first.update()
    first.save()
    rounds = best(first.losses)
    draw(first.losses, rounds, output / "dvclive")
    print(f"validation loss: {first.losses[rounds - 1]:g} rounds: {rounds}", flush=True)
    if not hyper["refit"]:
        return first.whole(), rounds
    del first  # and with it what LightGBM made of the rows
    both = Boosting(params | {"num_iterations": rounds}, together(train, validation), spec, saved, "refit")
    while both.rounds < rounds:
        both.update()
    return both.whole(), rounds


def best(losses: list[float]) -> int:
    """The round, counted from 1, with the first of the smallest losses; 0 before there is any."""
    found = 0
    for number, loss in enumerate(losses, 1):
        if not found or loss < losses[found - 1]:
            found = number
    return found


def draw(losses: list[float], rounds: int, folder: Path) -> None:
    """The training curve, a step a round, and the loss of the round that early stopping kept."""
    curve = live(folder)
    for loss in losses:
        curve.log_metric("validation/loss", loss)
        curve.next_step()
    curve.summary = {"rounds": rounds, "validation": {"loss": losses[rounds - 1]}}
    curve.make_summary()
    curve.end()


def live(folder: Path) -> Any:
    """The training curve: DVCLive, or where it isn't installed (SageMaker's images) what writes the same files."""
    try:
        from dvclive.live import Live
    except ImportError:
        return PlainLive(folder)
    return Live(str(folder), dvcyaml=None, report=None, save_dvc_exp=False, resume=False)


class PlainLive:
    """What is needed of DVCLive's Live, with the same bytes in metrics.json and plots/metrics/<name>.tsv."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.step = folder, 0
        self.summary: dict[str, Any] = {}
        shutil.rmtree(folder, ignore_errors=True)

    def log_metric(self, name: str, value: float) -> None:
        """One row more of a metric's table; names have two parts."""
        part, short = name.split("/")
        path = self.folder / "plots" / "metrics" / part / f"{short}.tsv"
        known: float | str = value if math.isfinite(value) else str(value)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"step\t{short}\n")
        with path.open("a") as file:
            file.write(f"{self.step}\t{known}\n")
        self.summary[part] = {short: known}

    def next_step(self) -> None:
        """One round more."""
        self.make_summary()
        self.step += 1

    def make_summary(self) -> None:
        """The newest values."""
        self.summary["step"] = self.step
        (self.folder / "metrics.json").write_text(json.dumps(self.summary, indent=4) + "\n")

    def end(self) -> None:
        """Everything is written already."""


if __name__ == "__main__":
    main()
