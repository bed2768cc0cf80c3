"""Archives (.tar, .tar.gz, .tar.bz2, .tar.xz, .zip): their data files into a folder, and nothing anywhere else."""

from __future__ import annotations

import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from dataops.errors import DataOpsError
from dataops.tables.sources import is_source

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".zip")
LIMIT = 16 << 30  # bytes, expanded: a bomb is stopped, a year of sales is not
CHUNK = 1 << 20

Member = tuple[str, str, Callable[[], IO[bytes]]]  # name, "file" or what else it is, how to open it


def is_archive(name: str) -> bool:
    """Whether a file of this name is one that `expand` reads."""
    return name.lower().endswith(SUFFIXES)


def expand(archive: Path, folder: Path, limit: int = LIMIT) -> tuple[list[str], list[str]]:
    """Write the data files of `archive` below `folder`; the names of those taken and of those left out.

    Hidden files, `__MACOSX` and files of a suffix that is no source are left out. Of two members of one name the later
    one counts, as with tar.

    Raises:
        DataOpsError: the archive is broken or encrypted, holds a link, a device or a name that leads elsewhere (then
            nothing of it can be trusted), or expands to more than `limit` bytes.
    """
    taken: dict[str, None] = {}
    left: list[str] = []
    room = limit
    try:
        for name, what, source in _members(archive):
            place = _place(archive, name)
            if what == "folder":
                continue
            if what != "file":
                raise DataOpsError(f"{archive}: {name} is a {what}; an archive of data holds plain files only")
            if any(part.startswith(".") or part == "__MACOSX" for part in place.parts) or not is_source(place.name):
                left.append(name)
                continue
            room -= _copy(source, folder / place, room, archive, limit)
            taken[place.as_posix()] = None
    except FileNotFoundError:
        raise DataOpsError(f"{archive}: there is no such file") from None
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataOpsError(f"{archive}: the archive cannot be read: {reason}", "copy or download it again") from None
    except (RuntimeError, NotImplementedError) as error:  # zipfile: encrypted, or a compression it doesn't know
        raise DataOpsError(f"{archive}: {error}", "expand it by hand and give the folder") from None
    return list(taken), left


def _members(archive: Path) -> Iterator[Member]:
    if archive.name.lower().endswith(".zip"):
        with zipfile.ZipFile(archive) as pack:
            for info in pack.infolist():
                mode = info.external_attr >> 16 & 0o170000
                what = (
                    "folder" if info.is_dir() else {0o120000: "link", 0: "file", 0o100000: "file"}.get(mode, "device")
                )
                yield info.filename, what, lambda info=info: pack.open(info)  # type: ignore[misc]
        return
    with tarfile.open(archive) as pack:
        for member in pack:
            kinds = {"folder": member.isdir(), "file": member.isfile(), "link": member.issym() or member.islnk()}
            what = next((kind for kind, is_it in kinds.items() if is_it), "device")
            yield member.name, what, lambda member=member: pack.extractfile(member)  # type: ignore[misc]


def _place(archive: Path, name: str) -> PurePosixPath:
    """Where a member goes below the folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match("[A-Za-z]:", name) or "\0" in name:
        raise DataOpsError(
            f"{archive}: the member {name!r} leads out of the archive", "nothing was taken; ask who made it"
        )
    return path


def _copy(source: Callable[[], IO[bytes]], target: Path, room: int, archive: Path, limit: int) -> int:
    """Write one member, counting what really comes out: sizes in headers can lie. The bytes written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with source() as stream, target.open("wb") as file:
        while block := stream.read(CHUNK):
            size += len(block)
            if size > room:
                raise DataOpsError(
                    f"{archive} expands to more than {limit / (1 << 30):g} GiB", "expand it by hand and give the folder"
                )
            file.write(block)
    return size
