"""The one Parquet writer: the same frame gives the same bytes in any process, one file a partition.

What would change bytes is fixed here: row order (stable sort by key and time), schema and its order, compression,
row-group size, file names, and no index, pandas or Arrow metadata in the footer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dataops.errors import DataOpsError
from dataops.files import new_folder
from dataops.tables.contract import Contract, Partition, Type

ARROW: Mapping[Type, pa.DataType] = {
    "date": pa.date32(),
    "datetime": pa.timestamp("us"),
    "integer": pa.int64(),
    "number": pa.float64(),
    "string": pa.string(),
    "boolean": pa.bool_(),
}
ROW_GROUP = 131_072  # rows
UNDATED = np.iinfo(np.int64).min  # as numpy counts what is no time
UNIT: Mapping[Partition, str] = {"month": "datetime64[M]", "day": "datetime64[D]"}
EMPTY = "data.parquet"  # of a table without rows


def schema(contract: Contract, extra: Mapping[str, pa.DataType] | None = None) -> pa.Schema:
    """The contract's columns in its order, then `extra`."""
    fields = [(name, ARROW[column.type]) for name, column in contract.columns.items()]
    return pa.schema([*fields, *(extra or {}).items()])


def numbers(times: pd.Series, partition: Partition) -> npt.NDArray[np.int64]:
    """Each row's partition, shape (n,): months or days since 1970, UNDATED without a time; 0 where all are one."""
    if partition == "none":
        return np.zeros(len(times), dtype=np.int64)
    return times.to_numpy("datetime64[us]").astype(UNIT[partition]).astype(np.int64)


def label(number: int, partition: Partition) -> str:
    """A partition's name: "2024-01", "2024-01-15", "undated" or "data"."""
    if partition == "none":
        return "data"
    return "undated" if number == UNDATED else str(np.int64(number).astype(UNIT[partition]))


def spans(names: Sequence[str]) -> tuple[pd.Series, pd.Series]:
    """First and last moment, each (n,), of partitions of one kind.

    Raises:
        ValueError: a name says no time.
    """
    begin = np.array(names, dtype="datetime64")
    last = (begin + 1).astype("datetime64[us]") - np.timedelta64(1, "us")
    return pd.Series(begin.astype("datetime64[us]")), pd.Series(last)


def are_partitions(names: Sequence[str], sizes: Sequence[int], times: pd.Series, partition: Partition) -> bool:
    """Whether `write` would make just these files, (k,), of their `sizes`, (k,), rows each, whose times are (n,)."""
    if not all(sizes):
        return False
    starts = np.cumsum([0, *sizes[:-1]])
    moments = times.to_numpy("datetime64[us]").view(np.int64)  # no time is the least of them
    ends = (extreme.reduceat(moments, starts).view("datetime64[us]") for extreme in (np.minimum, np.maximum))
    first, last = (numbers(pd.Series(end), partition) for end in ends)
    wanted = [label(number, partition) for number in first.tolist()]
    return bool((first == last).all()) and wanted == [Path(name).stem for name in names]


def write(
    frame: pd.DataFrame, folder: Path, form: pa.Schema, sort: Sequence[str], time: str, partition: Partition
) -> list[Path]:
    """Replace `folder` by `frame`, (n, columns of `form`), one file a partition; returns the files' names.

    `sort` is the full key and the time. An empty frame gives one file without rows, so that its schema is kept.
    """
    with new_folder(folder) as temporary:
        if frame.empty:
            write_file(frame, temporary / EMPTY, form)
        write_parts(frame, numbers(frame[time], partition), temporary, form, sort, partition)
        written = sorted(path.name for path in temporary.iterdir())
    return [folder / name for name in written]


def write_parts(
    frame: pd.DataFrame,
    numbers: npt.NDArray[np.int64],
    folder: Path,
    form: pa.Schema,
    sort: Sequence[str],
    partition: Partition,
) -> None:
    """Add the partitions of `frame`, (n, columns of `form`), to `folder`; `numbers`, (n,), says whose each row is."""
    codes, found = pd.factorize(numbers, sort=True)
    rows, ends = np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes, minlength=len(found)))
    for number, part in zip(found, np.split(rows, ends[:-1]), strict=False):
        # one by one: a sorted copy of everything would be the most memory a stage takes
        ordered = frame.iloc[part].sort_values(list(sort), kind="stable", na_position="last")
        write_file(ordered, folder / f"{label(int(number), partition)}.parquet", form)


def write_file(frame: pd.DataFrame, path: Path, form: pa.Schema) -> None:
    """Write one file; rows stay in their order."""
    table = pa.Table.from_pandas(frame[form.names], schema=form, preserve_index=False).replace_schema_metadata()
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=3,
        row_group_size=ROW_GROUP,
        version="2.6",
        data_page_version="1.0",
        store_schema=False,
    )


def files(folder: Path) -> list[Path]:
    """The partitions of a folder, in order.

    Raises:
        DataOpsError: the folder is missing or holds no Parquet file.
    """
    found = sorted(folder.glob("*.parquet"))
    if not found:
        raise DataOpsError(f"{folder} holds no data", "run `dvc repro`, or `dvc pull` in a fresh clone")
    return found


def read(source: Path | Sequence[Path], columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Partitions as one frame: a folder, or some of its files. Integers and booleans with nulls keep their type.

    Raises:
        DataOpsError: there is no file, or a damaged one.
    """
    return to_frame(pa.concat_tables(tables(files(source) if isinstance(source, Path) else source, columns)))


def tables(paths: Sequence[Path], columns: Sequence[str] | None = None) -> list[pa.Table]:
    """Each file's rows, with these columns in this order, or all.

    Raises:
        DataOpsError: a file is damaged.
    """
    names = list(columns) if columns is not None else None
    try:
        # a file at a time, no threads, nothing read ahead: partitions are small, pq.read_table takes twice as long
        found = [pq.ParquetFile(path, pre_buffer=False).read(names, use_threads=False) for path in paths]
        return [table.select(names) if names is not None else table for table in found]
    except (pa.ArrowInvalid, OSError, KeyError) as error:
        raise DataOpsError(f"{paths[0].parent} has a damaged file: {error}", "dvc checkout --force") from None


def rows(path: Path) -> int:
    """How many rows a file has."""
    return int(pq.read_metadata(path).num_rows)


def file_schema(path: Path) -> pa.Schema:
    """One file's columns and types."""
    return pq.read_schema(path)


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Arrow to pandas without turning integers with nulls into floats."""
    frame: pd.DataFrame = table.to_pandas(
        types_mapper={pa.string(): pd.StringDtype(na_value=float("nan"))}.get, date_as_object=False
    )
    for field in table.schema:
        if table[field.name].null_count:
            if pa.types.is_integer(field.type):
                frame[field.name] = pd.array(table[field.name].to_pylist(), dtype="Int64")
            elif pa.types.is_boolean(field.type):
                frame[field.name] = pd.array(table[field.name].to_pylist(), dtype="boolean")
        if pa.types.is_date(field.type) or pa.types.is_timestamp(field.type):
            frame[field.name] = frame[field.name].astype("datetime64[us]")
    return frame
