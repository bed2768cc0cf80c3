"""`dataops train` against the training host: one job for one set of inputs, whatever happens on the way."""

from __future__ import annotations

import json
import re
import shutil
import signal

from host import TrainingHost
from jobworld import Clone, held, until

from dataops import archive


def created(host: TrainingHost) -> list[dict]:
    """The CreateTrainingJob requests that were accepted."""
    return [row["params"] for row in host.requests("CreateTrainingJob") if row["status"] == 200]


def test_the_model_is_the_local_one(ready: Clone, host: TrainingHost):
    """Byte for byte, with its curve; the record says which job, of what, on what."""
    ready.train(DATAOPS_TRAIN__BACKEND="local")
    local, record, curve = ready.model, ready.record, ready.path / "reports/training"
    before = {path.relative_to(curve): path.read_bytes() for path in curve.rglob("*") if path.is_file()}
    said = ready.train()
    assert ready.model == local
    assert {path.relative_to(curve): path.read_bytes() for path in curve.rglob("*") if path.is_file()} == before
    found = ready.record
    assert found["packages"] == record["packages"]
    assert found["hyperparameters"] == record["hyperparameters"]
    job = host.describe(found["job_name"])
    assert found["job"] == job["TrainingJobArn"]
    assert found["billable_seconds"] == job["BillableTimeInSeconds"]
    assert found["dataset"] == {"path": "data/dataset", "hash": recorded(ready), "version": None}
    assert found["instance"] == "ml.m5.large"
    assert found["spot_saving"] is None
    assert set(found["channels"]) == {"train", "validation", "code"}
    for line in ("objects at s3://", "started demand-", "Training: ", "| validation loss: ", "validation:loss "):
        assert line in said
    assert f"models/model.tar.gz: from {found['model']['uri']}" in said


def recorded(clone: Clone) -> str:
    """The dataset's hash in dvc.lock."""
    found = re.search(r"md5: (\w+\.dir)", (clone.path / "dvc.lock").read_text())
    assert found
    return found[1]


def test_the_plan_is_what_is_sent(ready: Clone, host: TrainingHost):
    """Every key; planning itself starts and writes nothing."""
    plan = ready.plan()
    assert not host.requests("CreateTrainingJob", "PutObject")
    ready.train()
    assert created(host) == [plan]


def test_nobody_pays_twice(ready: Clone, host: TrainingHost, tmp_path):
    """Again, and in another clone without the model: the same job's model. Other parameters are another job."""
    ready.train()
    model, record = ready.model, ready.record
    shutil.rmtree(ready.path / "models")
    assert "made this model: taking it" in ready.train()
    assert ready.model == model
    assert ready.record == record
    other = Clone(tmp_path / "other", ready.environment)
    ready.git("clone", "-q", str(ready.path), str(other.path))
    shutil.copytree(ready.path / "data/dataset", other.path / "data/dataset")
    shutil.copytree(ready.path / ".dvc/cache", other.path / ".dvc/cache")
    other.train()
    assert other.model == model
    assert len(created(host)) == 1
    other.params(rounds=7)
    other.train()
    assert len(created(host)) == 2
    assert other.model != model


def test_kill_minus_nine_while_it_waits(ready: Clone, host: TrainingHost):
    """The job goes on, and the next run joins it: one job, and the model is in place."""
    with held(host, "Training"):
        first = ready.start("train", "run")
        until(lambda: created(host))
        first.send_signal(signal.SIGKILL)
        first.communicate()
        second = ready.start("train", "run")
        until(lambda: len(host.requests("DescribeTrainingJob")) > 8)
    out, err = second.communicate(timeout=120)
    assert second.returncode == 0, err
    assert "runs already: joining it" in out
    assert len(created(host)) == 1
    assert archive.member(ready.path / "models/model.tar.gz", "model.txt")


def test_ctrl_c_stops_nothing(ready: Clone, host: TrainingHost):
    """It says how to join the job and how to end it; `train stop` ends it, and the run after that is a new attempt."""
    with held(host, "Starting"):
        process = ready.start("train", "run")
        until(lambda: created(host))
        until(lambda: host.requests("DescribeTrainingJob"))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert "the job goes on at AWS" in out
        assert not host.requests("StopTrainingJob")
        name = created(host)[0]["TrainingJobName"]
        assert ready.dataops("train", "stop")[0].startswith(f"{name}: Stop")
    host.wait(name)
    assert json.loads(ready.dataops("train", "status", "--json")[0])["status"] == "Stopped"
    _, err = ready.dataops("train", "stop", status=1)
    assert "no job of what is checked out runs" in err
    said = ready.train()
    assert f"{name} stopped: a new attempt" in said
    assert [request["TrainingJobName"] for request in created(host)] == [name, name[:-1] + "2"]


def test_two_at_once(ready: Clone, host: TrainingHost):
    """Two processes that start together share one job."""
    with held(host, "Starting"):
        pair = [ready.start("train", "run") for _ in range(2)]
        until(lambda: len(host.requests("DescribeTrainingJob")) > 10)
    for process in pair:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, out + err
    assert len(created(host)) == 1
