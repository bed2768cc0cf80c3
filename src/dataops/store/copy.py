"""Writing readable copies inside S3: each key once, by conditional writes; nothing that is there is ever replaced."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import botocore.exceptions as aws

from dataops.errors import DataOpsError, Refused
from dataops.store.dvcconfig import Remote
from dataops.store.objects import Head, Object
from dataops.store.refusals import explain
from dataops.store.s3objects import BROKEN, S3Store

LARGEST_COPY = 5 << 30  # bytes; S3's limit of one CopyObject
PART = 1 << 30  # of a larger one
BLOCK = 32 << 20  # of an upload: S3 takes 10,000 parts
TAKEN = ("PreconditionFailed", "412", "ConditionalRequestConflict", "409")
BUCKET = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?")
KEY_ID = re.compile(r"(mrk-)?[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # of KMS
Outcome = Literal["written", "there"]


@dataclass(frozen=True)
class Destination:
    """A place in a bucket on the store's own endpoint."""

    store: S3Store
    bucket: str
    prefix: str
    """Without slashes around it; may be empty."""
    kms_key_alias: str = ""
    version: str = ""
    """Goes with every object as `version-id`."""

    def key(self, name: str) -> str:
        """Of a file below it."""
        return f"{self.prefix}/{name}" if self.prefix else name

    def uri(self, name: str = "") -> str:
        """With a final slash where it is a folder: S3 prefixes match every key that *starts with* them."""
        return f"s3://{self.bucket}/{self.key(name)}"

    def content(self, name: str) -> bytes | None:
        """A small file that is there already; None where it isn't."""
        try:
            answer = self.store.client.get_object(Bucket=self.bucket, Key=self.key(name))
            return bytes(answer["Body"].read())
        except aws.ClientError as error:
            if _code(error) in ("NoSuchKey", "404"):
                return None
            raise explain(error, "read", self._named) from None
        except BROKEN as error:
            raise explain(error, "read", self._named) from None

    def sizes(self, start: str) -> dict[str, int]:
        """Bytes of each object whose name begins so, by its name."""
        base = len(self.key(""))
        try:
            pages = self.store.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.key(start)
            )
            return {item["Key"][base:]: int(item["Size"]) for page in pages for item in page.get("Contents", ())}
        except BROKEN as error:
            raise explain(error, "list", self._named) from None

    def copy(self, obj: Object, head: Head, name: str) -> Outcome:
        """Copy an object of the store inside S3; no bytes come through here.

        Raises:
            Refused: another object has the name.
            DataOpsError: S3 won't.
        """
        source = {"Bucket": self.store.bucket, "Key": self.store.key(obj)}
        same = {"CopySourceIfMatch": f'"{head.etag}"'} if head.etag else {}
        digest = f"md5:{obj.digest}"
        if head.size <= LARGEST_COPY:
            call = partial(
                self.store.client.copy_object,
                **self._place(name), CopySource=source, MetadataDirective="REPLACE", IfNoneMatch="*", **same,
                **self._extra(digest),
            )  # fmt: skip
            return self._once(name, digest, head.size, call, etag=head.etag)

        def parts(upload: str) -> list[str]:
            etags: list[str] = []
            for number, start in enumerate(range(0, head.size, PART), 1):
                answer = self.store.client.upload_part_copy(
                    **self._place(name), CopySource=source, UploadId=upload, PartNumber=number, **same,
                    CopySourceRange=f"bytes={start}-{min(start + PART, head.size) - 1}",
                )  # fmt: skip
                etags.append(answer["CopyPartResult"]["ETag"])
            return etags

        return self._once(name, digest, head.size, lambda: self._in_parts(name, digest, parts))

    def put(self, content: bytes, name: str, kind: str = "application/json") -> Outcome:
        """Store a small file.

        Raises:
            Refused, DataOpsError: as for `copy`.
        """
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        call = partial(
            self.store.client.put_object,
            **self._place(name),
            Body=content,
            IfNoneMatch="*",
            ContentType=kind,
            **self._extra(digest),
        )
        return self._once(name, digest, len(content), call)

    def upload(self, path: Path, name: str, sha256: str) -> Outcome:
        """Store a file of any size, in parts, one in memory at a time.

        Raises:
            Refused, DataOpsError: as for `copy`.
        """
        size, digest = path.stat().st_size, f"sha256:{sha256}"
        if size <= BLOCK:
            return self.put(path.read_bytes(), name, "text/csv")

        def parts(upload: str) -> list[str]:
            etags: list[str] = []
            with path.open("rb") as file:
                while block := file.read(BLOCK):
                    answer = self.store.client.upload_part(
                        **self._place(name), UploadId=upload, PartNumber=len(etags) + 1, Body=block
                    )
                    etags.append(answer["ETag"])
            return etags

        def call() -> None:
            if self._head(name) is not None:  # spare the upload that would be refused
                raise _TakenError
            self._in_parts(name, digest, parts, ContentType="text/csv")

        return self._once(name, digest, size, call)

    def _in_parts(self, name: str, digest: str, parts: Callable[[str], list[str]], **more: str) -> None:
        """An upload in parts; what fails is taken back, so that nothing invisible is paid for."""
        client = self.store.client
        upload = client.create_multipart_upload(**self._place(name), **self._extra(digest), **more)["UploadId"]
        try:
            listed = [{"ETag": etag, "PartNumber": number} for number, etag in enumerate(parts(upload), 1)]
            client.complete_multipart_upload(
                **self._place(name), UploadId=upload, MultipartUpload={"Parts": listed}, IfNoneMatch="*"
            )
        except BaseException:
            _quietly(lambda: client.abort_multipart_upload(**self._place(name), UploadId=upload))
            raise

    def _once(self, name: str, digest: str, size: int, call: Callable[[], object], etag: str | None = None) -> Outcome:
        """Write; where the key is taken already, by the same content or not at all."""
        try:
            call()
        except _TakenError:
            pass
        except aws.ClientError as error:
            if _code(error) not in TAKEN:
                raise explain(error, "write", self._named) from None
        except BROKEN as error:
            raise explain(error, "write", self._named) from None
        else:
            return "written"
        found = self._head(name)
        if found is None:  # the condition that failed was the source's
            raise DataOpsError(f"{self.uri(name)} changed or vanished while it was written", "run it again")
        if found["ContentLength"] == size and _same(found, digest, etag):
            return "there"
        said = found.get("Metadata", {}).get("file-hash") or f"ETag {found.get('ETag')}"
        raise Refused(
            f"{self.uri(name)} is there with other content ({said}, not {digest})",
            "a published version is never replaced; `--to s3://…` publishes elsewhere",
        )

    def _head(self, name: str) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = self.store.client.head_object(**self._place(name))
        except aws.ClientError as error:
            if _code(error) in ("404", "NoSuchKey"):
                return None
            raise explain(error, "read", self._named) from None
        except BROKEN as error:
            raise explain(error, "read", self._named) from None
        return found

    @property
    def _named(self) -> Remote:
        """This bucket in the words of an error."""
        return replace(self.store.remote, url=self.uri())

    def _place(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.key(name)}

    def _extra(self, digest: str) -> dict[str, Any]:
        """Metadata (ASCII only), and encryption where settings name a key."""
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        version = self.version.encode("ascii", "replace").decode()
        extra: dict[str, Any] = {"Metadata": {"version-id": version, "upload-timestamp": now, "file-hash": digest}}
        if self.kms_key_alias:
            key = self.kms_key_alias
            named = key.startswith(("alias/", "arn:")) or KEY_ID.fullmatch(key)
            extra |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key if named else f"alias/{key}"}
        return extra


class _TakenError(Exception):
    """The key is there."""


def destination(store: S3Store, url: str, folder: str, kms_key_alias: str, version: str) -> Destination:
    """The folder below `url` (empty: the remote's bucket).

    Raises:
        DataOpsError: it is no S3 URL.
    """
    found = BUCKET.fullmatch(url.rstrip("/") or f"s3://{store.bucket}")
    if not found or not {"", ".", ".."}.isdisjoint((found[2] or "x").split("/")):
        raise DataOpsError(f"{url} is no S3 URL", "write s3://bucket/prefix")
    return Destination(store, found[1], "/".join(filter(None, (found[2], folder))), kms_key_alias, version)


def _same(found: Mapping[str, Any], digest: str, etag: str | None) -> bool:
    """By what we wrote beside it; of an object without that, by a plain md5."""
    noted = found.get("Metadata", {}).get("file-hash")
    if noted:
        return bool(noted == digest)
    plain = str(found.get("ETag", "")).strip('"')
    return plain == etag or f"md5:{plain}" == digest


def _code(error: aws.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _quietly(call: Callable[[], object]) -> None:
    try:
        call()
    except BROKEN:  # the lifecycle rule for incomplete uploads takes it
        return
