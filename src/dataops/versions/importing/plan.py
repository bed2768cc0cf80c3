"""What an import would do: which old versions are new here, by which number, and which are left out and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from dataops.errors import DataOpsError
from dataops.repo import tags
from dataops.repo.recorded import outside
from dataops.repo.registry import Version
from dataops.repo.tags import Number
from dataops.store.objects import DIGEST, Object, Progress, silent
from dataops.store.proof import prove
from dataops.versions.context import Context
from dataops.versions.importing import numbering
from dataops.versions.importing.old import Old, OldFile, distinct, step

HOPELESS = {  # by kind, and whether it is a single file
    ("dataset", False): "delete it, or upload it again",
    ("dataset", True): "put the file back where the registry says, then run this again",
    ("model", True): "its record stays where it is; with the file back, run this again",
}
APART = "`--artifact NAME` imports into an artifact of its own"


@dataclass(frozen=True)
class Step:
    """One version that is to be made."""

    old: Old
    number: Number
    artifact: str
    """As tags call it."""

    @property
    def tag(self) -> str:
        """The tag's name."""
        return tags.version(self.artifact, self.number)

    @property
    def name(self) -> str:
        """As people write it."""
        return f"{self.artifact}@{self.number}"


@dataclass(frozen=True)
class Left:
    """One that is not imported."""

    old: Old
    reasons: tuple[str, ...]
    hint: str


@dataclass(frozen=True)
class Plan:
    """An import that has not happened."""

    source: str
    branch: str
    steps: tuple[Step, ...]
    left: tuple[Left, ...] = ()
    there: tuple[tuple[Old, Version], ...] = ()
    """Imported before."""
    notes: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """Of all files that are to be imported, each as often as it lies there."""
        return sum(one.old.bytes for one in self.steps)

    @property
    def distinct(self) -> int:
        """The same with each content once."""
        return sum(file.size for file in distinct([one.old for one in self.steps]))


def plan(
    context: Context, olds: Sequence[Old], source: str, branch: str, allow: Iterable[str], notes: Sequence[str] = ()
) -> Plan:
    """Judge old versions, which are given oldest first.

    Raises:
        DataOpsError: `allow` names none of them.
    """
    allowed = set(allow)
    if unknown := {name for name in allowed if not any(old.among({name}) for old in olds)}:
        raise DataOpsError(f"--allow-damaged {min(unknown)}: there is no such old version", f"{source} has others")
    made = Plan(source, branch, (), notes=tuple(notes))
    by_artifact = sorted(olds, key=lambda old: (old.kind == "model", old.artifact))
    for artifact, group in groupby(by_artifact, lambda old: old.artifact):
        made = _artifact(context, made, artifact, sorted(group, key=lambda old: (old.time, old.name)), allowed)
    return replace(made, steps=tuple(_ordered(made.steps)))


def _artifact(context: Context, so_far: Plan, artifact: str, olds: Sequence[Old], allowed: set[str]) -> Plan:
    """The same with the versions of one artifact."""
    full = outside(artifact, context.prefix)
    known = context.registry.versions(full)
    before = {alias: version for version in known for alias in version.aliases}
    there = [(old, version) for old in olds if (version := before.get(old.name) or _published(known, old))]
    other = {old.name: version for old, version in there if old.name in before and not _same(old, version)}
    done = {old.name: version.number for old, version in there}
    counted = [old for old in olds if old.name in done or not old.hopeless or numbering.stated(old.name)]
    kinds = [step(previous, old) for previous, old in zip([None, *counted], counted, strict=False)]
    used = {version.number for version in known}
    numbers = numbering.assign([old.name for old in counted], kinds, done, used)
    steps, left = [], []
    numbered = dict(zip([old.name for old in counted], numbers, strict=True))
    for old in olds:
        if old.name in other:
            origin = _imported(other[old.name]).get("from", "elsewhere")
            reason = f"{other[old.name].name}, imported from {origin}, has other content than {old.source} now"
            left.append(Left(old, (reason,), APART))
        if old.name in done:
            continue
        number = numbered.get(old.name)
        lost = _unbound(context, so_far, old)
        if old.hopeless or lost:
            hint = "import that first, then run this again" if lost else HOPELESS[old.kind, old.single]
            left.append(Left(old, tuple(filter(None, (old.hopeless, lost, *old.damage))), hint))
        elif old.damage and not old.among(allowed):
            left.append(Left(old, old.damage, allowing(old)))
        elif number is None:
            number = numbering.stated(old.name)
            others = [other for other, given in numbered.items() if given == number]
            reason = f"{full}@{number} is {others[0] if others else 'a version already'}, and not this one"
            left.append(Left(old, (reason,), APART))
        else:
            steps.append(Step(old, number, full))
    return replace(
        so_far,
        steps=(*so_far.steps, *steps),
        left=(*so_far.left, *left),
        there=(*so_far.there, *((old, version) for old, version in there if old.name not in other)),
        notes=(*so_far.notes, *_overtaken(known, steps)),
    )


def _same(old: Old, version: Version) -> bool:
    """Does the version have as many files and bytes? A hash would have to be read."""
    said = version.card or {}
    return (said.get("files"), said.get("bytes")) == (len(old.files), old.bytes)


def _imported(version: Version) -> Mapping[str, Any]:
    said = (version.card or {}).get("imported")
    return said if isinstance(said, dict) else {}


def _overtaken(known: Sequence[Version], steps: Sequence[Step]) -> Iterator[str]:
    """What is `latest` now, of the pipeline's own, and wouldn't be any more."""
    own = [version for version in known if not version.aliases and version.deprecated is None]
    above = [one for one in steps if own and own[-1].number < one.number]
    if above and own[-1] == known[-1]:
        name = max(above, key=lambda one: one.number).name
        yield f"{own[-1].name} is `latest` now, {name} will be; --artifact NAME keeps them apart"


def _published(known: Sequence[Version], old: Old) -> Version | None:
    """The version that an old one is a copy of, made by `dataops publish`."""
    said: Any = old.document.get("published")
    tag = said.get("tag") if isinstance(said, dict) else None
    return next((version for version in known if version.tag == tag), None)


def data_of(context: Context, so_far: Plan, old: Old) -> str | None:
    """The version, by its name here, that a model was trained on: imported before, or one that is about to be."""
    artifact, _, name = old.data.partition("@")
    names = (name, f"v{name}")
    ready = {one.old.name: one.name for one in so_far.steps if one.old.artifact == artifact}
    for version in context.registry.versions(outside(artifact, context.prefix)):
        ready |= dict.fromkeys((*version.aliases, str(version.number)), version.name)
    return next((ready[name] for name in names if name in ready), None)


def _unbound(context: Context, so_far: Plan, old: Old) -> str:
    """Why a model can't be bound to its data; empty where it can, or is none."""
    if old.kind != "model" or data_of(context, so_far, old):
        return ""
    name = old.data.partition("@")[2]
    return f"the version {name!r} that it was trained on is not imported" if name else "its record names no data"


def _ordered(steps: Sequence[Step]) -> list[Step]:
    """Oldest first, but a model never before its data."""
    times = {f"{one.old.artifact}@{one.old.name}": one.old.time for one in steps if one.old.kind == "dataset"}

    def key(one: Step) -> tuple[Any, ...]:
        model = one.old.kind == "model"
        return (max(one.old.time, times.get(one.old.data, one.old.time)) if model else one.old.time, model, one.tag)

    return sorted(steps, key=key)


@dataclass(frozen=True)
class Stored:
    """How much of an import's content the remote has, as far as S3's checksums tell."""

    bytes: int = 0
    files: int = 0
    known: bool = True
    """False where the remote can't be asked."""
    places: frozenset[str] = frozenset()
    """Of the files that are there."""


def stored(context: Context, made: Plan, remote: str | None, progress: Progress = silent) -> Stored:
    """What of it is on the DVC remote already. Nothing is read but listings."""
    store = context.store(remote)
    named: dict[str, list[OldFile]] = {}
    for one in made.steps:
        for file in one.old.files:
            if DIGEST.fullmatch(file.etag):
                named.setdefault(file.etag, []).append(file)
    if store.kind == "none":
        return Stored(known=False)
    proofs = prove([Object(etag) for etag in named], store, read_back=False, progress=progress)
    found = [named[proof.obj.digest] for proof in proofs if proof.state == "proven"]
    return Stored(
        sum(files[0].size for files in found),
        len(found),
        places=frozenset(file.place for files in found for file in files),
    )


def allowing(old: Old) -> str:
    """What imports it all the same."""
    import shlex

    return f"`--allow-damaged {shlex.quote(old.full_name)}` imports what is there"
