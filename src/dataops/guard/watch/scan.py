"""What lies in the watched folders: every file with the stat that tells whether it is still the same."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from dataops.repo.ignored import NAME as IGNORE_FILE
from dataops.repo.ignored import Ignored

BROKEN = -1  # target of a link that leads nowhere
GONE = (FileNotFoundError, NotADirectoryError)
MACHINERY = frozenset({".git", ".dvc", ".dataops", ".venv", "__pycache__"})
RECORDS = frozenset({"dvc.yaml", "dvc.lock", IGNORE_FILE, ".gitignore", ".gitattributes", ".gitkeep"})


class Seen(NamedTuple):
    """A file's stat; of a link its own inode with its target's size and time."""

    size: int
    mtime: int  # ns
    inode: int
    ctime: int  # ns
    target: int = 0
    """The inode that a link leads to; 0 of a plain file."""

    @property
    def identity(self) -> tuple[int, int, int, int]:
        """What a rename keeps."""
        return self.inode, self.size, self.mtime, self.target


@dataclass
class Found:
    """What a look at a path found: a file, the files of a folder, or nothing."""

    files: dict[str, Seen] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    """Paths below which nobody could look: what is known of them stays."""
    folder: bool = False


@dataclass(frozen=True)
class Scope:
    """Which files are meant: those at or below the targets, of these suffixes, that are data."""

    root: Path
    targets: tuple[str, ...]
    """POSIX, relative to the root; "." is all of it."""
    suffixes: tuple[str, ...] = ()
    """Lower case, as `.csv`; empty: all."""
    own: frozenset[str] = frozenset()
    """The monitor's own files."""
    ignored: Ignored = field(default_factory=lambda: Ignored({}), compare=False)

    def covers(self, path: str) -> bool:
        """Is the path at or below a target, and of a wanted suffix? Says nothing of what lies there."""
        return self.within(path) and (not self.suffixes or path.lower().endswith(self.suffixes))

    def within(self, path: str) -> bool:
        """Is the path at or below a target?"""
        return any(target in (".", path) or path.startswith(f"{target}/") for target in self.targets)

    def shows(self, path: str) -> bool:
        """Is a file of this path one of those that are meant?"""
        name = posixpath.basename(path)
        if name in RECORDS or name.endswith(".dvc") or path in self.own:
            return False
        return self.covers(path) and not self.ignored(path)

    def enters(self, path: str) -> bool:
        """May a folder of this path hold such files?"""
        return posixpath.basename(path) not in MACHINERY and not self.ignored(f"{path}/.")

    def full(self, path: str) -> str:
        """Where a path is on disk."""
        return f"{self.root}/{path}"


def look(scope: Scope, path: str, known: Container[str] = ()) -> Found:
    """What is at `path`: the file, or every file below the folder.

    `known`: paths that are known to be meant, so that .dvcignore's rules needn't be asked again.
    """
    found = Found()
    full = scope.full(path)
    try:
        info = os.lstat(full)
        if path in scope.targets and stat.S_ISLNK(info.st_mode) and Path(full).is_dir():
            info = Path(full).stat()  # data/ may be a link to the big disk; a link below it is not followed
    except GONE:
        return found
    except OSError:
        found.unreadable.append(path)
        return found
    if stat.S_ISDIR(info.st_mode):
        found.folder = True
        if path in (".", *scope.targets) or scope.enters(path):
            _walk(scope, path, found, known)
    elif scope.shows(path) and (seen := _seen(full, info)):
        found.files[path] = seen
    return found


def at(scope: Scope, path: str) -> Seen | None:
    """The file at `path`; None where there is none.

    Raises:
        OSError: nobody can tell.
    """
    full = scope.full(path)
    try:
        return _seen(full, os.lstat(full))
    except GONE:
        return None


def of(handle: int) -> Seen:
    """The stat of an open file, to be compared with `same_bytes`."""
    info = os.fstat(handle)
    return Seen(info.st_size, info.st_mtime_ns, info.st_ino, info.st_ctime_ns)


def same_bytes(seen: Seen, opened: Seen) -> bool:
    """Is an open file the one that was seen, untouched?"""
    inode = seen.target or seen.inode
    return (opened.inode, opened.size, opened.mtime) == (inode, seen.size, seen.mtime)


def _walk(scope: Scope, path: str, found: Found, known: Container[str]) -> None:
    todo = [path]
    while todo:
        folder = todo.pop()
        try:
            for name, entry in _entries(scope.full(folder)):
                inner = name if folder == "." else f"{folder}/{name}"
                if entry.is_dir(follow_symlinks=False):
                    if scope.enters(inner):
                        todo.append(inner)
                elif (inner in known or scope.shows(inner)) and (seen := _seen_entry(entry)):
                    found.files[inner] = seen
        except GONE:
            continue
        except OSError:
            found.unreadable.append(folder)


def _entries(full: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    with os.scandir(full) as entries:
        for entry in entries:
            yield entry.name, entry


def _seen_entry(entry: os.DirEntry[str]) -> Seen | None:
    try:
        return _seen(entry.path, entry.stat(follow_symlinks=False))
    except GONE:
        return None


def _seen(full: str, info: os.stat_result) -> Seen | None:
    """A plain file or a link to one, or to nothing; None for folders, pipes, devices and links to such."""
    if stat.S_ISREG(info.st_mode):
        return Seen(info.st_size, info.st_mtime_ns, info.st_ino, info.st_ctime_ns)
    if not stat.S_ISLNK(info.st_mode):
        return None
    try:
        there = Path(full).stat()
    except OSError:  # leads nowhere, or round in a circle
        return Seen(0, info.st_mtime_ns, info.st_ino, info.st_ctime_ns, BROKEN)
    if not stat.S_ISREG(there.st_mode):
        return None
    return Seen(there.st_size, there.st_mtime_ns, info.st_ino, info.st_ctime_ns, there.st_ino)
