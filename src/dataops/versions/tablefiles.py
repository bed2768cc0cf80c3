"""Table files as batches of rows, each format read the one way that never guesses.

Parquet has types. CSV and TSV have none: every value is the text that is written, and an empty field is an empty text.
JSON Lines: every value is its JSON text, and a null is a missing key.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import itertools
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from dataops.errors import DataOpsError

SUFFIXES = {
    ".parquet": "Parquet", ".pq": "Parquet",
    ".csv": "CSV", ".csv.gz": "CSV", ".tsv": "TSV", ".tsv.gz": "TSV",
    ".jsonl": "JSON Lines", ".jsonl.gz": "JSON Lines", ".ndjson": "JSON Lines", ".ndjson.gz": "JSON Lines",
}  # fmt: skip
TEXT = "text"  # the type of a column of CSV
SPARSE = frozenset({"JSON Lines"})  # formats where a null is a missing key
BATCH = 65_536  # rows; what fits a processor's cache
BLOCK = 1 << 24  # bytes of CSV
ENCRYPTED = b"PARE"
JSON_TYPES = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}


class NoTable(Exception):  # noqa: N818  an answer
    """The file's name says table, its content doesn't."""


class File(NamedTuple):
    """One file of a table."""

    path: str
    """Relative to the artifact."""
    local: Path
    kind: str

    @property
    def part(self) -> str:
        """The first folder: train, validation, test; nothing at the top."""
        return part(self.path)


def part(path: str) -> str:
    """The first folder of a path, which counts as a part of its rows."""
    return path.split("/", 1)[0] if "/" in path else ""


def kind(path: str) -> str | None:
    """What a file's name says it is; None for hidden files and what is no table."""
    name = PurePosixPath(path)
    if any(step.startswith(".") for step in name.parts):
        return None
    lower = name.name.lower()
    return next((found for suffix, found in SUFFIXES.items() if lower.endswith(suffix)), None)


def table_kind(paths: Iterable[str]) -> str | None:
    """The one kind of all table files among `paths`; None where there are none, or several kinds."""
    found = {kind(path) for path in paths} - {None}
    return found.pop() if len(found) == 1 else None


def batches(file: File, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The file's rows, in order; of `columns` those that it has.

    Raises:
        NoTable: the content is no table.
        DataOpsError: a Parquet file is damaged.
    """
    if file.kind == "Parquet":
        yield from _parquet(file, columns)
    elif file.kind == "JSON Lines":
        yield from _chosen(_json_lines(file), columns)
    else:
        yield from _chosen(_delimited(file), columns)


def schema(file: File) -> dict[str, str]:
    """Columns and types of one file; only Parquet is not read to its end for it.

    Raises:
        NoTable: the content is no table.
        DataOpsError: a Parquet file is damaged.
    """
    if file.kind == "Parquet":
        with _opened(file) as opened:
            return {field.name: type_name(field.type) for field in opened.schema_arrow}
    if file.kind == "JSON Lines":
        found: dict[str, set[str]] = {}
        for record in itertools.chain.from_iterable(_records(file)):
            for name, value in record.items():
                if value is not None:
                    found.setdefault(name, set()).add(JSON_TYPES[type(value)])
        return {name: joined(types) for name, types in found.items()}
    for batch in batches(file):
        return dict.fromkeys(batch.schema.names, TEXT)
    return {}


def count(file: File) -> int:
    """How many rows a file has; Parquet says it in its footer."""
    if file.kind == "Parquet":
        with _opened(file) as opened:
            return int(opened.metadata.num_rows)
    return sum(batch.num_rows for batch in batches(file))


def type_name(found: pa.DataType) -> str:
    """A type as a card has it: how it is encoded (dictionary, large, view) is none of it."""
    if pa.types.is_dictionary(found):
        return type_name(found.value_type)
    plain = {pa.large_string(): "string", pa.string_view(): "string", pa.large_binary(): "binary",
             pa.binary_view(): "binary"}  # fmt: skip
    return plain.get(found) or str(found)


def joined(types: set[str]) -> str:
    """One type for what several files say; all-null columns say nothing."""
    known = types - {"null"} or types
    return " or ".join(sorted(known))


def union(schemas: Iterable[dict[str, str]]) -> dict[str, str]:
    """The columns of several files, in the order they first occur."""
    found: dict[str, set[str]] = {}
    for one in schemas:
        for name, its in one.items():
            found.setdefault(name, set()).update(its.split(" or "))
    return {name: joined(types) for name, types in found.items()}


def _opened(file: File) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file.local, pre_buffer=False)  # else it holds the whole file
    except (pa.ArrowException, OSError) as error:
        raise _damaged(file, error) from None


def _parquet(file: File, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
    with _opened(file) as opened:
        names = opened.schema_arrow.names
        chosen = None if columns is None else [name for name in names if name in set(columns)]
        try:
            yield from opened.iter_batches(BATCH, columns=chosen, use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(file, error) from None


def _damaged(file: File, error: Exception) -> Exception:
    with file.local.open("rb") as stream:
        if stream.read(4) == ENCRYPTED:
            return NoTable(f"{file.path} is encrypted")
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DataOpsError(
        f"{file.path} is no whole Parquet file: {reason}", "`dvc checkout --force`, or make it again with `dvc repro`"
    )


def _chosen(found: Iterator[pa.RecordBatch], columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
    for batch in found:
        yield batch if columns is None else batch.select([name for name in batch.schema.names if name in set(columns)])


def _stream(file: File) -> BinaryIO:
    """The content; the name in the artifact tells of compression, as an object of the cache has none of its own."""
    packed = file.path.lower().endswith(".gz")
    return gzip.open(file.local) if packed else file.local.open("rb")  # type: ignore[return-value]


def _delimited(file: File) -> Iterator[pa.RecordBatch]:
    """CSV as text; UTF-8, or Latin-1, in which every byte is a letter."""
    try:
        yield from _as_text(file, "\t" if file.kind == "TSV" else ",", _encoding(file))
    except (pa.ArrowException, OSError, EOFError, zlib.error, csv.Error) as error:
        raise NoTable(str(error)) from None


def _encoding(file: File) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with _stream(file) as stream:
        try:
            while block := stream.read(BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "latin-1"
    return "utf-8"


def _as_text(file: File, delimiter: str, encoding: str) -> Iterator[pa.RecordBatch]:
    with _stream(file) as stream:
        head = stream.readline(BLOCK).decode(encoding).removeprefix("\ufeff")
    if delimiter == "," and "," not in head:
        delimiter = max(";\t|", key=head.count) if any(mark in head for mark in ";\t|") else ","
    names = _unique(next(csv.reader([head], delimiter=delimiter), []))
    if not names:
        raise NoTable("no header")
    with pyarrow.csv.open_csv(
        _native(file, encoding),
        pyarrow.csv.ReadOptions(use_threads=False, block_size=BLOCK, column_names=names),
        pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, null_values=[]
        ),
    ) as reader:
        header = 1
        for block in reader:
            for start in range(header, max(block.num_rows, header + 1), BATCH):
                yield block.slice(start, BATCH)
            header = 0


def _native(file: File, encoding: str) -> pa.NativeFile:
    """The content as UTF-8, without Python: Arrow reads ahead in a thread of its own, which would end the process with
    an abort if it called Python while that is leaving.
    """
    if encoding != "utf-8":
        with _stream(file) as stream:
            return pa.BufferReader(stream.read().decode(encoding).encode())
    opened = pa.OSFile(str(file.local))
    return pa.CompressedInputStream(opened, "gzip") if file.path.lower().endswith(".gz") else opened


def _unique(names: list[str]) -> list[str]:
    """Names, each once: the second `a` is `a (2)`."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def _records(file: File) -> Iterator[list[dict[str, Any]]]:
    """The objects of JSON Lines, a batch at a time."""
    try:
        with _stream(file) as stream:
            lines = (line for line in stream if line.strip())
            while chunk := list(itertools.islice(lines, BATCH)):
                records = [json.loads(line) for line in chunk]
                if not all(isinstance(record, dict) for record in records):
                    raise NoTable("a line is no JSON object")
                yield records
    except (ValueError, RecursionError, OSError, EOFError, zlib.error) as error:
        raise NoTable(str(error)) from None


def _json_lines(file: File) -> Iterator[pa.RecordBatch]:
    for records in _records(file):
        names = dict.fromkeys(name for record in records for name in record)
        values = {name: [_text(record.get(name)) for record in records] for name in names}
        yield pa.record_batch({name: pa.array(texts, pa.string()) for name, texts in values.items()})


def _text(value: Any) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True, ensure_ascii=False)
