"""Reading what people have, and saying what is wrong with the rest."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataops.errors import DataOpsError
from dataops.tables.sources import ReadOptions, is_source, read_source, source_columns

PLAIN = ReadOptions()
CSV = b"date,store,sales\n2024-01-01,007,12\n2024-01-02,007,\n"


def put(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


def fails(path: Path, options: ReadOptions = PLAIN, columns: list[str] | None = None) -> str:
    with pytest.raises(DataOpsError) as caught:
        read_source(path, options, columns)
    assert path.name in caught.value.message
    assert "\n" not in caught.value.message
    return str(caught.value)


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress), (".zst", zstd)],
)
@pytest.mark.parametrize("form", ["csv", "tsv", "parquet", "json", "jsonl", "xlsx"])
def test_every_format_and_compression(tmp_path, form, suffix, pack):
    """The same small table comes out of every format, plain or compressed."""
    frame = pd.DataFrame(
        {"date": ["2024-01-01", "2024-01-02"], "store": ["007", "008"], "sales": [12, None]}, dtype=object
    )
    plain = tmp_path / f"plain.{form}"
    if form in ("csv", "tsv"):
        frame.to_csv(plain, index=False, sep="," if form == "csv" else "\t")
    elif form == "parquet":
        frame.astype({"sales": "Int64"}).to_parquet(plain)
    elif form == "xlsx":
        frame.to_excel(plain, index=False)
    else:
        frame.to_json(plain, orient="records", lines=form == "jsonl")
    path = put(tmp_path / f"a.{form}{suffix}", pack(plain.read_bytes()))
    got = read_source(path, PLAIN)
    assert source_columns(path, PLAIN) == list(got.columns) == ["date", "store", "sales"]
    assert got["store"].tolist() == ["007", "008"]
    assert str(got["sales"][0]) == "12"
    assert pd.isna(got["sales"][1])
    assert read_source(path, PLAIN, ["sales", "date"]).columns.tolist() == ["sales", "date"]


def test_csv_values_are_text(tmp_path):
    """Leading zeros, decimal commas and big numbers survive; only null_values are missing."""
    path = put(tmp_path / "a.csv", b'id;x\n007;"1.234,5"\n9007199254740993;NA\nNULL;None \n')
    got = read_source(path, ReadOptions(delimiter=";"))
    assert got["id"].tolist()[:2] == ["007", "9007199254740993"]
    assert pd.isna(got["id"][2])
    assert pd.isna(got["x"][1])
    assert got["x"].tolist()[::2] == ["1.234,5", "None "]
    assert read_source(path, ReadOptions(delimiter=";", null_values=[]))["x"][1] == "NA"


def test_csv_corner_cases(tmp_path):
    """Quoted newlines, a byte order mark, CRLF, empty lines, a lone header, UTF-16."""
    a = read_source(put(tmp_path / "a.csv", b'\xef\xbb\xbfa,b\r\n"x\ny","say ""hi"""\r\n\r\n1,2'), PLAIN)
    assert a.to_dict("list") == {"a": ["x\ny", "1"], "b": ['say "hi"', "2"]}
    assert source_columns(tmp_path / "a.csv", PLAIN) == ["a", "b"]
    assert read_source(put(tmp_path / "b.csv", "a,b"), PLAIN).shape == (0, 2)
    assert read_source(
        put(tmp_path / "c.csv", "a\tb\n1\t2\n".encode("utf-16")), ReadOptions(encoding="utf-16", delimiter="\t")
    ).shape == (1, 2)
    assert read_source(put(tmp_path / "d.csv", 'a,b\n5" pipe,2\n7,8\n'), PLAIN)["a"][0] == '5" pipe'
    assert (
        read_source(put(tmp_path / "e.csv", "é\nß\n".encode("latin-1")), ReadOptions(encoding="latin-1"))["é"][0] == "ß"
    )


def test_a_record_longer_than_a_block(tmp_path):
    """A value of 40 MB is read like any other."""
    path = put(tmp_path / "a.csv", 'a,b\n1,"' + "x\n" * 20_000_000 + '"\n2,3\n')
    assert len(read_source(path, PLAIN)) == 2


def test_a_million_rows(tmp_path):
    """All of them arrive."""
    path = put(tmp_path / "a.csv", "a,b,c,d\n" + "2013-01-01,1,1,13\n" * 913_000)
    assert read_source(path, PLAIN).shape == (913_000, 4)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("a.csv", b"\n\n\n", "no header"),
        ("a.csv", b"PK\x03\x04\x00\x00\x00", "NUL byte at offset 4"),
        ("a.csv", "a,b\n1,2\n".encode("utf-16"), "utf-16"),
        ("a.csv", b"a,b\n1,caf\xe9\n", "byte 9 (0xe9) is not utf-8"),
        ("a.csv", b"a,b\n1,2\n" * 400_000 + b"\xff,2\n", "byte 3200000 (0xff)"),
        ("a.csv", b'a,b\n"x\ny",2\n3,4,5\n', "line 4: 3 fields where the header has 2"),
        ("a.csv", b"a,b\n1,2\n3\n", "line 3: 1 fields"),
        ("a.csv", b"a,b,a\n1,2,3\n", "column a occurs more than once"),
        ("a.csv", b'a,b\n1,"open\n3,4\n5,6\n', "quote opened in line 2 is never closed"),
        ("a.csv.gz", gzip.compress(CSV, mtime=0)[:-9], ".gz compression is broken"),
        ("a.csv.gz", b"no gzip", ".gz compression is broken"),
        ("a.csv.bz2", bz2.compress(CSV)[:-9], ".bz2 compression is broken"),
        ("a.csv.xz", lzma.compress(CSV)[:-9], ".xz compression is broken"),
        ("a.csv.zst", zstd(CSV)[:-9], ".zst compression is broken"),
        ("a.csv.zst", b"no zstd at all", ".zst compression is broken"),
        ("a.parquet", b"PAR1 and no more", "is not Parquet"),
        ("a.parquet", b"", "is empty"),
        ("a.json", b'{"a": 1,', "is not JSON: "),
        ("a.json", b'{"page": 1, "results": [{"a": 1}]}', "collect.read.records in params.yaml, as: results"),
        ("a.json", b"[1, 2]", "record 1: not an object"),
        ("a.jsonl", b'{"a": 1}\n{"a": \n', "line 2: not JSON"),
        ("a.jsonl", b'{"a": 1}\n[]\n', "line 2: not an object"),
        ("a.xlsx", b"PK nothing", "is not an Excel"),
        ("a.pickle", b"x", ".pickle is no format"),
        ("noname", b"x", "without suffix"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, name, content, says):
    """Every way a file can be wrong names the file and what to do."""
    assert says in fails(put(tmp_path / name, content))


def test_missing_things(tmp_path):
    """A missing file, a folder instead of a file, missing columns with close matches."""
    assert "no such file" in fails(tmp_path / "a.csv")
    assert "no such file" in fails(tmp_path / "a.csv.zst")
    assert "no such file" in fails(tmp_path / "a.parquet")
    (tmp_path / "b.csv").mkdir()
    assert "folder" in fails(tmp_path / "b.csv")
    path = put(tmp_path / "c.csv", b"Date,Store ,sales\n1,2,3\n")
    text = fails(path, columns=["date", "store", "price"])
    assert "no columns date, store, price" in text
    assert "date -> Date?" in text
    assert "store -> Store ?" in text
    assert "it has: Date" in text


def test_json(tmp_path):
    """Types stay, integers aren't rounded by gaps, nested values become text, `records` leads to the list."""
    rows = [{"id": 9007199254740993, "tags": [2, 1], "x": 1.5, "ok": True, "t": ""}, {"o": {"b": 1, "a": None}}]
    path = put(tmp_path / "a.json", json.dumps({"page": 1, "data": {"items": rows}}))
    options = ReadOptions(records="data.items")
    got = read_source(path, options)
    assert got.columns.tolist() == source_columns(path, options) == ["id", "tags", "x", "ok", "t", "o"]
    assert got["id"][0] == 9007199254740993
    assert got["tags"][0] == "[2, 1]"
    assert got["o"][1] == '{"a": null, "b": 1}'
    assert got["ok"][0] is True
    assert pd.isna(got["t"][0])
    assert "has no results" in fails(path, ReadOptions(records="results"))
    assert read_source(put(tmp_path / "b.json", "[]"), PLAIN, ["a"]).shape == (0, 1)


def test_parquet(tmp_path):
    """The stored index of pandas is no surprise, categories and nested values are plain, integers keep gaps."""
    frame = pd.DataFrame({"c": pd.Categorical(["x", "y"]), "i": pd.array([2**60 + 1, None], dtype="Int64")})
    frame["l"] = [[1, 2], None]
    frame.index = pd.Index([5, 6], name="key")
    frame.to_parquet(tmp_path / "a.parquet")
    got = read_source(tmp_path / "a.parquet", PLAIN)
    assert got.columns.tolist() == ["c", "i", "l", "key"]
    assert got["c"].dtype == "str"
    assert got["i"][0] == 2**60 + 1
    assert got["l"][0] == "[1, 2]"
    pq.write_table(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), tmp_path / "b.parquet")
    assert "more than once" in fails(tmp_path / "b.parquet")


def test_excel(tmp_path):
    """A named sheet, a wrong one, numbers and dates as such, empty rows and columns left out."""
    frame = pd.DataFrame(
        {"d": pd.to_datetime(["2024-01-01", None, "2024-01-03"]), 2024: [1, None, 3], "n": ["NA", None, "x"]}
    )
    with pd.ExcelWriter(tmp_path / "a.xlsx") as book:
        pd.DataFrame({"z": [1]}).to_excel(book, sheet_name="first", index=False)
        frame.to_excel(book, sheet_name="sales", index=False)
    got = read_source(tmp_path / "a.xlsx", ReadOptions(sheet="sales"))
    assert got.columns.tolist() == ["d", "2024", "n"]
    assert len(got) == 2
    assert got["2024"].tolist() == [1, 3]
    assert pd.Timestamp(got["d"][1]) == pd.Timestamp("2024-01-03")
    assert pd.isna(got["n"][0])
    assert read_source(tmp_path / "a.xlsx", PLAIN).columns.tolist() == ["z"]
    assert "has no sheet x" in fails(tmp_path / "a.xlsx", ReadOptions(sheet="x"))


def test_names():
    """By suffix, in any case, compressed or not; an archive is no source."""
    yes = ["a.csv", "A.CSV.GZ", "a.b.tsv", "x.ndjson.zst", "x.ods", "x.xls", "x.xlsb", "x.parquet"]
    no = ["a.txt", "a.tar.gz", "a.zip", "csv", "a.csv.bak", "a.pkl", ""]
    assert all(map(is_source, yes))
    assert not any(map(is_source, no))


def test_read_options_are_checked():
    """A delimiter of two characters and an unknown encoding are found when params.yaml is read."""
    from dataops.checked import check

    for wrong in ({"delimiter": "||"}, {"encoding": "klingon"}, {"delimeter": ","}):
        with pytest.raises(DataOpsError, match=r"collect\.read"):
            check(ReadOptions, wrong, "params.yaml: collect.read")


def test_the_real_file(tmp_path):
    """store_item_demand: 913,000 rows of four columns out of .csv.xz."""
    path = Path(__file__).parents[3] / "shared/data/retail/store_item_demand.csv.xz"
    if not path.exists():
        pytest.skip("no shared data here")
    got = read_source(path, PLAIN, ["date", "sales"])
    assert got.shape == (913_000, 2)
    assert got["sales"].astype(np.int64).sum() == 47_704_512
