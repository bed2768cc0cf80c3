"""S3 clients that take nothing from the environment they weren't meant to, and errors a person can act on."""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from dataops.errors import DataOpsError
from dataops.store.dvcconfig import Remote
from dataops.store.refusals import explain

# botocore's (name in ~/.aws/config, environment variable, default, conversion): nothing from either of the first two.
SEALED = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_loopback(endpoint_url: str | None) -> bool:
    """Whether the address is this machine and no other."""
    return bool(endpoint_url) and urlsplit(endpoint_url).hostname in LOOPBACK


def client(remote: Remote, attempts: int = 3, connections: int = 10) -> Any:
    """A boto3 S3 client for a DVC remote, as DVC itself would sign in, with so many connections kept open.

    With the remote's own keys, AWS_PROFILE and ~/.aws are not looked at. Loopback goes past any proxy. The endpoint is
    the remote's or AWS's: AWS_ENDPOINT_URL isn't in the repository, so nothing may depend on it.

    Raises:
        DataOpsError: the profile doesn't exist, or the endpoint is no address.
    """
    core = botocore.session.Session(session_vars=SEALED if remote.access_key_id else None)
    config = Config(
        connect_timeout=5,
        read_timeout=60,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        max_pool_connections=connections,
        signature_version=UNSIGNED if remote.anonymous else None,
        ignore_configured_endpoint_urls=True,
        proxies={} if is_loopback(remote.endpoint_url) else None,
    )
    try:
        session = boto3.Session(
            aws_access_key_id=remote.access_key_id,
            aws_secret_access_key=remote.secret_access_key,
            aws_session_token=remote.session_token,
            profile_name=None if remote.access_key_id else remote.profile,
            botocore_session=core,
        )
        return session.client(
            "s3", endpoint_url=remote.endpoint_url, region_name=remote.region, verify=remote.verify, config=config
        )
    except (BotoCoreError, ValueError) as error:
        raise explain(error, "sign in", remote) from None


def probe(remote: Remote) -> None:
    """List, put, read back and delete one small object below the remote's prefix: what DVC will have to do.

    Raises:
        DataOpsError: any of it fails; one line says which and why.
    """
    s3 = client(remote, attempts=2)
    place = {"Bucket": remote.bucket}
    key = "/".join(part for part in (remote.prefix, f".dataops-probe-{secrets.token_hex(8)}") if part)
    content = secrets.token_bytes(64)
    doing = "list"
    written = False
    try:
        s3.list_objects_v2(**place, Prefix=remote.prefix, MaxKeys=1)
        doing = "write"
        s3.put_object(**place, Key=key, Body=content)
        doing, written = "read", True
        if s3.get_object(**place, Key=key)["Body"].read() != content:
            raise DataOpsError(f"{remote.url} gave back other bytes than were written", "is this an S3 server?")
        doing, written = "delete", False
        s3.delete_object(**place, Key=key)
    except (BotoCoreError, ClientError) as error:
        raise explain(error, doing, remote, leftover=key if doing == "delete" else "") from None
    finally:
        if written:  # reading failed: don't leave the probe behind
            with contextlib.suppress(BotoCoreError, ClientError):
                s3.delete_object(**place, Key=key)


def ready(s3: Any, bucket: str, *, write: bool) -> None:
    """Make sure that `bucket` is there and, with `write`, takes objects: weed lists before it can store.

    Raises:
        BotoCoreError, ClientError: not yet.
    """
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in ("404", "NoSuchBucket"):
            raise
        s3.create_bucket(Bucket=bucket)
    if write:
        s3.put_object(Bucket=bucket, Key=".dataops-ready", Body=b"ready")  # an empty one would touch no volume
