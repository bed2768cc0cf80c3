"""What AWS is told of a released model: the tags of its training job, its entry in the model registry. No network.

All of it comes from git, so that two clones say the same, word for word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dataops.errors import DataOpsError, Refused
from dataops.lineage.training import SAGEMAKER, Trained
from dataops.repo import tags
from dataops.repo.registry import Version
from dataops.training.sagemaker import arns
from dataops.training.sagemaker.arns import Arn
from dataops.training.sagemaker.texts import DESCRIPTION, described, fitting

IMAGE = 255
TOKEN = 36
CSV = "text/csv"


@dataclass(frozen=True)
class Plan:
    """What AWS shall know."""

    name: str
    """Of the version, as `model@v1.2.0`."""
    job: Arn
    tags: Mapping[str, str]
    """Of the training job."""
    package: Mapping[str, Any] | None
    """The request CreateModelPackage; None without a group."""


def plan(trained: Trained, group: str = "") -> Plan:
    """The tags, and the model package in `group`.

    Raises:
        Refused: it wasn't trained on SageMaker, or not on released data as far as git knows.
        DataOpsError: the record of the training lacks what AWS must be told.
    """
    name, at = trained.version.name, trained.version.commit[:7]
    if trained.backend != SAGEMAKER:
        told = f"its training record says backend {trained.backend}" if trained.backend else "it has no training record"
        raise Refused(f"{name} was not trained on SageMaker: {told}", "there is no job to tag and no model on S3")
    job = _job(trained)
    if not trained.data:
        hint = f"name it under artifacts.{trained.version.artifact}.meta.data, or let its stage depend on one"
        raise Refused(f"dvc.lock at {at} names no dataset artifact that {name} is made of", hint)
    for one in trained.data:
        if one.version is None:
            hint = f"at {at}: `dataops release {one.artifact}`; then `dataops train register {name}`"
            raise Refused(f"the data of {name} are not released: {one.path} {one.digest[:7]}", hint)
    _agreeing(trained)
    return Plan(name, job, job_tags(trained), package(trained, group) if group else None)


def job_tags(trained: Trained) -> dict[str, str]:
    """What the training job is tagged with."""
    return {
        "DataVersion": fitting(" ".join(str(one.version) for one in trained.data)),
        "ModelVersion": fitting(trained.version.name),
        "GitCommit": trained.version.commit,
    }


def package(trained: Trained, group: str) -> dict[str, Any]:
    """The request CreateModelPackage.

    The token makes a second request of the same release the first one's echo, whoever sends it.

    Raises:
        DataOpsError: the record doesn't say where the model lies, or in which image it was trained.
    """
    found = properties(trained)
    identity = "\0".join((group, found["git_tag"], found["commit"]))
    container = {"Image": _text(trained, "image", longest=IMAGE), "ModelDataUrl": _text(trained, "model", "uri")}
    if not container["ModelDataUrl"].startswith("s3://"):
        raise _lacking(trained, "model.uri on S3")
    return {
        "ModelPackageGroupName": group,
        "ModelPackageDescription": described(trained.version.subject),
        "ModelApprovalStatus": "PendingManualApproval",
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": [CSV],
            "SupportedResponseMIMETypes": [CSV],
        },
        "CustomerMetadataProperties": found,
        "ClientToken": hashlib.sha256(identity.encode()).hexdigest()[:TOKEN],
    }


def properties(trained: Trained) -> dict[str, str]:
    """The model package's CustomerMetadataProperties: what leads from AWS back to git."""
    version, model = trained.version, trained.record.get("model")
    found = {
        "git_tag": tag_of(version),
        "commit": version.commit,
        "dataset_version": " ".join(str(one.version) for one in trained.data),
        "dataset_hash": " ".join(one.digest for one in trained.data),
        "model_hash": trained.digest,
        "model_sha256": str(model.get("sha256") or "") if isinstance(model, Mapping) else "",
        "training_job": _job(trained).text,
    }
    return {key: value for key, text in found.items() if (value := fitting(text))}


def tag_of(version: Version) -> str:
    """The version's git tag, without the counter that GTO may put behind it: AWS takes no `#`."""
    return tags.version(version.artifact, version.number)


def _job(trained: Trained) -> Arn:
    found = arns.parse(_text(trained, "job"))
    if found.kind != arns.JOB:
        raise _lacking(trained, "the training job's ARN")
    return found


def _agreeing(trained: Trained) -> None:
    """The job read what dvc.lock says that the stage read.

    Raises:
        Refused: it was other data.
    """
    said = trained.record.get("dataset")
    digest = said.get("hash") if isinstance(said, Mapping) else None
    known = {one.digest.removesuffix(".dir") for one in trained.data}
    if isinstance(digest, str) and digest and digest.removesuffix(".dir") not in known:
        name, recorded = trained.version.name, trained.data[0]
        told = f"the job of {name} read data {digest[:7]}, dvc.lock says {recorded.path} {recorded.digest[:7]}"
        raise Refused(told, "`dvc repro` trains it again; then release that model")


def _text(trained: Trained, *keys: str, longest: int = DESCRIPTION) -> str:
    """A text of the record."""
    value: Any = trained.record
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    if not isinstance(value, str) or not value or len(value) > longest or any(letter.isspace() for letter in value):
        raise _lacking(trained, ".".join(keys))
    return value


def _lacking(trained: Trained, what: str) -> DataOpsError:
    at = trained.version.commit[:7]
    return DataOpsError(
        f"the training record of {trained.version.name} at {at} doesn't say {what}", f"`dataops lineage trace {at}`"
    )
