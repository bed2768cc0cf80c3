"""Are two files the same, or the same within a tolerance? Judged by what they hold, never by running any of it.

Numbers may differ by a relative tolerance where at least one of the two is no integer. All else has to be equal:
texts, integers, columns and their types, the number and the order of rows, keys, the names of an archive's members.
A pickle or a picture is bytes.
"""

from __future__ import annotations

import gzip
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

from dataops.lineage.reproduction.tally import TOLERANCE, Likeness, Tally, UnlikeError

LARGEST = 2 << 30  # bytes that an archive may unpack to
DEEPEST = 3  # archives in archives
BLOCK = 1 << 20
BROKEN = (  # what reading a damaged archive may raise; RuntimeError: one with a password
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(OSError, EOFError, RuntimeError),
)
Compare = Callable[[Path, Path, Tally], None]


def compare(old: Path, new: Path, name: str, tolerance: float = TOLERANCE) -> Likeness:
    """How `new` compares with `old`; `name` is what both are called. A damaged or hostile file is only different.

    `old` lies in a folder in which temporary files may be made.
    """
    if _equal(old, new):
        return Likeness("identical")
    tally = Tally(tolerance)
    try:
        _compare(old, new, name, tally, 0)
    except UnlikeError as error:
        return Likeness("different", str(error))
    return tally.likeness()


def _compare(old: Path, new: Path, name: str, tally: Tally, depth: int) -> None:
    kinds = {_kind(path, name) for path in (old, new)}
    if len(kinds) > 1:
        raise UnlikeError("it is another kind of file")
    kind = kinds.pop()
    if kind in ("tar", "zip"):
        _members(old, new, kind, tally, depth)
    elif kind == "gzip":
        with tempfile.TemporaryDirectory(dir=old.parent) as folder:
            inner = [_unpacked(path, Path(folder, str(place))) for place, path in enumerate((old, new))]
            _compare(inner[0], inner[1], name.removesuffix(".gz"), tally, depth + 1)
    else:
        _reader(kind)(old, new, tally)


def _kind(path: Path, name: str) -> str:
    """By its first bytes where those say it, else by its name; "bytes" of what isn't looked into."""
    with path.open("rb") as file:
        head = file.read(512)
    lower = name.lower()
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"\x93NUMPY"):
        return "numpy"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if lower.endswith((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")) or head[257:262] == b"ustar":
        return "tar"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if b"\0" in head:
        return "bytes"
    if lower.endswith((".json", ".geojson", ".ipynb")):
        return "json"
    return "table" if lower.endswith((".csv", ".tsv")) else "text"


def _reader(kind: str) -> Compare:
    """Imported where it is used: pyarrow costs."""
    from dataops.lineage.reproduction import equivalence_text

    if kind in ("parquet", "numpy"):
        from dataops.lineage.reproduction import equivalence_arrays

        return equivalence_arrays.parquet if kind == "parquet" else equivalence_arrays.numpy
    readers = {"json": equivalence_text.json_, "table": equivalence_text.table, "text": equivalence_text.text}
    return readers.get(kind, _bytes)


def _bytes(old: Path, new: Path, _tally: Tally) -> None:
    sizes = [path.stat().st_size for path in (old, new)]
    told = "its bytes differ" if sizes[0] == sizes[1] else f"{sizes[1]:,} bytes, were {sizes[0]:,}"
    raise UnlikeError(told)


def _members(old: Path, new: Path, kind: str, tally: Tally, depth: int) -> None:
    """An archive, member by member; times, owners and the order of members are nothing."""
    if depth >= DEEPEST:
        raise UnlikeError("an archive in an archive in an archive: not looked into")
    with tempfile.TemporaryDirectory(dir=old.parent) as folder:
        both = []
        for side, path in (("old", old), ("new", new)):
            place = Path(folder, side)
            place.mkdir()
            try:
                both.append((_untarred if kind == "tar" else _unzipped)(path, place))
            except BROKEN as error:
                raise UnlikeError(f"the {'recorded' if side == 'old' else 'new'} archive is damaged: {error}") from None
        went, came = sorted(set(both[0]) - set(both[1])), sorted(set(both[1]) - set(both[0]))
        if went or came:
            raise UnlikeError(
                ", ".join([*(f"no {name}" for name in went[:3]), *(f"{name} is new" for name in came[:3])])
            )
        for name in sorted(both[0]):
            _member(both[0][name], both[1][name], name, tally, depth)


def _member(old: Path, new: Path, name: str, tally: Tally, depth: int) -> None:
    if _equal(old, new):
        tally.same()
        return
    inner = Tally(tally.tolerance)
    try:
        _compare(old, new, name, inner, depth + 1)
    except UnlikeError as error:
        inner.other("")
        inner.notes.append(str(error))
    tally.add(inner, name)


def _untarred(path: Path, folder: Path) -> dict[str, Path]:
    """The files of a tar, under numbers: nothing that it calls them is used as a path. A link is its text."""
    found, room = {}, LARGEST
    with tarfile.open(path) as archive:
        for place, member in enumerate(archive):
            target = folder / str(place)
            source = archive.extractfile(member) if member.isfile() else None
            if source is None:
                target.write_text(f"{member.type!r} {member.linkname}")
            else:
                room = _poured(source, target, room)
            if not member.isdir():
                found[member.name] = target
        while (rest := archive.fileobj.read(BLOCK) if archive.fileobj else b"") and room > 0:
            room -= len(rest)  # to the end, where the checksum of the compression is
    return found


def _unzipped(path: Path, folder: Path) -> dict[str, Path]:
    found, room = {}, LARGEST
    with zipfile.ZipFile(path) as archive:
        for place, member in enumerate(archive.infolist()):
            if not member.is_dir():
                with archive.open(member) as source:
                    room = _poured(source, folder / str(place), room)
                found[member.filename] = folder / str(place)
    return found


def _unpacked(path: Path, target: Path) -> Path:
    try:
        with gzip.open(path) as source:
            _poured(source, target, LARGEST)
    except (OSError, EOFError, zlib.error) as error:
        raise UnlikeError(f"its compression is damaged: {error}") from None
    return target


def _poured(source: IO[bytes] | gzip.GzipFile, target: Path, room: int) -> int:
    """Copy as long as there is room; what is left of it."""
    with target.open("wb") as file:
        while block := source.read(BLOCK):
            room -= len(block)
            if room < 0:
                raise UnlikeError(f"it unpacks to more than {LARGEST >> 30} GiB: not looked into")
            file.write(block)
    return room


def _equal(old: Path, new: Path) -> bool:
    """Byte by byte."""
    if old.stat().st_size != new.stat().st_size:
        return False
    with old.open("rb") as one, new.open("rb") as other:
        while True:
            blocks = one.read(BLOCK), other.read(BLOCK)
            if blocks[0] != blocks[1]:
                return False
            if not blocks[0]:
                return True
