"""The parts of a dataset as one CSV text each, made of verified objects."""

from __future__ import annotations

import hashlib
import posixpath
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dataops import files
from dataops.errors import DataOpsError
from dataops.repo.records import Artifact
from dataops.store.cache import Cache
from dataops.store.objects import Object, Progress, Store
from dataops.store.transfer import into_cache

Rows = tuple[tuple[str, Object], ...]
"""Files with the rows of one text, in their order."""


@dataclass(frozen=True)
class Text:
    """A text in a scratch file."""

    path: Path
    size: int
    sha256: str
    rows: int


def parts(objects: Mapping[str, Object], artifact: Artifact) -> dict[str, Rows]:
    """One text for each first folder, of its files in the order of their names; files without one make a text alone.

    Raises:
        DataOpsError: there is something other than Parquet.
    """
    found: dict[str, list[tuple[str, Object]]] = {}
    for name in sorted(objects):
        if not name.endswith(".parquet"):
            reason = f"{artifact.name} has {name}, and only Parquet can be written as CSV"
            raise DataOpsError(reason, "without --format csv its files are copied as they are")
        part, slash, _ = name.partition("/")
        found.setdefault(f"{part if slash else posixpath.basename(artifact.path)}.csv", []).append(
            (name, objects[name])
        )
    return {part: tuple(rows) for part, rows in found.items()}


def write(tables: Mapping[str, Rows], store: Store, cache: Cache, progress: Progress) -> Iterator[tuple[str, Text]]:
    """Each text in turn, gone when the next is asked for. All have the same columns in the same form.

    Raises:
        Refused: an object is damaged or missing.
        DataOpsError: the files have different columns, or a column that CSV can't hold.
    """
    from dataops.tables import csvtext

    everything = [item for rows in tables.values() for item in rows]
    into_cache([obj for _, obj in everything], store, cache, progress=progress)
    form = csvtext.schema([cache.path(obj) for _, obj in everything], [name for name, _ in everything])
    with tempfile.TemporaryDirectory(dir=files.scratch(cache.folder), prefix="publish-") as scratch:
        path = Path(scratch) / "text.csv"
        for name, rows in tables.items():
            count = csvtext.write([cache.path(obj) for _, obj in rows], path, form)
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            yield name, Text(path, path.stat().st_size, digest, count)
