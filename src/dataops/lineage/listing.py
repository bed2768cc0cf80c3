"""Every released model with the data it was made of, from the cards; of tags without one, from dvc.lock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dataops.errors import DataOpsError
from dataops.repo import recorded
from dataops.repo.gittext import public
from dataops.repo.holders import holders
from dataops.repo.recorded import Snapshot
from dataops.repo.records import Artifact, Output
from dataops.repo.registry import Version
from dataops.store.objects import Progress, silent
from dataops.versions import gates
from dataops.versions.context import Context

MODEL = "model"


@dataclass(frozen=True)
class Data:
    """What a version was made of."""

    version: str | None
    """Its released version, as `dataset@v1.2.0`; None where it was never released."""
    digest: str | None
    path: str | None = None


@dataclass(frozen=True)
class Entry:
    """A version and what it was made of."""

    version: Version
    kind: str | None
    data: tuple[Data, ...] = ()
    evaluation: Mapping[str, Any] | None = None
    training: Mapping[str, Any] | None = None
    problem: str = ""
    """Why nothing is known of its data."""


@dataclass(frozen=True)
class Wanted:
    """Which entries are asked for; what is None is not asked."""

    data: frozenset[str] | None = None
    """Names and hashes of data, one of which it must be made of."""
    models: frozenset[str] | None = None
    """Names of versions."""
    since: dt.datetime | None = None
    until: dt.datetime | None = None

    def has(self, entry: Entry) -> bool:
        """Is it one?"""
        time = entry.version.time
        made_of = {name for one in entry.data for name in (one.version, one.digest) if name}
        return (
            (self.models is None or entry.version.name in self.models)
            and (self.since is None or time >= self.since)
            and (self.until is None or time < self.until)
            and (self.data is None or not self.data.isdisjoint(made_of))
        )


def models(context: Context) -> list[str]:
    """The artifacts whose newest version says that it is a model; where none is: all that aren't datasets, or all."""
    kinds = {name: _kind(context, artifact.versions) for name, artifact in context.registry.artifacts.items()}
    kinds = {name: kind for name, kind in kinds.items() if context.registry.versions(name)}
    named = [name for name, kind in kinds.items() if kind == MODEL]
    made = [name for name, kind in kinds.items() if kind != "dataset"]
    return sorted(named or made or kinds)


def entries(context: Context, artifacts: Iterable[str] | None = None, progress: Progress = silent) -> list[Entry]:
    """The versions of these artifacts (of all models), newest first; one that can't be read says why.

    Raises:
        DataOpsError: an artifact has no version.
    """
    names = models(context) if artifacts is None else list(artifacts)
    for name in names:
        if not context.registry.versions(name):
            known = ", ".join(sorted(context.registry.artifacts))
            raise DataOpsError(f"{name} has no versions", f"there is: {known}" if known else "`dataops release`")
    versions = [version for name in names for version in context.registry.versions(name)]
    found = []
    for done, version in enumerate(versions, 1):
        card = version.read_card()
        found.append(_carded(version, card) if card is not None else _recorded(context, version))
        progress(done, len(versions), "versions")
    named = _named(context, found)
    return sorted(named, key=lambda one: (one.version.refs[0].seconds, one.version.number.key), reverse=True)


def select(found: Sequence[Entry], wanted: Wanted) -> list[Entry]:
    """Those that are wanted, in their order."""
    return [entry for entry in found if wanted.has(entry)]


def names_of(context: Context, version: Version) -> frozenset[str]:
    """What a version's content may be called: every version that has it, and its hash."""
    digest = (version.card or {}).get("hash")
    if not isinstance(digest, str):
        from dataops.repo.hashes import content_hashes

        (digest,) = content_hashes(context.git, [version], context.prefix)
    same = holders(context.git, context.registry, [digest], context.prefix).get(digest, []) if digest else []
    return frozenset(filter(None, (version.name, digest, *(one.name for one in same))))


def _kind(context: Context, versions: Sequence[Version]) -> str | None:
    """What an artifact is, by its newest version."""
    if not versions:
        return None
    newest = versions[-1]
    card = newest.read_card()
    if card is not None:
        return str(card["type"]) if card.get("type") is not None else None
    try:
        artifact = recorded.snapshot(context.git, newest.commit, context.prefix, []).artifact(newest.artifact)
    except DataOpsError:
        return None
    return artifact.type if artifact else None


def _carded(version: Version, card: Mapping[str, Any]) -> Entry:
    """What the tag says of itself."""
    listed = card.get("data")
    data = [
        Data(_text(one.get("version")), _text(one.get("hash")))
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict)
    ]
    if not data and isinstance(card.get("sources"), list):
        data = [Data(None, _text(s.get("hash")), _text(s.get("path"))) for s in card["sources"] if isinstance(s, dict)]
    evaluation, training = card.get("evaluation"), card.get("training")
    return Entry(
        version,
        _text(card.get("type")),
        tuple(data),
        evaluation if isinstance(evaluation, dict) else None,
        training if isinstance(training, dict) else None,
    )


def _recorded(context: Context, version: Version) -> Entry:
    """What the tag's commit records."""
    problems: list[str] = []
    try:
        snapshot = recorded.snapshot(context.git, version.commit, context.prefix, problems)
        artifact = snapshot.artifact(version.artifact)
        if artifact is None:
            why = problems[0] if problems else f"no dvc.yaml at {version.commit[:7]} declares it"
            return Entry(version, None, problem=why)
        outputs = [output for _, output in gates.datasets(artifact, snapshot)] or _upstream(snapshot, artifact)
        outputs = outputs or _read_by(snapshot, artifact.path)
    except DataOpsError as error:
        return Entry(version, None, problem=error.message)
    if not outputs:
        why = (
            problems[0]
            if problems
            else _made_of_nothing(snapshot, artifact.path) or f"dvc.lock at {version.commit[:7]} records nothing of it"
        )
        return Entry(version, artifact.type, problem=why)
    return Entry(version, artifact.type, tuple(Data(None, out.digest or None, out.path) for out in outputs))


def _made_of_nothing(snapshot: Snapshot, path: str) -> str:
    """Why there is nothing that it was made of: somebody added it, or its stage reads no data."""
    maker = snapshot.stage_of(path)
    if maker is None:
        return ""
    if not maker.address.endswith(".dvc"):
        return f"no data: {maker.address.removeprefix('dvc.yaml:')} reads none"
    urls = [out.source.url if out.source else out.url for out in maker.outs]
    return f"imported from {public(urls[0])}" if urls and urls[0] else "added by `dvc add`"


def _upstream(snapshot: Snapshot, own: Artifact) -> list[Output]:
    """The outputs that are artifacts themselves, anywhere before this one."""
    behind = snapshot.ancestors(*(maker.address for maker in snapshot.makers(own.path)))
    paths = {artifact.path for artifact in snapshot.artifacts.values()} - {own.path}
    return [out for stage in behind for out in stage.outs if out.path in paths]


def _read_by(snapshot: Snapshot, path: str) -> list[Output]:
    """What the stages that write `path` read of other stages' outputs."""
    found = {
        out.path: out
        for stage in {maker.address: maker for maker in snapshot.makers(path)}.values()
        for dep in stage.deps
        for out, _ in snapshot.feeding(dep.path)
    }
    return list(found.values())


def _named(context: Context, found: Sequence[Entry]) -> list[Entry]:
    """With the released versions of data that are known by hash alone; asked for all together."""
    bare = {one.digest for entry in found for one in entry.data if one.version is None and one.digest}
    held = holders(context.git, context.registry, bare, context.prefix)
    named = {
        digest: next((one for one in reversed(many) if not one.deprecated), many[-1]) for digest, many in held.items()
    }
    return [
        replace(
            entry,
            data=tuple(
                replace(one, version=named[one.digest].name)
                if one.version is None and one.digest in named and named[one.digest].name != entry.version.name
                else one
                for one in entry.data
            ),
        )
        for entry in found
    ]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
