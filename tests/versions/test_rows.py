"""dataops.versions.rows: the hash of the rows sees every value and no encoding; SHA-256 is what `sha256sum` says."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
import struct
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workbench import SHARED

from dataops.errors import DataOpsError
from dataops.versions import hashing
from dataops.versions.rows import Described, describe

WORD = (1 << 64) - 1
EPOCH = dt.datetime(1970, 1, 1)
TABLE = pa.table(
    {
        "date": pa.array([dt.date(2024, 1, 1), dt.date(2024, 1, 2), None, dt.date(1960, 2, 29)]),
        "at": pa.array([dt.datetime(2024, 1, 1, 6, 30), None, dt.datetime(1969, 12, 31, 23, 59, 59, 999999), EPOCH]),
        "store": pa.array([1, 2, None, -3], pa.int64()),
        "price": pa.array([1.5, float("nan"), None, -0.0]),
        "name": pa.array(["a", "", None, "ünï"]),
        "promotion": pa.array([True, False, None, True]),
    }
)
KNOWN = "rows1:ad45d5cf1dc3a91166885945747aab7c"


# --- a slow, obvious reference ---------------------------------------------------------------------------------------


def mix(z: int) -> int:
    """SplitMix64's finaliser, as published."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
    return z ^ (z >> 31)


def sha(content: bytes) -> int:
    """The first 64 bits of SHA-256, the lowest byte first."""
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "little")


def canonical(value: Any) -> int:
    """The 64 bits of a value."""
    if value is None:
        return 0xA0761D6478BD642F
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value & WORD
    if isinstance(value, float):
        return 0x7FF8000000000000 if value != value else struct.unpack("<Q", struct.pack("<d", value + 0.0))[0]
    if isinstance(value, dt.datetime):
        return ((value - EPOCH) // dt.timedelta(microseconds=1)) & WORD
    if isinstance(value, dt.date):
        return ((value - EPOCH.date()).days * 86_400_000_000) & WORD
    return sha(value.encode() if isinstance(value, str) else value)


def reference(parts: dict[str, list[dict[str, Any]]]) -> str:
    """The hash of rows, one value at a time."""
    sums = [0, 0]
    for part, rows in parts.items():
        for row in rows:
            a, b = sha(f"part\0{part}".encode()), sha(f"part2\0{part}".encode())
            for name, value in row.items():
                m = mix((canonical(value) + sha(f"column\0{name}".encode())) & WORD)
                a += m
                b += (m ^ (m >> 32)) * 0xD6E8FEB86659FD93
            sums[0] += mix(a & WORD)
            sums[1] += mix((b + 0x9E3779B97F4A7C15) & WORD)
    return "rows1:" + "".join(f"{total & WORD:016x}" for total in sums)


def written(folder: Path, tables: dict[str, pa.Table], **options: Any) -> dict[str, Path]:
    """Parquet files of these names."""
    for name, table in tables.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, folder / name, **options)
    return {name: folder / name for name in tables}


def row_hash(folder: Path, tables: dict[str, pa.Table], **options: Any) -> str:
    """The hash of the rows of these files."""
    found = describe(written(folder, tables, **options)).row_hash
    assert found is not None
    return found


# --- the hash --------------------------------------------------------------------------------------------------------


def test_known_answer(tmp_path: Path) -> None:
    """It is written into tags: these digits may never change."""
    assert row_hash(tmp_path, {"train/a.parquet": TABLE}) == KNOWN
    assert reference({"train": TABLE.to_pylist()}) == KNOWN
    assert row_hash(tmp_path, {"b.parquet": TABLE.slice(0, 0)}) == "rows1:" + 32 * "0"


VALUES = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float64(): st.floats(),
    pa.string(): st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    pa.bool_(): st.booleans(),
    pa.date32(): st.dates(),
    pa.timestamp("us"): st.datetimes(),
    pa.binary(): st.binary(max_size=4),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Small tables of any of those types."""
    names = draw(st.lists(st.sampled_from("abcdé "), min_size=1, max_size=4, unique=True))
    count = draw(st.integers(0, 6))
    columns = {}
    for name in names:
        kind = draw(st.sampled_from(list(VALUES)))
        values = draw(st.lists(st.none() | VALUES[kind], min_size=count, max_size=count))
        columns[name] = pa.array(values, kind)
    return pa.table(columns)


@given(st.dictionaries(st.sampled_from(["train", "test", "validation"]), tables(), min_size=1))
@settings(max_examples=60, deadline=None)
def test_it_is_what_the_reference_says(tmp_path_factory: pytest.TempPathFactory, parts: dict[str, pa.Table]) -> None:
    """Any table's hash equals the one that is made value by value."""
    files = {f"{part}/x.parquet": table for part, table in parts.items()}
    assert row_hash(tmp_path_factory.mktemp("any"), files) == reference(
        {part: table.to_pylist() for part, table in parts.items()}
    )


def test_encoding_is_nothing(tmp_path: Path) -> None:
    """Compression, row groups, dictionaries, file names, the order of rows and columns, one file or several."""
    plain = row_hash(tmp_path / "0", {"train/a.parquet": TABLE})

    def column(name: str, kind: pa.DataType) -> pa.Table:
        return TABLE.set_column(TABLE.column_names.index(name), name, TABLE[name].cast(kind))

    other = {
        "compression": row_hash(tmp_path / "1", {"train/a.parquet": TABLE}, compression="gzip", row_group_size=1),
        "format": row_hash(tmp_path / "2", {"train/a.parquet": TABLE}, version="1.0", use_dictionary=False),
        "dictionary": row_hash(
            tmp_path / "3", {"train/a.parquet": column("name", pa.dictionary(pa.int32(), pa.string()))}
        ),
        "large": row_hash(tmp_path / "4", {"train/a.parquet": column("name", pa.large_string())}),
        "files": row_hash(tmp_path / "5", {"train/x.parquet": TABLE[:1], "train/2024/y.pq": TABLE[1:]}),
        "order": row_hash(tmp_path / "6", {"train/a.parquet": TABLE.take([3, 1, 0, 2])}),
        "columns": row_hash(tmp_path / "7", {"train/a.parquet": TABLE.select(TABLE.column_names[::-1])}),
        "width": row_hash(tmp_path / "8", {"train/a.parquet": column("store", pa.int8())}),
        "unit": row_hash(tmp_path / "9", {"train/a.parquet": column("at", pa.timestamp("ns"))}),
        "zone": row_hash(tmp_path / "10", {"train/a.parquet": column("at", pa.timestamp("us", "UTC"))}),
    }
    assert set(other.values()) == {plain}, other


def test_every_cell_counts(tmp_path: Path) -> None:
    """Another value anywhere, a null for a value, a row more, less or twice, another name, another part."""
    found = [row_hash(tmp_path, {"train/a.parquet": TABLE})]
    for index, name in enumerate(TABLE.column_names):
        for row in range(TABLE.num_rows):
            values = TABLE[name].to_pylist()
            for value in {values[(row + 1) % 4], None} - {values[row]}:
                changed = pa.array([*values[:row], value, *values[row + 1 :]], TABLE[name].type)
                found.append(row_hash(tmp_path, {"train/a.parquet": TABLE.set_column(index, name, changed)}))
        found.append(row_hash(tmp_path, {"train/a.parquet": TABLE.rename_columns({name: name + "_"})}))
        found.append(row_hash(tmp_path, {"train/a.parquet": TABLE.drop_columns(name)}))
    found += [row_hash(tmp_path, {"train/a.parquet": TABLE.slice(row)}) for row in range(1, 5)]
    found.append(row_hash(tmp_path, {"train/a.parquet": pa.concat_tables([TABLE, TABLE])}))
    found.append(row_hash(tmp_path, {"test/a.parquet": TABLE}))
    found.append(row_hash(tmp_path, {"a.parquet": TABLE}))
    found.append(row_hash(tmp_path, {"train/a.parquet": TABLE[:2], "test/a.parquet": TABLE[2:]}))
    assert len(set(found)) == len(found)


def test_values_that_change_places(tmp_path: Path) -> None:
    """Two rows that swap a value, or a value that moves to another column, are other rows."""
    tables = [
        {"a": [1, 2], "b": [3, 4]},
        {"a": [1, 2], "b": [4, 3]},
        {"a": [3, 2], "b": [1, 4]},
        {"a": [None, 2], "b": [3, 4]},
        {"a": [3, 2], "b": [None, 4]},
    ]
    assert len({row_hash(tmp_path, {"x.parquet": pa.table(table)}) for table in tables}) == len(tables)


def test_odd_types(tmp_path: Path) -> None:
    """Decimals, nested values, nanoseconds, times and columns of nothing: all have a hash, which sees a change."""
    columns: dict[str, list[pa.Array]] = {
        "decimal": [pa.array([Decimal("1.10")]), pa.array([Decimal("1.11")])],
        "list": [pa.array([[1, 2]]), pa.array([[1, 3]]), pa.array([[1, None]])],
        "struct": [pa.array([{"x": 1, "y": ["a"]}]), pa.array([{"x": 1, "y": ["b"]}])],
        "nanoseconds": [pa.array([n], pa.timestamp("ns")) for n in (1000, 1001, 1002, 2000, -1)],
        "time": [pa.array([dt.time(6)]), pa.array([dt.time(7)])],
        "short": [pa.array([n], pa.time32("s")) for n in (1, 2)],
        "length": [pa.array([dt.timedelta(1)]), pa.array([dt.timedelta(2)])],
        "half": [pa.array([np.float16(1.5)]), pa.array([np.float16(2.5)])],
        "large": [pa.array([2**64 - 1], pa.uint64()), pa.array([2**64 - 2], pa.uint64())],
        "fixed": [pa.array([b"ab"], pa.binary(2)), pa.array([b"ac"], pa.binary(2))],
        "nothing": [pa.array([None]), pa.array([None, None])],
        "category": [pa.array(["a"]).dictionary_encode(), pa.array([None], pa.string()).dictionary_encode()],
    }
    for name, values in columns.items():
        found = [row_hash(tmp_path, {"x.parquet": pa.table({name: value})}) for value in values]
        assert len(set(found)) == len(found), name
        in_memory = hashing.rows([(name, values[0])], len(values[0]))
        total = hashing.Multiset()
        total.add(in_memory)
        assert str(total) == found[0]


def test_rows_in_other_formats(tmp_path: Path) -> None:
    """CSV is text, compressed or not, whatever its line ends; JSON Lines are JSON's values."""
    (tmp_path / "a.csv").write_bytes(b'store,name\n1,"x, y"\n2,\n')
    (tmp_path / "b.csv").write_bytes(b'\xef\xbb\xbfname,store\r\n"",2\r\n"x, y",1\r\n')
    with gzip.open(tmp_path / "c.csv.gz", "wt") as file:
        file.write('store;name\n"1";"x, y"\n2;\n')
    (tmp_path / "d.tsv").write_text("store\tname\n1\tx, y\n2\t\n")
    (tmp_path / "e.csv").write_text('store,name\n01,"x, y"\n2,\n')
    found = [describe({path.name: path}) for path in sorted(tmp_path.iterdir())]
    assert [one.rows for one in found] == [2] * 5
    assert found[0].schema == {"store": "text", "name": "text"}
    assert len({one.row_hash for one in found[:4]}) == 1
    assert found[4].row_hash != found[0].row_hash

    lines = [{"id": 1, "tags": ["a", {"z": 1, "y": 2}], "price": 1.5}, {"id": 2, "tags": None, "ok": True}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "b.ndjson").write_text('{"ok": true, "id": 2}\n\n{"price":1.5,"tags":["a",{"y":2,"z":1}],"id":1}')
    a, b = describe({"a.jsonl": tmp_path / "a.jsonl"}), describe({"b.ndjson": tmp_path / "b.ndjson"})
    assert (a.rows, a.row_hash) == (2, b.row_hash)
    assert a.schema == {"id": "number", "tags": "array", "price": "number", "ok": "boolean"}


def test_objects_of_a_cache(tmp_path: Path) -> None:
    """What a file is, its path in the artifact says; the cache calls it by its hash."""
    contents = {
        "a.csv.gz": gzip.compress(b"a,b\n1,2\n"),
        "b.jsonl.gz": gzip.compress(b'{"a": 1}\n'),
        "c.tsv": b"a\tb\n",
    }
    for name, content in contents.items():
        (tmp_path / "ab12").write_bytes(content)
        found = describe({name: tmp_path / "ab12"})
        assert (found.rows, len(found.schema or ())) == {"a": (1, 2), "b": (1, 1), "c": (0, 2)}[name[0]]


def test_large_csv_is_the_same_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However a file is cut while it is read."""
    path = tmp_path / "x.csv"
    pd.DataFrame({"n": range(5000), "text": "é" * 20}).to_csv(path, index=False, encoding="latin-1")
    whole = describe({"x.csv": path})
    monkeypatch.setattr("dataops.versions.tablefiles.BLOCK", 4096)
    monkeypatch.setattr("dataops.versions.tablefiles.BATCH", 100)
    assert describe({"x.csv": path}) == whole
    assert whole.rows == 5000


def test_what_is_no_table(tmp_path: Path) -> None:
    """Models, pictures, mixed formats and text that only looks like a table have bytes, not rows."""
    content = {
        "model.tar.gz": b"\x1f\x8b",
        "x.csv": b"",
        "y.csv": b"a,b\n1,2,3\n",
        "z.jsonl": b"[1]\n",
        "d.jsonl": b"[" * 99999,
    }
    content |= {"cut.csv.gz": gzip.compress(b"a,b\n1,2\n")[:-5], ".hidden.csv": b"a\n1\n"}
    for name, value in content.items():
        path = tmp_path / name
        path.write_bytes(value)
        expected = Described(1, len(value), hashlib.sha256(value).hexdigest())
        assert describe({name: path}) == expected, name
    files = written(tmp_path, {"t.parquet": TABLE}) | {"x.csv": tmp_path / "x.csv"}
    assert describe(files).rows is None


def test_a_damaged_parquet_file_is_named(tmp_path: Path) -> None:
    """One that is cut short is an error, not a dataset without rows."""
    files = written(tmp_path, {"train/t.parquet": TABLE})
    content = files["train/t.parquet"].read_bytes()
    files["train/t.parquet"].write_bytes(content[:-20])
    with pytest.raises(DataOpsError, match=r"train/t\.parquet is no whole Parquet file"):
        describe(files)


# --- the bytes -------------------------------------------------------------------------------------------------------


def test_sha256_is_what_the_shell_says(tmp_path: Path) -> None:
    """The documented command gives the same, also for names with spaces, backslashes and letters beyond ASCII."""
    names = ["train/2024-01.bin", "train/2024-02.bin", "test/a b.bin", "Z", "é", "a\\b", "x/y/z.txt"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    command = r"find . -type f -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum | sha256sum"
    said = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert describe({name: tmp_path / name for name in names}).sha256 == said.split()[0]


def test_sha256_of_one_file_and_of_a_folder_with_one(tmp_path: Path) -> None:
    """A file's is its own; a folder's is that of its list, however many files it has."""
    (tmp_path / "m.bin").write_bytes(b"model")
    own = hashlib.sha256(b"model").hexdigest()
    assert describe({"m.bin": tmp_path / "m.bin"}).sha256 == own
    listed = hashlib.sha256(f"{own}  m.bin\n".encode()).hexdigest()
    assert describe({"m.bin": tmp_path / "m.bin"}, folder=True).sha256 == listed
    assert describe({}, folder=True) == Described(0, 0, hashlib.sha256(b"").hexdigest())


def test_schema_of_files_that_differ(tmp_path: Path) -> None:
    """A column that only some files have is one; two types are both named; all-null files don't count."""
    files = {
        "a.parquet": pa.table({"x": [1], "y": ["a"], "z": pa.array([None])}),
        "b.parquet": pa.table({"x": [1.5], "z": ["z"]}),
        ".c.parquet": pa.table({"hidden": [1]}),
    }
    found = describe(written(tmp_path, files))
    assert (found.rows, found.files) == (2, 3)
    assert found.schema == {"x": "double or int64", "y": "string", "z": "string"}


@pytest.mark.realdata
def test_real_rows(tmp_path: Path) -> None:
    """913,000 rows of store_item_demand: the same from CSV in months as from one file; one unit more is another."""
    frame = pd.read_csv(SHARED / "retail" / "store_item_demand.csv.xz", parse_dates=["date"])
    whole = row_hash(tmp_path / "a", {"x.parquet": pa.Table.from_pandas(frame, preserve_index=False)})
    months = {
        f"{month}.parquet": pa.Table.from_pandas(rows.sample(frac=1, random_state=1), preserve_index=False)
        for month, rows in frame.groupby(frame["date"].dt.strftime("%Y-%m"))
    }
    assert row_hash(tmp_path / "b", months, compression="zstd") == whole
    frame.loc[500_000, "sales"] += 1
    assert row_hash(tmp_path / "a", {"x.parquet": pa.Table.from_pandas(frame, preserve_index=False)}) != whole
