"""dataops.tables.parquet: the same frame is the same bytes, and comes back as it was."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from workbench import Bench, sales

from dataops.errors import DataOpsError
from dataops.tables import parquet


def digests(folder):
    """Name and SHA-256 of every file."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def gappy():
    """Rows with nulls in every column that may have them."""
    frame = sales(days=70)
    for name, place in (("sales", 3), ("price", 5), ("promotion", 7)):
        frame[name] = frame[name].astype({"sales": "Int64", "promotion": "boolean"}.get(name, "float64"))
        frame.loc[place::11, name] = pd.NA if name != "price" else np.nan
    return frame


@pytest.mark.parametrize("frame", [sales(days=70), gappy()], ids=["whole", "gappy"])
def test_same_rows_same_bytes(bench: Bench, frame):
    """Shuffled, with another index, other columns' order or other memory layout: the files don't differ."""
    bench.put("raw", frame)
    expected = digests(bench.root / "data/raw")
    assert list(expected) == ["2024-01.parquet", "2024-02.parquet", "2024-03.parquet"]
    chunks = pa.Table.from_batches(pa.Table.from_pandas(frame, preserve_index=False).to_batches(7))
    variants = {
        "shuffled": frame.sample(frac=1, random_state=1),
        "index": frame.set_axis([f"r{n}" for n in range(len(frame))]),
        "columns": frame[frame.columns[::-1]],
        "chunks": chunks.to_pandas(types_mapper={pa.large_string(): pd.StringDtype("pyarrow", np.nan)}.get),
        "concat": pd.concat([frame[:13], frame[13:100], frame[100:]]),
        "python text": frame.assign(product_id=frame["product_id"].astype(pd.StringDtype("python"))),
        "objects": frame.assign(product_id=frame["product_id"].astype(object)),
        "nanoseconds": frame.assign(date=frame["date"].astype("datetime64[ns]")),
        "read again": bench.table("raw"),
    }
    for name, variant in variants.items():
        bench.put("again", variant)
        assert digests(bench.root / "data/again") == expected, name


def test_same_bytes_in_another_process(bench: Bench):
    """Nothing of the process gets into the files."""
    bench.put("raw", sales(days=40))
    code = "from pathlib import Path; from workbench import Bench, sales\nimport os\n"
    code += "os.makedirs('there'); os.chdir('there'); Bench(Path()).put('raw', sales(days=40))"
    from workbench import ROOT

    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(ROOT / "tests"), "PATH": "/bin"})
    assert digests(bench.root / "data/raw") == digests(bench.root / "there/data/raw")


def test_round_trip_with_nulls(bench: Bench):
    """Integers and flags with nulls come back as integers and flags with nulls."""
    frame = gappy()
    bench.put("raw", frame)
    again = bench.table("raw").sort_values(["store_id", "product_id", "date"], ignore_index=True)
    pd.testing.assert_frame_equal(again, frame)
    bench.put("raw", sales())
    assert bench.table("raw").dtypes.astype("str").to_dict() == {
        "date": "datetime64[us]", "store_id": "int64", "product_id": "str", "sales": "int64", "price": "float64",
        "promotion": "bool"}  # fmt: skip


def test_large_integers_come_back_exact(bench: Bench):
    """Nulls beside them don't round integers beyond 2**53."""
    frame = sales(days=3, stores=1, products=1).assign(sales=pd.array([2**53 + 1, None, 2**60 + 1], dtype="Int64"))
    bench.put("raw", frame)
    assert bench.table("raw")["sales"].tolist() == [2**53 + 1, pd.NA, 2**60 + 1]


@pytest.mark.parametrize(
    ("partition", "names"),
    [
        ("month", ["1969-12", "1970-01", "2024-02", "undated"]),
        ("day", ["1969-12-31", "1970-01-01", "2024-02-29", "undated"]),
        ("none", ["data"]),
    ],
)
def test_partition_names(bench: Bench, partition, names):
    """A file a month, a day or one; rows without a time are kept apart."""
    frame = sales(days=4, stores=1, products=1)
    frame["date"] = pd.Series(pd.to_datetime(["2024-02-29", "1969-12-31", None, "1970-01-01"])).astype("datetime64[us]")
    bench.set("contract", partition=partition)
    bench.put("raw", frame)
    assert sorted(path.stem for path in (bench.root / "data/raw").iterdir()) == names
    assert len(bench.table("raw")) == 4


def test_no_time_at_all(bench: Bench):
    """A table in which no row has a time is one undated file."""
    bench.put("raw", sales(days=2).assign(date=pd.Series([pd.NaT] * 8, dtype="datetime64[us]")))
    assert [path.stem for path in (bench.root / "data/raw").iterdir()] == ["undated"]


def test_empty_table_keeps_its_schema(bench: Bench):
    """No rows are one file with all the columns."""
    bench.put("raw", sales().iloc[:0])
    assert list(digests(bench.root / "data/raw")) == ["data.parquet"]
    again = bench.table("raw")
    assert len(again) == 0
    assert again.dtypes.astype("str").to_dict() == sales().dtypes.astype("str").to_dict()


def test_footer_holds_schema_and_nothing_else(bench: Bench):
    """No pandas or Arrow metadata, no index; one row group for a small file."""
    bench.put("raw", sales(days=20))
    file = pq.ParquetFile(bench.root / "data/raw/2024-01.parquet")
    assert file.metadata.metadata is None
    assert file.schema_arrow.names == list(bench.contract.columns)
    assert file.metadata.num_row_groups == 1
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


def test_appended_month_leaves_the_others(bench: Bench):
    """A month more is one file more."""
    whole = sales(days=91)
    bench.put("raw", whole[whole["date"] < "2024-03-01"])
    before = digests(bench.root / "data/raw")
    bench.put("raw", whole)
    after = digests(bench.root / "data/raw")
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"2024-03.parquet"}


def test_missing_and_damaged(bench: Bench):
    """A folder without data and a file cut short are one line each."""
    with pytest.raises(DataOpsError, match=r"data/raw holds no data\n hint: run `dvc repro`"):
        parquet.read(bench.root / "data/raw")
    bench.put("raw", sales(days=10))
    (path,) = (bench.root / "data/raw").iterdir()
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataOpsError, match="data/raw has a damaged file"):
        parquet.read(bench.root / "data/raw")


@pytest.mark.parametrize(
    ("name", "times", "partition", "are_one"),
    [
        ("2024-01.parquet", ["2024-01-31", "2024-01-01"], "month", True),
        ("2024-01.parquet", ["2024-01-31", "2024-02-01", "2024-01-01"], "month", False),
        ("2024-02.parquet", ["2024-01-31"], "month", False),
        ("2024-01-15.parquet", ["2024-01-15T23:59", "2024-01-15"], "day", True),
        ("2024-01-15.parquet", ["2024-01-15", "2024-01-16"], "day", False),
        ("undated.parquet", [None, None], "month", True),
        ("undated.parquet", [None, "2024-01-01"], "month", False),
        ("2024-01.parquet", ["2024-01-01", None], "month", False),
        ("data.parquet", ["2024-01-01", None, "1999-01-01"], "none", True),
        ("1969-12.parquet", ["1969-12-31", "1969-12-01"], "month", True),
        ("data.parquet", [], "none", False),
    ],
)
def test_whether_rows_are_a_files_partition(name, times, partition, are_one):
    """All of one month or day, and of the one that the file is called after; alone, and beside another file."""
    moments = pd.Series(np.array(times, dtype="datetime64[us]"))
    assert parquet.are_partitions([name], [len(times)], moments, partition) is are_one
    if partition == "none":
        return
    other = pd.Series(np.array(["1950-05-05"] * 3, dtype="datetime64[us]"))
    after = "1950-05.parquet" if partition == "month" else "1950-05-05.parquet"
    sizes, together = [len(times), 3], pd.concat([moments, other])
    assert parquet.are_partitions([name, after], sizes, together, partition) is are_one
    assert not parquet.are_partitions([name, "1950-06.parquet"], sizes, together, partition)
