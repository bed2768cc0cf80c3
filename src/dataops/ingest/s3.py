"""The source `s3`: the data files below a prefix; what did not change since the last time is not fetched again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  botocore's own
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)

from dataops.errors import DataOpsError
from dataops.ingest.names import refuse_hostile, sanitised
from dataops.ingest.source import Context, Incoming, Taken
from dataops.tables.sources import is_source

THREADS = 8
CREDENTIALS = "set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --profile"
CODES = {
    "NoSuchBucket": ("there is no such bucket", "check its name, and --endpoint-url"),
    "AccessDenied": ("access denied", "it needs s3:ListBucket on the bucket and s3:GetObject on the objects"),
    "403": ("access denied", "it needs s3:GetObject on the objects"),
    "AllAccessDisabled": ("access denied", "it needs s3:ListBucket on the bucket and s3:GetObject on the objects"),
    "InvalidAccessKeyId": ("the access key is unknown", CREDENTIALS),
    "SignatureDoesNotMatch": ("the secret key is wrong", CREDENTIALS),
    "ExpiredToken": ("the credentials have expired", "sign in again, as with `aws sso login`"),
    "PermanentRedirect": ("the bucket is in another region", "set AWS_REGION to it"),
    "InvalidObjectState": ("an object is archived (Glacier)", "restore it first: `aws s3api restore-object`"),
    "404": ("an object disappeared while it was read", "run this again"),
    "NoSuchKey": ("an object disappeared while it was read", "run this again"),
}


@dataclass(frozen=True)
class Found:
    """An object to fetch."""

    key: str
    name: str
    size: int
    etag: str


@dataclass(frozen=True)
class S3:
    """A prefix, and how to reach it."""

    address: str
    endpoint_url: str | None = None
    profile: str | None = None
    kind = "s3"

    def take(self, context: Context) -> Taken:
        """Fetch the objects of known suffixes whose ETag and size no batch has.

        Raises:
            DataOpsError: bucket, credentials or network are at fault, the prefix holds no data, or a key is hostile.
        """
        bucket, _, prefix = self.address.removeprefix("s3://").partition("/")
        taken = Taken(description=self.address)
        known = {(file.etag, file.bytes) for batch in context.existing for file in batch.manifest.files if file.etag}
        try:
            client = self._client()
            found = _listed(client, bucket, prefix, taken)
            new = [one for one in found if (one.etag, one.size) not in known]
            taken.unchanged = len(found) - len(new)
            if not context.dry_run:
                _fetch(client, bucket, new, context)
        except (BotoCoreError, ClientError, Boto3Error, ValueError) as error:
            raise _explained(error, self.address) from None
        for number, one in enumerate(new):
            path = None if context.dry_run else _place(context.work, number, one)
            if path and path.stat().st_size != one.size:
                raise DataOpsError(
                    f"{one.key} has {path.stat().st_size} bytes, {one.size} were listed", "run this again"
                )
            taken.files.append(Incoming(one.name, path, size=one.size, etag=one.etag))
        return taken

    def _client(self) -> Any:
        config = Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=10, max_pool_connections=32)
        session = boto3.Session(profile_name=self.profile)
        region = session.region_name or "us-east-1"
        return session.client("s3", endpoint_url=self.endpoint_url, config=config, region_name=region)


def _listed(client: Any, bucket: str, prefix: str, taken: Taken) -> list[Found]:
    """The data files below the prefix."""
    base = len(prefix[: prefix.rfind("/") + 1])
    found = []
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            key, name = item["Key"], item["Key"][base:]
            if key.endswith("/"):
                continue  # what consoles put where a folder should be
            refuse_hostile(name, f"s3://{bucket}")
            if not is_source(name) or any(part.startswith(".") for part in name.split("/")):
                taken.skipped.append(name)
            else:
                found.append(Found(key, name, item["Size"], item["ETag"].strip('"')))
    if not found:
        raise DataOpsError(
            f"s3://{bucket}/{prefix} holds no data files"
            + (f" ({len(taken.skipped)} others)" if taken.skipped else ""),
            "check the prefix: it is compared with the beginning of each key",
        )
    return found


def _fetch(client: Any, bucket: str, new: list[Found], context: Context) -> None:
    """Download in parallel; boto3's transfer manager splits large objects and checks their checksums."""
    with ThreadPoolExecutor(THREADS) as pool:
        waiting = [
            pool.submit(client.download_file, bucket, one.key, str(_place(context.work, number, one)))
            for number, one in enumerate(new)
        ]
        try:
            for number, future in enumerate(waiting):
                future.result()
                context.progress(number + 1, len(new), "fetching objects")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _place(work: Path, number: int, one: Found) -> Path:
    return work / f"{number:06d}-{sanitised(one.name).rpartition('/')[2]}"


def _explained(error: Exception, address: str) -> DataOpsError:
    """One line for what can go wrong on the way to S3."""
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return DataOpsError(f"{address}: no credentials", CREDENTIALS)
    if isinstance(error, ProfileNotFound):
        return DataOpsError(f"{address}: {error}", "`aws configure list-profiles` shows what there is")
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        said, hint = CODES.get(code, (str(error.response.get("Error", {}).get("Message") or code), ""))
        return DataOpsError(f"{address}: {said}", hint)
    if isinstance(error, ConnectionError | HTTPClientError):
        return DataOpsError(f"{address}: the server cannot be reached", "check the network, and --endpoint-url")
    return DataOpsError(f"{address}: {' '.join(str(error).split())[:200]}", "the form is s3://bucket/prefix")
