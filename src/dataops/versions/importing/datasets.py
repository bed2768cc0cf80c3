"""`dataops import datasets`: from the scripts' bucket to versions of this repository."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from dataops.errors import DataOpsError
from dataops.repo.recorded import outside
from dataops.store.objects import Progress
from dataops.versions.context import Context
from dataops.versions.importing import bucket, run, trainings
from dataops.versions.importing.plan import Plan, plan
from dataops.versions.importing.run import Done, Reached, silent
from dataops.versions.track import require_artifact_name

BRANCH = "imported/datasets"


@dataclass(frozen=True)
class Options:
    """What a person may say about an import."""

    artifact: str = "dataset"
    model: str = "model"
    lineage: str | None = None
    """The address of the trainings' records."""
    allow: frozenset[str] = frozenset()
    """Old names of versions that are imported although something is wrong with them."""
    push: bool = True
    remote: str | None = None
    endpoint_url: str | None = None
    profile: str | None = None


def look(context: Context, url: str, options: Options, progress: Progress = silent) -> tuple[Plan, bucket.Bucket]:
    """What importing `url` would do. Writes nothing.

    Raises:
        DataOpsError: the bucket can't be read, or holds no versions.
    """
    for name in (options.artifact, options.model):
        require_artifact_name(name)
    store = context.store(options.remote)
    place = bucket.reach(url, store, options.endpoint_url, options.profile)
    olds, notes = bucket.versions(place, options.artifact, progress)
    if not olds:
        hint = "the folder that holds the versions, as s3://bucket/datasets/, with one folder for each below it"
        raise DataOpsError(f"{place.uri()} holds no versions", hint)
    if options.lineage:
        records = bucket.reach(options.lineage, store, options.endpoint_url, options.profile)
        models, more = trainings.models(records, options.model, options.artifact, progress)
        olds, notes = [*olds, *models], [*notes, *more]
    return plan(context, olds, place.uri(), BRANCH, options.allow, notes), place


def bring(
    context: Context, url: str, options: Options, *, reached: Reached = silent, progress: Progress = silent
) -> Done:
    """Import it, or go on with it.

    Raises:
        Refused: another import runs, or somebody else's names are in the way.
        DataOpsError: the bucket, git, the disk or the remote.
    """
    with working(context):
        artifacts = [outside(name, context.prefix) for name in (options.artifact, options.model)]
        git_remote = run.prepare(context, artifacts, BRANCH, push=options.push)
        planned, place = look(context, url, options, progress)
        return run.run(
            context,
            planned,
            place,
            git_remote=git_remote,
            remote=options.remote,
            allow=options.allow,
            reached=reached,
            progress=progress,
        )


@contextlib.contextmanager
def working(context: Context) -> Iterator[None]:
    """In a clone, and alone there.

    Raises:
        Refused: another import runs.
        DataOpsError: there is no clone.
    """
    if context.root is None:
        raise DataOpsError("there is no clone to import into", "import in a clone of your own")
    with run.alone(context.root):
        yield
