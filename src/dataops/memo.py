"""What a stage made of a partition before, found again: a month that has come needn't cost what five years did.

A result is known by the content of all that it was made of: the partitions read, and whatever else dvc.yaml names as
the stage's: command, parameters, code, pins. Its bytes are DVC's own objects, looked up in DVC's cache and hashed again
before they are used; what is kept here is a small index. So a run gives the same bytes with it, without it, and after
a kill in the middle of it. It is never needed: where anything is unclear, nothing is found.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataops.errors import DataOpsError
from dataops.files import write_text
from dataops.params import PARAMS, read

if TYPE_CHECKING:
    from dataops.store.cache import Cache

FOLDER = Path(".dataops/memo")  # ignored by git and DVC; safe to delete
PIPELINE = Path("dvc.yaml")
KEPT = 2  # entries of earlier runs for each of the newest: enough to go back and forth between branches
LIBRARIES = ("numpy", "pandas", "pyarrow", "pandera")
Entry = dict[str, Any]


class Memo:
    """The index of one stage. `base` stands for all that its results depend on besides partitions; None: no index."""

    def __init__(self, stage: str, base: str | None) -> None:
        self._base = base
        self._index = FOLDER / f"{stage}.json"
        self._before: dict[str, Entry] = _entries(self._index) if base else {}
        self._now: dict[str, Entry] = {}

    @classmethod
    def of(cls, stage: str, partitioned: Iterable[Path]) -> Memo:
        """The index of a stage of dvc.yaml; the dependencies `partitioned` come into the keys one by one."""
        from dataops.settings import load

        on = load().stages.memo
        return cls(stage, base(stage, {str(path) for path in partitioned}) if on else None)

    def key(self, *parts: Any) -> str:
        """What a result is known by: these parts, JSON, and everything else that it depends on."""
        return hashlib.sha256(json.dumps([self._base, *parts]).encode()).hexdigest()

    def digest(self, path: Path) -> str:
        """What a file is known by; "" where nothing is remembered anyway."""
        return digest(path) if self._base else ""

    def get(self, key: str) -> Entry | None:
        """What was put under a key; None where nothing was."""
        entry = self._now.get(key) or self._before.get(key)
        if entry is not None:
            self._now[key] = entry
        return entry

    def put(self, key: str, entry: Entry) -> None:
        """Remember something that JSON can hold."""
        if self._base:
            self._now[key] = entry

    def put_file(self, key: str, path: Path, **more: Any) -> None:
        """Remember a file that is about to become DVC's, and what else is known of it."""
        if self._base:
            self.put(key, {**more, "md5": md5(path)})

    def restored(self, keys: Mapping[str, str], folder: Path) -> dict[str, Entry]:
        """Write the files that are known and still in DVC's cache into `folder`; their entries by name."""

        def restore(name: str) -> bool:
            entry = known[name]
            content = self._content(entry)
            if content is not None:
                (folder / name).write_bytes(content)
            return content is not None

        known = {name: entry for name, key in keys.items() if (entry := self.get(key))}
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # most of it is hashing
            return {name: known[name] for name, done in zip(known, pool.map(restore, known), strict=True) if done}

    def save(self) -> None:
        """Keep what this run used and made, and some of what earlier ones did. That it can't be kept is no error."""
        if not self._base:
            return
        older = [key for key in self._before if key not in self._now]
        kept = {key: self._before[key] for key in older[: KEPT * len(self._now)]}
        with contextlib.suppress(OSError):
            write_text(self._index, json.dumps({**self._now, **kept}))

    @functools.cached_property
    def _cache(self) -> Cache:
        from dataops.store import cache

        return cache.of(Path())

    def _content(self, entry: Entry) -> bytes | None:
        from dataops.store.objects import Object

        try:
            return self._cache.content(Object(entry["md5"]))
        except (DataOpsError, KeyError, TypeError):
            return None


def as_before(kept: int, files: int) -> str:
    """What a stage says of the files that it took from an earlier run."""
    return f" ({kept} of {files} files as before)" if kept else ""


def digest(path: Path) -> str:
    """A file's SHA-256: of all hashes what processors have instructions for."""
    with path.open("rb") as file:  # a batch may be larger than the memory
        return hashlib.file_digest(file, "sha256").hexdigest()


def md5(path: Path) -> str:
    """What DVC knows a file by."""
    from dataops.store.hashing import hash_file

    return hash_file(path).md5


def base(stage: str, partitioned: set[str]) -> str | None:
    """The hash of what a stage depends on besides `partitioned`; None where that can't be told from dvc.yaml.

    Whoever changes a stage names what it reads under `deps` and `params`, or `dvc repro` wouldn't see a change of it
    either.
    """
    from dataops import yamls

    try:
        stages = yamls.load(PIPELINE.read_bytes(), str(PIPELINE)).get("stages")
        found = stages.get(stage) if isinstance(stages, dict) else None
        if not isinstance(found, dict) or "wdir" in found or "cmd" not in found or "${" in json.dumps(found):
            return None  # not there, elsewhere, or a template
        parts = [sys.version, *_versions(), found, _values(found.get("params", []))]
        parts += [_contents(dep) for dep in found.get("deps", []) if dep not in partitioned]
    except (DataOpsError, OSError, TypeError, ValueError):
        return None
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()


def _versions() -> list[str]:
    """Of the libraries that compute and write: what is installed may be other than the pins."""
    return [f"{name} {metadata.version(name)}" for name in LIBRARIES]


def _values(params: Sequence[Any]) -> list[Any]:
    """The parameters a stage names: values of params.yaml; of another file all there is."""
    found: list[Any] = []
    for name in params:
        if isinstance(name, str):
            value: Any = read(PARAMS)
            for part in name.split("."):
                value = value.get(part) if isinstance(value, dict) else None
            found.append([name, value])
        else:
            found += [_contents(path) for path in name]
    return found


def _contents(dep: str) -> list[Any]:
    """The hashes of a dependency's files.

    Raises:
        OSError: it isn't there, or is remote.
    """
    path = Path(dep)
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [[str(file), digest(file)] for file in files if not file.is_dir() and "__pycache__" not in file.parts]


def _entries(index: Path) -> dict[str, Entry]:
    try:
        found = json.loads(index.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    known = isinstance(found, dict) and all(isinstance(entry, dict) for entry in found.values())
    return found if known else {}
