"""The hashes of data as DVC records them, each file read once: as git's index, again only when its stat changed.

Kept in `.dvc/tmp`, which DVC has git ignore; it may go at any time.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any

from dataops.repo.ignored import Ignored

FILE = Path(".dvc/tmp/dataops-stats.json")
FORM = 2  # of the file
READERS, PART = 4, 100
NEVER = (".git", ".hg", ".dvc")  # folders that DVC passes over by itself
FINE, COARSE = 100_000_000, 2_000_000_000  # ns: within which a file system's clock may give two writes one time
Facts = list[Any]
"""Of a file: inode, bytes, time of modification and of change in ns, digests. Of a folder: files, digests."""
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


@dataclass
class Seen:
    """What a look at one output has found so far; paths count from the root."""

    links: list[str]
    found: dict[str, Digests] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    executable: list[str] = field(default_factory=list)
    size: int = 0


class Stats:
    """The hashes below one DVC root, remembered from run to run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known, self._folders = _load(root / FILE)
        self._used: dict[str, Facts] = {}
        self._kept: dict[str, Facts] = {}  # of folders
        self._changed = False

    def content(self, path: str, hidden: Ignored, algorithm: str = "md5") -> Content | None:
        """What lies at `path` (POSIX, relative to the root); None where there is nothing, or a dangling link.

        Args:
            hidden: what .dvcignore says.

        Raises:
            OSError: it can't be read, or changes while it is.
        """
        full = self.root / path
        try:
            stat = full.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        seen = Seen([path] if full.is_symlink() else [])
        if S_ISDIR(stat.st_mode):
            self._walk(path, hidden, algorithm, seen)
        elif S_ISREG(stat.st_mode):
            self._look(path, stat, algorithm, seen)
        found = self._hashed(seen, algorithm)
        size, executable, links = seen.size, tuple(seen.executable), tuple(seen.links)
        if not S_ISDIR(stat.st_mode):
            return Content(found[path], None, size, executable, links) if found else None
        start = len(path) + 1
        inside = {name[start:]: digests for name, digests in found.items()}
        digests = self._digests(_key(path, algorithm), inside, anew=bool(seen.unread))
        return Content(digests, inside, size, executable, links)

    def files(self, paths: Iterable[str], algorithm: str = "md5") -> dict[str, Digests]:
        """The digests of these files; one that is gone, or no regular file, is left out.

        Raises:
            OSError: one can't be read, or changes while it is.
        """
        seen = Seen([])
        for path in paths:
            with contextlib.suppress(OSError):
                stat = (self.root / path).stat()
                if S_ISREG(stat.st_mode):
                    self._look(path, stat, algorithm, seen)
        return self._hashed(seen, algorithm)

    def save(self, *, whole: bool = False) -> None:
        """Remember what was learnt; `whole`: and forget what wasn't asked for. No matter where it can't be written."""
        if whole and len(self._used) < len(self._known):
            self._known, self._changed = {}, True
        if not self._changed:
            return
        from dataops import files

        kept = self._known | {key: facts for key, facts in self._used.items() if facts[0]}
        content = {"form": FORM, "files": kept, "folders": self._kept if whole else self._folders | self._kept}
        try:
            (self.root / FILE).parent.mkdir(parents=True, exist_ok=True)
            files.write_text(self.root / FILE, json.dumps(content, separators=(",", ":")))
        except OSError:
            return
        self._changed = False

    def _walk(self, top: str, hidden: Ignored, algorithm: str, seen: Seen) -> None:
        """Look at the files below, as DVC lists them: nothing that .dvcignore hides, no folder that is a link.

        Raises:
            OSError: a folder can't be read.
        """
        todo = [top]
        while todo:
            here = todo.pop()
            with os.scandir(self.root / here) as entries:
                for entry in entries:
                    path = f"{here}/{entry.name}"
                    folder = entry.is_dir(follow_symlinks=False)
                    if hidden.itself(path, folder=folder) or (entry.name in NEVER and (folder or entry.name == ".git")):
                        continue
                    if folder:
                        todo.append(path)
                        continue
                    if entry.is_symlink():
                        seen.links.append(path)
                    try:
                        stat = entry.stat()
                    except FileNotFoundError:  # a dangling link, or gone meanwhile
                        continue
                    if S_ISREG(stat.st_mode):
                        self._look(path, stat, algorithm, seen)

    def _look(self, path: str, stat: os.stat_result, algorithm: str, seen: Seen) -> None:
        """Take a file's digests as they are known, where its stat is the known one."""
        key = _key(path, algorithm)
        facts = self._known.get(key)
        seen.size += stat.st_size
        if stat.st_mode & 0o111:
            seen.executable.append(path)
        if (
            facts is not None
            and facts[2] == stat.st_mtime_ns
            and facts[3] == stat.st_ctime_ns
            and facts[1] == stat.st_size
            and facts[0] == stat.st_ino
        ):
            self._used[key] = facts
            seen.found[path] = tuple(facts[4:])
        else:
            seen.found[path] = ()  # keeps its place
            seen.unread.append(path)

    def _hashed(self, seen: Seen, algorithm: str) -> dict[str, Digests]:
        """Everything that was seen, what isn't known read by several threads.

        Raises:
            OSError: a file can't be read, or changes while it is.
        """
        if seen.unread:
            import concurrent.futures

            with concurrent.futures.ThreadPoolExecutor(READERS) as readers:
                # small files by the hundred: a task each would cost more than reading them
                parts = [seen.unread[at : at + PART] for at in range(0, len(seen.unread), PART)]
                for read in readers.map(lambda part: [(path, self._read(path, algorithm)) for path in part], parts):
                    seen.found |= read
        return seen.found

    def _digests(self, key: str, inside: Mapping[str, Digests], *, anew: bool) -> Digests:
        """The folder's digests: the known ones where all its files are known ones, and as many as then."""
        kept = self._folders.get(key)
        if anew or kept is None or kept[0] != len(inside):
            kept = [len(inside), *listed(inside)]
            self._changed = True
        self._folders[key] = self._kept[key] = kept
        return tuple(map(str, kept[1:]))

    def _read(self, path: str, algorithm: str) -> Digests:
        """A file's digests, read now; what was known of the folders around it no longer holds.

        Raises:
            OSError: it can't be read, or changes while it is.
        """
        from dataops.store.hashing import hash_file

        full = Path(self.root, path)
        now = time.time_ns()  # what is written from here on may not show in the times
        before = full.stat()
        hasher = hash_file(full, algorithm)
        after = full.stat()
        if _facts(before) != _facts(after):
            raise OSError(0, "it is being written", path)
        facts = _facts(after)
        self._used[_key(path, algorithm)] = [
            *(facts if _settled(after, now) else [0, facts[1], 0, 0]),
            *hasher.candidates(),
        ]
        self._changed = True
        parts = path.split("/")
        for end in range(1, len(parts)):
            self._folders.pop(_key("/".join(parts[:end]), algorithm), None)
        return hasher.candidates()


def listed(inside: Mapping[str, Digests]) -> Digests:
    """A folder's digests: md5 of DVC's list of its files, one for each way that the files' own were made."""
    from dataops.store import manifest

    ways = max(map(len, inside.values()), default=1)
    lists = ({name: found[min(way, len(found) - 1)] for name, found in inside.items()} for way in range(ways))
    return tuple(dict.fromkeys(map(manifest.digest, lists)))


def _key(path: str, algorithm: str) -> str:
    return path if algorithm == "md5" else f"{algorithm}:{path}"


def _facts(stat: os.stat_result) -> Facts:
    """What changes when a file does. The change time can't be set back."""
    return [stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]


def _settled(stat: os.stat_result, now: int) -> bool:
    """Was the last change so long ago that one after `now` gets another time? (git calls the rest racily clean.)"""
    last = max(stat.st_mtime_ns, stat.st_ctime_ns)
    return now - last > (COARSE if last % 1_000_000 == 0 else FINE)


def _load(path: Path) -> tuple[dict[str, Facts], dict[str, Facts]]:
    """What was remembered of files and of folders; nothing where that is damaged, or of another form."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}, {}
    known, folders = (content.get("files"), content.get("folders")) if isinstance(content, dict) else (None, None)
    if not isinstance(known, dict) or not isinstance(folders, dict) or content.get("form") != FORM:
        return {}, {}
    sound = all(isinstance(facts, list) and len(facts) > 1 for facts in (*known.values(), *folders.values()))
    return (known, folders) if sound and all(len(facts) > 4 for facts in known.values()) else ({}, {})
