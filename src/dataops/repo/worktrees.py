"""The work trees that share a repository's refs, and its objects as everybody has them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dataops.errors import Refused
from dataops.repo.git import Git


@dataclass(frozen=True)
class Worktree:
    """One of the repository's work trees."""

    folder: Path
    head: str | None


def worktrees(git: Git) -> list[Worktree]:
    """This work tree and every other that shares its refs; those that git would prune are gone.

    Raises:
        Refused: one that is still wanted (locked) is not there, so that its files can't be seen.
    """
    found = []
    for lines in said(git):
        if "prunable" in lines:
            continue
        folder = Path(lines["worktree"])
        if not folder.is_dir() and not _gone(git, lines["worktree"]):
            hint = "make it reachable, or `git worktree unlock` and `git worktree prune` it"
            raise Refused(f"the worktree {folder} can't be reached, and what it needs isn't known", hint)
        if folder.is_dir():
            found.append(Worktree(folder, head(lines)))
    return found


def _gone(git: Git, folder: str) -> bool:
    """Was it removed since git was asked, as `dataops reproduce` does at its end?"""
    return not any(lines["worktree"] == folder and "prunable" not in lines for lines in said(git))


def said(git: Git) -> list[dict[str, str]]:
    """What git says of each: `worktree`, `HEAD`, `prunable`, …"""
    done, end = git.done("worktree", "list", "--porcelain", "-z"), "\0"
    if done.returncode:  # before git 2.36
        done, end = git.done("worktree", "list", "--porcelain"), "\n"
    blocks = os.fsdecode(done.stdout).split(end * 2)
    found = [dict(line.partition(" ")[::2] for line in block.strip(end).split(end) if line) for block in blocks]
    return [lines for lines in found if "worktree" in lines]


def head(lines: Mapping[str, str]) -> str | None:
    """The commit that is checked out in a worktree; None where there is none yet."""
    return lines["HEAD"] if set(lines.get("HEAD", "0")) != {"0"} else None
