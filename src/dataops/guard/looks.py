"""Does a file look like data? By its name, its first bytes, or as the very bytes that DVC keeps already."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from dataops.repo.suffixes import OTHER

if TYPE_CHECKING:
    from dataops.store.cache import Cache

LEAST = 16  # bytes; less is no table, and an empty file is in every cache
HEAD = 1 << 16  # bytes that are looked at
MAGIC = {
    b"PAR1": "Parquet",
    b"ARROW1": "Arrow",
    b"ORC": "ORC",
    b"Obj\x01": "Avro",
    b"\x89HDF\r\n\x1a\n": "HDF5",
    b"\x93NUMPY": "a NumPy array",
    b"SQLite format 3\0": "an SQLite database",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Excel file",
    b"\x80\x02": "a pickle",
    b"\x80\x03": "a pickle",
    b"\x80\x04\x95": "a pickle",
    b"\x80\x05\x95": "a pickle",
    b"CDF\x01": "NetCDF",
    b"CDF\x02": "NetCDF",
}
DELIMITERS = (b",", b"\t", b";", b"|")
NUMBER = re.compile(rb"[-+]?\d[\d.,:/ T-]*")
ROWS = 3  # that a table without a suffix has at least
ROWS_OF_TEXT = 10  # and one that is called .txt or .log


def cached(cache: Cache, content: bytes) -> bool:
    """Does DVC's cache have these very bytes?"""
    from dataops.store.objects import Object

    return cache.has(Object(hashlib.md5(content, usedforsecurity=False).hexdigest(), size=len(content)))


def data(name: str, content: bytes) -> str:
    """What kind of data it is by its content, as "a table"; "" of code, text and pictures."""
    ending = PurePosixPath(name).suffix.lower()
    if ending in OTHER:
        return ""
    for magic, what in MAGIC.items():
        if content.startswith(magic):
            return what
    return "a table" if _table(content[:HEAD], ROWS if ending not in (".txt", ".log") else ROWS_OF_TEXT) else ""


def _table(head: bytes, least: int) -> bool:
    """Lines of one number of fields, some of them numbers, as no prose and no code has."""
    if b"\0" in head:
        return False
    lines = head.splitlines()[: 200 if len(head) < HEAD else -1]
    if len(lines) < least:
        return False
    for delimiter in DELIMITERS:
        fields = [line.count(delimiter) for line in lines]
        same = max(fields, key=fields.count)
        if same and fields.count(same) >= 0.9 * len(lines):
            cells = [cell.strip(b" \"'") for line in lines[1:] for cell in line.split(delimiter)]
            return sum(bool(NUMBER.fullmatch(cell)) for cell in cells) >= 0.2 * len(cells)
    return False
