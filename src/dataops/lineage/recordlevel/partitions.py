"""How many rows of one Parquet file meet every condition: by the least that can be read of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dataops.errors import DataOpsError
from dataops.lineage.recordlevel import footer
from dataops.lineage.recordlevel.conditions import Condition, Typed, UnfitError
from dataops.lineage.recordlevel.ranges import Ranged

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

TAIL = 8192  # bytes: the footer of a file of 50 columns and one row group, in one request
MAGIC, ENCRYPTED = b"PAR1", b"PARE"
LARGEST = 1 << 28  # bytes of a footer


@dataclass(frozen=True)
class Found:
    """What one file says."""

    rows: int = 0
    how: Literal["statistics", "values", "nothing"] = "nothing"
    """What decided: the footer's statistics alone; the values; nothing, as the question doesn't fit the file."""
    columns: tuple[str, ...] = ()
    """Those that it has."""
    missing: tuple[str, ...] = ()
    """Those that are asked for and not there."""
    unfit: str = ""
    """A value that is not of its column's type."""
    size: int | None = None
    """Bytes of the whole file."""
    problem: str = ""
    """Why it couldn't be looked at."""


def parquet(file: Ranged, asked: Sequence[Condition]) -> Found:
    """Footer first; then of the row groups that can match only the columns that are asked for.

    Raises:
        DataOpsError: it is no whole Parquet file, or can't be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        content = _footer(file)
        metadata = pq.read_metadata(pa.BufferReader(MAGIC + content + file.tail(8)))
        form = metadata.schema.to_arrow_schema()
        told = _told(form, asked, file.size)
        if told.missing or told.unfit:
            return told
        typed = {one.column: one.typed(form.field(one.column).type) for one in asked}
        groups = _groups(content, metadata.num_row_groups, typed)
        if not groups:
            return Found(0, "statistics", told.columns, size=file.size)
        opened = pq.ParquetFile(
            pa.PythonFile(file, mode="r"), metadata=metadata, pre_buffer=False, page_checksum_verification=True
        )
        rows = sum(_rows(opened, at, typed) for at in groups)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DataOpsError(f"no whole Parquet file: {reason}", "`dataops verify` says what is damaged") from None
    return Found(rows, "values", told.columns, size=file.size)


def _footer(file: Ranged) -> bytes:
    """The footer, by as many bytes as it has."""
    end = file.tail(8 if file.local else TAIL)
    if end[-4:] == ENCRYPTED:
        raise DataOpsError("it is encrypted")
    length = int.from_bytes(end[-8:-4], "little") + 8
    if len(end) < 8 or end[-4:] != MAGIC or length + 4 > file.size or length > LARGEST:
        raise DataOpsError("no whole Parquet file: its end is none", "`dataops verify` says what is damaged")
    return file.tail(length)[:-8]


def _told(form: pa.Schema, asked: Sequence[Condition], size: int) -> Found:
    """What the columns alone say."""
    columns = tuple(dict.fromkeys(form.names))
    missing = tuple(one.column for one in asked if one.column not in columns)
    twice = [one.column for one in asked if form.names.count(one.column) > 1]
    if twice:
        raise DataOpsError(f"it has two columns {twice[0]}")
    unfit = ""
    for one in asked:
        if one.column not in missing:
            try:
                one.typed(form.field(one.column).type)
            except UnfitError as error:
                unfit = unfit or str(error)
    return Found(columns=columns, missing=missing, unfit=unfit, size=size)


def _groups(content: bytes, count: int, typed: Mapping[str, Typed]) -> list[int]:
    """The row groups that can match."""
    try:
        known = footer.groups(content, list(typed))
    except ValueError:
        return list(range(count))
    if len(known) != count:
        return list(range(count))
    return [at for at, said in enumerate(known) if all(one.may(said.get(name)) for name, one in typed.items())]


def _rows(file: pq.ParquetFile, group: int, typed: Mapping[str, Typed]) -> int:
    """The rows of one row group that meet all; a column is read only while there are some."""
    mask: pa.ChunkedArray | None = None
    for name, condition in typed.items():
        values = file.read_row_group(group, columns=[name], use_threads=False).column(name)
        mask = every([*([mask] if mask is not None else []), condition.mask(values)])
        if not count(mask):
            return 0
    return count(mask)


def every(masks: Sequence[pa.ChunkedArray]) -> pa.ChunkedArray:
    """Where every one is true; a null is not."""
    import pyarrow.compute as pc

    found = pc.fill_null(masks[0], False)
    for mask in masks[1:]:
        found = pc.and_(found, pc.fill_null(mask, False))
    return found


def count(mask: pa.ChunkedArray) -> int:
    """How often it is true."""
    import pyarrow.compute as pc

    return pc.sum(mask).as_py() or 0
