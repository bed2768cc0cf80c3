"""Versions are git tags: are they all here, all on the remote, and can nobody move them there?"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

from dataops.guard.doctor.finding import Finding, Place
from dataops.repo.git import TAGS, Git
from dataops.repo.gittext import complaint
from dataops.repo.tags import TAG

SECONDS = 8.0
SHOWN = 3
SCP = re.compile(r"(?:[^@/\s]+@)?([^:/\s]+):(?!//)(.+)")
RULESET = (
    "gh api -X POST repos/{path}/rulesets -f name='versions stay' -f target=tag -f enforcement=active "
    "-f 'conditions[ref_name][include][]=~ALL' -f 'conditions[ref_name][exclude][]' "
    "-f 'rules[][type]=deletion' -f 'rules[][type]=update'"
)
PROTECT = "glab api -X POST projects/{path}/protected_tags -f name='*'"
# receive.denyDeletes and denyNonFastForwards are about branches alone: a hook has to keep tags
UPDATE = (
    r"""printf '#!/bin/sh\ncase "$1" in refs/tags/*) case "$2" in *[!0]*) exit 1;; esac;; esac\n' """
    "> {hook} && chmod +x {hook}"
)


def fetched(place: Place) -> Iterator[Finding]:
    """Does this clone have the tags of its git remote, and the remote this clone's versions?"""
    if place.git is None:
        return
    remote = remote_of(place.git)
    if remote is None:
        yield Finding("git remote", "warn", "there is none: versions stay on this machine", "git remote add origin URL")
        return
    quiet = [] if place.git.done("config", "core.sshCommand").stdout else ["-c", "core.sshCommand=ssh -oBatchMode=yes"]
    done = place.git.done(*quiet, "ls-remote", "--quiet", "--refs", "--tags", remote, timeout=SECONDS)
    if done.returncode:
        fix = f"`git ls-remote {remote}` must work"
        yield Finding("git remote", "fail", f"{remote} doesn't answer: {complaint(done.stderr)}", fix)
        return
    yield Finding("git remote", "ok", f"{remote}, {_url(place.git, remote)}")
    lines = (line.split("\t", 1) for line in done.stdout.decode(errors="replace").splitlines())
    there = {name.removeprefix(TAGS): sha for sha, name in (line for line in lines if len(line) == 2)}
    here = {ref.name: ref.sha for ref in place.git.refs(TAGS)}
    yield from _compared(here, there, remote)


def kept(place: Place) -> Iterator[Finding]:
    """Does the git remote refuse to move or delete a tag?"""
    remote = remote_of(place.git) if place.git else None
    if place.git is None or remote is None:
        return
    yield protection(_url(place.git, remote), place.git.folder)


def protection(url: str, base: Path) -> Finding:
    """What can be said of a remote by its URL; a path counts from `base`."""
    host, path = _host(url)
    if host is None:
        return _own(Path(os.path.normpath(base / urlsplit(url).path)) if "://" in url else base / url)
    path = quote(path.strip("/").removesuffix(".git"))
    if host == "github.com":
        return Finding(
            "tags kept",
            "unknown",
            "GitHub says only to its members whether tags are protected; if not",
            RULESET.format(path=path),
        )
    if "gitlab" in host:
        return Finding(
            "tags kept",
            "unknown",
            "GitLab says only to its members whether tags are protected; if not",
            PROTECT.format(path=quote(path, safe="")),
        )
    return Finding(
        "tags kept",
        "unknown",
        f"whether {host} lets tags be moved or deleted can't be seen from here",
        "protect tags there: a version must not move",
    )


def remote_of(git: Git) -> str | None:
    """The remote of the branch that is checked out, else origin, else the only one."""
    names = git.done("remote").stdout.decode(errors="replace").split()
    branch = git.done("symbolic-ref", "--quiet", "--short", "HEAD").stdout.decode(errors="replace").strip()
    tracked = git.done("config", f"branch.{branch}.remote").stdout.decode(errors="replace").strip() if branch else ""
    wanted = [name for name in (tracked, "origin") if name in names]
    return wanted[0] if wanted else names[0] if len(names) == 1 else None


def _compared(here: dict[str, str], there: dict[str, str], remote: str) -> Iterator[Finding]:
    moved = sorted(name for name in here.keys() & there.keys() if here[name] != there[name])
    missing = sorted(there.keys() - here.keys())
    unpushed = sorted(name for name in here.keys() - there.keys() if TAG.fullmatch(name))
    if moved:
        fix = f"find out who moved it; `git fetch {remote} --tags --force` takes {remote}'s"
        yield Finding("tags", "fail", f"another here than on {remote}: {_some(moved)}", fix)
    if missing:
        yield Finding(
            "tags",
            "warn",
            f"{len(missing):,} of {len(there):,} not fetched: {_some(missing)}",
            f"git fetch {remote} --tags",
        )
    if unpushed:
        which = " ".join(map(shlex.quote, unpushed)) if len(unpushed) <= SHOWN else "--tags"
        yield Finding("tags", "warn", f"not on {remote}: {_some(unpushed)}", f"git push {remote} {which}")
    if not (moved or missing or unpushed):
        yield Finding("tags", "ok", f"all {len(there):,} of {remote} are here" if there else f"{remote} has none yet")


def _own(folder: Path) -> Finding:
    """A remote on this machine's disk: nothing but a hook keeps its tags."""
    git = folder / ".git" if (folder / ".git").is_dir() else folder
    for name in ("update", "pre-receive", "reference-transaction"):
        if os.access(git / "hooks" / name, os.X_OK):
            return Finding("tags kept", "unknown", f"by what {git / 'hooks' / name} refuses")
    fix = UPDATE.format(hook=shlex.quote(str(git / "hooks/update")))
    return Finding("tags kept", "warn", f"anybody who pushes to {folder} may move or delete a tag", fix)


def _url(git: Git, remote: str) -> str:
    """Where it is, without a password."""
    from dataops.repo.clones import shown

    return shown(git.done("remote", "get-url", remote).stdout.decode(errors="replace").strip())


def _host(url: str) -> tuple[str | None, str]:
    """The machine (None: this one) and the path on it."""
    if "://" in url:
        parts = urlsplit(url)
        return (None, parts.path) if parts.scheme == "file" else (parts.hostname or "", parts.path)
    found = SCP.fullmatch(url)
    return (found[1].lower(), found[2]) if found else (None, url)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
