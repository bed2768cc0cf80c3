"""ARNs of SageMaker wherever a version is asked for: what a job made, what a model package was registered as."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataops.versions.context import Context

START = "arn:aws"
NAMES = ("version", "old", "new")  # what commands call the versions that they are asked for


def named(arguments: argparse.Namespace) -> argparse.Namespace:
    """The arguments with versions in place of ARNs; a job whose model nobody released is a commit and a path in it.

    Raises:
        DataOpsError: an ARN is none of SageMaker's, or leads to nothing in this repository.
    """
    given = {name: getattr(arguments, name, None) or "" for name in NAMES}
    asked = {name: value for name, value in given.items() if value.startswith(START)}
    if not asked:
        return arguments
    from dataops.versions import context

    url = getattr(arguments, "repo", None)
    there = context.there(url) if url else context.here()
    for name, value in asked.items():
        found, path = meant(there, value)
        setattr(arguments, name, found)
        if path is not None and getattr(arguments, "path", "") is None:
            arguments.path = path
    return arguments


def meant(there: Context, arn: str) -> tuple[str, str | None]:
    """The version of an ARN by a name of it; git alone knows the jobs, AWS is asked for a model package."""
    from dataops.lineage import jobs
    from dataops.training.sagemaker import arns

    found = arns.parse(arn)
    if found.kind == arns.JOB:
        return jobs.find(there, found.text)
    from dataops import settings
    from dataops.training.sagemaker import registry

    chosen = settings.load(there.root).train.sagemaker if there.root else settings.SageMaker()
    return registry.version_of(there, chosen, found).name, None
