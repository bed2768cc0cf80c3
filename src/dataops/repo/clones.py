"""Somebody's repository: by its path as it lies there, by its URL as a bare clone in the user's cache."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from dataops.errors import DataOpsError
from dataops.repo import publish_tag
from dataops.repo.git import Git
from dataops.repo.gittext import complaint

URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://|(?:[^/@:]+@)?[^/:]{2,}:(?!//|:)")  # https://…, git@host:path
LIMIT = "blob:limit=5m"  # of files in git: data that somebody once committed stays where it is
PATIENCE = ("-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=30")
BUSY = re.compile("cannot lock ref|unable to create .*lock", re.IGNORECASE)  # another process updates it just now
SPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


def repository(
    url_or_path: str, cache: Path | None = None, told: Callable[[str], object] = str
) -> tuple[Git, Path | None]:
    """The repository, and its DVC root where it is a work tree on this machine.

    A clone has no large files; git fetches one when it is first asked for. It is updated at every call. Where that
    fails the last state serves, and `told` hears of it.

    Raises:
        DataOpsError: there is no such repository, or it can't be reached.
    """
    if not url_or_path.strip() or url_or_path.startswith("-"):
        raise DataOpsError(f"{url_or_path!r} is no repository", "a path, or a URL as https://host/team/repo.git")
    local = expanded(url_or_path)
    if local.exists():
        return _local(local)
    if not URL.match(url_or_path):
        raise DataOpsError(f"there is no repository at {url_or_path}", "a path, or a URL as https://host/team/repo.git")
    if re.match(r"(ext|fd)::?", url_or_path):  # git would run a command
        raise DataOpsError(f"{url_or_path} is no address that is opened here", "https://, ssh:// or a path")
    folder = (cache or _cache()) / hashlib.sha256(url_or_path.encode()).hexdigest()[:24]
    clone = Git(folder)
    if (folder / "HEAD").is_file():
        _update(clone, url_or_path, told)
    else:
        _clone(url_or_path, folder)
    return clone, None


def expanded(text: str) -> Path:
    """A path, `~` being the home folder."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # of nobody
        return Path(text)


def shown(url: str) -> str:
    """A URL without its password."""
    return re.sub(r"(?<=://)[^/\s]+@", "", url)


def _local(path: Path) -> tuple[Git, Path | None]:
    """A work tree (its DVC root is at or above `path`), or a bare repository."""
    for folder in (path.resolve(), *path.resolve().parents):
        if (folder / ".dvc" / "config").is_file():
            from dataops.repo.git import of

            return of(folder), folder
        if (folder / ".git").exists():
            return Git(folder), None
    if (path / "HEAD").is_file() and (path / "objects").is_dir():
        return Git(path.resolve()), None
    raise DataOpsError(f"{path} is no git repository", "a path, or a URL as https://host/team/repo.git")


def _update(clone: Git, url: str, told: Callable[[str], object]) -> None:
    """Fetch what is new. The time of the file HEAD says when that last went well.

    Raises:
        DataOpsError: the server is there and refuses.
    """
    head = clone.folder / "HEAD"
    words = ("--quiet", "--prune", "--no-tags", "--end-of-options", "origin", *SPECS)
    done = clone.done(*PATIENCE, "fetch", *words)
    said = done.stderr.decode(errors="replace")
    if done.returncode == 0 or BUSY.search(said):
        head.touch()
        if clone.commit_of("HEAD") is None:  # the branch has another name now
            symbolic = clone.out("ls-remote", "--symref", "origin", "HEAD").partition("\t")[0].removeprefix("ref: ")
            clone.done("symbolic-ref", "HEAD", symbolic)
    elif publish_tag.UNREACHABLE.search(said):
        age = dt.datetime.fromtimestamp(head.stat().st_mtime, dt.UTC)
        told(f"{shown(url)} can't be reached; this is what it was at {age:%Y-%m-%d %H:%M} UTC")
    else:
        raise DataOpsError(f"{shown(url)}: {complaint(done.stderr)}", f"`git ls-remote {shown(url)}` must work")


def _clone(url: str, folder: Path) -> None:
    """A bare clone that appears by rename."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix="clone-"))
    try:
        options = ["--quiet", "--bare", f"--filter={LIMIT}", "--end-of-options"]
        done = Git(folder.parent).done(*PATIENCE, "clone", *options, url, str(temporary / "git"))
        if done.returncode:
            raise DataOpsError(f"{shown(url)}: {complaint(done.stderr)}", f"`git ls-remote {shown(url)}` must work")
        (temporary / "git").chmod(0o700)  # the URL in its configuration may hold a password
        try:
            (temporary / "git").rename(folder)
        except OSError:
            if not (folder / "HEAD").is_file():  # another process was quicker, else
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _cache() -> Path:
    """The user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "dataops" / "repositories"
