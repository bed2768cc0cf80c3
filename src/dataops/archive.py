"""model.tar.gz: the same files are the same bytes."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from dataops.errors import DataOpsError
from dataops.files import write_bytes

# what reading a damaged or hostile one may raise: tarfile lets through what int(), utime() and open() say of headers
DAMAGED = (tarfile.TarError, EOFError, OSError, OverflowError, RecursionError, ValueError, zlib.error)


def pack(folder: Path, target: Path) -> None:
    """Archive the files of `folder` without times, owners or modes; replaces `target` in one step."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    write_bytes(target, packed({name: (folder / name).read_bytes() for name in names}))


def packed(files: Mapping[str, bytes]) -> bytes:
    """The archive of these files, without times, owners or modes."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(files[name]), 0o644
            archive.addfile(member, io.BytesIO(files[name]))
    return buffer.getvalue()


def member(archive: Path, name: str) -> bytes:
    """One file out of a model archive.

    Raises:
        DataOpsError: the archive is missing or damaged, or has no such file.
    """
    hint = f"dvc checkout --force {archive}"
    try:
        content = gzip.decompress(archive.read_bytes())  # to the end, where the checksum is
        with tarfile.open(fileobj=io.BytesIO(content)) as opened:
            file = opened.extractfile(name)
            found = None if file is None else file.read()
    except FileNotFoundError:
        raise DataOpsError(f"{archive} is missing", "run `dvc repro`, or `dvc pull` in a fresh clone") from None
    except (*DAMAGED, KeyError) as error:
        raise DataOpsError(f"{archive} is damaged: {error}", hint) from None
    if found is None:
        raise DataOpsError(f"{archive} is damaged: {name} is no file in it", hint)
    return found
