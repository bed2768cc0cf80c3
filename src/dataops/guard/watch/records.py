"""What DVC has recorded of a path, read again when its files change."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dataops.errors import DataOpsError
from dataops.repo import ignored, worktree
from dataops.repo.ignored import Ignored
from dataops.repo.recorded import Snapshot
from dataops.repo.records import Artifact, Output
from dataops.store import cache, manifest
from dataops.store.hashing import Hasher
from dataops.store.objects import Object

PIPELINE = ("dvc.yaml", "dvc.lock", "params.yaml", ignored.NAME, ".dvc/config", ".dvc/config.local")
NOTHING = Snapshot("work tree", (), {})


@dataclass(frozen=True)
class Place:
    """What a path belongs to."""

    output: Output | None
    artifact: str | None
    expected: str | None
    """The hash recorded of this very file; "" where the record has no such file, None where nobody can tell."""

    def agrees(self, digest: str | None, hasher: Hasher | None = None, *, gone: bool = False) -> bool | None:
        """Is a file of this md5 (`gone`: no file) what is recorded? None where nobody can tell.

        `hasher`: what read the file, if anything did, as DVC 2's hashes aren't plain md5.
        """
        if self.expected is None:
            return None
        if gone or not self.expected:
            return gone and not self.expected
        if hasher is not None:
            return hasher.matches(self.expected)
        if digest is None or self.algorithm != "md5":
            return None
        return digest == self.expected

    @property
    def algorithm(self) -> str:
        """How DVC hashed it."""
        return self.output.algorithm if self.output else "md5"


class Records:
    """The work tree's dvc.yaml, dvc.lock and .dvc files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.snapshot = NOTHING
        self.rules: dict[str, bytes] = {}
        """The text of every .dvcignore, by its folder."""
        self.ignored = Ignored({})
        self.problems: list[str] = []
        self._facts: dict[str, tuple[int, int, int] | None] = {}
        self._lists: dict[str, dict[str, str] | None] = {}
        self.read()

    def read(self) -> None:
        """Read everything; a file that is broken is a problem, and what it records is not known meanwhile."""
        names = {*worktree.records(self.root), *PIPELINE}
        self._facts = {name: _facts(self.root / name) for name in names}
        problems: list[str] = []
        try:
            self.snapshot = worktree.snapshot(self.root, problems)
        except DataOpsError as error:
            problems.append(error.message)
        self.problems = problems
        rules = {}
        for name in names:
            if posixpath.basename(name) == ignored.NAME:
                try:
                    rules[posixpath.dirname(name)] = (self.root / name).read_bytes()
                except OSError:
                    continue
        self.rules, self.ignored = rules, Ignored(rules)
        self._lists = {}

    def changed(self) -> bool:
        """Has one of the files changed since they were read? (One that is new is found by reading.)"""
        return any(_facts(self.root / name) != facts for name, facts in self._facts.items())

    def targets(self, folders: Iterable[str]) -> tuple[str, ...]:
        """These paths and every output that DVC keeps the bytes of, none of which lies in another.

        One that is a link to a folder stands for itself, as links below a target aren't followed.
        """
        outs = [out.path for stage in self.snapshot.stages for out in stage.outs if out.cached]
        mine = {posixpath.normpath(path) for path in (*folders, *outs) if _inside(path)}
        return tuple(sorted(path for path in mine if self._linked(path) or not any(_holds(one, path) for one in mine)))

    def place(self, path: str) -> Place:
        """What the file at `path` belongs to."""
        out = self.snapshot.covering(path)
        found = self._artifact(path)
        return Place(out, found.name if found else None, self._expected(path, out))

    def _linked(self, path: str) -> bool:
        return (self.root / path).is_symlink() and (self.root / path).is_dir()

    def _artifact(self, path: str) -> Artifact | None:
        holding = [one for one in self.snapshot.artifacts.values() if one.path == path or _holds(one.path, path)]
        return max(holding, key=lambda one: len(one.path), default=None)

    def _expected(self, path: str, out: Output | None) -> str | None:
        if out is None or not out.digest:
            return None
        if path == out.path:
            return None if out.digest.endswith(manifest.SUFFIX) else out.digest
        if not out.digest.endswith(manifest.SUFFIX):
            return None
        if out.digest not in self._lists:
            self._lists[out.digest] = self._list(out)
        listed = self._lists[out.digest]
        return None if listed is None else listed.get(path[len(out.path) + 1 :], "")

    def _list(self, out: Output) -> dict[str, str] | None:
        """The files of a folder as recorded, from DVC's cache; None where the list isn't there, or is damaged."""
        try:
            content = cache.of(self.root).content(Object(out.digest, out.algorithm))
            listed = None if content is None else manifest.parse(content, out.digest)
        except DataOpsError:
            return None
        return None if listed is None else {entry.path: entry.digest for entry in listed}


def _facts(path: Path) -> tuple[int, int, int] | None:
    try:
        info = path.stat()
    except OSError:
        return None
    return info.st_ino, info.st_size, info.st_mtime_ns


def _holds(folder: str, path: str) -> bool:
    return folder != path and (folder == "." or path.startswith(f"{folder}/"))


def _inside(path: str) -> bool:
    return "://" not in path and not path.startswith(("/", "../")) and path != ".."
