"""DATA006, DATA007: DVC's own files, which must be in git and readable."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from dataops.errors import DataOpsError
from dataops.guard import ignoring
from dataops.guard.commit import Commit
from dataops.guard.findings import Finding, quoted
from dataops.repo import recorded

ALWAYS = ("dvc.yaml", "dvc.lock")
CONFIG = ".dvc/config"


def ignored_by_git(commit: Commit) -> Iterator[Finding]:
    """A pattern as `*.dvc` or `data/`, also where somebody has forced the one file in: the next would be lost."""
    records = [path for path in commit.own if recorded.is_dvc(path) and posixpath.basename(path) != ".dvcignore"]
    asked = sorted({*records, *ALWAYS})
    for path, line in ignoring.hiding(commit.git, str(commit.root), asked).items():
        add = (quoted("git", "add", "--", path),) if (commit.root / path).is_file() else ()
        yield Finding(path, f"is ignored by `{line.pattern}`, line {line.number} of {line.file}", (*line.removal, *add))


def unreadable(commit: Commit) -> Iterator[Finding]:
    """In what the commit would hold."""
    conflicts = _conflicts(commit) if any(map(_checked, commit.changed | commit.unmerged)) else []
    for path in conflicts:
        if path in commit.unmerged and posixpath.basename(path) == "dvc.lock":  # the merge driver writes no markers
            fix: tuple[str, ...] = (quoted("dvc", "repro"), commit.staging(path))
        else:
            side = ("# take one side, or edit the file:", quoted("git", "checkout", "--ours", "--", path))
            fix = (*side, quoted("git", "add", "--", path))
        yield Finding(path, "is in conflict" if path in commit.unmerged else "has conflict markers", fix)
    for problem in commit.records.problems:
        if not any(path in problem for path in conflicts):
            path = next((one for one in commit.tree if _begins(problem, commit, one)), "dvc.yaml")
            what = problem.removeprefix(posixpath.join(commit.prefix, path)).lstrip(": ")
            yield Finding(path, what, (quoted("git", "diff", "HEAD", "--", path),))
    if CONFIG in commit.changed & commit.entries.keys() and CONFIG not in conflicts:
        yield from _config(commit)


def _begins(problem: str, commit: Commit, path: str) -> bool:
    full = posixpath.join(commit.prefix, path)
    return problem.startswith((f"{full}:", f"{full} "))


def _conflicts(commit: Commit) -> list[str]:
    """DVC's files, its configuration and files of parameters with a merge's markers, in the commit or unmerged."""
    from dataops.yamls import CONFLICT

    unmerged = {path for path in commit.unmerged if _checked(path)}
    asked = sorted(path for path in commit.changed if path in commit.tree and _checked(path) and path not in unmerged)
    blobs = commit.git.batch([commit.tree[path] for path in asked])
    marked = {
        path for path, blob in zip(asked, blobs, strict=True) if blob and len(set(CONFLICT.findall(blob.content))) > 1
    }
    return sorted(unmerged | marked)


def _checked(path: str) -> bool:
    return recorded.is_dvc(path) or path == CONFIG or posixpath.basename(path) in ("params.yaml", ".gitignore")


def _config(commit: Commit) -> Iterator[Finding]:
    from dataops.store import dvcconfig

    try:
        dvcconfig.parse(commit.content(CONFIG).decode(errors="replace"), CONFIG)
    except DataOpsError as error:
        yield Finding(CONFIG, error.message.removeprefix(f"{CONFIG} "), (quoted("git", "diff", "HEAD", "--", CONFIG),))
