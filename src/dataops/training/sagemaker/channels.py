"""What a job reads: DVC's objects where they lie, listed by a manifest, or the copy that `dataops publish` made.

A manifest is `[{"prefix": "s3://bucket/dvc/files/md5/"}, "ab/cdef…", …]` (S3DataSource in AWS's API reference). It lies
beside the objects and is named by its own hash, so it is written once and says what it was for ever.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dataops.errors import DataOpsError, Refused
from dataops.repo import checkedout
from dataops.repo.holders import holders
from dataops.repo.recorded import outside
from dataops.repo.registry import Version
from dataops.store import hashing
from dataops.store.copy import Destination
from dataops.store.manifest import SUFFIX, Entry, subset
from dataops.store.objects import Object
from dataops.store.s3objects import S3Store
from dataops.versions import files, publish
from dataops.versions.context import Context

PARTS = ("train", "validation")
AGAIN = "`dvc repro` records what is there; `dvc checkout {}` brings back what is recorded"


@dataclass(frozen=True)
class Dataset:
    """A folder that DVC tracks, as dvc.lock of the work tree records it."""

    path: str
    digest: str
    algorithm: str
    entries: tuple[Entry, ...]
    version: Version | None
    """The newest release of that content, where there is one."""

    @property
    def objects(self) -> tuple[Object, ...]:
        """Every object of it, its list last."""
        each = dict.fromkeys(entry.digest for entry in self.entries)
        return (*(Object(digest, self.algorithm) for digest in each), Object(self.digest, self.algorithm))


@dataclass(frozen=True)
class Channel:
    """One channel of a job."""

    name: str
    kind: Literal["ManifestFile", "S3Prefix"]
    uri: str
    content: bytes = b""
    """Of the manifest, to be stored at `uri`; empty where there is none."""


def dataset(context: Context, path: str) -> Dataset:
    """What is recorded of `path`, once the parts that are trained on are known to be that.

    Raises:
        DataOpsError: nothing is recorded, the list of files can't be had, or the files differ from it.
    """
    root = context.root or Path()
    whole = recorded(root, path)
    entries = files.entries(whole, path, context.store(), context.cache)
    for part in PARTS:
        if not subset(entries, part):
            raise DataOpsError(f"{path}/{part} is recorded without a file", "it is what the model learns from")
        _require_same(root, path, part, subset(entries, part), whole.algorithm)
    return Dataset(path, whole.digest, whole.algorithm, entries, _released(context, path, whole.digest))


def recorded(root: Path, path: str) -> Object:
    """The list of a folder's files, by dvc.lock or its .dvc file in the work tree.

    Raises:
        DataOpsError: neither has it, or they can't be read.
    """
    out = checkedout.output(root, path)
    if out is None or not out.digest.endswith(SUFFIX):
        raise DataOpsError(f"dvc.lock records no folder {path}", "`dvc repro` makes and records it")
    return files.whole_of(out)


def by_manifest(data: Dataset, store: S3Store, there: Destination) -> list[Channel]:
    """A channel for each part, its manifest naming the objects on the remote; what lies there twice is one object."""
    made = []
    for part in PARTS:
        keys = {Object(entry.digest, data.algorithm).keys[0] for entry in subset(data.entries, part)}
        content = manifest(store.bucket, store.prefix, sorted(keys))
        made.append(Channel(part, "ManifestFile", there.uri(f"{hashlib.sha256(content).hexdigest()}.json"), content))
    return made


def manifest(bucket: str, prefix: str, keys: Sequence[str]) -> bytes:
    """The manifest of keys below the remote's prefix: what they have in common first, then each rest."""
    common = posixpath.dirname(posixpath.dirname(keys[0]))  # files/md5, or nothing for what DVC 2 stored
    below = "/".join(filter(None, (bucket, prefix, common)))
    return json.dumps([{"prefix": f"s3://{below}/"}, *(posixpath.relpath(key, common or ".") for key in keys)]).encode()


def by_copy(context: Context, data: Dataset) -> list[Channel]:
    """A channel for each part, at the published copy of the released dataset.

    Raises:
        Refused: it isn't released, or isn't published as Parquet.
    """
    if data.version is None:
        raise Refused(
            f"{data.path} ({data.digest[:7]}) is not released, so there is no published copy",
            '`dataops release dataset`, then `dataops publish`; or channels = "objects"',
        )
    planned = publish.plan(context, data.version.name, publish.Options())
    there = planned.destination
    said = _published(there.content(publish.METADATA))  # written last: the copy is complete
    if said.get("format") != "parquet" or said.get("hash") != data.digest:
        raise Refused(
            f"{data.version.name} is not published at {there.uri()}" + " as Parquet" * bool(said),
            f"`dataops publish {data.version.name}`",
        )
    made = []
    for part in PARTS:
        written = {name: size for name, size in said["files"].items() if name.startswith(f"{part}/")}
        if odd := sorted(set(there.sizes(f"{part}/").items()) ^ set(written.items())):
            reason = f"{there.uri(odd[0][0])} is not as it was published"
            raise Refused(reason, 'somebody changed it; channels = "objects" reads what DVC has')
        made.append(Channel(part, "S3Prefix", there.uri(f"{part}/")))
    return made


def _published(content: bytes | None) -> dict[str, Any]:
    """Of metadata.json: the dataset's hash, the format, and each file's size; nothing where it says nothing."""
    try:
        said = json.loads(content or b"{}")
        files = {str(name): int(facts["bytes"]) for name, facts in said["published"]["files"].items()}
        return {"hash": said["hash"], "format": said["published"]["format"], "files": files}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def send(channels: Sequence[Channel], there: Destination) -> None:
    """Have the manifests at their addresses.

    Raises:
        Refused: another content is there.
        DataOpsError: S3 won't.
    """
    for channel in channels:
        name = channel.uri.rpartition("/")[2]
        found = there.content(name) if channel.content else None
        if found is None and channel.content:
            there.put(channel.content, name)
        elif found is not None and found != channel.content:
            raise Refused(f"{channel.uri} has other content than its name says", "delete it: somebody changed it")


def _require_same(root: Path, path: str, part: str, entries: Sequence[Entry], algorithm: str) -> None:
    """The work tree's files are those that are recorded: what is trained here and there is the same."""
    folder = root / path
    if not (folder / part).is_dir():
        raise DataOpsError(f"{path}/{part} is not in this work tree", f"`dvc pull {path}` fetches it")
    there = {found.relative_to(folder).as_posix() for found in (folder / part).rglob("*") if found.is_file()}
    listed: Mapping[str, str] = {entry.path: entry.digest for entry in entries}
    wrong = sorted(there ^ set(listed)) or [
        name for name, digest in listed.items() if not hashing.hash_file(folder / name, algorithm).matches(digest)
    ]
    if wrong:
        raise DataOpsError(f"{path}/{wrong[0]} is not what dvc.lock records", AGAIN.format(path))


def _released(context: Context, path: str, digest: str) -> Version | None:
    """The newest version, not taken back, whose content that is."""
    head = context.git.commit_of("HEAD")
    artifacts = context.snapshot(head).artifacts.values() if head else ()
    names = {outside(one.name, context.prefix) for one in artifacts if one.path == path}
    held = holders(context.git, context.registry, [digest], context.prefix).get(digest, ())
    living = [one for one in held if one.artifact in names and not one.deprecated]
    return max(living, key=lambda one: one.number, default=None)
