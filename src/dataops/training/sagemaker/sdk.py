"""The one call that goes through the SageMaker SDK: starting a job. It is an extra, so it is imported here alone.

Its ModelTrainer isn't used: that puts the time into a job's name, and a name that follows from the inputs is what keeps
a model from being paid for twice.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from botocore import xform_name

from dataops.errors import DataOpsError
from dataops.settings import TABLE
from dataops.training.sagemaker.session import Session
from dataops.versions.wording import clean

OPT_OUT = Path(".sagemaker/config.yaml")
CONFIGURED_BY = ("SAGEMAKER_USER_CONFIG_OVERRIDE", "SAGEMAKER_ADMIN_CONFIG_OVERRIDE")
SCIKIT_LEARN = "1.9-0"  # the version of AWS's image
FREE = ("HyperParameters", "Environment")  # their keys are the user's


def require() -> None:
    """The SDK is there; nothing is imported of it yet.

    Raises:
        DataOpsError: it isn't.
    """
    if find_spec("sagemaker") is None or find_spec("sagemaker.core") is None:
        raise DataOpsError(
            "the SageMaker SDK is not installed",
            "`make train-sagemaker` installs it and trains (pip: requirements/sagemaker.txt)",
        )


def create(session: Session, request: Mapping[str, Any]) -> None:
    """Send the request, and nothing but the request: defaults from a configuration file of the SDK's are not added.

    Raises:
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError: AWS won't, or can't be reached.
        DataOpsError: the SDK takes the request for wrong, or would send another one.
    """
    _configure()
    from pydantic import ValidationError
    from sagemaker.core.resources import Base, TrainingJob

    client = Base.get_sagemaker_client(session=session.boto, region_name=session.region)
    client.meta.events.register("provide-client-params.sagemaker.CreateTrainingJob", _unchanged(request))
    try:
        TrainingJob.create(session=session.boto, region=session.region, **_snake(request))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DataOpsError(f"the SageMaker SDK refuses the request: {where}: {first['msg']}") from None


def default_image(region: str, instance_type: str) -> str:
    """The address of AWS's scikit-learn image in a region.

    Raises:
        DataOpsError: the SDK isn't there to look it up, or knows none.
    """
    require()
    _configure()
    from sagemaker.core import image_uris

    try:
        return str(
            image_uris.retrieve(
                "sklearn", region, version=SCIKIT_LEARN, instance_type=instance_type, image_scope="training"
            )
        )
    except ValueError as error:
        hint = f"check instance_type and region under {TABLE}, or name an image of your own there"
        raise DataOpsError(f"AWS's scikit-learn image: {clean(str(error))}", hint) from None


def _configure() -> None:
    """No telemetry, whatever the account's own configuration says, and no defaults that a plan wouldn't show."""
    for name in CONFIGURED_BY:
        os.environ[name] = str(OPT_OUT.resolve())


def _unchanged(request: Mapping[str, Any]) -> Any:
    """A hook of botocore's that lets only this request through."""

    def check(params: Mapping[str, Any], **_: object) -> None:
        if params["TrainingJobName"] == request["TrainingJobName"] and params != request:
            names = sorted(name for name in {*params, *request} if params.get(name) != request.get(name))
            raise DataOpsError(f"the SageMaker SDK would send another {', '.join(names)} than was planned")

    return check


def _snake(value: Any) -> Any:
    """The names of the API as the SDK's Python names: VolumeSizeInGB is volume_size_in_gb."""
    if isinstance(value, list):
        return [_snake(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {xform_name(name): item if name in FREE else _snake(item) for name, item in value.items()}
