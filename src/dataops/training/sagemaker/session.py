"""Signing in to AWS: one session, clients that wait when told to slow down, errors that say what to do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from dataops import settings
from dataops.errors import DataOpsError
from dataops.settings import TABLE
from dataops.training.sagemaker.refusals import explain

AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
ATTEMPTS = 10  # throttled calls are made again, each time later


@dataclass(frozen=True)
class Session:
    """An account and a region."""

    boto: boto3.Session
    region: str
    attempts: int = ATTEMPTS
    _made: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def client(self, service: str) -> Any:
        """The boto3 client of `service`, made once. Its endpoint follows AWS_ENDPOINT_URL*, as boto3's clients do."""
        if service not in self._made:
            attempts = min(2, self.attempts) if service == "logs" else self.attempts  # a log's next call has it all
            config = Config(
                connect_timeout=5, read_timeout=60, retries={"total_max_attempts": attempts, "mode": "standard"}
            )
            with explained(f"call {service}"):
                self._made[service] = self.boto.client(service, region_name=self.region, config=config)
        return self._made[service]

    @cached_property
    def is_aws(self) -> bool:
        """Whether SageMaker is Amazon's own, and not a server that stands in for it."""
        return is_aws(self.client("sagemaker").meta.endpoint_url)


def sign_in(chosen: settings.SageMaker, profile: str | None = None, region: str | None = None) -> Session:
    """The session that the settings name; `profile` and `region` are the DVC remote's, where the settings have none.

    Raises:
        DataOpsError: the profile doesn't exist, or nothing names a region.
    """
    with explained("sign in"):
        boto = boto3.Session(
            profile_name=chosen.profile or profile or None, region_name=chosen.region or region or None
        )
    if not boto.region_name:
        raise DataOpsError(
            "which AWS region? Nothing names one",
            f'region = "eu-central-1" under {TABLE}, or AWS_DEFAULT_REGION',
        )
    return Session(boto, boto.region_name)


def is_aws(url: str | None) -> bool:
    """Whether an endpoint is one of Amazon's; None is what boto3 makes of it, which is."""
    return url is None or (urlsplit(url).hostname or "").endswith(AWS)


@contextlib.contextmanager
def explained(doing: str) -> Iterator[None]:
    """Whatever AWS or boto3 refuses inside becomes one line and a hint.

    Raises:
        DataOpsError: it was refused.
    """
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise explain(error, doing) from None
