"""What git has begun and waits for the user to finish: it leaves a file for each in its folder."""

from __future__ import annotations

from pathlib import Path

from dataops.repo.git import Git

UNFINISHED = {
    "MERGE_HEAD": "a merge",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "BISECT_LOG": "a bisection",
}


def folder(git: Git) -> Path:
    """Git's own folder of this work tree: each worktree has one, a submodule's lies in the repository around it."""
    return Path(git.out("rev-parse", "--absolute-git-dir"))


def underway(own: Path) -> str | None:
    """What is in progress, as `a merge`; `own`: git's own folder of the work tree."""
    return next((what for name, what in UNFINISHED.items() if (own / name).exists()), None)
