"""model.tar.gz: the same files are the same bytes."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from pathlib import Path

from dataops.errors import DataOpsError
from dataops.files import write_bytes


def pack(folder: Path, target: Path) -> None:
    """Archive the files of `folder` without times, owners or modes; replaces `target` in one step."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            member = tarfile.TarInfo(path.relative_to(folder).as_posix())
            member.size, member.mode = path.stat().st_size, 0o644
            with path.open("rb") as file:
                archive.addfile(member, file)
    write_bytes(target, buffer.getvalue())


def member(archive: Path, name: str) -> bytes:
    """One file out of a model archive.

    Raises:
        DataOpsError: the archive is missing or damaged, or has no such file.
    """
    try:
        content = gzip.decompress(archive.read_bytes())  # to the end, where the checksum is
        with tarfile.open(fileobj=io.BytesIO(content)) as opened:
            return opened.extractfile(name).read()  # type: ignore[union-attr]  # `pack` writes files alone
    except FileNotFoundError:
        raise DataOpsError(f"{archive} is missing", "run `dvc repro`, or `dvc pull` in a fresh clone") from None
    except (tarfile.TarError, KeyError, OSError, EOFError, zlib.error) as error:
        raise DataOpsError(f"{archive} is damaged: {error}", "dvc checkout --force models/model.tar.gz") from None
