"""The hashes in dvc.lock and .dvc files, found by looking, not by parsing: to keep data, where too much is harmless.

Parsing ten thousand locks takes half a minute, looking through them a fraction of a second, and no schema is unknown.
"""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dataops import yamls
from dataops.errors import DataOpsError

HASH = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?:\.dir)?(?![0-9a-f])")
BLANK = bytes(code if chr(code) in "0123456789abcdef" else 32 for code in range(256))  # all but digits is space
FOLDER = re.compile(
    rb"^[ \t]*(?:-[ \t]+)?(?P<part>deps|outs|params|cmd):"
    rb"|^[ \t-]*path:[ \t]*(?P<path>.+?)[ \t]*$"
    rb"|(?P<digest>(?<![0-9a-f])[0-9a-f]{32}\.dir)",
    re.MULTILINE,
)
ELSEWHERE = re.compile(rb"^[ \t-]*(?:repo:|push:[ \t]*false\b)", re.MULTILINE)  # imported, or kept from the remote
PARTS = ("outs", "metrics", "plots")


@dataclass
class Found:
    """What records speak of."""

    hashes: set[str] = field(default_factory=set)
    lists: set[str] = field(default_factory=set)
    """Those of `hashes` that are folders whose list of files has to be somewhere."""

    def add(self, other: Found) -> None:
        """Take in what another record has."""
        self.hashes |= other.hashes
        self.lists |= other.lists


def hashes(content: bytes) -> set[str]:
    """Every md5 that a dvc.lock, a .dvc file or a manifest of DVC's holds, in whatever schema."""
    return {found.decode() for found in HASH.findall(content)}


def digits(content: bytes) -> set[bytes]:
    """The 32 digits of every md5 in it, as HASH finds them, four times as quickly."""
    return {word for word in content.translate(BLANK).split() if len(word) == 32}


def is_record(name: str) -> bool:
    """Whether DVC keeps hashes in a file of this name (Dvcfile: before DVC 1.0)."""
    return name in ("dvc.lock", "Dvcfile") or name.endswith(".dvc")


def read(content: bytes, declared: bytes | None) -> Found:
    """What a record speaks of; `declared` is the dvc.yaml beside it.

    Folders that are only depended on, or that `cache: false` leaves to git, have hashes too, but DVC keeps no list of
    theirs; that of an import, or of what isn't pushed, may be elsewhere. Whatever isn't clearly one of these has one.
    """
    found = hashes(content)
    if declared is None and ELSEWHERE.search(content):
        return Found(found)
    absent = unpushed(declared) if declared is not None else ()
    lists: set[str] = set()
    part, path = "", ""
    for token in FOLDER.finditer(content):
        if token["part"]:
            part, path = token["part"].decode(), ""
        elif token["path"]:
            path = token["path"].decode(errors="replace").strip("'\"")
        elif part != "deps" and not (path and any(form.fullmatch(_plain(path)) for form in absent)):
            lists.add(token["digest"].decode())
    return Found(found, lists)


@functools.lru_cache(maxsize=256)  # a dvc.yaml changes less often than its lock
def unpushed(declared: bytes) -> tuple[re.Pattern[str], ...]:
    """Outputs with `cache: false` or `push: false` in a dvc.yaml, as forms of their paths; a template is anything."""
    try:
        stages = yamls.load(declared, "dvc.yaml").get("stages")
    except DataOpsError:
        return ()
    found = []
    for stage in stages.values() if isinstance(stages, dict) else ():
        body = stage.get("do", stage) if isinstance(stage, dict) else {}
        for part in PARTS if isinstance(body, dict) else ():
            for path in _paths(body.get(part)):
                pieces = re.split(r"\$\{[^}]*\}", _plain(path))
                found.append(re.compile(".*".join(re.escape(piece) for piece in pieces)))
    return tuple(found)


def _paths(listed: Any) -> Iterator[str]:
    """Paths of the entries that say so."""
    for entry in listed if isinstance(listed, list) else [listed]:
        for path, options in entry.items() if isinstance(entry, dict) else ():
            if isinstance(options, dict) and False in (options.get("cache"), options.get("push")):
                yield str(path)


def _plain(path: str) -> str:
    return posixpath.normpath(path)
