"""SageMaker's operations on training jobs.

Codes are botocore's (`ResourceInUse`); the messages of ResourceInUse, of a role that can't be assumed, of a job that
isn't there and of stopping an ended job are AWS's, as users quoted them in public issues.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends
from moto.sagemaker.models import sagemaker_backends

from host.constraints import check
from host.jobs import Job
from host.wire import AwsError, Received

ACCOUNT = "123456789012"  # moto's
Handler = Callable[["Received", Callable[[Job], None]], "dict[str, Any] | None"]


def handler(request: Received) -> Handler | None:
    """What answers a request, or None when moto does.

    Raises:
        AwsError: moto would take what AWS refuses.
    """
    if request.service != "sagemaker":
        return None
    if request.operation == "CreateModelPackageGroup":
        new_group(request)
    if request.operation in TAGS:
        return TAGS[request.operation] if ":training-job/" in request.params.get("ResourceArn", "") else None
    return OPERATIONS.get(request.operation)


def jobs(region: str) -> dict[str, Job]:
    """moto's table."""
    return sagemaker_backends[ACCOUNT][region].training_jobs


def create(request: Received, start: Callable[[Job], None]) -> dict[str, Any]:
    """CreateTrainingJob."""
    given, table = request.params, jobs(request.region)
    check(given)
    name = given["TrainingJobName"]
    arn = f"arn:aws:sagemaker:{request.region}:{ACCOUNT}:training-job/{name}"
    assumable(given["RoleArn"])
    job = Job(given, arn)
    if table.setdefault(name, job) is not job:  # one step: two requests at once have one winner
        raise AwsError(
            "ResourceInUse",
            "Training job names must be unique within an AWS account and region, and a training job with this name "
            f"already exists ({arn})",
        )
    start(job)
    return {"TrainingJobArn": arn}


def assumable(role_arn: str) -> None:
    """Whether SageMaker may take the role."""
    try:
        role = iam_backends[ACCOUNT]["aws"].get_role_by_arn(role_arn)
        trust = json.loads(role.assume_role_policy_document)
        services = [(s["Effect"], s.get("Principal", {}).get("Service", [])) for s in trust["Statement"]]
        trusted = any(
            e == "Allow" and "sagemaker.amazonaws.com" in ([p] if isinstance(p, str) else p) for e, p in services
        )
    except NotFoundException:
        trusted = False
    if not trusted:
        raise AwsError(
            "ValidationException",
            f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
            "'sagemaker.amazonaws.com' to assume the role.",
        )


def describe(request: Received, _: Any) -> dict[str, Any]:
    """DescribeTrainingJob."""
    return _job(request).describe()


def stop(request: Received, _: Any) -> None:
    """StopTrainingJob."""
    job = _job(request)
    if not job.stop():
        message = f"The request was rejected because the training job is in status {job.status}."
        raise AwsError("ValidationException", message)


def listing(request: Received, _: Any) -> dict[str, Any]:
    """ListTrainingJobs: filters first, pages afterwards (moto does it the other way round)."""
    given = request.params
    found = [job.summary() for job in list(jobs(request.region).values())]
    for name, key, after in (
        ("CreationTimeAfter", "CreationTime", True),
        ("CreationTimeBefore", "CreationTime", False),
        ("LastModifiedTimeAfter", "LastModifiedTime", True),
        ("LastModifiedTimeBefore", "LastModifiedTime", False),
    ):
        if name in given:
            found = [row for row in found if (row[key] > given[name]) == after]
    if "NameContains" in given:
        found = [row for row in found if given["NameContains"] in row["TrainingJobName"]]
    if "StatusEquals" in given:
        found = [row for row in found if row["TrainingJobStatus"] == given["StatusEquals"]]
    order = {"Name": "TrainingJobName", "Status": "TrainingJobStatus"}.get(given.get("SortBy", ""), "CreationTime")
    found.sort(key=lambda row: row[order], reverse=given.get("SortOrder") == "Descending")
    first, size = int(given.get("NextToken", 0)), given.get("MaxResults", 10)
    more = {"NextToken": str(first + size)} if first + size < len(found) else {}
    return {"TrainingJobSummaries": found[first : first + size], **more}


def add_tags(request: Received, _: Any) -> dict[str, Any]:
    """AddTags: a key that is there gets the new value (moto would have it twice)."""
    job = _tagged(request)
    new = {tag["Key"]: tag["Value"] for tag in request.params["Tags"]}
    with job.lock:
        merged = {tag["Key"]: tag["Value"] for tag in job.tags} | new
        if len(merged) > 50:
            raise AwsError("ResourceLimitExceeded", "Too many tags: a resource has at most 50")
        check(job.request | {"Tags": [{"Key": key, "Value": value} for key, value in new.items()]})
        job.tags = [{"Key": key, "Value": value} for key, value in merged.items()]
    return {"Tags": job.tags}


def list_tags(request: Received, _: Any) -> dict[str, Any]:
    """ListTags."""
    return {"Tags": _tagged(request).tags}


def delete_tags(request: Received, _: Any) -> dict[str, Any]:
    """DeleteTags."""
    job = _tagged(request)
    job.tags = [tag for tag in job.tags if tag["Key"] not in request.params["TagKeys"]]
    return {}


def new_group(request: Received) -> None:
    """CreateModelPackageGroup: a name is used once (moto takes it twice)."""
    name = request.params.get("ModelPackageGroupName")
    if name in sagemaker_backends[ACCOUNT][request.region].model_package_groups:
        arn = f"arn:aws:sagemaker:{request.region}:{ACCOUNT}:model-package-group/{name}"
        raise AwsError("ValidationException", f"Model Package Group already exists: {arn}")


OPERATIONS: dict[str, Handler] = {
    "CreateTrainingJob": create,
    "DescribeTrainingJob": describe,
    "StopTrainingJob": stop,
    "ListTrainingJobs": listing,
}
TAGS: dict[str, Handler] = {"AddTags": add_tags, "ListTags": list_tags, "DeleteTags": delete_tags}


def _job(request: Received) -> Job:
    name = request.params.get("TrainingJobName")
    found = jobs(request.region).get(name or "")
    if found is None:
        raise AwsError("ValidationException", "Requested resource not found.")
    return found


def _tagged(request: Received) -> Job:
    arn = request.params["ResourceArn"]
    found = next((job for job in jobs(request.region).values() if job.arn == arn), None)
    if found is None:
        raise AwsError("ValidationException", "Requested resource not found.")
    return found
