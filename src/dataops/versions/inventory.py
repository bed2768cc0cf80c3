"""What versions are made of: their outputs, and every object behind them, each listed once however many share it."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from dataops.errors import DataOpsError
from dataops.repo.gittext import public
from dataops.repo.records import Output
from dataops.repo.registry import Version
from dataops.store import manifest
from dataops.store.cache import Cache
from dataops.store.hashing import Hasher
from dataops.store.objects import BrokenReadError, MissingObjectError, Object, Progress, Store, silent
from dataops.versions.context import DEFAULT, Context
from dataops.versions.inputs import needed

THREADS = 16
Role = Literal["artifact", "input"]
Reach = Callable[[str | None], Store]
"""The store of a remote's name; None is the one that is asked by default."""


@dataclass(frozen=True)
class Subject:
    """A version, or the artifact at some commit."""

    name: str
    artifact: str
    commit: str
    version: Version | None


@dataclass(frozen=True)
class Part:
    """A distinct recorded output: a file, or a folder by its list."""

    obj: Object
    remote: str | None = None
    """The remote that dvc.yaml pins it to."""


@dataclass(frozen=True)
class Use:
    """What a part is in one version."""

    version: str
    path: str
    role: Role


@dataclass
class Survey:
    """What git says of the versions, before anything is asked of a remote."""

    parts: dict[Part, list[Use]] = field(default_factory=dict)
    problems: dict[str, list[str]] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)

    def problem(self, subject: Subject, text: str) -> None:
        """Something is wrong with the version itself."""
        self.problems.setdefault(subject.name, []).append(text)

    def note(self, subject: Subject, text: str) -> None:
        """Something that can't be checked, and needn't."""
        self.notes.setdefault(subject.name, []).append(text)


@dataclass(frozen=True)
class Listed:
    """A folder's list, as the remote has it."""

    state: Literal["sound", "missing", "damaged", "hostile"]
    entries: tuple[manifest.Entry, ...] = ()
    """From wherever a sound copy is."""
    detail: str = ""


@dataclass(frozen=True)
class Item:
    """One object to check, and the parts it belongs to, with its path below each."""

    obj: Object
    remote: str | None
    places: tuple[tuple[Part, str], ...]


def subjects(context: Context, asked: str | None, *, every: bool) -> list[Subject]:
    """The versions to check.

    Raises:
        DataOpsError: nothing has that name.
    """
    if every:
        versions = [one for artifact in context.registry.artifacts.values() for one in artifact.versions]
        return [Subject(one.name, one.artifact, one.commit, one) for one in versions]
    target = context.resolve(asked or f"{DEFAULT}@latest")
    artifact = target.artifact or DEFAULT
    name = target.version.name if target.version else f"{artifact} at {target.commit[:7]}"
    return [Subject(name, artifact, target.commit, target.version)]


def survey(context: Context, wanted: Sequence[Subject], progress: Progress = silent) -> Survey:
    """The outputs of these versions and of every stage before them; a version that can't be read is a problem."""
    found = Survey()
    for done, subject in enumerate(wanted, 1):
        try:
            _survey(context, subject, found)
        except DataOpsError as error:
            found.problem(subject, error.message)
        progress(done, len(wanted), "versions")
    return found


def _survey(context: Context, subject: Subject, found: Survey) -> None:
    if context.git.commit_of(subject.commit) is None:
        found.problem(subject, f"its commit {subject.commit[:7]} is not in this clone")
        return
    snapshot = context.snapshot(subject.commit)
    artifact = snapshot.artifact(subject.artifact)
    if artifact is None:
        text = f"dvc.yaml declares no artifact {subject.artifact} at {subject.commit[:7]}: no data to check"
        # a tag of GTO's needs no declaration; of a commit it was asked for, and nothing is not sound
        (found.problem if subject.version is None else found.note)(subject, text)
        return
    own = snapshot.covering(artifact.path)
    below = [out for stage in snapshot.stages for out in stage.outs if out.path.startswith(f"{artifact.path}/")]
    if own is None and below:  # a folder that holds outputs
        for out in below:
            _add(found, subject, out, "artifact")
        return
    if own is None:
        found.note(subject, f"{artifact.path} is not DVC's at {subject.commit[:7]}: git has it, or nobody")
        return
    card = subject.version.card if subject.version else None
    if card and own.path == artifact.path and card.get("hash") not in (None, own.digest):
        found.problem(subject, f"its card says {card['hash']}, dvc.lock at {subject.commit[:7]} says {own.digest}")
    behind = needed(snapshot, own)
    _add(found, subject, own, "artifact")
    for out in behind.upstream:
        _add(found, subject, out, "input")
    for out in behind.elsewhere:
        found.note(
            subject,
            f"{out.path} is not pushed to the remote: " + (f"it comes from {public(out.url)}" if out.url else ""),
        )


def _add(found: Survey, subject: Subject, out: Output, role: Role) -> None:
    """One output, unless DVC keeps it elsewhere."""
    if not out.cached:
        found.note(subject, f"{out.path} lies in git")
        return
    try:
        obj = Object(out.digest, out.algorithm, None if out.digest.endswith(manifest.SUFFIX) else out.size)
    except DataOpsError as error:
        found.note(subject, f"{out.path}: {error.message}")
        return
    found.parts.setdefault(Part(obj, out.remote), []).append(Use(subject.name, out.path, role))


def listings(
    parts: Iterable[Part], reach: Reach, cache: Cache | None, spare: Store | None, progress: Progress = silent
) -> dict[Part, Listed]:
    """Read the list of every folder among the parts: what the remote has, and the files by any sound copy.

    Raises:
        DataOpsError: a remote can't be asked.
    """
    folders = [part for part in parts if part.obj.is_folder]
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        found = pool.map(lambda part: _listing(part.obj, reach(part.remote), cache, spare), folders)
        listed = {}
        for part, one in zip(folders, found, strict=True):
            listed[part] = one
            progress(len(listed), len(folders), "lists of files")
    return listed


def _listing(obj: Object, store: Store, cache: Cache | None, spare: Store | None) -> Listed:
    try:
        content = b"".join(store.read(obj))
    except MissingObjectError:
        state, detail = "missing", ""
    except BrokenReadError as error:
        state, detail = "damaged", error.message
    else:
        if _is(obj, content):
            return _parsed(obj, content)
        state, detail = "damaged", "its bytes have another hash"
    other = cache.content(obj) if cache is not None else None
    if other is None and spare is not None:
        other = _spare(obj, spare)
    entries = _parsed(obj, other).entries if other is not None else ()
    return Listed("missing" if state == "missing" else "damaged", entries, detail)


def _parsed(obj: Object, content: bytes) -> Listed:
    """The files of a list whose hash is right; right doesn't mean harmless."""
    try:
        return Listed("sound", manifest.parse(content, obj.digest))
    except DataOpsError as error:
        return Listed("hostile", detail=error.message)


def _spare(obj: Object, store: Store) -> bytes | None:
    try:
        content = b"".join(store.read(obj))
    except (MissingObjectError, BrokenReadError):
        return None
    return content if _is(obj, content) else None


def _is(obj: Object, content: bytes) -> bool:
    hasher = Hasher(obj.algorithm)
    hasher.update(content)
    return hasher.matches(obj.digest)


def items(parts: Iterable[Part], listed: dict[Part, Listed]) -> list[Item]:
    """Every object, once: files first, lists last."""
    found: dict[tuple[str | None, str, str], tuple[Object, list[tuple[Part, str]]]] = {}

    def add(obj: Object, part: Part, path: str) -> None:
        known = found.setdefault((part.remote, obj.algorithm, obj.digest), (obj, []))
        known[1].append((part, path))
        if known[0].size is None and obj.size is not None:
            found[(part.remote, obj.algorithm, obj.digest)] = (obj, known[1])

    for part in parts:
        for entry in listed[part].entries if part in listed else ():
            add(Object(entry.digest, part.obj.algorithm), part, entry.path)
    for part in parts:
        add(part.obj, part, "")
    return [Item(obj, key[0], tuple(places)) for key, (obj, places) in found.items()]
