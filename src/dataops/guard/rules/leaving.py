"""DATA009, DATA104: files that leave a folder of `dvc add`.

`dvc repro` takes whatever lies in such a folder for its new content, and says so in one line among many: run before
`dvc pull`, it records what a colleague has added as deleted.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from dataops.errors import DataOpsError
from dataops.guard.commit import Commit
from dataops.guard.findings import Finding, named, quoted
from dataops.repo.records import Output, Stage


def unseen(commit: Commit) -> Iterator[Finding]:
    """DATA009: of files that this clone's cache has not, so that nobody here can have meant them."""
    for out, before, gone in _leaving(commit):
        lost = None if gone is None else _absent(commit, before, gone)
        if lost is None or lost:
            back = (quoted("git", "checkout", "HEAD", "--", out.stage or ""), quoted("dvc", "pull", out.path))
            yield Finding(out.path, _what(before, out, lost, " that were never here"), back)


def find(commit: Commit) -> Iterator[Finding]:
    """DATA104: of files that the cache has."""
    for out, before, gone in _leaving(commit):
        if gone is not None and not _absent(commit, before, gone):
            back = (quoted("git", "checkout", "HEAD", "--", out.stage or ""), quoted("dvc", "checkout", out.path))
            yield Finding(out.path, _what(before, out, gone, ""), ("# if they are meant to stay:", *back))


def _leaving(commit: Commit) -> Iterator[tuple[Output, Output, set[str] | None]]:
    """Folders of changed .dvc files that a parent has with more files: which files, where that is known."""
    changed = {stage.address: stage for stage in commit.records.snapshot.stages if stage.address in commit.changed}
    added = [address for address in sorted(changed) if not changed[address].deps]
    asked = [(address, parent) for address in added for parent in commit.index.parents]
    names = [f"{parent}:{posixpath.join(commit.prefix, address)}" for address, parent in asked]
    told = set()
    for (address, _), blob in zip(asked, commit.git.batch(names), strict=True):
        for out, before in _pairs(changed[address], _stage(address, blob.content) if blob else None):
            old, new = (commit.listed(one) for one in (before, out))
            gone = set(old) - set(new) if old is not None and new is not None else None
            fewer = (out.files or 0) < (before.files or 0)
            if out.path not in told and (gone or (gone is None and fewer)):
                told.add(out.path)
                yield out, before, gone


def _absent(commit: Commit, before: Output, gone: set[str]) -> set[str]:
    """Those whose bytes the cache has not."""
    from dataops.store.objects import Object

    listed = commit.listed(before) or {}
    return {name for name in gone if not commit.cache.has(Object(listed[name], before.algorithm))}


def _stage(address: str, content: bytes) -> Stage | None:
    from dataops import yamls
    from dataops.repo import lockfile

    try:
        return lockfile.single(address, yamls.load(content, address), address)
    except DataOpsError:
        return None


def _pairs(new: Stage, old: Stage | None) -> Iterator[tuple[Output, Output]]:
    """Folders that both record, otherwise."""
    before = {out.path: out for out in old.outs} if old else {}
    for out in new.outs:
        was = before.get(out.path)
        if was is not None and was.digest != out.digest and was.digest.endswith(".dir") and out.digest.endswith(".dir"):
            yield out, was


def _what(before: Output, out: Output, gone: set[str] | None, more: str) -> str:
    """How many, and the first of them; only the number where DVC's cache has no list."""
    if gone is None:
        return f"has {(before.files or 0) - (out.files or 0):,} files fewer, and the list of them is not in the cache"
    return f"{len(gone):,} file{'s' * (len(gone) != 1)}{more} leave it ({named(gone)})"
