"""The same rows are the same text, whatever the files were cut into."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataops.errors import DataOpsError
from dataops.tables import csvtext


def file(path: Path, table: pa.Table, rows: int = 1000) -> Path:
    """A Parquet file with row groups of so many rows."""
    pq.write_table(table, path, row_group_size=rows)
    return path


def text(target: Path, *paths: Path) -> bytes:
    """What comes out."""
    csvtext.write(paths, target, csvtext.schema(paths, [path.name for path in paths]))
    return target.read_bytes()


def test_row_groups_and_files_leave_no_trace(tmp_path: Path) -> None:
    """One file or three, large groups or small: the same bytes; numbers come back as they were."""
    table = pa.table({"x": [number / 7 for number in range(3000)], "n": list(range(3000))})
    whole = text(tmp_path / "a.csv", file(tmp_path / "a.parquet", table))
    small = text(tmp_path / "b.csv", file(tmp_path / "b.parquet", table, 7))
    cut = [file(tmp_path / f"{n}.parquet", table.slice(n * 1000, 1000)) for n in range(3)]
    assert whole == small == text(tmp_path / "c.csv", *cut)
    assert pd.read_csv(tmp_path / "a.csv").equals(table.to_pandas())


def test_dates_and_times(tmp_path: Path) -> None:
    """Midnight everywhere is a date; one time of day anywhere, and all are times."""
    day = pa.table({"at": pa.array([0, 86_400_000_000, None], pa.timestamp("us"))})
    hour = pa.table({"at": pa.array([3_600_000_000], pa.timestamp("us"))})
    paths = file(tmp_path / "day.parquet", day), file(tmp_path / "hour.parquet", hour)
    assert text(tmp_path / "x.csv", paths[0]) == b'"at"\n1970-01-01\n1970-01-02\n\n'
    assert text(tmp_path / "x.csv", *paths).splitlines()[1] == b"1970-01-01 00:00:00.000000"


def test_what_has_no_text(tmp_path: Path) -> None:
    """A list, other columns, another file format: one line each."""
    nested = file(tmp_path / "nested.parquet", pa.table({"x": [[1]]}))
    with pytest.raises(DataOpsError, match="the column x"):
        csvtext.schema([nested], ["nested"])
    paths = [file(tmp_path / f"{name}.parquet", pa.table({name: [1]})) for name in "ab"]
    with pytest.raises(DataOpsError, match="other columns"):
        csvtext.schema(paths, ["a", "b"])
    wrong = tmp_path / "wrong.parquet"
    wrong.write_text("id,x\n")
    with pytest.raises(DataOpsError, match="is no Parquet"):
        csvtext.schema([wrong], ["wrong.parquet"])
