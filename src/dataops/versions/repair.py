"""Restoring an object on a remote from a copy that is proven first, and proving the result."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dataops import files
from dataops.errors import DataOpsError
from dataops.store.cache import Cache
from dataops.store.hashing import Hasher
from dataops.store.objects import BrokenReadError, MissingObjectError, Object, Store
from dataops.store.proof import reread


@dataclass(frozen=True)
class Repaired:
    """What came of it."""

    source: str = ""
    """Where the bytes came from; empty where it isn't repaired."""
    notes: tuple[str, ...] = ()


def repair(obj: Object, store: Store, cache: Cache | None, spare: Store | None) -> Repaired:
    """Put a sound copy in the place of a missing or damaged object and read it back.

    A damaged copy is never used, and named.

    Raises:
        DataOpsError: the remote can't be written, or the second one not asked.
    """
    notes: list[str] = []
    if cache is not None and cache.path(obj).is_file():
        if cache.sound(obj):
            return _put(obj, cache.path(obj), store, "the cache", notes)
        notes.append(f"the cache's copy {cache.path(obj)} is damaged too: delete it")
    if spare is not None:
        with _fetched(obj, spare) as path:
            if isinstance(path, Path):
                return _put(obj, path, store, spare.url, notes)
            notes.append(path)
    if not notes:
        notes.append("no copy here: `--from REMOTE` names another remote, `dvc push` helps where it was made")
    return Repaired(notes=tuple(notes))


def _put(obj: Object, path: Path, store: Store, source: str, notes: list[str]) -> Repaired:
    store.put(obj, path)
    (proof,) = reread([obj], store)
    if proof.state == "proven":
        return Repaired(source, tuple(notes))
    return Repaired(notes=(*notes, f"{store.url} took it and still gives other bytes: {proof.detail or proof.state}"))


@contextlib.contextmanager
def _fetched(obj: Object, spare: Store) -> Iterator[Path | str]:
    """A verified copy from the second remote in a scratch file, or why there is none."""
    hasher = Hasher(obj.algorithm)
    handle, name = tempfile.mkstemp(dir=files.scratch(Path.cwd() / "repair"), prefix="repair-")
    try:
        with os.fdopen(handle, "wb") as file:
            try:
                for block in spare.read(obj):
                    hasher.update(block)
                    file.write(block)
            except (MissingObjectError, BrokenReadError) as error:
                yield error.message
                return
            except OSError as error:
                raise DataOpsError(f"can't write a scratch file: {error.strerror}", "make room on the disk") from None
        yield Path(name) if hasher.matches(obj.digest) else f"the copy at {spare.url} is damaged too"
    finally:
        Path(name).unlink(missing_ok=True)
