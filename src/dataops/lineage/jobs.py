"""Which version, or which commit, a training job made: asked of the tags' cards and of the records in git alone."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping

from dataops.errors import DataOpsError
from dataops.lineage import training
from dataops.lineage.trace import TRAINING, training_record
from dataops.repo import recorded, trees
from dataops.repo.names import Target
from dataops.repo.registry import Version
from dataops.versions.context import Context


def find(context: Context, job: str) -> tuple[str, str | None]:
    """A name of what the job made, and, of a model that nobody released, the path of it at that commit.

    Raises:
        DataOpsError: no commit of this repository has that job, or the job made several artifacts.
    """
    if made := list(_carded(context, job)) or list(_recorded(context, job)):
        return _one(made, job), None
    for commit, path in _committed(context, job):
        if found := _output(context, job, commit, path):
            return commit, found
    hint = "`git fetch --all --tags`; --repo names another repository"
    raise DataOpsError(f"no tag and no commit here has the training job {job.rpartition('/')[2]}", hint)


def _one(made: list[Version], job: str) -> str:
    """Of one artifact's versions the greatest, deprecated ones last."""
    best = {one.artifact: one for one in sorted(made, key=lambda one: (one.deprecated is None, one.number.key))}
    if len(best) > 1:
        names = [one.name for one in best.values()]
        raise DataOpsError(f"the training job {job.rpartition('/')[2]} made {' and '.join(names)}", "name one of them")
    return next(iter(best.values())).name


def _carded(context: Context, job: str) -> Iterator[Version]:
    """The versions whose cards name the job."""
    mark = json.dumps(job).encode()
    for artifact in context.registry.artifacts.values():
        for version in artifact.versions:
            if any(mark in ref.raw for ref in version.refs):
                said = (version.read_card() or {}).get("training")
                if isinstance(said, Mapping) and said.get("job") == job:
                    yield version


def _recorded(context: Context, job: str) -> Iterator[Version]:
    """The versions without a card whose commit has the record of the job."""
    versions = [one for found in context.registry.artifacts.values() for one in found.versions]
    bare = [one for one in versions if one.read_card() is None]
    held = trees.blobs(context.git, list(dict.fromkeys(one.commit for one in bare)), TRAINING.__eq__)
    blobs = sorted(set().union(*held.values()))
    mark = json.dumps(job).encode()
    having = {
        blob
        for blob, found in zip(blobs, context.git.batch(blobs), strict=True)
        if found is not None and mark in found.content
    }
    for version in bare:
        if having.isdisjoint(held.get(version.commit, ())):
            continue
        trained = training.read(context, version)
        if trained is not None and trained.record.get("job") == job:
            yield version


def _committed(context: Context, job: str) -> Iterator[tuple[str, str]]:
    """The commits of any branch that brought or took away a record with the job, oldest first, and its path."""
    listing = ("log", "--all", "HEAD", "--reverse", "--no-renames", "-z", "--name-only", "--format=%x01%H")
    done = context.git.done(*listing, f"-S{job}", "--", f":(top,glob)**/{TRAINING}")
    commit = ""
    for part in done.stdout.decode(errors="surrogateescape").replace("\n", "\0").split("\0"):
        if part.startswith("\x01"):
            commit = part[1:]
        elif part:
            yield commit, part


def _output(context: Context, job: str, commit: str, path: str) -> str | None:
    """What the stage that wrote this record made beside it: an artifact, else its first other output."""
    if context.prefix and not path.startswith(f"{context.prefix}/"):
        return None
    target = Target(job, None, commit, None)
    inner, inside = context.focused(target, path if context.whole else posixpath.relpath(path, context.prefix or "."))
    snapshot = recorded.snapshot(inner.git, commit, inner.prefix, [])
    stage = snapshot.stage_of(inside or "")
    record = training_record(inner, snapshot, [stage]) if stage else None
    if stage is None or record is None or record.get("job") != job:
        return None
    outs = [out.path for out in stage.outs if out.path != inside]
    declared = [one.path for one in snapshot.artifacts.values() if one.path in outs]
    found = next(iter([*declared, *outs]), None)
    return posixpath.join(inner.prefix, found) if found and context.whole else found
