"""Git's index: what the commit would hold that `git commit` makes now, and how it differs from its parents."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dataops.repo import underway
from dataops.repo.git import LOSSLESS, Git

LINK, MODULE = "120000", "160000"


@dataclass(frozen=True)
class Entry:
    """One file of the index."""

    mode: str
    """`100644`, `100755`, or one of the two above."""
    sha: str


@dataclass(frozen=True)
class Index:
    """The index; every path counts from git's top."""

    entries: Mapping[str, Entry]
    changed: frozenset[str]
    """Added, modified or deleted by the commit: otherwise than in every one of its parents."""
    parents: tuple[str, ...]
    """The commits that it will follow, HEAD first; git's tree of no files where it is the first."""
    unmerged: frozenset[str]
    """In conflict."""
    unstaged: frozenset[str]
    """Files whose stat says that they may differ in the work tree; some may not, after all."""
    underway: str | None
    """`a merge`, `a rebase` …, where one is in progress."""


def read(git: Git) -> Index:
    """The index of this work tree: in a hook the one that git has made for the commit."""
    own, head = _head(git)
    parents = [head or git.out("hash-object", "-t", "tree", "--stdin", stdin=b""), *_merged(own)]
    entries: dict[str, Entry] = {}
    unmerged = set()
    for line in git.read("ls-files", "-z", "--stage", "--full-name", ":/").split(b"\0")[:-1]:
        facts, _, name = line.partition(b"\t")
        mode, sha, stage = facts.decode().split(" ")
        path = os.fsdecode(name)
        entries[path] = Entry(mode, sha)
        if stage != "0":
            unmerged.add(path)
    return Index(
        entries,
        frozenset.intersection(*(_names(git, "diff-index", "--cached", "--no-renames", one) for one in parents)),
        tuple(parents),
        frozenset(unmerged),
        _names(git, "diff-files"),
        underway.underway(own),
    )


def _head(git: Git) -> tuple[Path, str]:
    """Git's own folder of this work tree, and the commit that is checked out, "" where there is none yet."""
    done = git.done("rev-parse", "--absolute-git-dir", "--verify", "--quiet", "HEAD")
    own, _, head = os.fsdecode(done.stdout).rstrip("\n").partition("\n")
    return Path(own), head if done.returncode == 0 else ""


def _merged(own: Path) -> list[str]:
    """The other parents that a merge in progress brings."""
    merged = own / "MERGE_HEAD"
    return merged.read_text(encoding="ascii", errors="replace").split() if merged.is_file() else []


def _names(git: Git, *command: str) -> frozenset[str]:
    """The paths that a diff of git's plumbing names."""
    output = git.read(command[0], "-z", "--name-only", "--ignore-submodules=all", *command[1:], "--")
    return frozenset(name.decode(errors=LOSSLESS) for name in output.split(b"\0")[:-1])
