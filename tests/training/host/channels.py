"""Brings a job's channels from S3, as SageMaker does in File mode.

After the API reference of S3DataSource: `S3Prefix` takes every key that starts with the string; `ManifestFile` is
`[{"prefix": "s3://bucket/some/"}, "suffix", …]`, one bucket. Where the files appear: for a prefix, the key below the
prefix's last slash; for a manifest the documentation is silent, so `names` chooses: "key" is the whole key (what users
saw, sagemaker-python-sdk issue 723), "suffix" what the manifest lists. The reasons begin as AWS's do ("ClientError:
Data download failed:…", quoted by users); that a key with `//` is refused is AWS's, too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError


class JobFailedError(Exception):
    """Why the job fails, in the words of FailureReason."""


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of an s3:// address."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def download(s3: Any, channel: dict[str, Any], folder: Path, names: str) -> int:
    """Bring one channel into `folder`; the number of files.

    Raises:
        JobFailedError: an object, the manifest or everything below the prefix is missing, or the role may not read it.
    """
    source = channel["DataSource"]["S3DataSource"]
    uri = source["S3Uri"]
    folder.mkdir(parents=True)
    listed = _manifest(s3, uri, names) if source["S3DataType"] == "ManifestFile" else _prefix(s3, uri)
    if not listed:
        raise JobFailedError(
            f'ClientError: Data download failed:No S3 objects found under S3 URL "{uri}" given in input data source. '
            "Please ensure that the bucket exists in the selected region, that objects exist under that S3 prefix, and "
            'that the role has "s3:ListBucket" permissions on the bucket.'
        )
    for bucket, key, name in listed:
        if "//" in key:
            text = f"S3 key: s3://{bucket}/{key} has an illegal char sub-sequence '//' in it"
            raise JobFailedError(f"ClientError: Data download failed:Failed to download data. {text}")
        target = folder / name
        if not target.resolve().is_relative_to(folder.resolve()):
            raise JobFailedError(
                f"ClientError: Data download failed:Failed to download data. S3 key: s3://{bucket}/{key}"
            )
        if key.endswith("/"):
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(read(s3, bucket, key))
    return len(listed)


def read(s3: Any, bucket: str, key: str) -> bytes:
    """One object."""
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        raise JobFailedError(_reason(error, f"s3://{bucket}/{key}")) from None


def _manifest(s3: Any, uri: str, names: str) -> list[tuple[str, str, str]]:
    try:
        prefix, suffixes = _parsed(json.loads(read(s3, *split(uri))))
    except ValueError:
        raise JobFailedError(f"ClientError: Data download failed:Unable to parse the manifest file {uri}") from None
    bucket, start = split(prefix)
    return [(bucket, start + suffix, suffix if names == "suffix" else start + suffix) for suffix in suffixes]


def _parsed(content: Any) -> tuple[str, list[str]]:
    """The prefix and suffixes of a manifest.

    Raises:
        ValueError: it is something else.
    """
    match content:
        case [{"prefix": str(prefix)}, *suffixes] if prefix.startswith("s3://"):
            if all(isinstance(suffix, str) for suffix in suffixes):
                return prefix, suffixes
    raise ValueError("no manifest")


def _prefix(s3: Any, uri: str) -> list[tuple[str, str, str]]:
    bucket, prefix = split(uri)
    below = prefix.rpartition("/")[0]
    below += "/" if below else ""
    try:
        pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix))
    except ClientError as error:
        raise JobFailedError(_reason(error, uri)) from None
    keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
    return [(bucket, key, key[len(below) :]) for key in keys if key != below]


def _reason(error: ClientError, uri: str) -> str:
    found = error.response["Error"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return f"ClientError: Data download failed:{found['Code']} ({status}): {found.get('Message', '')} S3 key: {uri}"
