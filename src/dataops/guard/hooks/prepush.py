"""The pre-push check: refuse commits whose data nobody else could get (rule DATA201)."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dataops.guard.hooks import absent, installed, pushed
from dataops.guard.hooks.absent import Missing
from dataops.guard.hooks.pushed import Push
from dataops.repo import git as gits
from dataops.repo.git import Git
from dataops.store.objects import Progress, silent

RULE = "DATA201"
OVERRIDE = "`git push --no-verify` pushes all the same"


@dataclass(frozen=True)
class Verdict:
    """What the check found."""

    missing: tuple[Missing, ...] = ()
    commands: tuple[str, ...] = ()
    """What brings the missing objects to the remote, as far as this clone can."""
    notes: tuple[str, ...] = ()
    """What could not be looked at, and doesn't keep the push."""
    asked: bool = False
    """Was the DVC remote asked?"""


def check(top: Path, push: Push, progress: Progress = silent) -> Verdict:
    """Whether every object that the push adds is on its DVC remote.

    Raises:
        DataOpsError: that can't be found out, or `top` is in no git repository.
    """
    git = gits.of(top)
    found = pushed.additions(git, push, progress)
    if found is None or not found.added:
        return Verdict(notes=tuple(found.problems if found else ()))
    gone = absent.missing(git, found, progress)
    return Verdict(tuple(gone), _commands(git, push, gone), tuple(found.problems), asked=True)


def by_framework(top: Path, environ: Mapping[str, str] = os.environ) -> Push | None:
    """The push as pre-commit describes it to its hooks: one ref of it. None where our own script, which runs before
    pre-commit's hooks and is told every ref, has checked it already.
    """
    git = gits.of(top)
    remote, url = environ.get("PRE_COMMIT_REMOTE_NAME", ""), environ.get("PRE_COMMIT_REMOTE_URL", "")
    if remote and installed.runs_before(git, "pre-push"):
        return None
    tip = git.commit_of(environ.get("PRE_COMMIT_TO_REF") or environ.get("PRE_COMMIT_LOCAL_BRANCH") or "HEAD")
    return Push(remote, url, (tip,) if tip else (), ())


def _commands(git: Git, push: Push, gone: list[Missing]) -> tuple[str, ...]:
    """`dvc push`, with as few commits as hold everything that is missing."""
    from dataops.repo import worktree

    commands: dict[str, None] = {}
    for prefix in dict.fromkeys(one.added.prefix for one in gone if one.here):
        wanted = {one.added.obj.digest for one in gone if one.here and one.added.prefix == prefix}
        enter = f"cd {shlex.quote(prefix)} && " if prefix else ""
        problems: list[str] = []
        if wanted <= pushed.digests(worktree.snapshot(git.folder / prefix, problems)):
            commands[f"{enter}dvc push"] = None
            continue
        heads = {sha for _, sha in git.tips("refs/heads/")}
        if wanted <= pushed.recorded_at(git, heads & set(push.tips)):
            commands[f"{enter}dvc push --all-branches"] = None
        else:
            commands[f"{enter}dvc push --all-commits"] = None
    return tuple(commands)
