"""A team at work, each with no more than the policies of docs/iam: what they and their jobs asked AWS for."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import socketguard
import warm
import yaml
from host import TrainingHost
from jobworld import Clone, connect, held, until
from policyfiles import KEY_ID, filled
from socketwatch import guarded

from dataops.store.hashing import hash_file

ROLE = ("execution-role",)
ROLE_WITH_KEY = ("execution-role", "execution-role-published", "kms")
TEAM = {  # who has which policies
    "writer": ("read", "write"),
    "reader": ("read",),
    "trainer": ("read", "write", "train", "train-limits"),
    "writer with a key": ("read", "write", "kms"),
    "trainer with a key": ("read", "write", "train", "kms", "kms-volume"),
    "registrar": ("read", "write", "register", "kms"),
    "tracer": ("trace",),
    "cleaner": ("read", "delete"),
}
KEY = f"arn:aws:kms:{TrainingHost.region}:123456789012:key/{KEY_ID}"
LARGE = 9 << 20  # bytes: boto3 uploads it in two parts
SETTING = "DATAOPS_TRAIN__SAGEMAKER__"
KEYED = {"DATAOPS_PUBLISH__KMS_KEY_ALIAS": f'"{KEY}"', f"{SETTING}KMS_KEY": f'"{KEY}"',
         f"{SETTING}VOLUME_KMS_KEY": f'"{KEY}"', f"{SETTING}SPOT": "true",
         "DATAOPS_TRAIN__CHANNELS": "published"}  # fmt: skip
STAGE = {
    "cmd": "train",
    "deps": ["data/dataset"],
    "outs": ["models/model.tar.gz", {"reports/training.json": {"cache": False}}],
}


@dataclass
class Runs:
    """What was asked for."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)
    """Access key: who."""

    def needs(self, policy: str) -> list[Any]:
        """The permissions that those who have a policy needed."""
        return [need for row in self.rows if policy in self._policies(row) for need in row["needs"]]

    def _policies(self, row: dict[str, Any]) -> tuple[str, ...]:
        who = self.people.get(row["access_key"])
        return TEAM[who] if who else ROLE_WITH_KEY if row["by"] == "job" else ()


@dataclass
class Team:
    """The people, their clone and their bucket."""

    host: TrainingHost
    clone: Clone
    folder: Path
    runs: Runs = field(default_factory=Runs)
    keys: dict[str, dict[str, str]] = field(default_factory=dict)

    def as_(self, who: str, clone: Clone | None = None) -> Clone:
        """The clone in somebody's hands, who is hired where they are new."""
        if who not in self.keys:
            other = {"ROLE_NAME": "WithKey"} if who.endswith("with a key") else {}
            made = self.host.user(who, *(filled(name, self.folder, **other) for name in TEAM[who]))
            self.runs.people[made["AWS_ACCESS_KEY_ID"]] = who
            self.keys[who] = self.host.env(made)
        return replace(clone or self.clone, environment=self.keys[who])

    def policy(self, name: str) -> None:
        """The bucket's."""
        document = filled(name, self.folder)
        self.host.client("s3").put_bucket_policy(Bucket=self.host.bucket, Policy=json.dumps(document))

    def role(self, name: str, policies: tuple[str, ...]) -> str:
        """A role that jobs run as: its ARN."""
        return self.host.role(name, *(filled(one, self.folder) for one in policies))


def dvc(clone: Clone, *words: str) -> None:
    """Run dvc."""
    command = [sys.executable, "-m", "dvc", *words]
    done = warm.run(command, clone.path, clone.env())
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"


def prepare(team: Team) -> None:
    """Settings, a git remote, a file so large that it goes up in parts, and the first bucket policy."""
    clone = team.clone
    role = team.role("DemandTraining", ROLE)
    settings = clone.path / "pyproject.toml"
    settings.write_text(settings.read_text().replace(team.host.role_arn, role) + 'model_package_group = "demand"\n')
    pipeline = yaml.safe_load((clone.path / "dvc.yaml").read_text())
    pipeline["artifacts"]["dataset"]["meta"] = {"gates": []}
    pipeline["artifacts"]["model"] = {"path": "models/model.tar.gz", "type": "model", "meta": {"gates": []}}
    pipeline["stages"]["train"] = STAGE
    (clone.path / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False))
    (clone.path / "data/dataset/map.bin").write_bytes(random.Random(0).randbytes(LARGE))
    clone.record_dataset()
    clone.git("init", "-q", "--bare", "-b", "main", str(team.folder / "origin.git"))
    clone.git("remote", "add", "origin", str(team.folder / "origin.git"))
    clone.commit("Ready")
    clone.git("push", "-q", "origin", "main")
    team.policy("bucket-policy")


def damage(team: Team) -> None:
    """One object of the remote gets other bytes."""
    folder = team.clone.path / "data/dataset/train"
    digest = hash_file(min(folder.iterdir())).md5
    key = f"dvc/files/md5/{digest[:2]}/{digest[2:]}"
    team.host.client("s3").put_object(Bucket=team.host.bucket, Key=key, Body=b"damaged")


def without_key(team: Team) -> None:
    """A first version, read elsewhere; a job on DVC's objects; one that is stopped."""
    host, writer = team.host, team.as_("writer")
    writer.dataops("remote", "use", f"s3://{host.bucket}/dvc", "--endpoint-url", host.url, "--region", host.region)
    writer.dataops("release", "dataset", "-m", "first")
    damage(team)
    assert "repaired" in writer.dataops("verify", "dataset@v1.0.0", "--repair")[0]
    trainer = team.as_("trainer")
    training = trainer.start("train", "run")  # while others work
    reader = team.as_("reader", Clone(team.folder / "reader"))
    team.clone.git("clone", "-q", str(team.folder / "origin.git"), str(reader.path))
    dvc(reader, "pull", "data/dataset")
    reader.dataops("get", "dataset@v1.0.0", "--out", str(team.folder / "got"))
    reader.dataops("verify", "--read-data")
    out, err = training.communicate(timeout=240)
    assert training.returncode == 0, out + err
    trainer.dataops("train", "status")
    trainer.dataops("train", "stop", status=1)  # nothing runs; says what else does
    trainer.params(rounds=60, early_stopping=60)
    trainer.commit("More rounds")
    with held(host, "Starting"):
        process = trainer.start("train", "run")
        until(lambda: len(host.requests("CreateTrainingJob")) > 1)
        trainer.dataops("train", "stop")
        process.communicate(timeout=60)
    assert process.returncode == 1


def with_key(team: Team) -> None:
    """Everything that is written from now on is encrypted with the key; the job is interrupted once, and goes on."""
    host, clone = team.host, team.clone
    team.policy("bucket-policy-kms")
    local = f"['remote \"storage\"']\n    sse = aws:kms\n    sse_kms_key_id = {KEY}\n"
    (clone.path / ".dvc/config.local").write_text(local)
    team.as_("writer with a key").dataops("publish", "dataset@v1.0.0", **KEYED)
    host.next_job(interrupt="checkpoint")
    role = team.role("WithKey", ROLE_WITH_KEY)
    said = team.as_("trainer with a key").train(**KEYED, **{f"{SETTING}ROLE": f'"{role}"'})
    assert "going on from round" in said
    dvc(clone, "commit", "-f", "train")
    clone.commit("Trained")
    clone.git("push", "-q", "origin", "main")
    dvc(team.as_("writer with a key"), "push", "models/model.tar.gz")
    registrar = team.as_("registrar")
    registrar.dataops("release", "model", "-m", "first")
    registrar.dataops("train", "register")  # again: it finds what is there
    registrar.dataops("publish", "model@v1.0.0", **KEYED)
    group = f"arn:aws:sagemaker:{host.region}:123456789012:model-package/demand/1"
    assert "model@v1.0.0" in team.as_("tracer").dataops("lineage", "trace", group)[0]
    host.client("s3").put_object(Bucket=host.bucket, Key=f"dvc/files/md5/{'0' * 2}/{'0' * 30}", Body=b"left over")
    cleaned = team.as_("cleaner").dataops("gc", "--remote", "--older-than", "0h", "--yes")[0]
    assert "removed" in cleaned


@pytest.fixture(scope="module")
def runs(running_host: TrainingHost, built: Clone, guard_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """All of it, under the socket guard."""
    folder, host = tmp_path_factory.mktemp("team"), running_host
    host.reset()
    guard_file.write_text("")
    shutil.copytree(built.path, folder / "clone", symlinks=True)
    team = Team(host, Clone(folder / "clone"), folder)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in guarded(os.environ, guard_file).items():
            patch.setenv(name, value)
        socketguard.guard(str(guard_file))
        connect(team.clone, host)
        prepare(team)
        host.enforce()
        try:
            without_key(team)
            with_key(team)
        finally:
            team.runs.rows = host.requests(by=None)
            host.enforce(on=False)
            socketguard.guard(None)
    assert guard_file.read_text() == ""
    return team.runs
