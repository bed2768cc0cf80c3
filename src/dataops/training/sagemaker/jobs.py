"""The job of these inputs: found, joined, started or stopped. One name for one model, so nobody pays twice.

SageMaker refuses a second job of the same name, which is what makes two clones that start at once share one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import botocore.exceptions as aws

from dataops.errors import DataOpsError, Refused
from dataops.settings import TABLE
from dataops.training.sagemaker import sdk
from dataops.training.sagemaker.refusals import absent, code, explain
from dataops.training.sagemaker.request import Inputs, hyperparameters
from dataops.training.sagemaker.session import Session, explained
from dataops.versions.wording import clean

RUNNING = ("InProgress", "Stopping")
MOST_ATTEMPTS = 999
Described = Mapping[str, Any]


def describe(session: Session, name: str) -> Described | None:
    """DescribeTrainingJob's answer; None where there is no such job.

    Raises:
        DataOpsError: AWS won't say.
    """
    try:
        return ask(session, name)
    except (aws.ClientError, aws.BotoCoreError) as error:
        if absent(error):
            return None
        raise explain(error, f"look for the training job {name}") from None


def ask(session: Session, name: str) -> Described:
    """DescribeTrainingJob's answer.

    Raises:
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError: AWS won't, or can't be reached.
        DataOpsError: something else answered: a proxy's page is JSON without a key to botocore.
    """
    client = session.client("sagemaker")
    found: Described = client.describe_training_job(TrainingJobName=name)
    if "TrainingJobStatus" not in found:
        where = client.meta.endpoint_url
        raise DataOpsError(f"{where} doesn't answer as SageMaker does", "is a proxy in between? Check HTTPS_PROXY")
    return found


@dataclass(frozen=True)
class Found:
    """The last attempt that was made of some inputs, and the number of the next one."""

    job: Described | None
    following: int

    @property
    def running(self) -> bool:
        """Whether it can be joined."""
        return self.job is not None and self.job["TrainingJobStatus"] in RUNNING

    @property
    def completed(self) -> bool:
        """Whether its model can be taken."""
        return self.job is not None and self.job["TrainingJobStatus"] == "Completed"


def find(session: Session, inputs: Inputs) -> Found:
    """The last attempt. Names are counted up, and the first that is absent is the next.

    A job that somebody deleted at AWS frees its own name, so that attempt is made again.

    Raises:
        Refused: a job of that name was made of something else.
        DataOpsError: AWS won't say.
    """
    last = None
    for attempt in range(1, MOST_ATTEMPTS):
        job = describe(session, inputs.job(attempt))
        if job is None:
            return Found(last, attempt)
        _require_ours(job, inputs)
        last = job
    raise Refused(f"{MOST_ATTEMPTS} attempts of {inputs.job(1)} have failed", "something else is wrong")


def current(session: Session, inputs: Inputs) -> str:
    """The name of the job of these inputs that runs.

    Raises:
        Refused: none does; the hint names the project's others.
        DataOpsError: AWS won't say.
    """
    found = find(session, inputs)
    if not found.running:
        others = running(session, inputs)
        hint = f"of this project there run: {', '.join(others)}" if others else "no other job of this project runs"
        raise Refused("no job of what is checked out runs", hint)
    return inputs.job(found.following - 1)


def facts(found: Found, inputs: Inputs) -> dict[str, Any]:
    """Of the last attempt, as JSON: each None where there was no attempt, or where AWS doesn't say it yet."""
    job = found.job or {}
    return {
        "job": job.get("TrainingJobName"),
        "arn": job.get("TrainingJobArn"),
        "status": job.get("TrainingJobStatus"),
        "secondary_status": job.get("SecondaryStatus"),
        "reason": clean(str(job.get("FailureReason") or "")),
        "seconds": job.get("TrainingTimeInSeconds"),
        "billable_seconds": job.get("BillableTimeInSeconds"),
        "next": inputs.job(found.following),
        "inputs": inputs.digest,
    }


def start(session: Session, request: Mapping[str, Any]) -> bool:
    """Start the job; False where somebody else has just done so.

    Raises:
        DataOpsError: AWS won't.
    """
    name = str(request["TrainingJobName"])
    try:
        sdk.create(session, request)
    except (aws.ClientError, aws.BotoCoreError) as error:
        if code(error) == "ResourceInUse":
            return False
        if describe(session, name) is not None:  # the answer got lost, or the look at it did
            return True
        raise explain(error, f"start the training job {name}") from None
    return True


def stop(session: Session, name: str) -> str:
    """Ask SageMaker to end a job; its status then.

    Raises:
        DataOpsError: there is no such job, or AWS won't.
        Refused: it has ended already.
    """
    job = describe(session, name)
    if job is None:
        raise DataOpsError(f"there is no training job {name} in {session.region}", "`dataops train status` looks again")
    if job["TrainingJobStatus"] not in RUNNING:
        raise Refused(f"the training job {name} has ended: {job['TrainingJobStatus']}", "there is nothing to stop")
    if job["TrainingJobStatus"] == "InProgress":
        with explained(f"stop the training job {name}"):
            session.client("sagemaker").stop_training_job(TrainingJobName=name)
    return str((describe(session, name) or job)["TrainingJobStatus"])


def running(session: Session, inputs: Inputs) -> list[str]:
    """The project's jobs that run, whatever they are made of, the newest first.

    Raises:
        DataOpsError: AWS won't say.
    """
    base = inputs.job(1).rsplit("-", 2)[0]
    with explained("list the training jobs"):
        pages = session.client("sagemaker").get_paginator("list_training_jobs")
        found = pages.paginate(
            NameContains=base, StatusEquals="InProgress", SortBy="CreationTime", SortOrder="Descending"
        )
        names = [job["TrainingJobName"] for page in found for job in page["TrainingJobSummaries"]]
    return [name for name in names if name.startswith(f"{base}-")]


def _require_ours(job: Described, inputs: Inputs) -> None:
    """Anybody in the account can take a name: what bears it must have been made of these inputs."""
    image = job.get("AlgorithmSpecification", {}).get("TrainingImage")
    if image != inputs.image or job.get("HyperParameters") != hyperparameters(inputs):
        raise Refused(
            f"a training job {job['TrainingJobName']} is there that was made of something else",
            f"who made it? Another `project` under {TABLE} gives other names",
        )
