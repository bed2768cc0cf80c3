"""Where the code stands in git when a job is started: the commit, and whether that says what runs."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from dataops.errors import DataOpsError
from dataops.repo.gittext import complaint
from dataops.training.sagemaker.bundle import SOURCES, Bundle
from dataops.training.sagemaker.channels import LOCK, outs
from dataops.training.sagemaker.request import Standing
from dataops.versions.context import Context


def of(context: Context, bundle: Bundle) -> Standing:
    """The commit that is checked out. What `dvc repro` itself writes (dvc.lock and outputs) makes nothing dirty.

    Raises:
        DataOpsError: there is no commit, or git can't say.
    """
    git, root = context.git, context.root or Path()
    commit = git.commit_of("HEAD")
    if commit is None:
        raise DataOpsError("there is no commit yet", "git add -A && git commit")
    done = git.done("-c", "core.fsmonitor=false", "status", "--porcelain", "-z", "--untracked-files=no")
    if done.returncode:
        raise DataOpsError(f"git status: {complaint(done.stderr)}", "`git status` says more")
    prefix = f"{context.prefix}/" if context.prefix else ""
    changed = [os.fsdecode(entry[3:]) for entry in done.stdout.split(b"\0") if entry[2:3] == b" "]
    made = _written_by_dvc(root)
    theirs = [path for path in changed if not _below(path.removeprefix(prefix), made)]
    sent = {f"{SOURCES}/{name}" for name in bundle.files if name.endswith(".py")}
    tracked = {os.fsdecode(name) for name in git.read("ls-files", "-z", "--", *sorted(sent)).split(b"\0")}
    return Standing(commit, bool(theirs) or not sent <= tracked)


def _written_by_dvc(root: Path) -> set[str]:
    """dvc.lock and the paths of every output that it records."""
    return {str(LOCK)} | {str(out.get("path")) for out in outs(root)}


def _below(path: str, made: set[str]) -> bool:
    return path in made or any(str(parent) in made for parent in PurePosixPath(path).parents)
