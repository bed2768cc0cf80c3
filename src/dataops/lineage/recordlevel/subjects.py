"""The versions that are asked about records, and the files each consists of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from dataops.errors import DataOpsError
from dataops.lineage.recordlevel import models
from dataops.lineage.recordlevel.conditions import contract_types
from dataops.lineage.recordlevel.models import Trained
from dataops.lineage.recordlevel.ranges import Tally
from dataops.repo import recorded
from dataops.repo.names import Target
from dataops.repo.recorded import Snapshot, outside
from dataops.repo.registry import Version
from dataops.store import manifest
from dataops.store.cache import Cache
from dataops.store.objects import NoStore, Progress, Store
from dataops.store.workers import Workers
from dataops.versions import files, prune
from dataops.versions.context import Context
from dataops.versions.files import Listing
from dataops.versions.sources import Sources

THREADS = 16
Reach = Callable[[Context], Store]


@dataclass(frozen=True)
class Subject:
    """A version, or the artifact at some commit."""

    name: str
    target: Target


@dataclass(frozen=True)
class Opened:
    """What it consists of."""

    subject: Subject
    problem: str = ""
    listing: Listing | None = None
    context: Context | None = None
    """Of the DVC repository that it lies in."""
    store: Store | None = None
    time: str | None = None
    """The time column, as far as the commit says."""
    partitioned: str | None = None
    """The same, where its files are named by it."""
    types: Mapping[str, str] = field(default_factory=dict)
    """What the contract says of the columns that are asked for."""


def choose(context: Context, artifact: str, asked: Sequence[str]) -> tuple[list[Subject], list[Trained]]:
    """The versions that are asked, or all; and every model, of which those that were trained on data that nobody
    released are asked at their own commits.

    Raises:
        DataOpsError: a name means nothing, or there is nothing to ask.
    """
    called = next(
        (name for name in (outside(artifact, context.prefix), artifact) if context.registry.versions(name)), ""
    )
    if asked:
        targets = [context.resolve(name, called or artifact) for name in asked]
        found = {_name(artifact, target): Subject(_name(artifact, target), target) for target in targets}
        chosen = sorted(found.values(), key=lambda one: (one.target.version is None, _number(one.target.version)))
        versions = [one.target.version for one in chosen if one.target.version is not None]
        trained = []
        for name in dict.fromkeys(version.artifact for version in versions):
            trained += models.trained(context, name, [one for one in versions if one.artifact == name])
        return chosen, [one for one in trained if one.state == "released"]
    own = context.registry.versions(called)
    trained = models.trained(context, called or artifact, own)
    chosen = [Subject(version.name, Target(version.name, called, version.commit, version)) for version in own]
    beside = [one.model for one in trained if one.state == "own"]
    chosen += [Subject(of_model(artifact, one), Target(one.name, artifact, one.commit, None)) for one in beside]
    if not chosen:
        known = ", ".join(sorted(context.registry.artifacts))
        hint = f"there is: {known}; --artifact names one" if known else "`dataops release` makes the first"
        raise DataOpsError(f"there is no version of {artifact} yet", hint)
    return chosen, trained


def of_model(artifact: str, model: Version) -> str:
    """What the artifact at a model's commit is called."""
    return f"{artifact} of {model.name}"


def reach(remote: str | None, *, offline: bool) -> Reach:
    """How the objects of a repository are read; one store for all its versions."""
    known: dict[str, Store] = {}

    def store(there: Context) -> Store:
        if offline:
            return NoStore("(offline)", "--offline asks no remote", "without it the remote is asked")
        if there.prefix not in known:
            known[there.prefix] = Sources(there, remote)
        return known[there.prefix]

    return store


def open_all(
    context: Context,
    chosen: Sequence[Subject],
    artifact: str,
    columns: Sequence[str],
    store: Reach,
    tally: Tally,
    progress: Progress,
) -> list[Opened]:
    """What each consists of; one that can't be read says why. Lists of files come from the cache, else in parallel."""
    opened: list[Opened] = []
    paths: list[tuple[Context, Snapshot, str] | None] = []
    for subject in chosen:
        try:
            one, place = _opened(context, subject, artifact, columns, store)
        except DataOpsError as error:
            one, place = Opened(subject, error.message), None
        opened.append(one)
        paths.append(place)
        progress(len(opened), len(chosen), "versions")

    def listed(at: int, there: Context, snapshot: Snapshot, path: str) -> None:
        try:
            its = opened[at].store
            assert its is not None
            found = files.listing(there.git, there.prefix, snapshot, path, its, there.cache)
            opened[at] = replace(opened[at], listing=found)
            _count(found, there.cache, tally)
        except DataOpsError as error:
            opened[at] = replace(opened[at], problem=error.message)

    workers = Workers(THREADS)
    workers.add([partial(listed, at, *place) for at, place in enumerate(paths) if place is not None])
    workers.run(lambda: None)
    return opened


def _count(listing: Listing, cache: Cache | None, tally: Tally) -> None:
    """The bytes of the list of files itself."""
    if listing.whole is not None and listing.whole.is_folder:
        length = len(manifest.dump({name: obj.digest for name, obj in listing.objects.items()}))
        tally.add(length, local=cache is not None and cache.has(listing.whole))


def _opened(
    context: Context, subject: Subject, artifact: str, columns: Sequence[str], store: Reach
) -> tuple[Opened, tuple[Context, Snapshot, str]]:
    """All but the list of files, and where that is."""
    there, _ = context.focused(subject.target)
    broken: list[str] = []
    snapshot = recorded.snapshot(there.git, subject.target.commit, there.prefix, broken)
    try:
        declared = files.artifact_of(snapshot, subject.target, artifact)
    except DataOpsError:
        if broken:
            raise DataOpsError(broken[0]) from None
        raise
    contract = there.contract(subject.target.commit)
    time = declared.meta.get("time", contract.get("time"))
    opened = Opened(
        subject,
        context=there,
        store=store(there),
        time=time if isinstance(time, str) else None,
        partitioned=prune.partitioned_by(snapshot, declared.path),
        types=contract_types(contract, [*columns, *([time] if isinstance(time, str) else [])]),
    )
    return opened, (there, snapshot, declared.path)


def _name(artifact: str, target: Target) -> str:
    return target.version.name if target.version else f"{target.artifact or artifact} at {target.commit[:7]}"


def _number(version: Version | None) -> tuple[object, ...]:
    return (version.artifact, *version.number.key) if version else ()
