"""pipeline.train: the training curve, what a platform reads from the log, and what the fit ran with."""

from __future__ import annotations

import json
import math
import platform
import re
from importlib.metadata import version
from pathlib import Path

import pytest
from entry_jobs import Jobs, rows

from dataops import settings
from pipeline import train

# as MetricDefinitions of a SageMaker job have them: the setting's default, and what docs/training.md names besides
LOSS = settings.SageMaker().metrics["validation:loss"]
ROUNDS = r"validation loss: [0-9.eE+-]+ rounds: ([0-9]+)"


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    """Two channels."""
    jobs = Jobs(tmp_path)
    jobs.put("train", rows(600, 1))
    jobs.put("validation", rows(120, 2))
    return jobs


def test_the_curve_needs_no_dvclive(jobs: Jobs):
    """Without DVCLive the job leaves the same files, byte for byte, and no others."""
    jobs.run("without")
    jobs.dvclive = True
    jobs.run("with")
    found = jobs.files("without")
    assert found == jobs.files("with")
    assert set(found) == {
        "model/model.json", "model/model.txt", "output/packages.json", "output/dvclive/metrics.json",
        "output/dvclive/plots/metrics/validation/loss.tsv"}  # fmt: skip
    summary = json.loads(found["output/dvclive/metrics.json"])
    table = found["output/dvclive/plots/metrics/validation/loss.tsv"].decode().splitlines()
    assert float(table[summary["rounds"]].split("\t")[1]) == summary["validation"]["loss"]
    assert len(table) == summary["step"] + 1


@pytest.mark.parametrize("losses", [[1.5, 0.1 + 0.2, 1e-20, 3.0, 12345678901234.5], [math.nan], [2.0, math.inf, 1e22]])
def test_odd_losses_are_drawn_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, losses: list[float]):
    """Long, tiny, huge and infinite numbers are written as DVCLive writes them, also over the curve of before."""
    for before in ([7.0] * 9, losses):
        train.draw(before, train.best(before), tmp_path / "with")
    with monkeypatch.context() as patch:
        patch.setattr(train, "live", train.PlainLive)
        for before in ([7.0] * 9, losses):
            train.draw(before, train.best(before), tmp_path / "without")
    for name in ("metrics.json", "plots/metrics/validation/loss.tsv"):
        assert (tmp_path / "with" / name).read_bytes() == (tmp_path / "without" / name).read_bytes()


def test_the_log_has_what_a_platform_looks_for(jobs: Jobs):
    """A line every 50 rounds and a last one, the best round's, which the expressions catch and nothing else does."""
    jobs.hyper |= {"rounds": 120, "early_stopping": 120, "learning_rate": 0.01}
    said = jobs.run("job")
    losses = jobs.files("job")["output/dvclive/plots/metrics/validation/loss.tsv"].decode().splitlines()[1:]
    last = json.loads(jobs.files("job")["output/dvclive/metrics.json"])
    wanted = [*(float(losses[number].split("\t")[1]) for number in (49, 99)), last["validation"]["loss"]]
    assert [float(found) for found in re.findall(LOSS, said)] == pytest.approx(wanted, rel=1e-5)
    assert [int(found) for found in re.findall(ROUNDS, said)] == [last["rounds"]]


def test_packages_are_those_of_the_fit(jobs: Jobs):
    """The versions that ran, and Python's without the patch."""
    jobs.run("job")
    python = ".".join(platform.python_version().split(".")[:2])
    wanted = {name: version(name) for name in ("lightgbm", "numpy", "pandas", "pyarrow")} | {"python": python}
    assert json.loads(jobs.files("job")["output/packages.json"]) == wanted
