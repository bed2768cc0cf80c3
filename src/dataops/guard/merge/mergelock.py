"""Merging dvc.lock by stage. Whatever comes of it is a lock that `dvc repro` can start from: what it records is true of
some run, and dvc runs again what doesn't fit the work tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dataops.errors import DataOpsError
from dataops.guard.merge import blocks, threeway
from dataops.guard.merge.blocks import DATASETS, STAGES, Entry, Lock
from dataops.guard.merge.threeway import Choice

SHOWN = 10


@dataclass(frozen=True)
class Merged:
    """What became of three versions of a file."""

    content: bytes
    conflict: bool = False
    said: tuple[str, ...] = ()
    """What deserves a line."""


def merge(ancestor: bytes, our: bytes, their: bytes, path: str, *, virtual: bool = False) -> Merged:
    """One dvc.lock of three.

    Args:
        virtual: it becomes the merge base of another merge: what both changed is left out, so that it stays a conflict.

    Raises:
        DataOpsError: ours or theirs is no lock that DVC wrote.
    """
    ours, theirs = (_parsed(content, side) for content, side in ((our, "ours"), (their, "theirs")))
    if ours.schema or theirs.schema:
        ours, theirs = blocks.upgraded(ours), blocks.upgraded(theirs)
    base = _base(ancestor, upgrade=ours.schema)
    made = Lock(ours.schema, ours.before or theirs.before)
    conflicts: list[str] = []
    keys = threeway.choose(*({name: entry.value for name, entry in lock.keys.items()} for lock in (base, ours, theirs)))
    for name, side in keys.sides.items():
        made.keys[name] = (ours if side == "ours" else theirs).keys[name]
    conflicts += keys.conflicts
    stages = Choice({}, ())
    for name in dict.fromkeys([*ours.sections, *theirs.sections]):
        pieces = [lock.sections.get(name, {}) for lock in (base, ours, theirs)]
        choice = threeway.choose(*({key: entry.value for key, entry in some.items()} for some in pieces))
        stages = choice if name == STAGES else stages
        made.sections[name] = _taken(choice, pieces[1], pieces[2], virtual=virtual)
        conflicts += [f"dataset {key}" for key in choice.conflicts] if name == DATASETS else choice.conflicts
        made.keys.setdefault(name, Entry(None, f"{name}:\n"))
    text = blocks.text_of(made)
    if blocks.value_of(blocks.parse(text.encode(), path)) != blocks.value_of(made):
        raise DataOpsError(f"{path} is not laid out as DVC does")
    content = (text.replace("\n", "\r\n") if b"\r\n" in our else text).encode()
    stale = sorted(set(_stale(made, ours, theirs, stages)) - set(conflicts))
    return Merged(content, bool(conflicts), tuple(_said(path, conflicts, stale)))


def _parsed(content: bytes, side: str) -> Lock:
    return blocks.parse(content, f"the lock of {side}")


def _base(content: bytes, *, upgrade: bool) -> Lock:
    """The ancestor; one that can't be read is like none, so that whatever differs is a conflict."""
    try:
        found = _parsed(content, "the merge base")
    except DataOpsError:
        found = Lock(upgrade)
    return blocks.upgraded(found) if upgrade else replace(found, keys={})


def _taken(
    choice: Choice, ours: Mapping[str, Entry], theirs: Mapping[str, Entry], *, virtual: bool
) -> dict[str, Entry]:
    return {
        name: (ours if side == "ours" else theirs)[name]
        for name, side in choice.sides.items()
        if not (virtual and name in choice.conflicts)
    }


def _stale(made: Lock, ours: Lock, theirs: Lock, choice: Choice) -> Iterator[str]:
    """The stages that one side recorded of data which, in the merged lock, the other side's stage has made anew."""
    now = _digests(made)
    then = {"ours": _digests(ours), "theirs": _digests(theirs)}
    for name, side in choice.sides.items():
        deps = _entries(made.stages[name].value, "deps") if name in made.stages else ()
        for dep, _ in deps:
            for path, digest in now.items():
                known = then[side].get(path)
                if (dep == path or dep.startswith(f"{path}/")) and known is not None and known != digest:
                    yield name


def _digests(lock: Lock) -> dict[str, str]:
    """The recorded hash of each output."""
    return {path: digest for entry in lock.stages.values() for path, digest in _entries(entry.value, "outs")}


def _entries(stage: Any, section: str) -> Iterator[tuple[str, str]]:
    """Path and hash of the outputs or dependencies of a stage; what isn't as DVC writes it is passed over."""
    items = stage.get(section) if isinstance(stage, Mapping) else None
    for item in items if isinstance(items, list) else ():
        if isinstance(item, Mapping) and isinstance(item.get("path"), str):
            yield item["path"], str(item.get("md5") or item.get("checksum") or item.get("etag"))


def _said(path: str, conflicts: list[str], stale: list[str]) -> Iterator[str]:
    if conflicts:
        yield (
            f"changed on both sides: {_named(conflicts)}; what HEAD records of it is kept, everything else is merged. "
            f"Go on with `dvc checkout` (`dvc pull` where it misses files), `dvc repro`, `git add {path}`, `git commit`"
        )
    if stale:
        was = "was" if len(stale) == 1 else "were"
        yield f"{_named(stale)} {was} recorded with data that the other side has made anew: `dvc repro`, then commit"


def _named(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
