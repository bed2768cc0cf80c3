"""DATA104: files that leave a folder of `dvc add`.

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


def find(commit: Commit) -> Iterator[Finding]:
    """Of the .dvc files that the commit changes, against every parent."""
    changed = {stage.address: stage for stage in commit.records.snapshot.stages if stage.address in commit.changed}
    asked = [
        (address, parent) for address in sorted(changed) for parent in commit.index.parents if not changed[address].deps
    ]
    names = [f"{parent}:{posixpath.join(commit.prefix, address)}" for address, parent in asked]
    told = set()
    for (address, _), blob in zip(asked, commit.git.batch(names), strict=True):
        old = _stage(address, blob.content) if blob else None
        for out, before in _pairs(changed[address], old):
            gone = _gone(commit, out, before)
            if gone and out.path not in told:
                told.add(out.path)
                back = (quoted("git", "checkout", "HEAD", "--", address), quoted("dvc", "checkout", address))
                yield Finding(out.path, gone, ("# if they are meant to stay:", *back))


def _stage(address: str, content: bytes) -> Stage | None:
    from dataops.repo import lockfile, yamls

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


def _gone(commit: Commit, out: Output, before: Output) -> str:
    """The files that are in the old list alone; by their number where a list is not in the cache."""
    old, new = (commit.listed(one) for one in (before, out))
    if old is not None and new is not None:
        gone = old.keys() - new.keys()
        return f"{len(gone):,} of {len(old):,} files leave it ({named(gone)})" if gone else ""
    fewer = (before.files or 0) - (out.files or 0)
    return f"has {fewer:,} files fewer than before" if before.files and out.files is not None and fewer > 0 else ""
