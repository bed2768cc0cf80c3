"""Where the work tree stands in git: what has to be true before a commit may be named for years."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from dataops.errors import DataOpsError, Refused
from dataops.repo import publish_tag, underway
from dataops.repo.git import Git
from dataops.repo.gittext import complaint
from dataops.repo.registry import Version
from dataops.repo.tags import Number
from dataops.versions.gates import Gate

SHOWN = 3


@dataclass(frozen=True)
class Head:
    """The commit that would be released."""

    commit: str
    branch: str | None
    """None: a detached HEAD, as CI has it."""


def head(git: Git) -> Head:
    """What is checked out.

    Raises:
        DataOpsError: a repository without a commit, or a shallow one.
    """
    commit = git.commit_of("HEAD")
    if commit is None:
        raise DataOpsError("there is no commit yet", "git add -A && git commit")
    if git.out("rev-parse", "--is-shallow-repository") == "true":
        reason = "this is a shallow clone: which releases come before this commit can't be known"
        raise DataOpsError(reason, "git fetch --unshallow --tags")
    done = git.done("symbolic-ref", "--quiet", "--short", "HEAD")
    return Head(commit, done.stdout.decode().strip() if done.returncode == 0 else None)


def clean(git: Git) -> Gate:
    """Nothing begun, and no tracked file that differs from HEAD. Untracked code in a dependency is `dvc status`'s."""
    if what := underway.underway(underway.folder(git)):
        return Gate(
            "tree", False, f"{what} is in progress", "finish or abort it; `git status` says how", overridable=False
        )
    options = ("--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=none")
    done = git.done("-c", "core.fsmonitor=false", "status", *options)
    if done.returncode:  # which is not "clean"
        raise DataOpsError(f"git status: {complaint(done.stderr)}", "`git status` and `git fsck` say more")
    changed = [entry[3:].decode(errors="replace") for entry in done.stdout.split(b"\0") if entry[2:3] == b" "]
    changed += _unseen(git)
    if changed:
        more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
        reason = f"not committed: {', '.join(changed[:SHOWN])}{more}"
        return Gate("tree", False, reason, "git commit, or git stash", overridable=False)
    return Gate("tree", True, "clean")


def _unseen(git: Git) -> list[str]:
    """Changed files that git was told not to look at (assume-unchanged, skip-worktree), so that `status` is silent."""
    entries = git.read("ls-files", "-v", "-z").split(b"\0")
    marked = [entry for entry in entries if entry[:1].islower() or entry[:1] == b"S"]
    names = [name for entry in marked if (git.folder / (name := os.fsdecode(entry[2:]))).is_file()]
    recorded = git.shas([f":{name}" for name in names])
    return [
        f"{name} (which git is told to ignore: `git update-index --no-assume-unchanged --no-skip-worktree`)"
        for name, sha in zip(names, recorded, strict=True)
        if git.out("hash-object", "--", name) != sha
    ]


def pushed(git: Git, remote: str, at: Head, *, fetch: bool) -> Gate:
    """The commit is on a branch of the git remote: a tag on a commit that no branch holds is accepted and then lost.

    Raises:
        DataOpsError: the remote can't be asked.
    """
    heads = publish_tag.listed(git, remote, "refs/heads/*")
    if at.commit not in heads.values() and fetch and any(not _known(git, sha) for sha in heads.values()):
        options = ("--quiet", "--no-tags", "--no-prune", "--no-prune-tags", "--recurse-submodules=no")
        git.out("fetch", *options, "--end-of-options", remote)  # never touches a branch or tag of ours
    known = {name: sha for name, sha in heads.items() if _known(git, sha)}
    for name, sha in sorted(known.items(), key=lambda item: item[0] != f"refs/heads/{at.branch}"):
        if git.ok("merge-base", "--is-ancestor", at.commit, sha):
            where = f"{remote}/{name.removeprefix('refs/heads/')}"
            detached = "" if at.branch else "a detached HEAD, "
            return Gate("pushed", True, f"{detached}{at.commit[:7]} is on {where}")
    if at.branch is None:
        reason = f"HEAD is detached at {at.commit[:7]}, which is on no branch of {remote}"
        hint = "git switch -c NAME, and push that branch"
    else:
        reason = f"{at.commit[:7]} of {at.branch} is not on {remote} yet"
        hint = f"git push {remote} {at.branch}"
    if len(known) < len(heads):
        hint += f" (or git fetch {remote}: it has commits that are not here)"
    return Gate("pushed", False, reason, hint, overridable=False)


def _known(git: Git, sha: str) -> bool:
    return git.ok("cat-file", "-e", f"{sha}^{{commit}}")


def after_imports(versions: Sequence[Version], number: Number) -> None:
    """Whether versions that were imported, on a line of their own, would come after this number.

    Raises:
        Refused: some would, and `latest` would go on to mean them.
    """
    imported = [version for version in versions if version.aliases]
    if imported and number <= imported[-1].number:
        last = imported[-1]
        reason = f"it would be {number}, but {last.name} (was {last.aliases[0]}) was imported, and is not before it"
        hint = f"`git merge -s ours --allow-unrelated-histories {last.tag}` joins them, changing no file; or --version"
        raise Refused(reason, hint)
