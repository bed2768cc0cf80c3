"""Old versions in a bucket: every folder below `datasets/` is one, with its files and a metadata.json."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import botocore.exceptions as aws

from dataops.errors import DataOpsError, Refused
from dataops.store import manifest
from dataops.store.dvcconfig import EMBEDDED, Remote
from dataops.store.objects import Progress, Store, silent
from dataops.store.refusals import explain
from dataops.store.s3objects import BROKEN, S3Store
from dataops.versions.importing import metadata
from dataops.versions.importing.old import Old, OldFile, Stated

METADATA = "metadata.json"
MOVING = ("latest", "current", "greatest")  # what names another version
ADDRESS = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)
THREADS = 16
ATTEMPTS = 3
GONE = ("404", "NoSuchKey", "NotFound")
BLOCK = 1 << 20
SHOWN = 60


@dataclass(frozen=True)
class Listed:
    """One object as a listing has it."""

    path: str
    """Below the URL, or below its version."""
    size: int
    etag: str
    time: dt.datetime


@dataclass(frozen=True)
class Bucket:
    """A way to read what lies on S3, in this bucket or another that the same account reaches."""

    remote: Remote
    """Its URL is where reading starts."""

    @cached_property
    def client(self) -> Any:
        """boto3's, shared by threads."""
        return S3Store(self.remote).client

    def listing(self) -> list[Listed]:
        """Every object below the URL.

        Raises:
            DataOpsError: it can't be listed.
        """
        start = f"{self.remote.prefix}/" if self.remote.prefix else ""
        try:
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.remote.bucket, Prefix=start)
            return [
                Listed(one["Key"][len(start) :], int(one["Size"]), str(one["ETag"]).strip('"'), one["LastModified"])
                for page in pages
                for one in page.get("Contents", ())
            ]
        except BROKEN as error:
            raise self._explained(error, "list") from None

    def content(self, key: str, most: int) -> bytes:
        """An object below the URL; of one that is larger, `most` bytes and one more."""
        bucket, full = address(self.uri(key))
        try:
            answer = self.client.get_object(Bucket=bucket, Key=full)
            return bytes(answer["Body"].read(most + 1))
        except BROKEN as error:
            raise self._explained(error, "read") from None

    def head(self, uri: str) -> OldFile | None:
        """The object at an address; None where it is gone."""
        bucket, key = address(uri)
        try:
            found = self.client.head_object(Bucket=bucket, Key=key)
        except aws.ClientError as error:
            if str(error.response.get("Error", {}).get("Code", "")) in (*GONE, "NoSuchBucket"):
                return None
            raise explain(error, "read", replace(self.remote, url=uri)) from None
        except BROKEN as error:
            raise explain(error, "read", replace(self.remote, url=uri)) from None
        return OldFile(key.rpartition("/")[2], int(found["ContentLength"]), uri, str(found["ETag"]).strip('"'))

    def copy(self, file: OldFile, target: Path) -> None:
        """Fetch an object, if it is still the one that was listed; a broken connection is tried again."""
        bucket, key = address(file.place)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with target.open("wb") as out:
                    body = self.client.get_object(Bucket=bucket, Key=key, IfMatch=f'"{file.etag}"')["Body"]
                    for block in body.iter_chunks(BLOCK):
                        out.write(block)
            except aws.ClientError as error:
                code = str(error.response.get("Error", {}).get("Code", ""))
                if code == "InvalidObjectState":
                    raise Refused(f"{file.path} is archived", "`aws s3api restore-object` brings it back") from None
                if code in (*GONE, "PreconditionFailed", "412"):
                    message = f"{file.place} was changed or deleted while it was read"
                    raise DataOpsError(message, "run this again") from None
                raise explain(error, "read", replace(self.remote, url=file.place)) from None
            except BROKEN as error:
                if isinstance(error, OSError) and error.filename:
                    raise DataOpsError(f"can't write {error.filename}: {error.strerror}") from None
                if attempt == ATTEMPTS:
                    raise explain(error, "read", replace(self.remote, url=file.place)) from None
            else:
                return

    def uri(self, key: str = "") -> str:
        """Where a key below the URL lies."""
        return f"{self.remote.url.rstrip('/')}/{key}"

    def _explained(self, error: Exception, doing: str) -> DataOpsError:
        found = explain(error, doing, self.remote)
        if self.remote.name == EMBEDDED and found.message.startswith("there is no bucket"):
            hint = "it was looked for on the embedded S3, as that is this clone's remote; --profile asks Amazon's"
            return DataOpsError(found.message, hint)
        return found


def address(uri: str) -> tuple[str, str]:
    """Bucket and key.

    Raises:
        DataOpsError: it is no S3 address.
    """
    found = ADDRESS.fullmatch(uri)
    if found is None:
        raise DataOpsError(f"{uri[:SHOWN]!r} is no S3 address", "write s3://bucket/datasets/")
    return found[1], found[2] or ""


def reach(uri: str, like: Store, endpoint_url: str | None, profile: str | None) -> Bucket:
    """The bucket of an address: signed in as the DVC remote is, unless an endpoint or a profile is named.

    Raises:
        DataOpsError: it is no S3 address.
    """
    address(uri)
    if endpoint_url or profile or not isinstance(like, S3Store):
        return Bucket(Remote("import", uri.rstrip("/"), endpoint_url, profile=profile))
    return Bucket(replace(like.remote, url=uri.rstrip("/")))


def versions(bucket: Bucket, artifact: str, progress: Progress = silent) -> tuple[list[Old], list[str]]:
    """The versions below the URL, oldest first; and notes on what is none.

    Raises:
        DataOpsError: the bucket can't be read.
    """
    folders: dict[str, list[Listed]] = {}
    notes = []
    for one in bucket.listing():
        name, inside, path = one.path.partition("/")
        if inside:
            folders.setdefault(name, []).append(replace(one, path=path))
        elif name and name.lower() not in MOVING:
            notes.append(f"{name} lies beside the versions, and belongs to none")
    _require_folder_of_versions(bucket, folders)
    notes += [f"{name}/ is passed over: it names another version" for name in folders if name.lower() in MOVING]
    wanted = {name: found for name, found in folders.items() if name.lower() not in MOVING}

    def read(item: tuple[str, list[Listed]]) -> Old:
        return version(bucket, artifact, *item)

    found = []
    with ThreadPoolExecutor(THREADS) as pool:
        for old in pool.map(read, wanted.items()):
            found.append(old)
            progress(len(found), len(wanted), "metadata")
    return sorted(found, key=lambda old: (old.time, old.name)), notes


def _require_folder_of_versions(bucket: Bucket, folders: Mapping[str, Sequence[Listed]]) -> None:
    """Raise where what lies there are folders of versions, or DVC's own objects."""
    if any(one.path == METADATA for listed in folders.values() for one in listed):
        return
    for name, listed in folders.items():
        deeper = any(one.path.count("/") == 1 and one.path.endswith(f"/{METADATA}") for one in listed)
        if deeper or (name == "files" and all(one.path.startswith("md5/") for one in listed)):
            hint = f"{bucket.uri(f'{name}/')} has some" if deeper else "that is a remote of DVC's"
            raise DataOpsError(f"{bucket.uri()} is no folder of versions", hint)


def version(bucket: Bucket, artifact: str, name: str, listed: Sequence[Listed]) -> Old:
    """One folder."""
    raw, said = b"", metadata.Metadata()
    objects = {one.path: one for one in listed if one.path and not one.path.endswith("/")}
    if METADATA in objects:
        raw = bucket.content(f"{name}/{METADATA}", metadata.LARGEST)
        said = metadata.parse(raw)
    meant = metadata.matched([one for one in said.files if one != METADATA], objects)
    stated = {path: said.files[given] for given, path in meant.items()}
    damage = [*name_problems(name), *said.problems]
    damage += [
        f"{one} is missing, which {METADATA} lists" for one in said.files if one not in meant and one != METADATA
    ]
    files = []
    for path, one in sorted(objects.items()):
        if path == METADATA:
            continue
        if wrong := manifest.unsafe(path):
            damage.append(f"the object {path[:SHOWN]!r} is left out: {wrong}")
            continue
        files.append(OldFile(path, one.size, bucket.uri(f"{name}/{path}"), one.etag, stated.get(path, Stated())))
        if files[-1].stated.size not in (None, one.size):
            damage.append(f"{path} has {one.size:,} bytes, {METADATA} says {files[-1].stated.size:,}")
    hopeless = "" if files else "it is empty"
    if not name.isprintable():
        hopeless = "its name can't be written"
    if clash := manifest.clash(file.path for file in files):
        hopeless = f"no folder can hold it: {clash}"
    modified = max(one.time for one in objects.values() or listed)
    return Old(
        artifact,
        "dataset",
        name,
        said.time or modified.astimezone(dt.UTC).replace(microsecond=0),
        bucket.uri(f"{name}/"),
        tuple(files),
        author=said.author,
        message=said.message,
        document=said.document,
        raw=raw if said.document else b"",
        damage=tuple(damage),
        hopeless=hopeless,
    )


def name_problems(name: str) -> Iterator[str]:
    """What keeps an old name from being one that git could have."""
    bad = re.search(r"[\x00-\x20\x7f~^:?*\[\\@#]|\.\.|^[-.]|\.$|\.lock$", name)
    if bad:
        yield f"its name {name[:SHOWN]!r} could be no name in git"
