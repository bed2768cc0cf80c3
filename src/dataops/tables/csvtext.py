"""Parquet files as one CSV text, part by part: ISO dates, line feeds, no index; the same rows are the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from dataops.errors import DataOpsError

ROWS = 1 << 16  # held at once
DAY = {"s": 86400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


def schema(paths: Sequence[Path], names: Sequence[str]) -> pa.Schema:
    """The columns of the text: categories as their values, times at midnight everywhere as dates.

    Raises:
        DataOpsError: a file is no Parquet, has other columns than the first, or one that no cell of text can hold.
    """
    found: pa.Schema | None = None
    for path, name in zip(paths, names, strict=True):
        try:
            plain = pa.schema([(field.name, _value_type(field.type)) for field in pq.read_schema(path)])
        except pa.ArrowInvalid:
            raise DataOpsError(f"{name} is no Parquet file, and only those can be written as CSV") from None
        if found is not None and not plain.equals(found):
            raise DataOpsError(f"{name} has other columns or types than {names[0]}", "publish them as they are")
        found = plain
    if found is None:
        raise DataOpsError("there is no file to write as CSV")
    for field in found:
        if pa.types.is_nested(field.type) or pa.types.is_binary(field.type):
            raise DataOpsError(f"the column {field.name} ({field.type}) has no form in CSV", "publish it as it is")
    stamps = [field.name for field in found if pa.types.is_timestamp(field.type) and field.type.tz is None]
    midnight = {name for name in stamps if all(_at_midnight(path, name) for path in paths)}
    return pa.schema([(field.name, pa.date32() if field.name in midnight else field.type) for field in found])


def write(paths: Sequence[Path], target: Path, form: pa.Schema) -> int:
    """Write the rows of `paths`, in that order, to `target`; returns how many."""
    rows = 0
    options = pa.csv.WriteOptions(batch_size=ROWS)
    with pa.OSFile(str(target), "wb") as sink, pa.csv.CSVWriter(sink, form, write_options=options) as writer:
        for path in paths:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=ROWS):
                    columns = [_cast(batch.column(field.name), field.type) for field in form]
                    writer.write_batch(pa.record_batch(columns, schema=form))
                    rows += batch.num_rows
    return rows


def _value_type(found: pa.DataType) -> pa.DataType:
    return found.value_type if pa.types.is_dictionary(found) else found


def _cast(column: pa.Array, to: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column if column.type.equals(to) else column.cast(to)


def _at_midnight(path: Path, name: str) -> bool:
    """Whether every time of the column is the beginning of a day."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=ROWS, columns=[name]):
            column = batch.column(0)
            day = DAY[column.type.unit]
            ticks = column.cast(pa.int64())
            whole = pc.multiply(pc.divide(ticks, day), day)
            if pc.any(pc.not_equal(ticks, whole)).as_py():
                return False
    return True
