"""DATA001: data committed into git: by its place, its suffix, its size, or its content where the name says nothing."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch

from dataops.guard import findings, ignoring, looks
from dataops.guard.commit import Commit
from dataops.guard.findings import Finding, quoted
from dataops.guard.staged import LINK, MODULE
from dataops.repo import recorded, suffixes
from dataops.repo.records import Output

OWN = (".dvc/cache", ".dvc/tmp")  # DVC's own, which `dvc init` has git ignore
TEXTS = (".gitignore", ".gitkeep", ".keep", ".gitattributes", ".dvcignore", "README*", "LICENSE*", "*.md", "*.rst")


def find(commit: Commit) -> Iterator[Finding]:
    """Of the files that the commit adds or changes, and adds nowhere else (a merge brings the other side's)."""
    allowed = commit.allowed("DATA001")
    paths = sorted(path for path in commit.changed & commit.entries.keys() if not allowed(path))
    files = [path for path in paths if commit.entries[path].mode not in (LINK, MODULE) and not recorded.is_dvc(path)]
    sizes = _sizes(commit, files)
    left = []
    found: dict[str, str] = {}
    for path in files:
        if what := _by_name(commit, path, sizes.get(path, 0)):
            found[path] = what
        else:
            left.append(path)
    found |= _by_content(commit, left, sizes)
    found |= _links(commit, paths)
    hidden = ignoring.hiding(commit.git, str(commit.root), [f"{path}.dvc" for path in found])
    for path, what in found.items():
        yield Finding(path, what, _fix(commit, path, hidden))


def _by_name(commit: Commit, path: str, size: int) -> str:
    """Why it is data, as far as place, suffix and size tell; "" where they don't."""
    settings = commit.settings
    if path.startswith(tuple(f"{folder}/" for folder in OWN)):
        return "belongs to DVC's own folders"
    out = commit.covering(path)
    if out is not None:
        return f"lies in {out.path}, which DVC tracks" if out.path != path else "is tracked by DVC"
    if size > settings.max_kb * 1000:
        return f"has {findings.size(size)}, more than max_kb = {settings.max_kb:g}"
    if _kept(commit, path):
        return ""
    name = posixpath.basename(path)
    inside = next((folder for folder in settings.folders if path.startswith(f"{folder}/")), None)
    if inside and not name.lower().endswith(suffixes.CODE) and not any(fnmatch(name, form) for form in TEXTS):
        return f"lies in {inside}/, where DVC keeps data"
    return f"is data by its suffix, {suffix}" if (suffix := suffixes.suffix(name, settings.suffixes)) else ""


def _by_content(commit: Commit, paths: list[str], sizes: Mapping[str, int]) -> dict[str, str]:
    """Renamed data: the very bytes of a tracked file, or what looks like a table or a binary format."""
    asked = [path for path in paths if sizes.get(path, 0) >= looks.LEAST and not _kept(commit, path)]
    found = {}
    for path, blob in zip(asked, commit.git.batch([commit.tree[path] for path in asked]), strict=True):
        content = blob.content if blob else b""
        if looks.cached(commit.cache, content):
            found[path] = "has the very bytes of a file that DVC tracks"
        elif what := looks.data(posixpath.basename(path), content):
            found[path] = f"is {what} by its content"
    return found


def _links(commit: Commit, paths: list[str]) -> dict[str, str]:
    """What `cache.type symlink` puts where the data was: nobody else has that cache."""
    links = [path for path in paths if commit.entries[path].mode == LINK]
    blobs = commit.git.batch([commit.entries[path].sha for path in links])
    targets = {path: blob.content.partition(b"\0")[0] if blob else b"" for path, blob in zip(links, blobs, strict=True)}
    cache = f"{commit.cache.folder}{os.sep}" if links else ""
    ends = {
        path: os.path.realpath(commit.root / posixpath.dirname(path) / os.fsdecode(targets[path])) for path in links
    }
    return {path: "is a link into DVC's cache" for path, end in ends.items() if end.startswith(cache)}


def _kept(commit: Commit, path: str) -> bool:
    """Is it, or does it lie in, an output that dvc.yaml leaves to git?"""
    while path:
        if path in commit.kept_in_git or path in _undone(commit):
            return True
        path = posixpath.dirname(path)
    return False


def _undone(commit: Commit) -> Mapping[str, str]:
    return commit.records.snapshot.unrecorded


def _sizes(commit: Commit, paths: list[str]) -> dict[str, int]:
    """Bytes of each file as git would keep it."""
    if not paths:
        return {}
    given = "".join(f"{commit.tree[path]}\n" for path in paths).encode()
    lines = commit.git.read("cat-file", "--batch-check=%(objectsize)", stdin=given).split(b"\n")
    return {path: int(line) if line.isdigit() else 0 for path, line in zip(paths, lines, strict=False)}


def _fix(commit: Commit, path: str, hidden: Mapping[str, ignoring.Line]) -> tuple[str, ...]:
    """Out of git, into DVC; the file stays where it is."""
    out: Output | None = commit.covering(path)
    untracked = quoted("git", "rm", "-q", "--cached", "--", path)
    if path.startswith(tuple(f"{folder}/" for folder in OWN)) or out is not None:
        return (untracked,)
    if _kept(commit, path):
        return ("# a stage makes it: take `cache: false` away in dvc.yaml, or raise max_kb; then:", untracked)
    line = hidden.get(f"{path}.dvc")
    ignore = posixpath.normpath(posixpath.join(posixpath.dirname(path), ".gitignore"))
    added = quoted("git", "add", "--", f"{path}.dvc", ignore)
    return (untracked, *(line.removal if line else ()), quoted("dvc", "add", path), added)
