"""What lies in the work tree: its folders, and what DVC's files there record, committed or not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from dataops.repo import recorded
from dataops.repo.recorded import Snapshot, Source

NEVER = {"__pycache__", "node_modules", "site-packages"}
ENDINGS = (".dvc", *recorded.DVC_FILES, recorded.OLD, recorded.GTO)
ENVIRONMENT = "pyvenv.cfg"


class Folder(Source):
    """DVC's files of a work tree."""

    def __init__(self, root: Path, names: list[str]) -> None:
        self.root = root
        found = {name: self.content(name) for name in names}
        self.contents = {name: content for name, content in found.items() if content is not None}

    def where(self, path: str) -> str:
        """Its own path."""
        return path

    def content(self, path: str) -> bytes | None:
        """The file's bytes."""
        try:
            return (self.root / path).read_bytes()
        except (OSError, ValueError):
            return None


def snapshot(root: Path, problems: list[str] | None = None) -> Snapshot:
    """What dvc.yaml, dvc.lock and the .dvc files below the DVC root record as they lie there.

    `problems`: where a list is given, a broken file adds a line to it and is passed over.

    Raises:
        DataOpsError: a file is broken or hostile.
    """
    return recorded.compose(Folder(root, records(root)), "work tree", problems=problems)


def records(root: Path) -> list[str]:
    """DVC's own files below the root (POSIX, relative to it), also those that git ignores; sorted."""
    found = []
    for folder, names in walk(root):
        base = f"{folder}/" if folder else ""
        # the quick look first: there are thousands of other files
        found += [base + name for name in names if name.endswith(ENDINGS) and recorded.is_dvc(base + name)]
    return sorted(found)


def walk(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Each folder (POSIX, relative; "" is the root) with the names of its files; links are not followed.

    Left out: hidden folders, environments, and other repositories that lie inside.
    """
    todo = [""]
    while todo:
        folder = todo.pop()
        names, below = _listed(root, folder)
        if folder and (ENVIRONMENT in names or ".git" in names or ".dvc" in below or ".git" in below):
            continue
        yield folder, names
        base = f"{folder}/" if folder else ""
        todo += [base + name for name in below if not name.startswith(".") and name not in NEVER]


def _listed(root: Path, folder: str) -> tuple[list[str], list[str]]:
    """The names of a folder's files and folders; nothing where it may not be read, or is gone meanwhile."""
    names: list[str] = []
    below: list[str] = []
    try:
        with os.scandir(root / folder) as entries:
            for entry in entries:
                (below if entry.is_dir(follow_symlinks=False) else names).append(entry.name)
    except OSError:
        return [], []
    return names, below
