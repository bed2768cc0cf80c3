"""Amazon's names of training jobs and model packages, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dataops.errors import DataOpsError

JOB = "training-job"
PACKAGE = "model-package"
FORM = re.compile(
    r"arn:aws[a-z-]*:sagemaker:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):(?P<kind>[a-z-]+)/(?P<name>\S+)"
)
LONGEST = 2048  # characters


@dataclass(frozen=True)
class Arn:
    """`arn:aws:sagemaker:REGION:ACCOUNT:KIND/NAME`."""

    text: str
    region: str
    account: str
    kind: str
    name: str


def parse(text: str) -> Arn:
    """The training job or model package that is meant.

    Raises:
        DataOpsError: it is neither.
    """
    match = FORM.fullmatch(text.strip()) if len(text) <= LONGEST else None
    if match is None:
        hint = "as arn:aws:sagemaker:eu-central-1:123456789012:training-job/NAME, or model-package/GROUP/1"
        raise DataOpsError(f"{text[:80]!r} is no ARN of SageMaker's", hint)
    found = Arn(text.strip(), match["region"], match["account"], match["kind"], match["name"])
    if found.kind == "model-package-group":
        raise DataOpsError(
            f"{found.name} is a whole group of model packages", f"name one: …:model-package/{found.name}/1"
        )
    if found.kind not in (JOB, PACKAGE):
        raise DataOpsError(f"{found.kind}/{found.name} is neither a training job nor a model package")
    return found
