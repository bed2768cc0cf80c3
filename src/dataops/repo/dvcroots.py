"""The DVC repositories in a commit of a git repository, and which of its files each has."""

from __future__ import annotations

from typing import Any

from dataops.errors import DataOpsError
from dataops.repo.git import Git

CONFIG = ".dvc/config"


def roots(git: Git, commit: str) -> list[str]:
    """Where the DVC repositories of a commit lie in the git repository, sorted; "" is its top.

    Raises:
        DataOpsError: there is no such commit.
    """
    done = git.done("ls-tree", "-r", "-z", "--full-tree", "--name-only", commit)
    if done.returncode:
        raise DataOpsError(f"{commit[:40]} is no commit of this repository", "`git fetch`, if it is a colleague's")
    paths = (path.decode(errors="surrogateescape") for path in done.stdout.split(b"\0"))
    configs = (path for path in paths if path == CONFIG or path.endswith(f"/{CONFIG}"))
    return sorted(path.removesuffix(CONFIG).rstrip("/") for path in configs)


def files(git: Git, commit: str, prefix: str) -> dict[str, str]:
    """Every file of the DVC root at `prefix`, relative to it, with its blob; without DVC repositories inside it."""
    inside = f"{prefix}/" if prefix else ""
    arguments = ["ls-tree", "-r", "-z", "--full-tree", commit]
    done = git.done(*arguments, *(["--", inside] if inside else []))
    if done.returncode:
        raise DataOpsError(f"{commit[:40]} is no commit of this repository", "`git fetch`, if it is a colleague's")
    found = {}
    for line in done.stdout.split(b"\0")[:-1]:
        facts, _, path = line.partition(b"\t")
        mode, kind, sha = facts.split(b" ")
        if kind == b"blob" and mode != b"120000":
            found[path.decode(errors="surrogateescape").removeprefix(inside)] = sha.decode()
    return without_nested(found)


def without_nested(tree: dict[str, Any]) -> dict[str, Any]:
    """A tree's files but for those of a DVC repository inside it."""
    nested = tuple(path.removesuffix(".dvc/config") for path in tree if path.endswith("/.dvc/config"))
    return {path: sha for path, sha in tree.items() if not path.startswith(nested)} if nested else tree
