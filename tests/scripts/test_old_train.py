"""train_versioned.py: a model of exactly one version's data, here or on SageMaker."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
import warm
from host import TrainingHost
from jobworld import Clone
from oldcalls import SCRIPTS, Old

from dataops import archive

WORDS = ("--job-name", "demand-training-1", "--data-version", "v1.0", "--model-version", "v2.0")


@pytest.fixture
def moved(ready: Clone) -> Clone:
    """dataset@v1.0.0 is released, and what is checked out since is other data."""
    ready.git("tag", "-a", "dataset@v1.0.0", "-m", "dataset v1.0.0")
    part = ready.path / "data/dataset/train"
    for path in sorted(part.iterdir())[1:]:
        path.unlink()
    ready.record_dataset()
    ready.commit("Less data")
    return ready


def call(clone: Clone, *words: str, status: int = 0, **more: str) -> subprocess.CompletedProcess[str]:
    """The script, as a job calls it."""
    command = [sys.executable, str(SCRIPTS / "train_versioned.py"), *words]
    done = warm.run(command, clone.path, clone.env(more))
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_here(moved: Clone):
    """The model is that of the version's data, not of what is checked out, which stays as it is."""
    before = moved.git("status", "--porcelain")
    head = moved.git("rev-parse", "HEAD")
    done = call(moved, *WORDS, DATAOPS_TRAIN__BACKEND="local")
    assert "Using version ID: v1.0.0" in done.stdout
    assert "Model saved to: models/demand-training-1.tar.gz" in done.stdout
    assert "dataops track models/demand-training-1.tar.gz" in done.stderr
    assert moved.git("status", "--porcelain", "-uno") == before
    model = (moved.path / "models/demand-training-1.tar.gz").read_bytes()
    said = json.loads((moved.path / "reports/jobs/demand-training-1.json").read_text())
    assert (said["data_version"], said["model_version"], said["git_commit"]) == ("dataset@v1.0.0", "v2.0.0", head)
    moved.train(DATAOPS_TRAIN__BACKEND="local")
    assert moved.model != model
    moved.git("checkout", "-q", "dataset@v1.0.0", "--", "dvc.lock")
    shutil.rmtree(moved.path / "data/dataset")
    moved.dataops("get", "v1.0.0", "--out", "data/dataset")
    moved.train(DATAOPS_TRAIN__BACKEND="local")
    assert moved.model == model
    again = call(moved, *WORDS, status=1, DATAOPS_TRAIN__BACKEND="local")
    assert "models/demand-training-1.tar.gz is there already" in again.stderr


def test_on_sagemaker(moved: Clone, host: TrainingHost):
    """The job has the old tags and flags; its model comes back, and nothing of the work tree changes."""
    before = moved.git("status", "--porcelain")
    done = call(
        moved,
        *WORDS,
        "--bucket",
        host.bucket,
        "--role-arn",
        host.role_arn,
        "--instance-type",
        "ml.m5.xlarge",
        "--n-estimators",
        "7",
        DATAOPS_TRAIN__SAGEMAKER__MAX_COST_USD="0",
    )
    (request,) = [row["params"] for row in host.requests("CreateTrainingJob") if row["status"] == 200]
    tags = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    assert tags["DataVersion"] == "dataset@v1.0.0"
    assert tags["ModelVersion"] == "v2.0.0"
    assert tags["GitCommit"] == moved.git("rev-parse", "HEAD")
    assert tags["GitDirty"] == "false"
    assert tags["Project"] == "demand"
    assert tags["JobName"] == "demand-training-1"
    assert request["HyperParameters"]["rounds"] == "7"
    assert request["ResourceConfig"]["InstanceType"] == "ml.m5.xlarge"
    assert {channel["ChannelName"] for channel in request["InputDataConfig"]} == {"train", "validation", "code"}
    assert request["TrainingJobName"] in done.stdout
    assert archive.member(moved.path / "models/demand-training-1.tar.gz", "model.txt")
    assert moved.git("status", "--porcelain", "-uno") == before


ENTRY = """\
import json, os, pathlib
parts = {name: sorted(path.name for path in pathlib.Path(os.environ[f"SM_CHANNEL_{name}"]).rglob("*.csv"))
         for name in ("TRAIN", "VALIDATION")}
pathlib.Path(os.environ["SM_MODEL_DIR"], "model.json").write_text(json.dumps(parts))
pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], "dvclive").mkdir()
"""


def test_on_an_upload(old: Old):
    """train.csv and validation.csv of an old upload are the channels of an entry point that reads CSV."""
    (old.path / "src/pipeline").mkdir(parents=True)
    (old.path / "src/pipeline/train.py").write_text(ENTRY)
    old.commit("an entry point of our own")
    old.script("upload_data.py", "--files", *old.given, "--version-id", "v1.1")
    done = old.script("train_versioned.py", "--data-version", "v1.1", "--job-name", "own")
    assert "Model saved to: models/own.tar.gz" in done.stdout
    found = json.loads(archive.member(old.path / "models/own.tar.gz", "model.json"))
    assert found == {"TRAIN": ["train.csv"], "VALIDATION": ["validation.csv"]}
    old.script("upload_data.py", "--files", old.given[2])
    done = old.script("train_versioned.py", "--data-version", "latest", status=2)
    assert "has no train part" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--data-version", "v9"), "v9 is no version"),
        (("--data-version", "v1.0", "--git-commit", "nothing"), "no commit here is called so"),
        (("--data-version", "v1.0", "--max-depth", "5"), "`train` in params.yaml has no max_depth"),
        (("--data-version", "v1.0", "--job-name", "../x"), "no name of a job"),
        (("--data-version", "v1.0", "--model-version", "best"), "a version's own name is a number"),
        (("--data-version", "v1.0", "--bucket", "elsewhere"), "--bucket elsewhere: the data of this repository lie in"),
        (("--data-version", "v1.0", "--role-arn", "me"), "role is 'me', which is no role's ARN"),
        ((), "--data-version"),
    ],
)
def test_refused(moved: Clone, host: TrainingHost, words: tuple[str, ...], told: str):
    """What can't be is one line; no job, no folder."""
    assert told in call(moved, *words, status=2).stderr
    assert not host.requests("CreateTrainingJob")
    assert not (moved.path / "models").exists()
