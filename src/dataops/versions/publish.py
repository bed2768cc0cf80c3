"""A readable copy of a version under its name: `datasets/v1.2.0/train/…`, made inside S3 from the objects of DVC.

Every write is conditional, so that nothing published is ever replaced, and metadata.json is the last: where it is, the
version is complete, and what a kill left is gone on with.
"""

from __future__ import annotations

import concurrent.futures
import hashlib
import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dataops import files, settings
from dataops.errors import DataOpsError, Refused
from dataops.repo.recorded import Snapshot
from dataops.repo.records import Artifact
from dataops.repo.registry import Version
from dataops.store.cache import Cache
from dataops.store.copy import Destination, Outcome, destination
from dataops.store.objects import Object, Progress, silent
from dataops.store.proof import prove
from dataops.store.s3objects import S3Store
from dataops.versions import texts
from dataops.versions.context import Context
from dataops.versions.files import artifact_of, listing
from dataops.versions.gates import declared
from dataops.versions.inputs import history

THREADS = 16
METADATA = "metadata.json"
FIXED = re.compile(r"v?\d[\w.+-]*|commit-[0-9a-fA-F]{4,64}|hash-[0-9a-fA-F]{4,32}", re.ASCII)
Format = Literal["parquet", "csv"]


@dataclass(frozen=True)
class Options:
    """What a person may say."""

    form: Format = "parquet"
    """parquet: the files as they are; csv: one text for each part."""
    name: str | None = None
    """Another of the version's names for the folder."""
    to: str | None = None
    remote: str | None = None


@dataclass(frozen=True)
class Plan:
    """What publishing would write."""

    version: Version
    destination: Destination
    form: Format
    name: str
    copies: Mapping[str, Object]
    """Relative key: object."""
    tables: Mapping[str, tuple[tuple[str, Object], ...]]
    """Relative key of a text: the files of its rows, in order."""
    reports: Mapping[str, bytes]
    digest: str | None
    """The artifact's hash in dvc.lock."""

    @property
    def keys(self) -> list[str]:
        """Everything that would be there, relative."""
        return [*self.copies, *self.tables, *self.reports, METADATA]


@dataclass(frozen=True)
class Published:
    """A version that is there, complete."""

    plan: Plan
    files: int
    bytes: int
    written: int
    """Of the files; the rest had been written before."""
    already: bool = False
    """Nothing was left to do."""


def plan(context: Context, asked: str, options: Options) -> Plan:
    """Where the version goes, and from which objects. Writes nothing.

    Raises:
        Refused: the remote is no S3.
        DataOpsError: there is no such version, or it has no form like that.
    """
    target = context.taken(asked)
    version = target.version
    if version is None:
        raise DataOpsError(
            f"{asked} is no released version", "`dataops versions` lists them; `dataops release` makes one"
        )
    name = _name(context, version, options.name)
    store = context.store(options.remote)
    if not isinstance(store, S3Store):
        if store.kind == "none":
            next(store.listing())  # says why not
        raise Refused(f"{store.url} is no S3: publish copies inside S3", "`dataops get` copies into a folder")
    snapshot = context.snapshot(version.commit)
    artifact = artifact_of(snapshot, target)
    found = listing(context.git, context.prefix, snapshot, artifact.path, store, context.cache)
    if not found.in_git and not found.objects:
        raise DataOpsError(f"{artifact.path} is an empty folder at {version.tag}", "there is nothing to publish")
    if found.in_git:
        raise DataOpsError(
            f"{artifact.path} lies in git at {version.tag}, not on the remote", "`git archive` copies it"
        )
    chosen = settings.load(context.root or Path())
    url = options.to or chosen.publish.url
    there = destination(store, url, f"{folder(artifact)}/{name}", chosen.publish.kms_key_alias, version.name)
    reports = _reports(context, snapshot, artifact)
    copies: Mapping[str, Object] = found.objects
    tables: Mapping[str, tuple[tuple[str, Object], ...]] = {}
    if options.form == "csv":
        copies, tables = {}, texts.parts(found.objects, artifact)
    if clash := {*copies, *tables} & {*reports, METADATA}:
        raise DataOpsError(f"{artifact.name} has a file {min(clash)} of its own, which publishing would need")
    own = snapshot.output(artifact.path)
    return Plan(version, there, options.form, name, copies, tables, reports, own.digest if own else None)


def publish(context: Context, planned: Plan, *, progress: Progress = silent) -> Published:
    """Do it, or go on with it.

    Raises:
        Refused: an object of the version is damaged or missing; other content has its name.
        DataOpsError: S3 won't.
    """
    there = planned.destination
    if (content := there.content(METADATA)) is not None:
        return _already(planned, content)
    objects = [*planned.copies.values(), *(obj for rows in planned.tables.values() for _, obj in rows)]
    _sound(context, planned, objects, progress)
    done: dict[str, dict[str, Any]] = {}
    outcomes: list[Outcome] = []

    def copy(item: tuple[str, Object]) -> tuple[str, dict[str, Any], Outcome]:
        name, obj = item
        head = there.store.head(obj)
        if head is None:
            raise Refused(f"{there.store.uri(obj)} vanished", "`dataops verify --repair`")
        return name, {"hash": f"md5:{obj.digest}", "bytes": head.size}, there.copy(obj, head, name)

    pool = concurrent.futures.ThreadPoolExecutor(THREADS)
    try:
        for name, facts, outcome in pool.map(copy, planned.copies.items()):
            done[name] = facts
            outcomes.append(outcome)
            progress(len(done), len(planned.copies), "copy")
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    if planned.tables:
        for name, text in texts.write(planned.tables, there.store, _cache(context), progress):
            outcomes.append(there.upload(text.path, name, text.sha256))
            done[name] = {"hash": f"sha256:{text.sha256}", "bytes": text.size, "rows": text.rows}
    for name, report in planned.reports.items():
        outcomes.append(there.put(report, name))
        done[name] = {"hash": f"sha256:{hashlib.sha256(report).hexdigest()}", "bytes": len(report)}
    there.put(metadata(planned, done), METADATA)
    return Published(planned, len(done) + 1, sum(one["bytes"] for one in done.values()), outcomes.count("written"))


def folder(artifact: Artifact) -> str:
    """Where the versions of an artifact lie: `datasets`, `models`, else its own name."""
    if artifact.name == "dataset":
        return "datasets"
    name = artifact.name.replace(":", "/")
    if artifact.type == "model":
        return "models" if artifact.name == "model" else f"models/{name}"
    return name


def metadata(planned: Plan, done: Mapping[str, Mapping[str, Any]]) -> bytes:
    """The version's card, or what is known where it has none, and the files; the same bytes whenever it is written."""
    version = planned.version
    known = {
        "artifact": version.artifact,
        "version": str(version.number),
        "commit": version.commit,
        "hash": planned.digest,
        "author": version.author,
        "created_at": f"{version.time:%Y-%m-%dT%H:%M:%SZ}",
        "message": version.subject,
    }
    facts = {**known, **(version.card or {})}
    facts["published"] = {
        "tag": version.tag,
        "as": planned.name,
        "format": planned.form,
        "files": dict(sorted(done.items())),
    }
    return files.to_json(facts).encode()


def _name(context: Context, version: Version, wanted: str | None) -> str:
    """The folder's name: the number, or another name of this version that will not move on."""
    if wanted is None:
        return str(version.number)
    name = wanted.removeprefix(f"{version.artifact}@")
    if not FIXED.fullmatch(name):
        raise DataOpsError(
            f"--as {wanted!r}: what is published stays, so its name may not move on",
            "a number, a date, commit-…, hash-… or v1.2.0-2024-01-15-a1b2c3d",
        )
    means = context.resolve(f"{version.artifact}@{name}", version.artifact).version
    if means is None or means.tag != version.tag:
        meant = means.name if means else "no version"
        raise DataOpsError(f"--as {wanted} means {meant}, not {version.name}", f"`dataops show {version.name}`")
    return name


def _reports(context: Context, snapshot: Snapshot, artifact: Artifact) -> dict[str, bytes]:
    """The reports in git that gate the artifact or were written on the way to it."""
    own = snapshot.covering(artifact.path)
    stages = history(snapshot, own) if own is not None else ()
    paths = {gate.report for gate in declared(artifact) or ()}
    paths |= {out.path for stage in stages for out in stage.outs if not out.cached and out.path.endswith(".json")}
    found = {}
    for path in sorted(paths):
        content = context.git.blob(snapshot.commit, posixpath.join(context.prefix, path))
        if content is not None:
            found[f"reports/{path.removeprefix('reports/')}"] = content
    return found


def _already(planned: Plan, content: bytes) -> Published:
    """What is there is complete; is it this?

    Raises:
        Refused: it is another version, or of another form.
    """
    uri = planned.destination.uri(METADATA)
    try:
        there: Any = json.loads(content)
        published = there["published"]
        same = (there.get("hash"), published["tag"], published["format"]) == (
            (planned.version.card or {}).get("hash", planned.digest), planned.version.tag, planned.form,
        )  # fmt: skip
        listed = published["files"]
        count, size = len(listed) + 1, sum(int(one["bytes"]) for one in listed.values())
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refused(f"{uri} is there and was not written by publish", "`--to s3://…` publishes elsewhere") from None
    if not same:
        what = f"{published['tag']} as {published['format']}"
        raise Refused(f"{uri} is there already, of {what}", "`--to s3://…` or `--as NAME` publishes elsewhere")
    return Published(planned, count, size, 0, already=True)


def _sound(context: Context, planned: Plan, objects: Sequence[Object], progress: Progress) -> None:
    """Nothing damaged gets a second, readable life. What only reading could tell is taken as it is."""
    unique = list(dict.fromkeys(objects))
    proofs = prove(unique, planned.destination.store, context.cache, read_back=False, progress=progress)
    bad = [proof for proof in proofs if proof.state in ("missing", "damaged")]
    if bad:
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        raise Refused(
            f"{planned.destination.store.uri(bad[0].obj)}{more} is {bad[0].state}",
            f"`dataops verify {planned.version.name} --repair`, then again",
        )


def _cache(context: Context) -> Cache:
    if context.cache is None:
        raise DataOpsError("CSV is written by way of a clone's cache", "publish in a clone of your own")
    return context.cache
