"""Every distinct file asked once, in threads, however many versions share it."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dataops.errors import DataOpsError
from dataops.lineage.recordlevel import partitions, ranges, textfiles
from dataops.lineage.recordlevel.conditions import Condition
from dataops.lineage.recordlevel.partitions import Found
from dataops.lineage.recordlevel.ranges import DownError, Tally
from dataops.store.cache import Cache
from dataops.store.hashing import Hasher
from dataops.store.objects import Object, Progress, Store
from dataops.store.workers import Workers
from dataops.versions.sources import Sources

THREADS = 16
Key = tuple[object, ...]


@dataclass(frozen=True)
class File:
    """One distinct content, and what it is asked."""

    name: str
    """As one of the versions calls it."""
    kind: str
    """`Parquet`, or a suffix of text."""
    obj: Object | None
    content: bytes
    """Of a file that git has."""
    asked: tuple[Condition, ...]
    types: tuple[tuple[str, str], ...]
    """What the contract says of columns; () of Parquet, which knows."""

    @property
    def key(self) -> Key:
        """What makes it another question."""
        content = (self.obj.algorithm, self.obj.digest) if self.obj else self.content
        return content, self.kind, self.asked, self.types


def kind(name: str) -> str:
    """What a file's name says it is; "" of what is no table."""
    from dataops.versions import tablefiles

    if name.rpartition("/")[2].startswith((".", "_")):
        return ""
    return tablefiles.kind(name) or ("JSON" if textfiles.is_document(name) else "")


def ask_all(wanted: Sequence[tuple[File, Cache | None, Store]], tally: Tally, progress: Progress) -> dict[Key, Found]:
    """What each of these says; one that couldn't be looked at says why."""
    importlib.import_module("pyarrow.parquet")  # now: imported by threads at once it is half there

    found: dict[Key, Found] = {}
    down: dict[int, str] = {}  # stores that can't be asked, by id: waiting for each object of theirs helps nobody

    def ask(file: File, cache: Cache | None, store: Store) -> None:
        own = store.of(file.obj) if isinstance(store, Sources) and file.obj is not None else store
        try:
            found[file.key] = _ask(file, cache, own, tally, down.get(id(own), ""))
        except DataOpsError as error:
            if isinstance(error, DownError):
                down[id(own)] = error.message
            found[file.key] = Found(problem=error.message)

    workers = Workers(THREADS)
    workers.add([partial(ask, *one) for one in wanted])
    workers.run(lambda: progress(len(found), len(wanted), "files"))
    return found


def _ask(file: File, cache: Cache | None, store: Store, tally: Tally, down: str) -> Found:
    cached = file.obj is not None and cache is not None and cache.has(file.obj)
    if down and file.obj is not None and not cached:
        raise DataOpsError(down)
    if file.kind == "Parquet":
        if file.obj is None:
            return partitions.parquet(ranges.in_memory(file.content, tally), file.asked)
        if cached and cache is not None:
            return partitions.parquet(ranges.in_file(cache.path(file.obj), tally), file.asked)
        return partitions.parquet(ranges.on_remote(file.obj, store, tally), file.asked)
    with tempfile.TemporaryDirectory(prefix="dataops-record-") as folder:
        path = _whole(file, cache, store, tally, Path(folder))
        try:
            return textfiles.ask(path, file.name, file.asked, dict(file.types))
        except DataOpsError:
            if file.kind == "JSON":  # metadata beside the tables, nearly always
                return Found(size=path.stat().st_size)
            raise


def _whole(file: File, cache: Cache | None, store: Store, tally: Tally, folder: Path) -> Path:
    """All of a file, whose hash is right.

    Raises:
        DataOpsError: it isn't, or the file is nowhere.
    """
    path = folder / "file"
    if file.obj is None:
        path.write_bytes(file.content)
        tally.add(len(file.content), local=True)
        return path
    if cache is not None and cache.sound(file.obj):
        path = cache.path(file.obj)
        tally.add(path.stat().st_size, local=True)
        return path
    hasher = Hasher(file.obj.algorithm)
    with path.open("wb") as out, ranges.asking():
        for block in store.read(file.obj):
            hasher.update(block)
            out.write(block)
            tally.add(len(block), local=False)
    if not hasher.matches(file.obj.digest):
        raise DataOpsError(f"{store.uri(file.obj)} has other bytes than its name says", "`dataops verify` says more")
    return path
