"""pipeline.train with DATAOPS_CHECKPOINTS: killed anywhere and run again, the model is that of a run in one piece."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from entry_jobs import Jobs, rows

from pipeline import boosting


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    """Enough rows and rounds that a kill comes in between."""
    jobs = Jobs(tmp_path)
    jobs.hyper |= {"rounds": 200, "early_stopping": 200, "learning_rate": 0.01, "num_leaves": 31}
    jobs.put("train", rows(12000, 1), 2)
    jobs.put("validation", rows(500, 2))
    return jobs


def killed(jobs: Jobs, checkpoints: Path, checkpoint: str, past: int) -> None:
    """Kill a job -9 once its checkpoint is of that round or a later one."""
    with jobs.started("killed", DATAOPS_CHECKPOINTS=str(checkpoints)) as process:
        path, end = checkpoints / f"{checkpoint}.json", time.monotonic() + 60
        while not path.exists() or json.loads(path.read_bytes().partition(b"\n")[2])["rounds"] < past:
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.002)
    assert process.wait() == -9


@pytest.mark.parametrize(("refit", "objective"), [(True, "tweedie"), (False, "l2")])
def test_killed_and_run_again(jobs: Jobs, refit: bool, objective: str):
    """Every file is the one of a run that nothing interrupted, which writes no checkpoint unless asked to."""
    jobs.hyper |= {"refit": refit, "objective": objective}
    jobs.run("whole")
    checkpoints = jobs.root / "checkpoints"
    assert not checkpoints.exists()
    for name, past in [("first", 75), ("refit", 75) if refit else ("first", 150)]:
        killed(jobs, checkpoints, name, past)
        assert "model/model.txt" not in jobs.files("killed")
    said = jobs.run("killed", DATAOPS_CHECKPOINTS=str(checkpoints))
    assert f"going on from round 200 of {checkpoints / 'first.json'}" in said or not refit
    assert "going on from round " in said
    assert jobs.files("killed") == jobs.files("whole")
    assert jobs.files("checkpoints").keys() <= {"first.json", "refit.json"}


def test_early_stopping_goes_on_too(jobs: Jobs):
    """The best round of before counts: training stops where it would have stopped."""
    jobs.hyper |= {"early_stopping": 40, "learning_rate": 0.1}
    whole = jobs.run("whole")
    rounds = json.loads(jobs.files("whole")["model/model.json"])["rounds"]
    assert 25 < rounds < 150, rounds
    checkpoints = jobs.root / "checkpoints"
    killed(jobs, checkpoints, "first", 25 * (rounds // 25 + 1))  # past the best round, before the stop
    assert jobs.run("killed", DATAOPS_CHECKPOINTS=str(checkpoints)).endswith(whole[whole.index("validation loss") :])
    assert jobs.files("killed") == jobs.files("whole")


def test_a_damaged_checkpoint_is_ignored(jobs: Jobs):
    """Cut or flipped anywhere it is told and trained anew: the model is the right one."""
    jobs.hyper["rounds"] = 30
    checkpoints, dice = jobs.root / "checkpoints", random.Random(1)
    jobs.run("whole", DATAOPS_CHECKPOINTS=str(checkpoints))
    path = checkpoints / "first.json"
    good = path.read_bytes()
    for number in range(4):
        place = dice.randrange(len(good))
        bad = good[:place] if number % 2 else good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]
        path.write_bytes(bad)
        said = jobs.run("again", DATAOPS_CHECKPOINTS=str(checkpoints))
        assert f"note: the checkpoint {path} is ignored: it is damaged" in said
        assert jobs.files("again") == jobs.files("whole")
        assert path.read_bytes() == good


def test_a_checkpoint_of_something_else_is_ignored(jobs: Jobs):
    """Other hyperparameters or other data are trained from the beginning."""
    jobs.hyper["rounds"] = 30
    checkpoints = jobs.root / "checkpoints"
    jobs.run("before", DATAOPS_CHECKPOINTS=str(checkpoints))
    jobs.hyper["learning_rate"] = 0.02
    jobs.run("whole")
    assert "is of other data, parameters or code" in jobs.run("again", DATAOPS_CHECKPOINTS=str(checkpoints))
    assert jobs.files("again") == jobs.files("whole")
    (jobs.root / "train/1.parquet").unlink()
    assert "is of other data, parameters or code" in jobs.run("fewer", DATAOPS_CHECKPOINTS=str(checkpoints))


def test_no_place_for_checkpoints(jobs: Jobs):
    """A folder that can't be written is told, and the model is made without."""
    jobs.hyper["rounds"] = 30
    jobs.run("whole")
    (jobs.root / "file").write_text("")
    assert "note: no checkpoint was written: " in jobs.run("job", DATAOPS_CHECKPOINTS=str(jobs.root / "file/folder"))
    assert jobs.files("job") == jobs.files("whole")


def test_rounds_that_find_nothing(tmp_path: Path):
    """A round without a split adds no tree but draws its features: also then a resumed fit is the same."""
    random = np.random.default_rng(1)
    frame = pd.DataFrame({f"f{n}": random.integers(0, 2, 400) * 1.0 for n in range(6)})
    frame = frame.assign(sales=frame["f0"] * 3 + frame["f1"])
    spec = {"features": [f"f{n}" for n in range(6)], "categories": {}, "target": "sales", "level": "",
            "usual_level": 2.0, "log_link": False}  # fmt: skip
    found = boosting.rows([frame.iloc[:150], frame.iloc[150:]], spec)
    params = {"objective": "l2", "learning_rate": 0.9, "num_leaves": 3, "min_data_in_leaf": 150, "seed": 3,
              "feature_fraction": 0.34, "min_gain_to_split": 1e-6, "num_iterations": 60, "num_threads": 1,
              "deterministic": True, "force_row_wise": True, "verbosity": -1}  # fmt: skip

    def boosted(folder: str, rounds: int) -> boosting.Boosting:
        fit = boosting.Boosting(params, found, spec, boosting.Checkpoints(folder, []), "x", found)
        while fit.rounds < rounds:
            fit.update()
        return fit

    whole = boosted("", 60)
    for stop in range(1, 59, 3):
        folder = str(tmp_path / str(stop))
        boosted(folder, stop).save()
        again = boosted(folder, 60)
        assert again.losses == whole.losses
        assert again.whole().model_to_string() == whole.whole().model_to_string()
    assert 0 < lgb.Booster(model_str=whole.whole().model_to_string()).current_iteration() < 55
