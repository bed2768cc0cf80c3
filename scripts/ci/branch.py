"""The branch that a run works for: where it stands, one more commit on it, and never more than a fast-forward.

A commit is made as an object, pushed by its id, and only then taken over here. Killed in between, the branch has it or
hasn't; the next run fetches it, or makes it anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from dataops.errors import DataOpsError
from dataops.repo import publish_tag
from dataops.repo.git import Git
from dataops.repo.gittext import complaint

SKIP = "[skip ci]"  # GitHub, GitLab and most others run nothing for such a commit
TRAILER = "Made-by: scripts/ci_data.py"
BEHIND = re.compile(r"non-fast-forward|fetch first|stale info|failed to (?:update|lock) ref|cannot lock ref")
VARIABLES = (
    "GITHUB_HEAD_REF",
    "GITHUB_REF_NAME",
    "BRANCH_NAME",
    "CI_COMMIT_BRANCH",
    "GIT_BRANCH",
)  # Actions, Jenkins, …


class MovedError(Exception):
    """Somebody pushed to the branch meanwhile."""


@dataclass(frozen=True)
class Branch:
    """A branch of the git remote, and the commit of it that is checked out here."""

    git: Git
    remote: str
    name: str
    commit: str

    @property
    def ref(self) -> str:
        """Its full name there."""
        return f"refs/heads/{self.name}"


def named(git: Git, asked: str | None, environment: Mapping[str, str]) -> str:
    """The branch that a run works for: what was asked for, what is checked out, else what the CI system says.

    Raises:
        DataOpsError: nothing says which.
    """
    if asked:
        return asked.removeprefix("refs/heads/")
    done = git.done("symbolic-ref", "--quiet", "--short", "HEAD")
    if done.returncode == 0:
        return done.stdout.decode(errors="replace").strip()
    if environment.get("GITHUB_REF_TYPE") != "tag":
        found = next((environment[name] for name in VARIABLES if environment.get(name)), None)
        if found:
            return found.removeprefix("origin/")
    raise DataOpsError("HEAD is detached, and nothing says which branch this run is for", "--branch NAME")


def complete(git: Git, remote: str) -> None:
    """Fetch what a shallow clone lacks: which releases come before a commit can't be known in one.

    Raises:
        DataOpsError: the git remote can't be asked.
    """
    if git.out("rev-parse", "--is-shallow-repository") == "true":
        _fetch(git, remote, "--unshallow")


def follow(branch: Branch) -> Branch:
    """Fetch the branch and go to its end, if that is ahead of what is checked out.

    Raises:
        DataOpsError: there is no such branch, or what is checked out isn't on it.
    """
    git, remote, name = branch.git, branch.remote, branch.name
    tip = fetched(git, remote, name)
    if tip is None:
        raise DataOpsError(f"{remote} has no branch {name}", f"git push {remote} {name}, or --branch NAME")
    if tip == branch.commit:
        return branch
    if not git.ok("merge-base", "--is-ancestor", branch.commit, tip):
        if git.ok("merge-base", "--is-ancestor", tip, branch.commit):
            reason = f"{branch.commit[:7]} is not on {remote}/{name} yet"
            raise DataOpsError(reason, f"git push {remote} HEAD:{name}, then run this again")
        reason = f"{branch.commit[:7]} and {remote}/{name} ({tip[:7]}) have gone different ways"
        raise DataOpsError(reason, f"check {remote}/{name} out, or rebase onto it and push")
    git.out("reset", "--quiet", "--keep", tip)
    return replace(branch, commit=tip)


def fetched(git: Git, remote: str, name: str) -> str | None:
    """The last commit of a branch there, which is here then; None where there is none."""
    ref = f"refs/heads/{name}"
    sha = publish_tag.listed(git, remote, ref).get(ref)
    if sha is not None and not git.ok("cat-file", "-e", f"{sha}^{{commit}}"):
        _fetch(git, remote, ref)
    return sha


def _fetch(git: Git, remote: str, *what: str) -> None:
    options = [one for one in what if one.startswith("--")]
    names = [one for one in what if not one.startswith("--")]
    quiet = ("--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no")
    done = git.done("fetch", *quiet, *options, "--end-of-options", remote, *names)
    if done.returncode:
        raise DataOpsError(f"{remote} can't be asked: {complaint(done.stderr)}", f"`git ls-remote {remote}` must work")


def changed(git: Git) -> tuple[list[str], list[str]]:
    """Files that differ from HEAD, and files that git doesn't know; from git's top, without what it ignores.

    Raises:
        DataOpsError: git can't say.
    """
    options = ("--porcelain", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=none")
    entries = git.read("-c", "core.fsmonitor=false", "status", *options).split(b"\0")
    found = [(entry[:2], os.fsdecode(entry[3:])) for entry in entries if entry[2:3] == b" "]
    return [name for state, name in found if state != b"??"], [name for state, name in found if state == b"??"]


def discard(git: Git, untracked: Sequence[str]) -> None:
    """Take back what an earlier run left: everything that git tracks, and these files."""
    git.out("reset", "--quiet", "--hard", "HEAD")
    for name in untracked:
        (git.folder / name).unlink(missing_ok=True)


def draft(branch: Branch, paths: Set[str], message: str) -> str | None:
    """A commit of these paths as they lie there, on top of the branch; nothing names it yet. None: nothing changed.

    Raises:
        DataOpsError: git doesn't know who commits.
    """
    git = branch.git
    listed = "".join(f"{path}\0" for path in sorted(paths)).encode(errors="surrogateescape")
    if paths:
        git.read("--literal-pathspecs", "add", "--all", "--pathspec-from-file=-", "--pathspec-file-nul", stdin=listed)
    tree = git.out("write-tree")
    if tree == git.out("rev-parse", f"{branch.commit}^{{tree}}"):
        return None
    done = git.done("commit-tree", *_signed(git), "-p", branch.commit, tree, stdin=message.encode(errors="replace"))
    if done.returncode:
        hint = "git config user.name 'CI' && git config user.email ci@example.com"
        raise DataOpsError(f"git commit-tree: {complaint(done.stderr)}", hint)
    return done.stdout.decode().strip()


def push(branch: Branch, commit: str) -> Branch:
    """Make `commit` the end of the branch, there and here.

    Raises:
        MovedError: the branch has other commits by now.
        DataOpsError: no network, refused credentials, or the branch is protected.
    """
    git = branch.git
    options = ["--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no"]
    done = git.done("push", *options, "--end-of-options", branch.remote, f"{commit}:{branch.ref}")
    if done.returncode:
        told = (done.stdout + done.stderr).decode(errors="replace")
        if fetched(git, branch.remote, branch.name) not in (commit, branch.commit) or BEHIND.search(told):
            raise MovedError
        status = next((line for line in told.splitlines() if line.startswith("!")), "")
        said = [line.removeprefix("remote:").strip() for line in told.splitlines() if line.startswith("remote:")]
        words = "; ".join(filter(None, said)) or status.rpartition("\t")[2] or complaint(done.stderr)
        hint = "whoever runs this must be allowed to push to it: docs/ci.md, protected branches"
        raise DataOpsError(f"{branch.remote} refused the commit on {branch.name}: {words}", hint)
    git.out("update-ref", "-m", "ci_data", "HEAD", commit, branch.commit)
    return replace(branch, commit=commit)


def text(subject: str, lines: Sequence[str] = ()) -> str:
    """A commit's message."""
    body = [*lines, ""] if lines else []
    return "\n".join([f"{subject} {SKIP}", "", *body, TRAILER]) + "\n"


def _signed(git: Git) -> Iterator[str]:
    if git.done("config", "--type=bool", "commit.gpgSign").stdout.strip() == b"true":
        yield "-S"
