"""A remote on S3: DVC's objects by head, ranged get, put and listing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import botocore.exceptions as aws
import urllib3
from boto3.exceptions import Boto3Error

from dataops.errors import DataOpsError
from dataops.store.dvcconfig import Remote
from dataops.store.objects import BLOCK, Body, BrokenReadError, Head, MissingObjectError, Object, object_of
from dataops.store.refusals import explain

CONNECTIONS = 32
ALGORITHMS = ("SHA256", "SHA1", "CRC32", "CRC32C", "CRC64NVME")
GONE = ("404", "NoSuchKey", "NotFound")
BROKEN = (aws.BotoCoreError, aws.ClientError, Boto3Error, urllib3.exceptions.HTTPError, OSError)
Answer = TypeVar("Answer")


class S3Store:
    """A bucket and prefix as DVC's remote. The client is made when it is first needed: signing in may cost seconds."""

    kind = "s3"

    def __init__(self, remote: Remote, options: Mapping[str, str] | None = None) -> None:
        self.remote = remote
        self.url = remote.url.rstrip("/")
        self.bucket, self.prefix = remote.bucket, remote.prefix
        self._options = options or {}
        self._client: Any = None
        self._lock = threading.Lock()
        self._keys: dict[str, str] = {}  # digest: the key it was found at
        self._bucket_is_there = False

    @property
    def client(self) -> Any:
        """The boto3 client, shared by threads."""
        with self._lock:
            if self._client is None:
                from dataops.store import s3

                self._client = s3.client(self.remote, connections=CONNECTIONS)
            return self._client

    def key(self, obj: Object) -> str:
        """The object's key in the bucket: where it was found, else where it is likeliest."""
        return self._full(self._keys.get(obj.digest, obj.keys[0]))

    def head(self, obj: Object) -> Head | None:
        """What S3 says of it, checksums included."""
        for key in self._places(obj):
            try:
                answer = self.client.head_object(Bucket=self.bucket, Key=self._full(key), ChecksumMode="ENABLED")
            except aws.ClientError as error:
                if _code(error) in GONE:
                    continue
                raise explain(self._reason(error, key), "read", self.remote) from None
            except BROKEN as error:
                raise explain(error, "read", self.remote) from None
            self._keys[obj.digest] = key
            return _head(answer, key)
        self._require_bucket()
        return None

    def _reason(self, error: aws.ClientError, key: str) -> aws.ClientError:
        """The same refusal with its code: the answer to a HEAD has no body that could say "ExpiredToken"."""
        try:
            self.client.get_object(Bucket=self.bucket, Key=self._full(key), Range="bytes=0-0")
        except aws.ClientError as told:
            return error if _code(told) in GONE else told
        except BROKEN:
            pass
        return error

    def read(self, obj: Object, start: int = 0, end: int | None = None) -> Body:
        """The bytes of a range; an object that is shorter gives what it has."""
        last = "" if end is None else str(end - 1)
        ranged = {"Range": f"bytes={start}-{last}"} if start or end is not None else {}
        for key in self._places(obj):
            try:
                answer = self.client.get_object(Bucket=self.bucket, Key=self._full(key), **ranged)
            except aws.ClientError as error:
                if _code(error) in GONE:
                    continue
                if _code(error) in ("InvalidRange", "416"):  # as every range of an empty object is
                    return Body(iter(()), 0 if not start else None)
                if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
                    raise self._broken(error, key) from None
                raise explain(error, "read", self.remote) from None
            except BROKEN as error:
                raise explain(error, "read", self.remote) from None
            self._keys[obj.digest] = key
            total = answer.get("ContentRange", "").rpartition("/")[2] or answer["ContentLength"]
            return Body(self._blocks(answer["Body"], key), int(total))
        self._require_bucket()
        raise MissingObjectError(self.url, obj)

    def put(self, obj: Object, path: Path) -> None:
        """Upload; large files in parts."""
        extra = {"ServerSideEncryption": self._options.get("sse"), "SSEKMSKeyId": self._options.get("sse_kms_key_id")}
        given = {name: value for name, value in extra.items() if value}
        key = self._full(obj.keys[0])
        self._call("write", lambda: self.client.upload_file(str(path), self.bucket, key, ExtraArgs=given))
        self._keys.pop(obj.digest, None)

    def delete(self, objs: Sequence[Object]) -> None:
        """Remove a thousand a request."""
        keys = [self._full(obj.keys[0]) for obj in objs]
        for start in range(0, len(keys), 1000):
            batch = [{"Key": key} for key in keys[start : start + 1000]]
            call = partial(self.client.delete_objects, Bucket=self.bucket, Delete={"Objects": batch, "Quiet": True})
            if failed := self._call("delete", call).get("Errors"):
                said = f"{failed[0].get('Code')} {failed[0].get('Message')}".strip()
                message = f"{len(failed)} of {len(batch)} objects can't be deleted at {self.url}: {said}"
                raise DataOpsError(message, "the account needs s3:DeleteObject")

    def listing(self) -> Iterator[tuple[Object, Head]]:
        """Everything below the prefix that has a digest for its name."""
        base = len(self._full(""))
        pages = iter(self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self._full("")))
        while (page := self._call("list", lambda: next(pages, None))) is not None:
            for item in page.get("Contents", ()):
                key, etag = item["Key"][base:], item["ETag"].strip('"')
                if obj := object_of(key, item["Size"]):
                    head = Head(item["Size"], etag, modified=item["LastModified"], multipart="-" in etag, key=key)
                    yield obj, head

    def uri(self, obj: Object) -> str:
        """s3://bucket/prefix/files/md5/…"""
        return f"s3://{self.bucket}/{self.key(obj)}"

    def parts(self, head: Head) -> list[int] | None:
        """Sizes of the parts that a multipart object was uploaded in, where S3 tells: all of them, or the first's."""
        place = {"Bucket": self.bucket, "Key": self._full(head.key)}
        try:
            sizes = self._attributes(place)
        except BROKEN:  # not every server has it, not every account may
            sizes = []
        if sizes and sum(sizes) == head.size:
            return sizes
        try:
            first = int(self.client.head_object(**place, PartNumber=1)["ContentLength"])
        except BROKEN:
            return None
        return cut(head.size, first) if 0 < first < head.size else None

    def _attributes(self, place: Mapping[str, str]) -> list[int]:
        """Every part's size by GetObjectAttributes; empty where S3 doesn't keep them."""
        sizes: list[int] = []
        marker = 0
        while True:
            answer = self.client.get_object_attributes(
                **place, ObjectAttributes=["ObjectParts"], PartNumberMarker=marker, MaxParts=1000
            ).get("ObjectParts", {})
            sizes += [int(part["Size"]) for part in answer.get("Parts", ())]
            following = int(answer.get("NextPartNumberMarker") or 0)
            if not answer.get("IsTruncated") or following <= marker:
                return sizes
            marker = following

    def _blocks(self, body: Any, key: str) -> Iterator[bytes]:
        """The body's bytes, its connection given back at the end."""
        try:
            yield from body.iter_chunks(BLOCK)
        except BROKEN as error:
            raise self._broken(error, key) from None
        finally:
            body.close()

    def _broken(self, error: Exception, key: str) -> BrokenReadError:
        """Bytes that stopped coming."""
        found = explain(error, "read", self.remote)
        return BrokenReadError(f"{key}: {found.message}", found.hint)

    def _call(self, doing: str, call: Callable[[], Answer]) -> Answer:
        """What `call` gives.

        Raises:
            DataOpsError: it failed; one line.
        """
        try:
            return call()
        except BROKEN as error:
            raise explain(_cause(error), doing, self.remote) from None

    def _places(self, obj: Object) -> tuple[str, ...]:
        """Where it may be, the known place first."""
        known = self._keys.get(obj.digest)
        return (known, *(key for key in obj.keys if key != known)) if known else obj.keys

    def _full(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key

    def _require_bucket(self) -> None:
        """HEAD answers 404 alike for a missing key and a missing bucket."""
        if not self._bucket_is_there:
            try:
                self.client.head_bucket(Bucket=self.bucket)
            except aws.ClientError as error:
                if _code(error) in (*GONE, "NoSuchBucket"):
                    raise explain(error, "read", self.remote) from None
            except BROKEN as error:
                raise explain(error, "read", self.remote) from None
            self._bucket_is_there = True


def cut(size: int, part: int) -> list[int]:
    """`size` bytes in parts of `part`, the last what remains."""
    whole, rest = divmod(size, part)
    return [part] * whole + [rest] * (rest > 0)


def _head(answer: Mapping[str, Any], key: str) -> Head:
    """HeadObject's answer."""
    etag = str(answer.get("ETag", "")).strip('"')
    checksums = {name: answer[f"Checksum{name}"] for name in ALGORITHMS if answer.get(f"Checksum{name}")}
    kind = answer.get("ChecksumType") or ""
    return Head(
        size=answer["ContentLength"],
        etag=etag or None,
        checksums=checksums,
        modified=answer.get("LastModified"),
        multipart="-" in etag,
        encryption="SSE-C" if answer.get("SSECustomerAlgorithm") else answer.get("ServerSideEncryption"),
        key=key,
        composite=kind == "COMPOSITE" or (not kind and any("-" in value for value in checksums.values())),
    )


def _code(error: aws.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _cause(error: Exception) -> Exception:
    """boto3's transfer manager hides what S3 said behind an error of its own."""
    inner = error.__cause__ or error.__context__
    return inner if isinstance(error, Boto3Error) and isinstance(inner, aws.BotoCoreError | aws.ClientError) else error
