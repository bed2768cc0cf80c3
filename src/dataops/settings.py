"""[tool.dataops] in pyproject.toml, overridden by DATAOPS_*: how and where things run, never what comes out."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from dataops.checked import Checked, check
from dataops.errors import DataOpsError

TABLE = "[tool.dataops.train.sagemaker]"  # as messages name it


def _groups(regex: str) -> int:
    """How many groups a regular expression has; 0 also for what is none."""
    try:
        return re.compile(regex).groups
    except re.error:
        return 0


class SageMaker(Checked):
    """What a training job on SageMaker is made of. What changes the model is not here but in params.yaml."""

    role: str = ""
    """ARN of the IAM role that the job runs as."""
    region: str = ""
    """Empty: the profile's, or AWS_DEFAULT_REGION."""
    profile: str = ""
    """Of ~/.aws; empty: the remote's, else boto3's own search."""
    image: str = ""
    """ECR address of the container; empty: AWS's scikit-learn image of the region."""
    instance_type: str = "ml.m5.large"
    instance_count: int = Field(default=1, ge=1)
    volume_gb: int = Field(default=30, ge=1)
    max_run_seconds: int = Field(default=3600, ge=60, le=28 * 24 * 3600)
    """SageMaker ends the job after that."""
    spot: bool = False
    """Spare capacity: cheaper, may be interrupted; goes on from its checkpoints."""
    max_wait_seconds: int = Field(default=7200, ge=60, le=28 * 24 * 3600)
    """With spot: waiting for capacity and running together."""
    usd_per_hour: dict[str, Annotated[float, Field(ge=0)]] = {"ml.m5.large": 0.115}
    """What an instance costs; AWS's price list has your region's. Only the guard below and the record read it."""
    max_cost_usd: float = Field(default=5.0, ge=0)
    """A job that could cost more than this is not started; 0 for no limit."""
    kms_key: str = ""
    """Encrypts the model, the source and the manifests; key id, ARN or alias. Empty: as the bucket does."""
    volume_kms_key: str = ""
    subnets: list[str] = []
    """With security_groups: the VPC that the job's container is in."""
    security_groups: list[str] = []
    network_isolation: bool = False
    """The container has no network at all: needs an image that has every package (Dockerfile.train)."""
    output: str = ""
    """s3://bucket/prefix of models and logs; empty: sagemaker/jobs below the DVC remote's URL."""
    project: str = ""
    """The tag Project and the beginning of job names; empty: [project] name of pyproject.toml."""
    tags: dict[str, str] = {}
    """Further tags, as {CostCenter = "42"}."""
    metrics: dict[str, str] = {"validation:loss": r"validation[^:]*: ([0-9.eE+-]+)"}
    """Name: regular expression with one group, looked for in the job's log."""
    model_package_group: str = ""
    """`dataops release model` registers the model in this group of SageMaker's model registry; empty: it doesn't."""
    poll_seconds: float = Field(default=10.0, ge=0.1)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if bool(self.subnets) != bool(self.security_groups):
            raise ValueError("subnets and security_groups go together")
        if self.network_isolation and not self.image:
            raise ValueError("network_isolation needs an image: AWS's installs the packages from the network")
        if self.spot and self.max_wait_seconds < self.max_run_seconds:
            raise ValueError("max_wait_seconds must be at least max_run_seconds: it counts the run, too")
        if self.output and not self.output.startswith("s3://"):
            raise ValueError(f"output is {self.output!r}, which is no s3://bucket/prefix")
        for name, regex in self.metrics.items():
            if not _groups(regex):
                raise ValueError(f"metrics: {name} is {regex!r}, which is no regular expression with a group")
        return self


class Train(Checked):
    """Where `dvc repro` trains."""

    backend: Literal["local", "sagemaker"] = "local"
    channels: Literal["objects", "published"] = "objects"
    """What SageMaker reads: DVC's objects where they lie, or the readable copy of `dataops publish`."""
    sagemaker: SageMaker = SageMaker()


class Publish(Checked):
    """Where `dataops publish` writes, on the remote's own endpoint."""

    url: str = ""
    """s3://bucket/prefix; empty: the root of the remote's bucket."""
    kms_key_alias: str = ""
    """The KMS key of every object written, as `alias/retail`; empty: as the bucket encrypts by itself."""


class Guard(Checked):
    """What `dataops check` and the hooks let pass, and where they look."""

    folders: list[str] = ["data"]
    """Where only data lies: nothing below them belongs in git but DVC's own files, nothing there may be unknown."""
    max_kb: float = Field(default=500, gt=0)
    """A larger file is data, whatever it is called."""
    suffixes: list[str] = []
    """Further endings of data files, as [".las"]."""
    allow: dict[str, list[str]] = {}
    """Rule: patterns of paths that it passes over, as {DATA001 = ["data/exclusions.csv", "tests/**"]}."""


class Stages(Checked):
    """How the stages of rows run."""

    memo: bool = True
    """Partitions whose inputs are as before are taken from DVC's cache, by what `.dataops/memo` remembers."""


class Settings(Checked):
    """Every key of [tool.dataops]."""

    stages: Stages = Stages()
    train: Train = Train()
    publish: Publish = Publish()
    guard: Guard = Guard()


def load(root: Path = Path(), environ: Mapping[str, str] = os.environ) -> Settings:
    """The repository's settings; `DATAOPS_TRAIN__BACKEND=local` sets `train.backend`.

    Raises:
        DataOpsError: pyproject.toml isn't TOML, a key is unknown or of the wrong type, or a variable isn't one.
    """
    tool = _pyproject(root).get("tool", {})
    values = tool.get("dataops", {}) if isinstance(tool, dict) else {}
    where = "pyproject.toml: tool.dataops"
    for name, value in sorted(environ.items()):
        _require_two_underscores(name)
        if name.startswith("DATAOPS_") and "__" in name and isinstance(values, dict):
            where = "pyproject.toml: tool.dataops, with DATAOPS_* of the environment"
            _put(values, name.removeprefix("DATAOPS_").lower().split("__"), value)
    return check(Settings, values, where)


def project(root: Path = Path()) -> str:
    """What this repository is called: [project] name of pyproject.toml, else its folder's name."""
    named = _pyproject(root).get("project", {})
    return str((isinstance(named, dict) and named.get("name")) or root.resolve().name)


def _pyproject(root: Path) -> dict[str, Any]:
    """The whole file; nothing where there is none.

    Raises:
        DataOpsError: it isn't TOML.
    """
    try:
        return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        hint = 'texts in quotes, as in backend = "local"; `git diff` shows what changed since it worked'
        raise DataOpsError(f"pyproject.toml is not valid TOML: {error}", hint) from None


def _require_two_underscores(name: str) -> None:
    """DATAOPS_TRAIN_BACKEND would say nothing, and the model would be trained where nobody wanted it.

    Raises:
        DataOpsError: a variable begins like a section and has no `__`.
    """
    section = next((one for one in Settings.model_fields if name.startswith(f"DATAOPS_{one.upper()}_")), None)
    if section and "__" not in name:
        meant = f"DATAOPS_{section.upper()}__{name.removeprefix(f'DATAOPS_{section.upper()}_')}"
        raise DataOpsError(f"{name} in the environment is no setting", f"two underscores between levels: {meant}")


def _put(values: dict[str, Any], path: list[str], value: str) -> None:
    """Set one nested key; TOML's own syntax types it, so 3 is a number and anything unreadable a string."""
    *parents, last = path
    for part in parents:
        if not isinstance(values.get(part), dict):
            values[part] = {}
        values = values[part]
    try:
        values[last] = tomllib.loads(f"x = {value}")["x"]
    except tomllib.TOMLDecodeError:
        values[last] = value
