"""Boosting that can be interrupted: LightGBM a round at a time, with checkpoints that lead to the same bytes.

`pipeline.train` fits with it, and whoever predicts imports it. It is sent to SageMaker with the entry point, so it
imports nothing else of this repository.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import lightgbm as lgb
import numpy as np
import pandas as pd

SHOWN = 50  # rounds from one printed loss to the next
SAVED = 25  # rounds from one checkpoint to the next
ROWS = 20_000  # whose leaves are looked up at a time: 4 bytes for each tree of each row


class Rows(NamedTuple):
    """Rows as LightGBM takes them. It reads parts where they lie: two lists of parts are one part without a copy."""

    parts: list[np.ndarray[Any, np.dtype[np.float64]]]  # each (n, features)
    target: np.ndarray[Any, np.dtype[np.float64]]  # (rows,)
    start: np.ndarray[Any, np.dtype[np.float64]]  # (rows,), see `start`


def rows(frames: Iterable[pd.DataFrame], spec: dict[str, Any]) -> Rows:
    """The rows of frames, one after the other; each frame is forgotten before the next is asked for."""
    found = [
        (matrix(frame, spec), frame[spec["target"]].to_numpy("float64", na_value=np.nan), start(frame, spec))
        for frame in frames
    ]
    parts, target, begun = zip(*found, strict=True)
    return Rows(list(parts), np.concatenate(target), np.concatenate(begun))


def together(*many: Rows) -> Rows:
    """All rows, those of the first before those of the second."""
    parts = [part for found in many for part in found.parts]
    target, begun = (np.concatenate([found[at] for found in many]) for at in (1, 2))
    return Rows(parts, target, begun)


class Boosting:
    """One fit, a round at a time; it goes on from its checkpoint to the same bytes as if it had never stopped.

    LightGBM's own continued training (`init_model`) drops where boosting starts, adds up scores in another order and
    draws features from the beginning again. So the scores are those of the rows' start plus one tree after the other,
    and the features of the trees that are there are drawn once more and forgotten.
    """

    def __init__(
        self,
        params: dict[str, Any],
        train: Rows,
        spec: dict[str, Any],
        saved: Checkpoints,
        name: str,
        validation: Rows | None = None,
    ) -> None:
        self.params, self.train, self.spec, self.validation = params, train, spec, validation
        state = saved.read(name)
        self.saved, self.name, self.before = saved, name, state["model"]
        self.rounds: int = state["rounds"]
        self.losses: list[float] = state["losses"]
        self.fresh = False  # has a round been added since the checkpoint

    @cached_property
    def booster(self) -> lgb.Booster:
        """What the next round is added to; made when there is one, as a fit may be complete in its checkpoint."""
        done = lgb.Booster(model_str=self.before) if self.before else None
        first = dataset(self.train, self.spec, self.params, done)
        booster = lgb.Booster(self.params, first)
        if self.validation is not None:
            booster.add_valid(dataset(self.validation, self.spec, self.params, done, first), "validation")
        for _ in range(self.rounds):  # setting a parameter draws a tree's features, as a round does
            booster.reset_parameter({"learning_rate": self.params["learning_rate"]})
        return booster

    def update(self) -> None:
        """One round more."""
        self.booster.update()
        self.rounds += 1
        self.fresh = True
        for _, metric, loss, *_ in self.booster.eval_valid():
            self.losses.append(float(loss))
            if self.rounds % SHOWN == 0:
                print(f"[{self.rounds}]\tvalidation's {metric}: {loss:g}", flush=True)
        if self.rounds % SAVED == 0:
            self.save()

    def save(self) -> None:
        """Write the checkpoint, if checkpoints are kept and something is new."""
        if self.saved.folder and self.fresh:
            state = {"model": self.whole().model_to_string(), "rounds": self.rounds, "losses": self.losses}
            self.saved.write(self.name, state)

    def whole(self) -> lgb.Booster:
        """The model with the trees of before and those of now."""
        if not self.before:
            return self.booster
        return joined(self.before, self.booster.model_to_string()) if self.fresh else lgb.Booster(model_str=self.before)


def joined(before: str, after: str) -> lgb.Booster:
    """One model of two texts: the trees of `before`, then those of `after`, which says everything else."""
    mark = re.compile(r"^Tree=\d+\n", re.MULTILINE)
    head, *trees = mark.split(after)
    trees[-1], end, tail = trees[-1].partition("end of trees")
    # a round that finds nothing to split adds no tree, except as a booster's first
    trees = mark.split(before.partition(end)[0])[1:] + [tree for tree in trees if not tree.startswith("num_leaves=1\n")]
    text = "".join(f"Tree={number}\n{tree}" for number, tree in enumerate(trees))
    head = re.sub(r"^tree_sizes=.*\n", "", head, flags=re.MULTILINE)  # LightGBM counts them when it writes
    return lgb.Booster(model_str=head + text + end + tail)


def add_trees(found: Rows, done: lgb.Booster) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Where the rows start, (rows,), with a model's trees added one after the other, as boosting did."""
    scores = found.start.copy()
    sizes = [tree["num_leaves"] for tree in done.dump_model()["tree_info"]]
    leaves = [np.array([done.get_leaf_output(tree, leaf) for leaf in range(size)]) for tree, size in enumerate(sizes)]
    begin = 0
    for values in (part[at : at + ROWS] for part in found.parts for at in range(0, len(part), ROWS)):
        some = scores[begin : begin + len(values)]
        reached = np.asarray(done.predict(values, pred_leaf=True)).reshape(len(some), -1)
        for tree, outputs in enumerate(leaves):
            some += outputs[reached[:, tree]]
        begin += len(values)
    return scores


class Checkpoints:
    """Where fits stand, in a folder that outlives the machine; an empty name keeps none.

    SageMaker copies the folder to S3 and, when a spot instance was taken away, to the next. A file is the SHA-256 of
    the rest, a line, then JSON: `inputs`, `model` (LightGBM's text), `rounds`, `losses` (a number a round).
    """

    def __init__(self, folder: str, inputs: Any) -> None:
        self.folder = Path(folder) if folder else None
        self.inputs = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()

    def read(self, name: str) -> dict[str, Any]:
        """The state of a fit: that of its checkpoint, if there is one, whole and of the same inputs."""
        nothing: dict[str, Any] = {"model": "", "rounds": 0, "losses": []}
        if not self.folder or not (path := self.folder / f"{name}.json").exists():
            return nothing
        try:
            check, _, text = path.read_bytes().partition(b"\n")
        except OSError as error:
            print(f"note: the checkpoint {path} is ignored: {error}", flush=True)
            return nothing
        if hashlib.sha256(text).hexdigest().encode() != check:
            print(f"note: the checkpoint {path} is ignored: it is damaged", flush=True)
            return nothing
        state: dict[str, Any] = json.loads(text)
        if state["inputs"] != self.inputs:
            print(f"note: the checkpoint {path} is ignored: it is of other data, parameters or code", flush=True)
            return nothing
        print(f"going on from round {state['rounds']} of {path}", flush=True)
        return state

    def write(self, name: str, state: dict[str, Any]) -> None:
        """Replace a fit's checkpoint in one step; where that can't be, training goes on without."""
        if not self.folder:
            return
        text = json.dumps(state | {"inputs": self.inputs}).encode()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            part = self.folder / f".{name}.part"
            part.write_bytes(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
            part.replace(self.folder / f"{name}.json")
        except OSError as error:
            print(f"note: no checkpoint was written: {error}", flush=True)


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


def dataset(
    found: Rows,
    spec: dict[str, Any],
    params: dict[str, Any],
    done: lgb.Booster | None = None,
    reference: lgb.Dataset | None = None,
) -> lgb.Dataset:
    """LightGBM's form of rows; boosting begins at each row's start, and goes on from the trees of `done`."""
    return lgb.Dataset(
        found.parts,
        found.target,
        init_score=add_trees(found, done) if done else found.start,
        reference=reference,
        feature_name=list(spec["features"]),
        categorical_feature=list(spec["categories"]),
        params=params,
    )


def predict(booster: lgb.Booster, frame: pd.DataFrame, spec: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Forecasts in units of the target, shape (n,)."""
    found = np.asarray(booster.predict(matrix(frame, spec), raw_score=True)) + start(frame, spec)
    return np.asarray(np.exp(found) if spec["log_link"] else found)
