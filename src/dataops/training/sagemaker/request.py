"""The request: everything that SageMaker is asked for, as a plain dictionary, made without asking anybody."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dataops import settings
from dataops.errors import DataOpsError
from dataops.settings import TABLE
from dataops.training.sagemaker.bundle import NAME, Bundle
from dataops.training.sagemaker.channels import Channel, Dataset
from dataops.training.sagemaker.texts import fitting

CODE = "code"  # the channel of the bundle: it arrives without the container having a network
SUBMITTED = f"/opt/ml/input/data/{CODE}/{NAME}"
CHECKPOINTS = "/opt/ml/checkpoints"
LONGEST_NAME = 63
LONGEST_VALUE = 2500  # characters of a hyperparameter
MOST_VALUES = 100
KEY = 128  # characters of a tag's name


@dataclass(frozen=True)
class Inputs:
    """What a model follows from. Where it is fitted, on how large a machine and by whom is not among it."""

    dataset: Dataset
    bundle: Bundle
    hyperparameters: Mapping[str, Any]
    image: str
    project: str

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all of it."""
        parts = {
            "dataset": self.dataset.digest,
            "source": self.bundle.digest,
            "program": self.bundle.program,
            "hyperparameters": self.hyperparameters,
            "image": self.image,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()

    def job(self, attempt: int) -> str:
        """The job's name: the same for the same inputs, whoever starts it; a number counts attempts after failures."""
        end = f"-{self.digest[:12]}-{attempt}"
        base = re.sub(r"[^a-zA-Z0-9]+", "-", self.project).strip("-")[: LONGEST_NAME - len(end)].strip("-")
        return (base or "train") + end


@dataclass(frozen=True)
class Standing:
    """Where the repository is in git."""

    commit: str
    dirty: bool
    """Code or parameters differ from the commit, so it doesn't say what ran."""


def build(
    inputs: Inputs,
    channels: Sequence[Channel],
    source: str,
    output: str,
    standing: Standing,
    chosen: settings.SageMaker,
    attempt: int = 1,
) -> dict[str, Any]:
    """CreateTrainingJob's request (its API reference names every key).

    Args:
        source: the address of the bundle.
        output: the folder of models, s3://… without a final slash.

    Raises:
        DataOpsError: a setting is missing, the job might cost too much, or a limit of SageMaker's is passed.
    """
    if not re.fullmatch(r"arn:[\w-]+:iam::\d{12}:role/.+", chosen.role):
        found = f"role is {chosen.role!r}, which is no role's ARN" if chosen.role else "which role does the job run as?"
        raise DataOpsError(found, f'role = "arn:aws:iam::123456789012:role/NAME" under {TABLE} in pyproject.toml')
    require_affordable(chosen)
    request: dict[str, Any] = {
        "TrainingJobName": inputs.job(attempt),
        "RoleArn": chosen.role,
        "AlgorithmSpecification": {
            "TrainingImage": inputs.image,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": name, "Regex": regex} for name, regex in chosen.metrics.items()],
        },
        "HyperParameters": hyperparameters(inputs),
        "InputDataConfig": [
            *(_channel(one.name, one.kind, one.uri) for one in channels),
            _channel(CODE, "S3Prefix", source),
        ],
        "OutputDataConfig": {"S3OutputPath": output},
        "ResourceConfig": {
            "InstanceType": chosen.instance_type,
            "InstanceCount": chosen.instance_count,
            "VolumeSizeInGB": chosen.volume_gb,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": chosen.max_run_seconds},
        "EnableNetworkIsolation": chosen.network_isolation,
        "EnableInterContainerTrafficEncryption": chosen.instance_count > 1,
        "EnableManagedSpotTraining": chosen.spot,
        "Tags": _tags(inputs, standing, chosen),
    }
    if chosen.kms_key:
        request["OutputDataConfig"]["KmsKeyId"] = chosen.kms_key
    if chosen.volume_kms_key:
        request["ResourceConfig"]["VolumeKmsKeyId"] = chosen.volume_kms_key
    if chosen.subnets:
        request["VpcConfig"] = {"Subnets": chosen.subnets, "SecurityGroupIds": chosen.security_groups}
    if chosen.spot:
        request["StoppingCondition"]["MaxWaitTimeInSeconds"] = chosen.max_wait_seconds
        place = f"{output.removesuffix('/jobs')}/checkpoints/{inputs.digest}"  # beside jobs/, else below `output`
        request["CheckpointConfig"] = {"S3Uri": place, "LocalPath": CHECKPOINTS}
        request["Environment"] = {"DATAOPS_CHECKPOINTS": CHECKPOINTS}
    if not chosen.metrics:
        del request["AlgorithmSpecification"]["MetricDefinitions"]
    return request


def require_affordable(chosen: settings.SageMaker) -> None:
    """The guard: the longest that the job may run, times what its instances cost.

    Raises:
        DataOpsError: that is more than `max_cost_usd`, or nobody said what the instance costs.
    """
    if not chosen.max_cost_usd:
        return
    kind = chosen.instance_type
    if kind not in chosen.usd_per_hour:
        raise DataOpsError(
            f"what does {kind} cost? max_cost_usd can't be kept without",
            f'usd_per_hour = {{"{kind}" = …}} under {TABLE} (AWS\'s price list), or max_cost_usd = 0',
        )
    most = chosen.usd_per_hour[kind] * chosen.instance_count * chosen.max_run_seconds / 3600
    if most > chosen.max_cost_usd:
        counted = f"{chosen.instance_count} x {kind} for up to {chosen.max_run_seconds} s"
        raise DataOpsError(
            f"{counted} may cost ${most:.2f}, and max_cost_usd is ${chosen.max_cost_usd:.2f}",
            f"a smaller max_run_seconds or instance, or a larger max_cost_usd, under {TABLE}",
        )


def cost(chosen: settings.SageMaker, billable: float) -> float | None:
    """US dollars of so many billable seconds (spot's discount is in their number), where the price is known."""
    price = chosen.usd_per_hour.get(chosen.instance_type)
    return None if price is None else round(price * chosen.instance_count * billable / 3600, 4)


def _tags(inputs: Inputs, standing: Standing, chosen: settings.SageMaker) -> list[dict[str, str]]:
    """Ours first: a further tag can't take their names."""
    ours = {
        "Project": inputs.project,
        "DatasetHash": inputs.dataset.digest,
        "GitCommit": standing.commit,
        "GitDirty": str(standing.dirty).lower(),
    }
    if inputs.dataset.version:
        ours["DataVersion"] = inputs.dataset.version.name
    hint = f"another name in tags under {TABLE}"
    if taken := sorted(set(ours) & set(chosen.tags)):
        raise DataOpsError(f"the tag {taken[0]} is written by dataops", hint)
    if reserved := next((name for name in chosen.tags if name.lower().startswith("aws:")), None):
        raise DataOpsError(f"the tag {reserved} can't be set: AWS keeps names that begin with aws: to itself", hint)
    return [{"Key": fitting(name)[:KEY], "Value": fitting(value)} for name, value in {**ours, **chosen.tags}.items()]


def hyperparameters(inputs: Inputs) -> dict[str, str]:
    """Hyperparameters as AWS's toolkit reads them: each value is JSON.

    Raises:
        DataOpsError: there are too many, or one is too long.
    """
    given = {
        str(name): json.dumps(value, sort_keys=True, default=str) for name, value in inputs.hyperparameters.items()
    }
    given |= {
        "sagemaker_container_log_level": str(logging.WARNING),  # else the toolkit prints its environment first
        "sagemaker_program": json.dumps(inputs.bundle.program),
        "sagemaker_submit_directory": json.dumps(SUBMITTED),
    }
    long = next((name for name, value in given.items() if len(value) > LONGEST_VALUE), None)
    if long is not None or len(given) > MOST_VALUES:
        what = (
            f"{long} has more than {LONGEST_VALUE} characters" if long else f"{len(given)} are more than {MOST_VALUES}"
        )
        raise DataOpsError(f"SageMaker takes no such hyperparameters: {what}", "`train` in params.yaml")
    return given


def _channel(name: str, kind: str, uri: str) -> dict[str, Any]:
    """Every instance gets all of it, as files."""
    source = {"S3DataType": kind, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "InputMode": "File"}
