"""CSV and TSV: every value as the text that is written, none guessed. Arrow reads; Python names what is wrong."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataops.errors import DataOpsError
from dataops.tables.compressed import content, opened

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

CHUNK = 1 << 20
BLOCK = 1 << 24  # Arrow's unit of reading; a longer record makes it one block of everything
ENCODING_HINT = "collect.read.encoding in params.yaml (or `dataops adopt --encoding`): latin-1 and cp1252 are common"
csv.field_size_limit(1 << 30)


def columns(path: Path, encoding: str, delimiter: str) -> list[str]:
    """The header, from the first bytes of the file.

    Raises:
        DataOpsError: the file is empty, binary, or not in `encoding`.
    """
    with opened(path) as stream:
        start = stream.read(CHUNK)
        if not start:
            raise DataOpsError(f"{path} is empty", "an export that failed? leave the file out")
        more = bool(stream.read(1))
    return _header(decoded(start, path, encoding, final=not more), path, delimiter)


def read(
    path: Path, encoding: str, delimiter: str, nulls: Sequence[str], names: list[str], chosen: list[int]
) -> pd.DataFrame:
    """The columns at the places `chosen` of the header `names`: text, `nulls` and nothing else missing.

    Raises:
        DataOpsError: the file is not in `encoding`, or a row has more or fewer fields than the header.
    """
    data = _utf8(content(path), path, encoding)
    try:
        table = _arrow(data, delimiter, nulls, len(names), chosen, BLOCK)
    except ValueError as error:  # ArrowInvalid; a record longer than a block is no fault of the file
        if len(data) > BLOCK and "straddl" in str(error):
            table = _arrow(data, delimiter, nulls, len(names), chosen, len(data) + 1)
        else:
            raise _ragged(data, path, delimiter, len(names), str(error)) from None
    if data.count(b'"') % 2:
        _refuse_open_quote(data, path, delimiter)
    return frame(table.slice(1).rename_columns([names[place] for place in chosen]))


def frame(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as a frame: text as pandas' own string type, integers with gaps not turned into floats."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    text = pd.StringDtype("pyarrow", na_value=np.nan)
    types = {pa.string(): text, pa.large_string(): text}
    result: pd.DataFrame = table.to_pandas(types_mapper=types.get, ignore_metadata=True, integer_object_nulls=True)
    return result


def _arrow(data: bytes, delimiter: str, nulls: Sequence[str], width: int, chosen: list[int], block: int) -> Any:
    """All rows, the header among them, under names that are places: names may be anything, places are unique."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    names = [str(place) for place in range(width)]
    return arrow.read_csv(
        pa.BufferReader(data),
        read_options=arrow.ReadOptions(column_names=names, block_size=block),
        parse_options=arrow.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=arrow.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=True,
            null_values=list(nulls),
            include_columns=[names[place] for place in chosen],
        ),
    )


def _utf8(data: bytes, path: Path, encoding: str) -> bytes:
    """`data` as UTF-8, proved to be text in `encoding`."""
    if codecs.lookup(encoding).name not in ("utf-8", "utf-8-sig", "ascii"):
        return decoded(data, path, encoding).encode()
    decoder = codecs.getincrementaldecoder(encoding)()
    for start in range(0, len(data), CHUNK):
        try:
            decoder.decode(data[start : start + CHUNK], start + CHUNK >= len(data))
        except UnicodeDecodeError:
            decoded(data, path, encoding)  # says where
    if b"\0" in data:
        raise _binary(path, data.index(b"\0"))
    return data.removeprefix(codecs.BOM_UTF8)


def decoded(data: bytes, path: Path, encoding: str, *, final: bool = True) -> str:
    """`data` as text without a byte order mark; `final` is false when a character may be cut at the end.

    Raises:
        DataOpsError: it holds a NUL byte or isn't in `encoding`; names the first offset.
    """
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data, final)
    except UnicodeDecodeError as error:
        if b"\0" in data[:CHUNK]:
            raise _binary(path, data.index(b"\0")) from None
        raise DataOpsError(
            f"{path}: byte {error.start} (0x{data[error.start]:02x}) is not {encoding}", ENCODING_HINT
        ) from None
    if "\0" in text:
        raise _binary(path, data.index(b"\0"))
    return text.removeprefix("\ufeff")


def _binary(path: Path, offset: int) -> DataOpsError:
    return DataOpsError(
        f"{path} is not a text file: a NUL byte at offset {offset}",
        "is it another format under this name, or UTF-16? the latter needs collect.read.encoding: utf-16",
    )


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Line and fields of every record; empty lines are none."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    line = 1
    for fields in reader:
        if fields:
            yield line, fields
        line = reader.line_num + 1


def _header(text: str, path: Path, delimiter: str) -> list[str]:
    for _, fields in _records(text, delimiter):
        return fields
    raise DataOpsError(f"{path} has no header: all its lines are empty")


def _ragged(data: bytes, path: Path, delimiter: str, width: int, reason: str) -> DataOpsError:
    """Which line is wrong, which Arrow doesn't say."""
    _refuse_open_quote(data, path, delimiter)
    for line, fields in _records(data.decode(), delimiter):
        if len(fields) != width:
            return DataOpsError(
                f"{path}, line {line}: {len(fields)} fields where the header has {width}",
                "is collect.read.delimiter right? a value that holds the delimiter must be quoted",
            )
    return DataOpsError(f"{path}: {reason.splitlines()[0]}")


def _refuse_open_quote(data: bytes, path: Path, delimiter: str) -> None:
    """A quote never closed swallows the rest of the file into one value; both readers take that in silence."""
    line, fields = 0, [""]
    for line, fields in _records(data.decode(), delimiter):  # noqa: B007
        pass
    if "\n" in fields[-1] and not data.rstrip().endswith(b'"'):
        raise DataOpsError(f"{path}: a quote opened in line {line} is never closed", "was the file cut short?")
