"""DVC's list of a folder's files (a `.dir` object), read as what it is: text that anybody may have written."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dataops.errors import DataOpsError

DIGEST = re.compile(r"[0-9a-f]{32}")
MOST = 10_000_000  # files of one folder
LONGEST = 4096  # bytes of a path, Linux's own limit
SUFFIX = ".dir"
ODD = ("it has control characters", "it is a path of Windows")
DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True)
class Entry:
    """One file of a folder."""

    path: str  # POSIX, relative to the folder
    digest: str


def parse(content: bytes, digest: str) -> tuple[Entry, ...]:
    """The files that the manifest lists, sorted by path.

    Raises:
        DataOpsError: the content isn't the one that `digest` names, is no manifest, or lists what no folder can hold.
    """
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != digest.removesuffix(SUFFIX):
        raise DataOpsError(
            f"the list of files {digest} is damaged: its content has another hash",
            "`dataops verify --repair` restores it from a cache or a second remote",
        )
    try:
        listed = json.loads(content)
    except (ValueError, RecursionError):
        raise _hostile(digest, "it is not JSON") from None
    if not isinstance(listed, list):
        raise _hostile(digest, "it is not a list")
    if len(listed) > MOST:
        raise _hostile(digest, f"{len(listed):,} files are more than {MOST:,}")
    entries = [_entry(item, digest) for item in listed]
    if wrong := clash([entry.path for entry in entries]):
        raise _hostile(digest, wrong)
    return tuple(sorted(entries, key=lambda entry: entry.path))


def dump(files: Mapping[str, str]) -> bytes:
    """The manifest of these files (relative path: md5) as DVC writes it."""
    entries = [{"md5": files[path], "relpath": path} for path in sorted(files)]
    return json.dumps(entries, sort_keys=True).encode()


def digest(files: Mapping[str, str]) -> str:
    """The hash that DVC gives a folder of these files, with its `.dir`."""
    return hashlib.md5(dump(files), usedforsecurity=False).hexdigest() + SUFFIX


def subset(entries: Sequence[Entry], path: str) -> tuple[Entry, ...]:
    """The entry `path`, or those below the folder `path`; `""` and `"."` mean all."""
    wanted = path.strip("/")
    if wanted in ("", "."):
        return tuple(entries)
    return tuple(entry for entry in entries if entry.path == wanted or entry.path.startswith(f"{wanted}/"))


def unsafe(path: str) -> str:
    """Why `path` must not be written below a folder; empty where it may."""
    try:
        length = len(path.encode())
    except UnicodeEncodeError:
        return "it is not valid Unicode"
    if not path or length > LONGEST:
        return "it is empty" if not path else f"it is longer than {LONGEST} bytes"
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in path):
        return ODD[0]
    if "\\" in path or DRIVE.match(path):
        return ODD[1]
    if path.startswith("/"):
        return "it is absolute"
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "it leaves the folder" if ".." in parts else "it has empty parts"
    return "a part is longer than 255 bytes" if any(len(part.encode()) > 255 for part in parts) else ""


def clash(paths: Iterable[str]) -> str:
    """Which two paths cannot be in one folder: the same twice, or one a file and a folder; empty where none."""
    seen: set[str] = set()
    for path in paths:
        if path in seen:
            return f"{path!r} stands twice"
        seen.add(path)
    for path in seen:
        end = path.rfind("/")
        while end > 0:
            if path[:end] in seen:
                return f"{path[:end]!r} is a file and a folder"
            end = path.rfind("/", 0, end)
    return ""


def _entry(item: object, digest: str) -> Entry:
    """One checked line of the list."""
    path, md5 = (item.get("relpath"), item.get("md5")) if isinstance(item, dict) else (None, None)
    if not isinstance(path, str) or not isinstance(md5, str):
        raise _hostile(digest, "an entry has no relpath or md5")
    if wrong := unsafe(path):
        if wrong in ODD:
            hint = (
                "Linux has such names, and nothing here writes them: `dvc get` does; or rename it and `dvc add` again"
            )
            raise DataOpsError(f"the list of files {digest} is refused: {path[:80]!r}: {wrong}", hint)
        raise _hostile(digest, f"{path[:80]!r}: {wrong}")
    if not DIGEST.fullmatch(md5):
        raise _hostile(digest, f"{path[:80]!r} has the hash {md5[:40]!r}, which is none")
    return Entry(path, md5)


def _hostile(digest: str, reason: str) -> DataOpsError:
    return DataOpsError(
        f"the list of files {digest} is refused: {reason}",
        "DVC doesn't write such a list: find out who made this version before anything of it is used",
    )
