"""The one Parquet writer: the same frame gives the same bytes in any process, one file a partition.

What would change bytes is fixed here: row order (stable sort by key and time), schema and its order, compression,
row-group size, file names, and no index, pandas or Arrow metadata in the footer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
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
UNDATED = "undated"


def schema(contract: Contract, extra: Mapping[str, pa.DataType] | None = None) -> pa.Schema:
    """The contract's columns in its order, then `extra`."""
    fields = [(name, ARROW[column.type]) for name, column in contract.columns.items()]
    return pa.schema([*fields, *(extra or {}).items()])


def labels(times: pd.Series, partition: Partition) -> pd.Series:
    """Each row's partition: "2024-01", "2024-01-15" or "data"; rows without a time are "undated"."""
    if partition == "none":
        return pd.Series("data", index=times.index, dtype="str")
    width = 7 if partition == "month" else 10
    days = times.to_numpy("datetime64[D]")
    codes, unique = pd.factorize(days)
    names = np.array([*(str(day)[:width] for day in unique), UNDATED], dtype=object)  # code -1, a null, is the last
    return pd.Series(names[codes], index=times.index, dtype="str")


def write(
    frame: pd.DataFrame, folder: Path, form: pa.Schema, sort: Sequence[str], time: str, partition: Partition
) -> list[Path]:
    """Replace `folder` by `frame`, (n, columns of `form`), one file a partition; returns the files' names.

    `sort` is the full key and the time. An empty frame gives one file without rows, so that its schema is kept.
    """
    codes, names = pd.factorize(labels(frame[time], partition), sort=True)
    rows, ends = np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes, minlength=len(names)))
    with new_folder(folder) as temporary:
        if frame.empty:
            write_file(frame, temporary / "data.parquet", form)
        for name, part in zip(names, np.split(rows, ends[:-1]), strict=False):
            # one by one: a sorted copy of everything would be the most memory a stage takes
            ordered = frame.iloc[part].sort_values(list(sort), kind="stable", na_position="last")
            write_file(ordered, temporary / f"{name}.parquet", form)
        written = sorted(path.name for path in temporary.iterdir())
    return [folder / name for name in written]


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
    """Partitions as one frame: a folder, or some of its files. Integers and booleans with nulls keep their type."""
    paths = files(source) if isinstance(source, Path) else list(source)
    names = list(columns) if columns is not None else None
    try:
        table = pa.concat_tables([pq.read_table(path, columns=names, partitioning=None) for path in paths])
    except (pa.ArrowInvalid, OSError) as error:
        raise DataOpsError(f"{paths[0].parent} has a damaged file: {error}", "dvc checkout --force") from None
    return to_frame(table)


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
