"""What a version holds, beside the hash that DVC has of its bytes: size and SHA-256, and of tables rows and columns.

A table also gets a hash of its rows, which another encoding doesn't change.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from dataops.versions import hashing, tablefiles
from dataops.versions.hashing import Multiset
from dataops.versions.tablefiles import File, NoTable

ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True)
class Described:
    """A version's content."""

    files: int
    bytes: int
    sha256: str
    """Of a single file its own; of a folder that of `sha256sum`'s list of its files."""
    rows: int | None = None
    """None, as the following: it is no table."""
    schema: dict[str, str] | None = None
    """Column to type. In CSV all are text; in JSON Lines they are JSON's."""
    row_hash: str | None = None
    """`rows1:…`, see `hashing`."""


def describe(files: Mapping[str, Path], folder: bool | None = None) -> Described:
    """Read all of `files`, path below the artifact to local file.

    A table is a file, or a folder, whose table files (those that aren't hidden) are of one kind: Parquet, CSV, TSV or
    JSON Lines. `folder`: whether the artifact is one; None takes a single file at the top for a file. Memory holds a
    row group of one file a thread.

    Raises:
        DataOpsError: a Parquet file is damaged.
    """
    whole = len(files) != 1 or "/" in next(iter(files)) if folder is None else folder
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        digests = dict(zip(files, pool.map(sha256_of, files.values()), strict=True))
        found = _table(files, pool)
    digest = listed(digests) if whole else next(iter(digests.values()))
    size = sum(path.stat().st_size for path in files.values())
    if found is None:
        return Described(len(files), size, digest)
    rows, schema = found
    return Described(len(files), size, digest, rows.count, schema, str(rows))


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def listed(digests: Mapping[str, str]) -> str:
    """The SHA-256 of the list that `sha256sum` prints, sorted by the bytes of the paths.

    `cd FOLDER && find . -type f -printf '%P\\n' | LC_ALL=C sort | xargs -d '\\n' sha256sum | sha256sum` gives it, too.
    """
    total = hashlib.sha256()
    for path in sorted(digests, key=os.fsencode):
        escaped = path.translate(ESCAPES)
        mark = "\\" if escaped != path else ""
        total.update(os.fsencode(f"{mark}{digests[path]}  {escaped}\n"))
    return total.hexdigest()


def _table(files: Mapping[str, Path], pool: ThreadPoolExecutor) -> tuple[Multiset, dict[str, str]] | None:
    kind = tablefiles.table_kind(files)
    if kind is None:
        return None
    tables = [File(path, files[path], kind) for path in sorted(files) if tablefiles.kind(path) == kind]
    try:
        schema = tablefiles.union(pool.map(tablefiles.schema, tables))
        total = Multiset()
        for found in pool.map(rows_of, tables):
            total.merge(found)
    except NoTable:
        return None
    return total, schema


def rows_of(file: File) -> Multiset:
    """The rows of one file, its part among them.

    Raises:
        NoTable: the content is no table.
        DataOpsError: a Parquet file is damaged.
    """
    found = Multiset()
    sparse = file.kind in tablefiles.SPARSE
    for batch in tablefiles.batches(file):
        columns = zip(batch.schema.names, batch.columns, strict=True)
        found.add(hashing.rows(columns, batch.num_rows, file.part, sparse=sparse))
    return found
