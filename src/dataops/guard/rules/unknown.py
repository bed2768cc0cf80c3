"""DATA003: what lies in the data folders and is in nobody's keeping, also when git ignores it."""

from __future__ import annotations

import fnmatch
import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dataops.guard import ignoring
from dataops.guard.commit import Commit
from dataops.guard.findings import Finding, quoted, size
from dataops.repo import recorded
from dataops.repo.suffixes import CODE

# what systems and editors leave lying about; .gitkeep and the like hold nothing
_LITTER = """
.DS_Store ._* Thumbs.db desktop.ini *~ .*.sw? .gitkeep .keep .gitignore .gitattributes .ipynb_checkpoints __pycache__
"""
LITTER = re.compile("|".join(map(fnmatch.translate, _LITTER.split())))
DEEPEST = 200  # folders


@dataclass
class Folder:
    """What was found below one folder."""

    unknown: list[str]
    size: int = 0
    known: bool = False
    """Does it hold anything that git or DVC has?"""


def find(commit: Commit) -> Iterator[Finding]:
    """One finding for each file, or for the topmost folder of which nothing is known."""
    walk = _Walk(commit)
    for folder in dict.fromkeys(commit.settings.folders):
        if (commit.root / folder).is_dir() and not _within(folder, commit.settings.folders):
            top = walk(folder)
            if top.unknown and not top.known and folder != ".":
                walk.found.append((folder, top))
    for path, reason in walk.unread:
        yield Finding(path, f"can't be read: {reason}", (quoted("ls", "-ld", path),))
    hidden = ignoring.hiding(commit.git, str(commit.root), [f"{path}.dvc" for path, _ in walk.found])
    for path, one in walk.found:
        line = hidden.get(f"{path}.dvc")
        record = [f"{path}.dvc", *_gitignore(path)]
        fix = (quoted("dvc", "add", path), quoted("git", "add", "--", *record))
        yield Finding(path, _what(one, path), (line.removal if line else ()) + fix)


class _Walk:
    """Down the data folders, but not into what DVC has."""

    def __init__(self, commit: Commit) -> None:
        self.commit = commit
        self.allowed = commit.allowed("DATA003")
        self.found: list[tuple[str, Folder]] = []
        self.unread: list[tuple[str, str]] = []
        stages = (stage for records in (commit.records, commit.here) for stage in records.snapshot.stages)
        self.known = {out.path for stage in stages for out in stage.outs}
        self.known |= {*commit.records.snapshot.unrecorded, *commit.here.snapshot.unrecorded}
        self.known |= commit.entries.keys() | commit.nested

    def __call__(self, folder: str) -> Folder:
        """What lies below; findings of subfolders of which something is known are added to `found`."""
        commit = self.commit
        here = Folder([])
        below: list[tuple[str, Folder]] = []
        if folder.count("/") > DEEPEST:
            self.unread.append((folder, f"nested deeper than {DEEPEST} folders"))
            return Folder([], known=True)
        try:
            with os.scandir(commit.root / folder) as listed:
                entries = sorted(listed, key=lambda one: one.name)
        except OSError as error:
            self.unread.append((folder, error.strerror or "no reason given"))
            return Folder([], known=True)
        for entry in entries:
            path = posixpath.normpath(f"{folder}/{entry.name}")
            is_folder = entry.is_dir(follow_symlinks=False)
            if path in self.known or recorded.is_dvc(path):
                here.known = True
            elif self._passed(path, entry.name, folder=is_folder):
                continue
            elif is_folder:
                below.append((path, self(path)))
            else:
                here.unknown.append(path)
                here.size += entry.stat(follow_symlinks=False).st_size
        here.known = here.known or any(one.known for _, one in below)
        for path, one in below:
            if here.known and one.unknown and not one.known:
                self.found.append((path, one))
            elif not here.known:
                here.unknown += one.unknown
                here.size += one.size
        if here.known:
            self.found += [(path, Folder([path], Path(commit.root, path).lstat().st_size)) for path in here.unknown]
            here.unknown = []
        return here

    def _passed(self, path: str, name: str, *, folder: bool) -> bool:
        """Litter or code, allowed, or hidden from DVC on purpose."""
        if LITTER.match(name) or (not folder and name.lower().endswith(CODE)):
            return True
        return any(rules.itself(path, folder=folder) for rules in (self.commit.hidden, self.allowed))


def _within(folder: str, others: tuple[str, ...]) -> bool:
    return any(folder.startswith(f"{other}/") for other in others)


def _gitignore(path: str) -> list[str]:
    """The file that `dvc add` writes the path into."""
    return [posixpath.normpath(posixpath.join(posixpath.dirname(path), ".gitignore"))]


def _what(one: Folder, path: str) -> str:
    files = len(one.unknown)
    count = "" if one.unknown == [path] else "1 file, " if files == 1 else f"{files:,} files, "
    return f"{count}{size(one.size)}, in neither git nor DVC"
