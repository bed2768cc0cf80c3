"""Somebody's repository: by its path as it lies there, by its URL as a bare clone in the user's cache."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from dataops.errors import DataOpsError
from dataops.repo import publish_tag
from dataops.repo.git import Git
from dataops.repo.gittext import complaint

URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://|(?:[^/@:]+@)?[^/:]{2,}:(?!//)")  # https://…, git@host:path
SPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


def open(url_or_path: str, cache: Path | None = None) -> tuple[Git, Path | None]:  # noqa: A001
    """The repository, and its DVC root where it is a work tree on this machine.

    A clone holds commits and trees; git fetches a file's content when it is first asked for, where the server can. It
    is updated at every call; without network the last state serves.

    Raises:
        DataOpsError: there is no such repository, or it can't be reached.
    """
    if not url_or_path.strip() or url_or_path.startswith("-"):
        raise DataOpsError(f"{url_or_path!r} is no repository", "a path, or a URL as https://host/team/repo.git")
    local = Path(url_or_path).expanduser()
    if local.exists():
        return _local(local)
    if not URL.match(url_or_path):
        raise DataOpsError(f"there is no repository at {url_or_path}", "a path, or a URL as https://host/team/repo.git")
    if url_or_path.partition("://")[0] in ("ext", "fd"):  # git would run a command
        raise DataOpsError(f"{url_or_path} is no address that is opened here", "https://, ssh:// or a path")
    folder = (cache or _cache()) / hashlib.sha256(url_or_path.encode()).hexdigest()[:24]
    clone = Git(folder)
    if (folder / "HEAD").is_file():
        done = clone.done("fetch", "--quiet", "--prune", "--no-tags", "--end-of-options", "origin", *SPECS)
        if done.returncode and not publish_tag.UNREACHABLE.search(done.stderr.decode(errors="replace")):
            raise DataOpsError(f"{shown(url_or_path)}: {complaint(done.stderr)}", "git ls-remote URL must work")
    else:
        _clone(url_or_path, folder)
    return clone, None


def shown(url: str) -> str:
    """A URL without its password."""
    return re.sub(r"(?<=://)[^/@\s]+@", "", url)


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


def _clone(url: str, folder: Path) -> None:
    """A bare clone that appears by rename."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix="clone-"))
    try:
        options = ["--quiet", "--bare", "--filter=blob:none", "--end-of-options"]
        done = Git(folder.parent).done("clone", *options, url, str(temporary / "git"))
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
