"""The work tree of a run: its own alone, clean, at the end of the branch, with history and tags."""

from __future__ import annotations

import contextlib
import fcntl
import os
import posixpath
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from ci import branch as branches
from ci.branch import Branch
from ci.look import DATASET, MODEL
from dataops.errors import DataOpsError
from dataops.files import write_text
from dataops.repo import publish_tag, worktree
from dataops.repo.recorded import outside
from dataops.versions import release, standing
from dataops.versions.context import Context
from dataops.versions.pin import REFERENCE

MARKER = Path(".dataops/ci-run")  # there while what lies in the work tree is a run's


@contextlib.contextmanager
def alone(root: Path) -> Iterator[int]:
    """Hold the lock of a run. What it starts inherits it: a stage that outlives a killed run counts."""
    path = root / ".dataops/ci.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            reason = "another scripts/ci_data.py is at work here, or what it started is"
            raise DataOpsError(reason, "run this again when it has ended") from None
        yield file.fileno()


def prepare(context: Context, name: str | None, base: str | None, *, release_it: bool) -> tuple[Branch, str]:
    """A clean work tree at the end of the branch `name`, with its history and its tags; and the commit of `base`.

    Args:
        base: another branch whose commits are wanted.
        release_it: False: it doesn't matter which branch HEAD is on.

    Raises:
        DataOpsError: somebody's own changes lie here, or what is checked out isn't on the branch.
    """
    git = context.git
    if git.done("var", "GIT_COMMITTER_IDENT").returncode:
        hint = "git config user.name 'CI' && git config user.email ci@example.com"
        raise DataOpsError("git doesn't know who commits and releases", hint)
    clean(context)
    remote = publish_tag.remote_of(git)
    branches.complete(git, remote)
    at = Branch(git, remote, "", standing.head(git).commit)
    if release_it:
        at = branches.follow(replace(at, name=branches.named(git, name, os.environ)))
        if at.commit != standing.head(git).commit:
            raise DataOpsError("HEAD moved while it was looked at", "run this again when nothing else does")
    for artifact in (DATASET, MODEL):
        release.synchronise(context, outside(artifact, context.prefix), remote)
    tip = branches.fetched(git, remote, base) if base else None
    if base and tip is None:
        raise DataOpsError(f"{remote} has no branch {base}", "--base names the branch to compare with")
    return at, tip or at.commit


def clean(context: Context) -> None:
    """Take back what a killed or failed run left; refuse anybody's own changes."""
    assert context.root is not None
    tracked, untracked = branches.changed(context.git)
    recorded = outputs(context)
    mine = [name for name in untracked if recorded(name)]
    if (tracked or mine) and (context.root / MARKER).exists() and all(map(recorded, tracked)):
        branches.discard(context.git, mine)
        tracked, mine = [], []
    gate = standing.clean(context.git)
    if not gate.passed or mine:
        raise DataOpsError(gate.reason if not gate.passed else f"not committed: {', '.join(mine[:3])}", gate.hint)


def outputs(context: Context) -> Callable[[str], bool]:
    """Whether a path, from git's top, is something that a run writes into git: locks, reports, the reference."""
    assert context.root is not None
    made: set[str] = {REFERENCE}
    for snapshot in (worktree.snapshot(context.root, []), context.snapshot("HEAD")):
        made |= {out.path for stage in snapshot.stages for out in stage.outs if not out.cached}
        made |= set(snapshot.unrecorded)
    full = {posixpath.join(context.prefix, path) for path in made}

    def is_output(path: str) -> bool:
        if posixpath.basename(path) in ("dvc.lock", ".gitignore"):
            return True
        while path and path not in full:
            path = posixpath.dirname(path)
        return bool(path)

    return is_output


def mark(context: Context) -> None:
    """Say that what changes here from now on is a run's, which the next one may take back."""
    assert context.root is not None
    write_text(context.root / MARKER, f"{os.getpid()}\n")


def unmark(context: Context) -> None:
    """Nothing of a run is left here."""
    assert context.root is not None
    (context.root / MARKER).unlink(missing_ok=True)
