"""A git repository with models that SageMaker trained, as dvc.yaml, dvc.lock and training.json tell it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import warm
import yaml
from aws_gate import Gate
from tagrepo import TagRepo, plant
from toy import environ

from dataops.versions.context import Context

ACCOUNT = "123456789012"
GROUP = "retail"
IMAGE = f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com/train:1"


def arn(name: str, region: str = "eu-central-1") -> str:
    """Of a training job."""
    return f"arn:aws:sagemaker:{region}:{ACCOUNT}:training-job/{name}"


def digest(letter: str, ending: str = "") -> str:
    """A hash that can be told from others."""
    return letter * 32 + ending


def record(job: str, data: str | None = None, **more: Any) -> dict[str, Any]:
    """What the launcher leaves of a job."""
    found = {
        "backend": "sagemaker",
        "job": job,
        "job_name": job.rpartition("/")[2],
        "region": "eu-central-1",
        "image": IMAGE,
        "instance": "ml.m5.large",
        "dataset": {"path": "data/dataset", "hash": data, "version": None},
        "model": {"uri": "s3://bucket/sagemaker/jobs/j/output/model.tar.gz", "sha256": "5" * 64},
    }
    return found | more


@dataclass
class TrainedRepo:
    """The repository, its DVC root in `prefix`, and its git remote."""

    repo: TagRepo
    prefix: str = ""
    models: tuple[str, ...] = ("model",)
    dataset: str = digest("a", ".dir")
    reads: dict[str, str] = field(default_factory=dict)
    """What the training stage reads, with its hashes; the dataset where nothing is said."""
    records: dict[str, Any] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The DVC root."""
        return self.repo.path / self.prefix

    @property
    def context(self) -> Context:
        """As the package sees it."""
        return Context(self.repo.git, self.root, self.prefix)

    def settings(self, **values: str) -> None:
        """[tool.dataops.train.sagemaker] of pyproject.toml."""
        lines = [f'{name} = "{value}"' for name, value in values.items()]
        (self.root / "pyproject.toml").write_text("\n".join(["[tool.dataops.train.sagemaker]", *lines, ""]))

    def train(self, **records: Any) -> str:
        """Commit what the stages that make these models leave: their training records."""
        self.records |= records
        stages: dict[str, Any] = {"split": {"cmd": "split", "outs": ["data/dataset"]}}
        lock: dict[str, Any] = {"split": {"cmd": "split", "outs": [_entry("data/dataset", self.dataset)]}}
        declared: dict[str, Any] = {"dataset": {"path": "data/dataset", "type": "dataset"}}
        if "data/stores.csv" in self.reads:
            declared["stores"] = {"path": "data/stores.csv", "type": "dataset"}
            self.write("data/stores.csv.dvc", yaml.safe_dump({"outs": [{"path": "stores.csv", "md5": digest("e")}]}))
        reads = self.reads or {"data/dataset": self.dataset}
        for number, name in enumerate(self.models):
            folder = "reports" if name == "model" else f"reports/{name}"
            out, report = f"models/{name}.tar.gz", f"{folder}/training.json"
            model = f"{len(self.repo.run('git', 'rev-list', '--all').split()) + number:032x}"
            stages[f"train-{name}"] = {
                "cmd": "train",
                "deps": list(reads),
                "outs": [out, {report: {"cache": False}}],
            }
            lock[f"train-{name}"] = {
                "cmd": "train",
                "deps": [_entry(path, md5) for path, md5 in reads.items()],
                "outs": [_entry(out, model), _entry(report, digest("f"))],
            }
            declared[name] = {"path": out, "type": "model"}
            if name in self.records:
                self.write(report, json.dumps(self.records[name]))
        self.write("dvc.yaml", yaml.safe_dump({"stages": stages, "artifacts": declared}))
        self.write("dvc.lock", yaml.safe_dump({"schema": "2.0", "stages": lock}))
        self.write(".dvc/config", "[core]\n    remote = r\n['remote \"r\"']\n    url = s3://bucket/dvc\n")
        return self.repo.commit("trained")

    def write(self, name: str, content: str) -> None:
        """A file below the DVC root."""
        self.repo.write(f"{self.prefix}/{name}" if self.prefix else name, content)

    def tag(self, name: str, message: str = "told") -> None:
        """Released: here and on the git remote."""
        self.repo.tag(name, message=message)
        self.repo.run("git", "push", "-q", "origin", "main", f"refs/tags/{name}")

    def dataops(
        self, *words: str, status: int = 0, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """The command, as its user runs it."""
        command = [sys.executable, "-m", "dataops", *words]
        done = warm.run(command, self.root, environ(env or {}))
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done


def made(path: Path, prefix: str = "", models: tuple[str, ...] = ("model",)) -> TrainedRepo:
    """An empty one with its git remote."""
    repo = plant(path)
    repo.run("git", "init", "-q", "--bare", "-b", "main", f"{path}.git")
    repo.run("git", "remote", "add", "origin", f"{path}.git")
    return TrainedRepo(repo, prefix, models)


@pytest.fixture
def trained(tmp_path: Path, gate: Gate) -> TrainedRepo:
    """dataset@v1.0.0 and the model@v1.0.0 that a job made of it; settings name a group."""
    repo = made(tmp_path / "repo")
    repo.settings(model_package_group=GROUP)
    repo.train(model=record(gate.job("demand-1"), repo.dataset))
    repo.tag("dataset@v1.0.0")
    repo.tag("model@v1.0.0", "model v1.0.0: first")
    return repo


def _entry(path: str, md5: str) -> dict[str, Any]:
    return {"path": path, "hash": "md5", "md5": md5, "size": 1}
