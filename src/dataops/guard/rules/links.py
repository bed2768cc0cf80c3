"""DATA005: symbolic links that leave the repository, other than into DVC's cache (`cache.type symlink`)."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator

from dataops.guard.commit import Commit
from dataops.guard.findings import Finding, quoted
from dataops.guard.rules.changed import record_of
from dataops.guard.staged import LINK


def find(commit: Commit) -> Iterator[Finding]:
    """In git and in the data."""
    links = list(_links(commit))
    if not links:
        return
    allowed = commit.allowed("DATA005")
    top = os.path.realpath(commit.git.folder)
    caches = tuple(f"{folder}{os.sep}" for folder in {str(commit.cache.folder), os.path.realpath(commit.cache.folder)})
    for path, target in links:
        if allowed(path) or target.startswith(caches):
            continue
        resolved = os.path.realpath(commit.root / posixpath.dirname(path) / target)
        within = (resolved == top, resolved.startswith(f"{top}{os.sep}"), resolved.startswith(caches))
        if not any(within):
            yield Finding(path, f"leads to {target}", _fix(commit, path))


def _links(commit: Commit) -> Iterator[tuple[str, str]]:
    """Links with their targets: those of the index that the commit changes, then those of the data."""
    staged = sorted(path for path in commit.changed & commit.entries.keys() if commit.entries[path].mode == LINK)
    for path, blob in zip(staged, commit.git.batch([commit.entries[path].sha for path in staged]), strict=True):
        yield path, os.fsdecode(blob.content.partition(b"\0")[0]) if blob else ""
    for place in commit.places.values():
        for path in place.content.links if place.content else ():
            yield path, str((commit.root / path).readlink())


def _fix(commit: Commit, path: str) -> tuple[str, ...]:
    """A copy in its place, recorded by who has the link."""
    copy = f"{path}.copy"
    put = (quoted("cp", "-RL", path, copy), quoted("rm", path), quoted("mv", copy, path))
    out = commit.covering(path)
    if out is None:
        return (*put, quoted("git", "add", "--", path))
    if ":" in (out.stage or ""):
        return (
            *put,
            quoted("dvc", "commit", "-f", (out.stage or "").removeprefix("dvc.yaml:")),
            quoted("git", "add", "--", record_of(out)),
        )
    return (*put, quoted("dvc", "add", out.path), quoted("git", "add", "--", out.stage or ""))
