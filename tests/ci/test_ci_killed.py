"""CI's run is killed at every step, and run again: it finishes, and nothing is done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import toy as toys
from cirepo import SCRIPTS, Pipeline


def test_killed_at_every_step(pipeline: Pipeline):
    """kill -9 wherever a run has got to; the next one goes on until it, too, is killed a step further."""
    log = pipeline.folder / "reached"
    for _ in range(40):
        if pipeline.killed(log) == 0:
            break
    reached = log.read_text().splitlines()
    assert {
        "prepared",
        "data reproduced",
        "drafted",
        "data pushed",
        "data",
        "dataset pushed",
        "train reproduced",
        "train",
        "model made",
        "model pushed",
        "reference written",
        "pin",
    } <= set(reached)
    assert pipeline.tags() == ["dataset@v1.0.0", "model@v1.0.0"]
    subjects = ["Drift reference: dataset@v1.0.0 [skip ci]", "Model [skip ci]", "Data [skip ci]", "first"]
    assert pipeline.log() == subjects
    assert pipeline.toy.out("git", "status", "--porcelain") == ""
    assert "nothing to do" in pipeline.ci()
    assert pipeline.log() == subjects


def test_killed_while_it_trains(pipeline: Pipeline):
    """With everything it started; the next run trains anew and releases once."""
    begun = pipeline.folder / "begun"
    command = [sys.executable, str(SCRIPTS / "ci_data.py")]
    with subprocess.Popen(
        command,
        cwd=pipeline.toy.path,
        env=toys.environ({"SLOW": str(begun)}),
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        until = time.monotonic() + 120
        while not begun.exists() and time.monotonic() < until:
            time.sleep(0.05)
        assert "another scripts/ci_data.py is at work here" in pipeline.ci(status=2)
        os.killpg(process.pid, signal.SIGKILL)
    assert pipeline.tags() == ["dataset@v1.0.0"]
    pipeline.ci()
    assert pipeline.tags() == ["dataset@v1.0.0", "model@v1.0.0"]
    assert pipeline.log()[-1] == "first"
    assert len(pipeline.log()) == 4


def test_killed_and_run_again_elsewhere(pipeline: Pipeline):
    """The next job has another machine: what was pushed counts, what wasn't is computed again."""
    log = pipeline.folder / "reached"
    while not log.exists() or "dataset made" not in log.read_text():
        pipeline.killed(log)
    other = pipeline.checkout("other")
    pipeline.ci(where=other, GITHUB_REF_NAME="main")
    assert pipeline.tags() == ["dataset@v1.0.0", "model@v1.0.0"]
    assert len(pipeline.log()) == 4
    assert "nothing to do" in pipeline.ci()  # the first machine goes to the end of the branch
    assert len(pipeline.log()) == 4


def test_git_status_of_a_killed_run(pipeline: Pipeline, tmp_path: Path):
    """What a killed run left is taken back; what a person wrote meanwhile is not."""
    log = tmp_path / "reached"
    while not log.exists() or "data reproduced" not in log.read_text():
        pipeline.killed(log)
    (pipeline.toy.path / "params.yaml").write_text(toys.PARAMS + "mine: 1\n")
    assert "params.yaml" in pipeline.ci(status=2)
    assert "mine: 1" in (pipeline.toy.path / "params.yaml").read_text()
