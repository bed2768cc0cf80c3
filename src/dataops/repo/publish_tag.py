"""A tag that has one winner: the object is made without a ref, pushed by its id to a ref that must not exist yet, and
only then written here. Killed in between, nothing points at it, and git forgets it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from dataops.errors import DataOpsError
from dataops.repo.git import TAGS, Git
from dataops.repo.gittext import complaint

AT_ONCE = 500  # refs of one push: a command line is only so long
BROKEN = re.compile(r"hung up|disconnect|early EOF|RPC failed|broken pipe", re.IGNORECASE)
SSH = "ssh -oBatchMode=yes -oConnectTimeout=5"
UNREACHABLE = re.compile(
    r"could not resolve|unable to access|could not read from remote|connection|timed out|network|does not appear to be"
    r" a git repository|not found|no such",
    re.IGNORECASE,
)
UNAUTHORIZED = re.compile(
    r"authentication failed|permission denied|could not read (username|password)|invalid username|access denied|403"
    r"|publickey|not authorized|terminal prompts disabled",
    re.IGNORECASE,
)


def make_object(git: Git, name: str, commit: str, message: str, after: int = 0) -> str:
    """Write an annotated tag of `commit` into the object database; no ref yet. Its id.

    Args:
        after: seconds since 1970 that the tag must be later than: the newest event wins, also where a clock is slow.

    Raises:
        DataOpsError: git doesn't know who the user is.
    """
    done = git.done("var", "GIT_COMMITTER_IDENT")
    if done.returncode:
        reason = f"git doesn't know who you are: {complaint(done.stderr)}"
        raise DataOpsError(reason, "git config user.name 'Your Name' && git config user.email you@example.com")
    who, _, zone = done.stdout.decode(errors="replace").strip().rpartition(" ")
    who, _, now = who.rpartition(" ")
    seconds = max(int(now), after + 1 if after else 0)
    text = "\n".join(message.replace("\r\n", "\n").replace("\0", "").rstrip("\n").split("\n")) + "\n"
    content = f"object {commit}\ntype commit\ntag {name}\ntagger {who} {seconds} {zone}\n\n{text}"
    return git.out("mktag", "--no-strict", stdin=content.encode(errors="replace"))


def remote_of(git: Git) -> str:
    """The git remote that tags go to: the current branch's, else `origin`, else the only one.

    Raises:
        DataOpsError: there is none, or it isn't clear which.
    """
    names = git.out("remote").splitlines()
    branch = git.done("symbolic-ref", "--quiet", "--short", "HEAD").stdout.decode(errors="replace").strip()
    if branch:
        upstream = git.done("config", f"branch.{branch}.remote").stdout.decode(errors="replace").strip()
        if upstream in names:
            return upstream
    if "origin" in names:
        return "origin"
    if len(names) == 1:
        return names[0]
    if not names:
        raise DataOpsError("this repository has no git remote to push the tag to", "--no-push makes it here alone")
    which = f"which of the git remotes {', '.join(sorted(names))} the tag goes to is not clear"
    raise DataOpsError(which, "git branch --set-upstream-to REMOTE/BRANCH, or --no-push")


def push(git: Git, remote: str, sha: str, name: str) -> Literal["pushed", "exists"]:
    """Give the tag object `sha` its name on `remote`, if nobody has taken it; the very same again is "pushed".

    A local pre-push hook isn't asked: it guards branches, and the commit of a tag is on one already.

    Raises:
        DataOpsError: no network, refused credentials, or the server says no, in its own words.
    """
    ref = TAGS + name
    options = ["--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no"]
    done = git.done("push", *options, "--end-of-options", remote, f"{sha}:{ref}")
    status = next((line for line in done.stdout.decode(errors="replace").splitlines() if f":{ref}\t" in line), "")
    if done.returncode == 0 and status[:1] in ("*", "="):
        return "pushed"
    if status or BROKEN.search(done.stderr.decode(errors="replace")):
        there = _there(git, remote, ref)
        if there is not None:
            return "pushed" if there == sha else "exists"
    raise _refusal(done.stderr, status, remote, name)


def push_refs(git: Git, remote: str, refs: Mapping[str, str]) -> None:
    """Give many objects their names on `remote`: new tags, and branches that only move forward.

    Args:
        refs: full name to id. What is the same there already is fine.

    Raises:
        DataOpsError: as `push`; or one of them is another one there. The others may be there by then.
    """
    options = ["--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no"]
    names = list(refs)
    while chunk := names[:AT_ONCE]:
        specs = [f"{refs[name]}:{name}" for name in chunk]
        done = git.done("push", *options, "--end-of-options", remote, *specs)
        there = listed(git, remote) if done.returncode else refs
        left = [name for name in chunk if there.get(name) != refs[name]]
        if len(left) == len(chunk):  # else somebody pushes the same at the same time
            lines = done.stdout.decode(errors="replace").splitlines()
            status = next((line for line in lines if line.startswith("!")), "")
            name = status.partition(":")[2].partition("\t")[0].removeprefix(TAGS)
            raise _refusal(done.stderr, status, remote, name)
        names = [*left, *names[AT_ONCE:]]


def keep(git: Git, name: str, sha: str) -> None:
    """Write the local ref, which must not exist, or be the same.

    Raises:
        DataOpsError: another tag has that name here.
    """
    ref = TAGS + name
    done = git.done("update-ref", "--no-deref", "--create-reflog", ref, sha, "0" * len(sha))
    if done.returncode == 0 or git.done("rev-parse", "--verify", "--quiet", ref).stdout.decode().strip() == sha:
        return
    if git.ok("show-ref", "--verify", "--quiet", ref):
        raise DataOpsError(f"another tag {name} is here already", f"git show '{name}'")
    raise DataOpsError(f"the tag {name} can't be written here: {complaint(done.stderr)}")


def listed(git: Git, remote: str, *patterns: str, timeout: float | None = None) -> dict[str, str]:
    """What `remote` has: full name of the ref → id (of the tag object, not peeled).

    Args:
        timeout: for a mere hint: seconds to wait at most, and no question about a passphrase.

    Raises:
        DataOpsError: it can't be asked.
    """
    quiet = [] if timeout is None or git.ok("config", "core.sshCommand") else ["-c", f"core.sshCommand={SSH}"]
    done = git.done(*quiet, "ls-remote", "--quiet", "--refs", "--end-of-options", remote, *patterns, timeout=timeout)
    if done.returncode:
        raise _refusal(done.stderr, "", remote, "")
    lines = [line.split("\t", 1) for line in done.stdout.decode(errors="replace").splitlines()]
    return {line[1]: line[0] for line in lines if len(line) == 2}


def fetch(git: Git, remote: str, names: Sequence[str]) -> None:
    """Bring these tags of `remote` here; none that is here already is changed.

    Raises:
        DataOpsError: the remote can't be asked, or a tag of that name here is another one.
    """
    specs = [f"{TAGS}{name}:{TAGS}{name}" for name in names]
    if not specs:
        return
    options = ["--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--stdin"]
    done = git.done("fetch", *options, "--end-of-options", remote, stdin="".join(f"{s}\n" for s in specs).encode())
    if done.returncode:
        raise _refusal(done.stderr, "", remote, "")


def _there(git: Git, remote: str, ref: str) -> str | None:
    """What the remote has under `ref` by now; None where it has nothing, or doesn't say."""
    try:
        return listed(git, remote, ref).get(ref)
    except DataOpsError:
        return None


def _refusal(stderr: bytes, status: str, remote: str, name: str) -> DataOpsError:
    """Why a push or a listing failed, as far as git and the server say."""
    told = stderr.decode(errors="replace")
    if status.startswith("!"):
        reason = re.search(r"\(([^()]*)\)\s*$", status)
        declined = reason[1] if reason else "rejected"
        said = [line.removeprefix("remote:").strip() for line in told.splitlines() if line.startswith("remote:")]
        words = "; ".join(line for line in said if line and not line.startswith("error: hook declined"))
        hint = "it is protected there, or a hook of the server refuses it: ask who may make tags"
        reply = f"{words} ({declined})" if words else declined
        what = name if name.startswith("refs/") else f"the tag {name}"
        return DataOpsError(f"{remote} refused {what}: {reply}", hint)
    line, works = complaint(stderr), f"`git ls-remote {remote}` must work; or --no-push"
    if UNAUTHORIZED.search(told):
        return DataOpsError(f"{remote} refused the credentials: {line}", f"log in to the git remote again; {works}")
    if UNREACHABLE.search(told):
        return DataOpsError(f"{remote} can't be reached: {line}", works)
    return DataOpsError(f"{remote} can't be asked: {line}", works)
