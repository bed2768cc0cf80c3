"""The hashes of data as DVC records them, each file read once: as git's index, again only when its stat changed.

Kept in `.dvc/tmp`, which DVC has git ignore; it may go at any time.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from dataops import files
from dataops.repo.ignored import Ignored
from dataops.store import manifest
from dataops.store.hashing import hash_file

FILE = Path(".dvc/tmp/dataops-stats.json")
FORM = 1  # of the file
READERS = 4
FINE, COARSE = 100_000_000, 2_000_000_000  # ns: within which a file system's clock may give two writes one time
Digests = tuple[str, ...]
"""The plain md5; of DVC 2's algorithm two, as a hash says not which release made it (store/hashing.py)."""


@dataclass(frozen=True)
class Content:
    """What lies at a path."""

    digests: Digests
    """As DVC records it: of a folder with `.dir` at its end."""
    files: Mapping[str, Digests] | None
    """Of a folder: each file's, by its path below the folder; None of a file."""
    size: int
    """Bytes, of a folder all its files'."""
    executable: tuple[str, ...] = ()
    """The files, by their path below the root, that may be run as programs."""
    links: tuple[str, ...] = ()
    """What is a symbolic link, to a file or a folder, likewise."""


class Stats:
    """The hashes below one DVC root, remembered from run to run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, list[int | str]] = _load(root / FILE)
        self._used: dict[str, list[int | str]] = {}
        self._changed = False
        self._executable: set[str] = set()

    def content(self, path: str, hidden: Ignored, algorithm: str = "md5") -> Content | None:
        """What lies at `path` (POSIX, relative to the root); None where there is nothing, or a dangling link.

        Args:
            hidden: what .dvcignore says.

        Raises:
            OSError: it can't be read, or changes while it is.
        """
        try:
            stat = (self.root / path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        links: list[str] = [path] if (self.root / path).is_symlink() else []
        names = list(below(self.root, path, hidden, links)) if S_ISDIR(stat.st_mode) else [path]
        found = self.files(names, algorithm)
        size = sum(int(self._used[_key(name, algorithm)][1]) for name in found)
        executable = tuple(name for name in found if name in self._executable)
        if not S_ISDIR(stat.st_mode):
            return Content(found[path], None, size, executable, tuple(links)) if found else None
        start = len(path) + 1
        inside = {name[start:]: digests for name, digests in found.items()}
        return Content(listed(inside), inside, size, executable, tuple(links))

    def files(self, paths: Iterable[str], algorithm: str = "md5") -> dict[str, Digests]:
        """The digests of these files; one that is gone, or no regular file, is left out.

        Raises:
            OSError: one can't be read, or changes while it is.
        """
        found: dict[str, Digests] = {}
        unread: list[str] = []
        for path, stat in self._stats(paths):
            key = _key(path, algorithm)
            known = self._known.get(key)
            found[path] = ()  # keeps the order
            if known is not None and known[:4] == _facts(stat):
                self._used[key] = known
                found[path] = tuple(map(str, known[4:]))
            else:
                unread.append(path)
        if unread:
            with concurrent.futures.ThreadPoolExecutor(READERS) as readers:
                found |= zip(unread, readers.map(lambda path: self._read(path, algorithm), unread), strict=True)
        return {path: digests for path, digests in found.items() if digests}

    def save(self, *, whole: bool = False) -> None:
        """Remember what was learnt; `whole`: and forget what wasn't asked for. No matter where it can't be written."""
        if whole and len(self._used) < len(self._known):
            self._known, self._changed = {}, True
        if not self._changed:
            return
        content = {"form": FORM, "files": self._known | {key: kept for key, kept in self._used.items() if kept[4:]}}
        try:
            (self.root / FILE).parent.mkdir(parents=True, exist_ok=True)
            files.write_text(self.root / FILE, json.dumps(content, separators=(",", ":")))
        except OSError:
            return
        self._changed = False

    def _stats(self, paths: Iterable[str]) -> Iterator[tuple[str, os.stat_result]]:
        """The regular files among these; from an open folder, as 20,000 path objects cost as much as all the rest."""
        folder = os.open(self.root, os.O_RDONLY)
        try:
            for path in paths:
                with contextlib.suppress(OSError):
                    stat = os.stat(path, dir_fd=folder)
                    if S_ISREG(stat.st_mode):
                        if stat.st_mode & 0o111:
                            self._executable.add(path)
                        yield path, stat
        finally:
            os.close(folder)

    def _read(self, path: str, algorithm: str) -> Digests:
        """A file's digests, read now.

        Raises:
            OSError: it can't be read, or changes while it is.
        """
        full = Path(self.root, path)
        before = full.stat()
        hasher = hash_file(full, algorithm)
        after = full.stat()
        if _facts(before) != _facts(after):
            raise OSError(0, "it is being written", path)
        digests = hasher.candidates()
        facts = _facts(after)
        self._used[_key(path, algorithm)] = [*(facts if _settled(after) else [0, facts[1], 0, 0]), *digests]
        self._changed = True
        return digests


def listed(inside: Mapping[str, Digests]) -> Digests:
    """A folder's digests: md5 of DVC's list of its files, one for each way that the files' own were made."""
    ways = max(map(len, inside.values()), default=1)
    lists = ({name: found[min(way, len(found) - 1)] for name, found in inside.items()} for way in range(ways))
    return tuple(dict.fromkeys(map(manifest.digest, lists)))


def below(root: Path, top: str, hidden: Ignored, links: list[str] | None = None) -> Iterator[str]:
    """The files below `top`, as DVC lists them: nothing that .dvcignore hides, no folder that is a link.

    `links`: is given what is a link.

    Raises:
        OSError: a folder can't be read.
    """
    todo = [top]
    while todo:
        here = todo.pop()
        with os.scandir(root / here) as entries:
            for entry in entries:
                path = f"{here}/{entry.name}"
                folder = entry.is_dir(follow_symlinks=False)
                if hidden.itself(path, folder=folder):
                    continue
                if links is not None and entry.is_symlink():
                    links.append(path)
                if folder:
                    todo.append(path)
                else:
                    yield path


def _key(path: str, algorithm: str) -> str:
    return path if algorithm == "md5" else f"{algorithm}:{path}"


def _facts(stat: os.stat_result) -> list[int | str]:
    """What changes when a file does. The change time can't be set back."""
    return [stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]


def _settled(stat: os.stat_result) -> bool:
    """Is the last change so long ago that another would have got another time? (git calls the rest racily clean.)"""
    last = max(stat.st_mtime_ns, stat.st_ctime_ns)
    return time.time_ns() - last > (COARSE if last % 1_000_000 == 0 else FINE)


def _load(path: Path) -> dict[str, list[int | str]]:
    """What was remembered; nothing of a file that is damaged, or of another form."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict) or content.get("form") != FORM or not isinstance(content.get("files"), dict):
        return {}
    return {key: kept for key, kept in content["files"].items() if isinstance(kept, list) and len(kept) > 4}
