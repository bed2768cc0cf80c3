"""Telling AWS of a released model: its job's tags and a model package. Killed anywhere and run again, it finishes.

    tag the job ─ make the group ─ look for the package ─ make the package

Nothing is made twice: a tag replaces itself; a package is known by its git tag and commit, which it carries as
CustomerMetadataProperties; and two who look at the same time send the same ClientToken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from dataops import settings
from dataops.errors import DataOpsError
from dataops.lineage.training import Trained
from dataops.repo.cardtext import sane
from dataops.repo.registry import Version
from dataops.training.sagemaker import refusals, released
from dataops.training.sagemaker.arns import Arn
from dataops.training.sagemaker.released import Plan
from dataops.training.sagemaker.session import Session, explained, sign_in
from dataops.versions.context import Context

ATTEMPTS = 5  # somebody waits for it, and it is easily repeated
PAGE = 100  # model packages at once, the most that AWS lists


@dataclass(frozen=True)
class Registered:
    """What AWS knows now."""

    plan: Plan
    package: str | None = None
    """The model package's ARN; None without a group."""
    status: str = ""
    """Its approval, as `PendingManualApproval`."""
    made: bool = False
    """Whether it is new."""
    made_group: bool = False


def register(context: Context, chosen: settings.SageMaker, trained: Trained) -> Registered:
    """Tag the model's training job, and register the model where the settings name a group.

    Raises:
        Refused: it wasn't trained on SageMaker, or not on released data.
        DataOpsError: the record lacks something, or AWS refuses.
    """
    plan = released.plan(trained, chosen.model_package_group)
    client = session(context, chosen, plan.job).client("sagemaker")
    with explained(f"tag the training job {plan.job.name}"):
        pairs = [{"Key": key, "Value": value} for key, value in plan.tags.items()]
        client.add_tags(ResourceArn=plan.job.text, Tags=pairs)
    if plan.package is None:
        return Registered(plan)
    group, properties = plan.package["ModelPackageGroupName"], plan.package["CustomerMetadataProperties"]
    made_group = _ensure(client, group)
    for found in _packages(client, group, plan.package["ModelPackageDescription"]):
        if _is(found, properties):
            return Registered(plan, found["ModelPackageArn"], found.get("ModelApprovalStatus", ""), False, made_group)
    with explained(f"register {plan.name} in {group}"):
        arn = client.create_model_package(**plan.package)["ModelPackageArn"]
    return Registered(plan, arn, plan.package["ModelApprovalStatus"], True, made_group)


def version_of(context: Context, chosen: settings.SageMaker, package: Arn) -> Version:
    """The version that a model package was registered as.

    Raises:
        DataOpsError: AWS refuses, or the package is of another repository.
    """
    name = package.name
    found = _described(session(context, chosen, package).client("sagemaker"), package.text)
    if found is None:
        raise DataOpsError(
            f"there is no model package {name} in {package.region}", "check its number, region and account"
        )
    told = found.get("CustomerMetadataProperties") or {}
    if not told.get("git_tag"):
        raise DataOpsError(
            f"the model package {name} has no git_tag", "`dataops release model` registers packages that lead to git"
        )
    git_tag, commit = sane(str(told["git_tag"])), sane(str(told.get("commit") or ""))
    versions = [one for known in context.registry.artifacts.values() for one in known.versions]
    same = [one for one in versions if git_tag in (released.tag_of(one), one.tag)]
    if not same:
        raise DataOpsError(
            f"the model package {name} is {git_tag}, which is no version here",
            "`git fetch --tags`; or --repo names the repository that it is of",
        )
    for one in same:
        if one.commit == commit:
            return one
    raise DataOpsError(
        f"the model package {name} is {git_tag} of commit {commit[:7] or 'nobody knows which'}, "
        f"which is {same[0].commit[:7]} here: it is of another repository",
        "--repo names that repository",
    )


def session(context: Context, chosen: settings.SageMaker, named: Arn) -> Session:
    """Signed in where the job or package is, as the settings say, else as DVC's remote is reached."""
    profile = None
    if context.root is not None and not chosen.profile:
        from dataops.store.s3objects import S3Store

        store = context.store()
        profile = store.remote.profile if isinstance(store, S3Store) else None
    return replace(sign_in(chosen.model_copy(update={"region": named.region}), profile), attempts=ATTEMPTS)


def _ensure(client: Any, group: str) -> bool:
    """Make the group if it isn't there; returns whether it was made."""
    with explained(f"read the model package group {group}"):
        try:
            client.describe_model_package_group(ModelPackageGroupName=group)
        except ClientError as error:
            if not refusals.absent(error):
                raise
        else:
            return False
    if group.startswith("arn:"):
        raise DataOpsError(f"there is no model package group {group}", "its owner makes it; or name one of your own")
    with explained(f"make the model package group {group}"):
        try:
            client.create_model_package_group(
                ModelPackageGroupName=group, ModelPackageGroupDescription="Models released as git tags by dataops"
            )
        except ClientError as error:
            if "already exists" not in str(error):  # another clone was quicker
                raise
            return False
    return True


def _packages(client: Any, group: str, description: str) -> Iterator[Mapping[str, Any]]:
    """Every package of the group in full; those first that are described like this one."""
    with explained(f"list the model packages of {group}"):
        pages = client.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending", MaxResults=PAGE
        )
        listed = [one for page in pages for one in page["ModelPackageSummaryList"]]
    for one in sorted(listed, key=lambda one: one.get("ModelPackageDescription") != description):
        if found := _described(client, one["ModelPackageArn"]):
            yield found


def _described(client: Any, package: str) -> Mapping[str, Any] | None:
    """A model package in full; None where there is none."""
    with explained(f"read the model package {package}"):
        try:
            found: Mapping[str, Any] = client.describe_model_package(ModelPackageName=package)
        except ClientError as error:
            if not refusals.absent(error):
                raise
            return None
    return found


def _is(found: Mapping[str, Any], properties: Mapping[str, str]) -> bool:
    """Whether a package is of this release: a group may hold those of other models and repositories."""
    told = found.get("CustomerMetadataProperties") or {}
    return all(told.get(key) == properties[key] for key in ("git_tag", "commit"))
