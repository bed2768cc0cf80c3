"""Bytes out of a file that may be compressed (.gz .bz2 .xz .zst); damage is an error, never a short read."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from dataops.errors import DataOpsError

SUFFIXES = (".gz", ".bz2", ".xz", ".zst")


def suffix(name: str) -> str:
    """The compression suffix of `name`, in lower case, or an empty string."""
    return next((ending for ending in SUFFIXES if name.lower().endswith(ending)), "")


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The decompressed content of `path` as a binary stream.

    Raises:
        DataOpsError: `path` is missing, a folder, unreadable, or its compression is broken or cut short; also when
            that shows only while the caller reads.
    """
    try:
        with _open(path) as stream:
            yield stream
    except FileNotFoundError:
        raise DataOpsError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise DataOpsError(f"{path} is a folder, not a file") from None
    except PermissionError:
        raise DataOpsError(f"{path}: no permission to read it") from None
    except (EOFError, zlib.error, lzma.LZMAError, OSError) as error:
        ending = suffix(path.name)
        if not ending:
            raise DataOpsError(f"{path}: cannot be read: {error}") from None
        reason = str(error) or type(error).__name__
        raise DataOpsError(
            f"{path}: its {ending} compression is broken: {reason}", "copy or download the file again"
        ) from None


def _open(path: Path) -> BinaryIO:
    if path.is_dir():
        raise IsADirectoryError(path)
    ending = suffix(path.name)
    if ending == ".gz":
        return cast(BinaryIO, gzip.open(path))
    if ending == ".bz2":
        return cast(BinaryIO, bz2.open(path))
    if ending == ".xz":
        return cast(BinaryIO, lzma.open(path))
    if ending == ".zst":
        import pyarrow as pa

        path.open("rb").close()  # a missing file is Python's own error, not Arrow's
        return cast(BinaryIO, pa.input_stream(str(path), compression="zstd"))
    return path.open("rb")


def content(path: Path) -> bytes:
    """All of `path`, decompressed.

    Raises:
        DataOpsError: as `opened`, and when there is nothing in it.
    """
    with opened(path) as stream:
        data = stream.read()
    if not data:
        raise DataOpsError(f"{path} is empty", "an export that failed? leave the file out")
    return data
