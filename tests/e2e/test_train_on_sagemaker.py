"""The template with `backend = "sagemaker"`: `dvc repro`, a release, the registry, and back from an ARN to the data."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from checkout import SMALL, Repo
from host import TrainingHost
from host.fixtures import guard_file, host, loopback_only, offences, running_host

__all__ = ["guard_file", "host", "loopback_only", "offences", "running_host"]
pytestmark = pytest.mark.e2e
ON = {"DATAOPS_TRAIN__BACKEND": "sagemaker"}
SETTINGS = """
[tool.dataops.train.sagemaker]
role = "{role}"
poll_seconds = 0.2
model_package_group = "demand"
"""


class Account:
    """A repository and the environment of somebody who is signed in at the host."""

    def __init__(self, repo: Repo, host: TrainingHost) -> None:
        self.repo, self.host = repo, host

    def run(self, *command: str, status: int = 0, **more: str) -> str:
        """Everything that a command prints."""
        kept = {name: os.environ[name] for name in ("PYTHONPATH", "SOCKET_GUARD", "SOCKET_GUARD_SITE")}
        done = self.repo.run(*command, status=status, **kept, **self.host.env(), **more)
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout + done.stderr

    def json(self, *command: str) -> Any:
        """What a command prints as JSON."""
        return json.loads(self.repo.run(*command, **self.host.env()).stdout)

    @property
    def model(self) -> bytes:
        """The model in place."""
        return (self.repo.path / "models/model.tar.gz").read_bytes()

    @property
    def record(self) -> dict[str, Any]:
        """The training record."""
        return json.loads((self.repo.path / "reports/training.json").read_text())

    def created(self) -> list[dict[str, Any]]:
        """Requests for jobs that were accepted."""
        return [row["params"] for row in self.host.requests("CreateTrainingJob") if row["status"] == 200]


@pytest.fixture
def account(planted: Callable[[str], Repo], host: TrainingHost, tmp_path: Path) -> Account:
    """The template with a small sample landed, the host's bucket as its remote, and an origin."""
    repo = planted(f"sagemaker-{tmp_path.name}")
    origin = tmp_path / "origin.git"
    repo.run("git", "init", "-q", "--bare", "-b", "main", str(origin))
    repo.run("git", "remote", "add", "origin", str(origin))
    there = Account(repo, host)
    there.run(
        "dataops", "remote", "use", f"s3://{host.bucket}/retail", "--endpoint-url", host.url, "--region", host.region
    )
    pyproject = repo.path / "pyproject.toml"
    text = pyproject.read_text()
    pyproject.write_text(text.replace("\n[tool.ruff]\n", f"{SETTINGS.format(role=host.role_arn)}\n[tool.ruff]\n", 1))
    params = repo.path / "params.yaml"
    params.write_text(params.read_text().replace("rounds: 500 ", "rounds: 60 ").replace("threads: 2 ", "threads: 1 "))
    there.run("dataops", "ingest", "sample", *SMALL)
    return there


def test_from_repro_to_the_registry_and_back(account: Account) -> None:
    """The model is the local backend's; its release is told to AWS; from either ARN lineage leads to the landing."""
    repo = account.repo
    said = account.run("dvc", "repro", **ON)
    assert "started dataops-template-" in said
    assert "validation:loss " in said
    model = account.model
    repo.commit("Data and model")
    repo.run("git", "push", "-q", "origin", "main")
    account.run("dvc", "repro", "-f", "-s", "train")
    assert account.record["backend"] == "local"
    assert account.model == model
    repo.run("git", "checkout", "-q", ".")
    assert account.run("dvc", "repro", **ON).count("Running stage") == 0  # where a job runs makes nothing stale

    account.run("dataops", "release")
    said = account.run("dataops", "release", "model")
    job = account.record["job"]
    assert job in said
    tags = {tag["Key"]: tag["Value"] for tag in account.host.client("sagemaker").list_tags(ResourceArn=job)["Tags"]}
    head = repo.out("git", "rev-parse", "HEAD")
    digest = account.record["dataset"]["hash"]
    assert tags == {
        "Project": "dataops-template", "DatasetHash": digest, "GitCommit": head, "GitDirty": tags["GitDirty"],
        "DataVersion": "dataset@v1.0.0", "ModelVersion": "model@v1.0.0",
    }  # fmt: skip
    client = account.host.client("sagemaker")
    (package,) = client.list_model_packages(ModelPackageGroupName="demand")["ModelPackageSummaryList"]
    about = client.describe_model_package(ModelPackageName=package["ModelPackageArn"])["CustomerMetadataProperties"]
    assert (about["git_tag"], about["dataset_version"], about["dataset_hash"], about["commit"]) == (
        "model@v1.0.0", "dataset@v1.0.0", digest, head,
    )  # fmt: skip
    for arn in (job, package["ModelPackageArn"]):
        trace = account.json("dataops", "lineage", "trace", arn, "--json")
        assert trace["name"] == "model@v1.0.0"
        assert "data/landing" in json.dumps(trace)
    said = account.run("dataops", "reproduce", "model@v1.0.0")
    assert "identical: model@v1.0.0 comes out byte for byte" in said
    assert len(account.created()) == 1


def test_an_old_version_is_trained_from_its_own_objects(account: Account) -> None:
    """After more data, a checkout of the first version, trained again, reads that version's objects."""
    repo = account.repo
    account.run("dvc", "repro", "-q")
    repo.commit("Data")
    first = (repo.path / "dvc.lock").read_text()
    repo.run("git", "tag", "-am", "first", "dataset@v1.0.0")
    account.run("dataops", "ingest", "sample", "--until", "2024-12-31")
    account.run("dvc", "repro", "-q", "train", **ON)
    repo.commit("December")
    account.run("dvc", "push", "-q")
    new = account.created()[0]
    repo.run("git", "checkout", "-q", "dataset@v1.0.0")
    account.run("dvc", "checkout", "-q")
    local = account.model
    account.run("dvc", "repro", "-q", "-f", "-s", "train", **ON)
    assert account.model == local
    old = account.created()[1]
    tags = [{tag["Key"]: tag["Value"] for tag in request["Tags"]} for request in (old, new)]
    assert tags[0]["DataVersion"] == "dataset@v1.0.0"
    assert "DataVersion" not in tags[1]
    assert tags[0]["DatasetHash"] != tags[1]["DatasetHash"]
    assert tags[0]["DatasetHash"] in first
    assert account.record["dataset"]["version"] == "dataset@v1.0.0"
