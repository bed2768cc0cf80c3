"""One file asked about a record: every type of column, statistics that help or mislead, and files that are none."""

from __future__ import annotations

import contextlib
import datetime as dt
import decimal
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataops.errors import DataOpsError
from dataops.lineage.recordlevel import conditions, partitions, textfiles
from dataops.lineage.recordlevel.conditions import Condition, Equals
from dataops.lineage.recordlevel.partitions import Found
from dataops.lineage.recordlevel.ranges import Ranged, Tally, in_memory

D = decimal.Decimal
BERLIN = pa.timestamp("us", "Europe/Berlin")


def written(table: pa.Table, **options: Any) -> bytes:
    """A Parquet file."""
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def ask(content: bytes, *asked: Condition) -> Found:
    """What it says."""
    return partitions.parquet(in_memory(content, Tally()), asked)


def rows(values: Sequence[Any], kind: pa.DataType, text: str, **options: Any) -> tuple[int, str]:
    """How often a column of these values has the key, and what decided."""
    found = ask(written(pa.table({"key": pa.array(values, kind)}), **options), Equals("key", text))
    assert not found.unfit, found.unfit
    return found.rows, found.how


@pytest.mark.parametrize(
    ("values", "kind", "text", "count"),
    [
        (["007", "7", None, "007"], pa.string(), "007", 2),
        (["007", "7", None], pa.large_string(), "7", 1),
        (["a", "b"], pa.string_view(), "b", 1),
        (["007", "7", "007", None], pa.dictionary(pa.int32(), pa.string()), "007", 2),
        ([7, 8, None, 7], pa.dictionary(pa.int8(), pa.int64()), "7", 2),
        (["Zürich", "Zug", "🦜"], pa.string(), "🦜", 1),
        ([b"ab", b"\xff\xfe"], pa.binary(), "ab", 1),
        ([b"ab", b"cd"], pa.binary(2), "cd", 1),
        ([-5, 7, None, 7], pa.int64(), "007", 2),
        ([-5, 7], pa.int8(), "-5", 1),
        ([2**64 - 1, 1], pa.uint64(), str(2**64 - 1), 1),
        ([2**32 - 1, 1], pa.uint32(), str(2**32 - 1), 1),
        ([7.0, float("nan"), None, -0.0], pa.float64(), "7", 1),
        ([7.0, float("nan"), -0.0], pa.float64(), "0", 1),
        ([0.1, float("nan")], pa.float32(), "0.1", 1),
        ([D("-1.10"), D("2.25"), None], pa.decimal128(10, 2), "-1.1", 1),
        ([D("1.10"), D("2.25")], pa.decimal256(50, 2), "2.25", 1),
        ([True, False, None, True], pa.bool_(), "true", 2),
        ([dt.date(2024, 6, 1), dt.date(1999, 1, 1)], pa.date32(), "2024-06-01", 1),
        ([dt.date(2024, 6, 1), dt.date(1999, 1, 1)], pa.date64(), "1999-01-01", 1),
        ([dt.datetime(2024, 6, 1, 12), None], pa.timestamp("s"), "2024-06-01T12:00", 1),
        ([dt.datetime(2024, 6, 1, 12), None], pa.timestamp("ns"), "2024-06-01T12:00", 1),
        ([dt.datetime(2024, 6, 1, 12), None], pa.timestamp("us"), "2024-06-01T14:00+02:00", 1),
        ([dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC)], BERLIN, "2024-06-01T12:00+00:00", 1),
        ([dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC)], BERLIN, "2024-06-01T14:00", 1),
        ([None, None], pa.null(), "x", 0),
        ([None, None], pa.string(), "x", 0),
        ([], pa.int64(), "7", 0),
    ],
)
@pytest.mark.parametrize("options", [{}, {"write_statistics": False}, {"store_schema": False}, {"row_group_size": 1}])
def test_every_type(values: list[Any], kind: pa.DataType, text: str, count: int, options: dict[str, Any]) -> None:
    """The key is found as often as it is there; with and without statistics, and pyarrow's own note of the types."""
    if text == "2024-06-01T14:00" and "store_schema" in options:
        text = "2024-06-01T12:00"  # the zone is not a part of Parquet: it is UTC then
    assert rows(values, kind, text, **options)[0] == count


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (pa.int64(), "7.5"), (pa.int64(), "x7"), (pa.int8(), "300"), (pa.int64(), "1e999999999"), (pa.int64(), "nan"),
        (pa.float64(), "nan"), (pa.float64(), "seven"), (pa.decimal128(5, 2), "1.005"), (pa.bool_(), "maybe"),
        (pa.date32(), "01.06.2024"), (pa.date32(), "2024-06-01T12:00"), (pa.timestamp("us"), "20240601"),
        (pa.list_(pa.int64()), "7"), (pa.time64("us"), "12:00"), (pa.struct({"a": pa.int64()}), "7"),
        (pa.timestamp("us", "../../etc/passwd"), "2024-06-01"), (pa.timestamp("us", "Nowhere/Land"), "2024-06-01"),
    ],
)  # fmt: skip
def test_a_value_that_is_not_of_the_type(kind: pa.DataType, text: str) -> None:
    """It is said, never guessed."""
    found = ask(written(pa.table({"key": pa.array([None], kind)})), Equals("key", text))
    assert (found.rows, found.how) == (0, "nothing")
    assert text in found.unfit


@pytest.mark.parametrize(
    ("values", "kind", "text"),
    [
        (["b", "d"], pa.string(), "e"),
        (["b", "d"], pa.string(), "a"),
        ([-10, -2], pa.int64(), "0"),
        ([2**63, 2**64 - 1], pa.uint64(), "5"),
        ([1.5, 2.5], pa.float64(), "3"),
        ([D("-2.00"), D("1.00")], pa.decimal128(9, 2), "1.01"),
        ([dt.date(2024, 1, 1), dt.date(2024, 1, 31)], pa.date32(), "2024-02-01"),
        ([dt.datetime(2024, 1, 1, tzinfo=dt.UTC)], BERLIN, "2024-02-01"),
        ([None, None], pa.string(), "x"),
    ],
)
def test_statistics_decide_alone(values: list[Any], kind: pa.DataType, text: str) -> None:
    """A value outside the bounds costs the footer and no more."""
    content = written(
        pa.table({"key": pa.array(values * 1000, kind), "other": np.random.default_rng(7).random(1000 * len(values))})
    )
    tally = Tally()
    found = partitions.parquet(in_memory(content, tally), [Equals("key", text)])
    assert (found.rows, found.how) == (0, "statistics")
    assert tally.local < 2000


def test_only_the_row_groups_and_columns_that_can_match() -> None:
    """Of 100 row groups one is read, and of that the keys."""
    size = 100_000
    table = pa.table({"id": range(size), "store": [3] * size, "wide": np.random.default_rng(7).random(size)})
    content = written(table, row_group_size=1000)
    tally = Tally()
    found = partitions.parquet(in_memory(content, tally), [Equals("id", "54321"), Equals("store", "3")])
    assert found.rows == 1
    footer = int.from_bytes(content[-8:-4], "little")
    assert tally.local - footer < 12_000
    assert ask(content, Equals("id", "54321"), Equals("store", "4")).how == "statistics"


def test_a_constant_column_is_counted() -> None:
    """Bounds that are equal don't say how many are null."""
    assert rows([3, 3, None], pa.int64(), "3") == (2, "values")


def retold(content: bytes, old: bytes, new: bytes) -> bytes:
    """The file with other bytes in its footer: as other writers leave their statistics."""
    length = int.from_bytes(content[-8:-4], "little")
    footer = content[-8 - length : -8]
    assert old in footer
    footer = footer.replace(old, new)
    return content[: -8 - length] + footer + len(footer).to_bytes(4, "little") + b"PAR1"


@pytest.mark.parametrize("kind", [pa.string(), pa.binary()])
@pytest.mark.parametrize("high", [b"customer-1", b"customer-0", "customer-0é".encode()[:-1]])
def test_bounds_that_were_cut(kind: pa.DataType, high: bytes) -> None:
    """Raised as the format wants it, not raised as some do, or cut within a letter: no row is lost."""
    values = [f"customer-{number:04}" for number in range(900)]
    content = written(pa.table({"key": pa.array(values, pa.string()).cast(kind)}), use_dictionary=False)
    cut = retold(content, b"\x0dcustomer-0899", bytes([len(high)]) + high)
    cut = retold(cut, b"\x0dcustomer-0000", b"\x0acustomer-0")
    for text in ("customer-0899", "customer-0000"):
        assert ask(cut, Equals("key", text)).rows == 1
    assert ask(cut, Equals("key", "customer-2")).how == "statistics"


def test_long_texts() -> None:
    """pyarrow leaves out bounds of more than 4 kB."""
    long = "x" * 10_000
    assert rows([long, "y"], pa.string(), long) == (1, "values")


def test_nan_bounds_rule_nothing_out() -> None:
    """A NaN compares with nothing."""
    content = written(pa.table({"key": [1.5, 2.5]}))
    nan = retold(content, np.float64(2.5).tobytes(), np.float64("nan").tobytes())
    assert ask(nan, Equals("key", "1.5")).rows == 1


def test_all_keys_must_match_in_one_row() -> None:
    """Two keys that are there, but never together; nulls are no match, duplicates are."""
    table = pa.table({"a": [1, 1, 2, None, 1], "b": ["x", None, "y", "x", "x"]})
    assert ask(written(table), Equals("a", "1"), Equals("b", "x")).rows == 2
    assert ask(written(table), Equals("a", "1"), Equals("b", "y")).rows == 0
    assert ask(written(table), Equals("a", "2"), Equals("b", "y")).rows == 1


def test_a_missing_column_and_one_that_is_there_twice() -> None:
    """The first is an answer; of the second nobody knows which."""
    found = ask(written(pa.table({"id": [1]})), Equals("identity", "1"))
    assert (found.missing, found.columns) == (("identity",), ("id",))
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["id", "id"])
    with pytest.raises(DataOpsError, match="two columns id"):
        ask(written(twice), Equals("id", "1"))
    dotted = written(pa.table({"a.b": [1, 2], "a": pa.array([{"c": 1}, {"c": 2}])}))
    assert ask(dotted, Equals("a.b", "2")).rows == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PAR1",
        b"PAR1PAR1",
        b"PAR1\xff\xff\xff\x7fPAR1",
        b"no parquet at all, really",
        b"PAR1" + b"\x00" * 20 + b"\x10\x00\x00\x00PAR1",
        b"PAR1xxxx\x04\x00\x00\x00PARE",
    ],
)
def test_what_is_no_parquet(content: bytes) -> None:
    """One line, no traceback."""
    with pytest.raises(DataOpsError, match=r"Parquet|encrypted"):
        ask(content, Equals("id", "1"))


def test_damaged_bytes_are_an_error_or_an_answer_never_a_crash() -> None:
    """Any byte may be another."""
    content = written(pa.table({"id": range(500), "name": [f"n{i % 7}" for i in range(500)]}))
    generator = np.random.default_rng(7)
    for _ in range(300):
        damaged = bytearray(content)
        for place in generator.integers(0, len(content), 3):
            damaged[place] ^= 1 << int(generator.integers(0, 8))
        with contextlib.suppress(DataOpsError):
            ask(bytes(damaged), Equals("id", "7"), Equals("name", "n0"))


def test_pages_with_checksums_are_checked() -> None:
    """A range has no hash; where the writer left CRCs, damage shows."""
    content = written(pa.table({"id": range(1000)}), write_page_checksum=True, compression="none", use_dictionary=False)
    damaged = bytearray(content)
    damaged[2000] ^= 1
    with pytest.raises(DataOpsError, match="Parquet"):
        ask(bytes(damaged), Equals("id", "7"))


def test_a_window_of_time() -> None:
    """Both ends count: a day and a month to their last moment, a time as it is."""
    hours = [dt.datetime(2024, 5, 31) + dt.timedelta(hours=12 * step) for step in range(62)]
    for kind in (pa.timestamp("us"), pa.timestamp("ns"), BERLIN):
        plain = [hour.replace(tzinfo=dt.UTC) if kind == BERLIN else hour for hour in hours]
        content = written(pa.table({"at": pa.array(plain, kind)}))

        def inside(first: str | None, last: str | None, content: bytes = content) -> int:
            found = conditions.window("at", first, last)
            assert found is not None
            return ask(content, found).rows

        assert inside("2024-06", "2024-06") == 60
        assert inside("2024-06-01", "2024-06-01") == 2
        assert inside(None, "2024-05-31") == 2
        assert inside("2024-07-01T00:00", None) == 0
        assert inside("2024-06-02T12:00+00:00", "2024-06-02T12:00+00:00") == 1
    days = written(pa.table({"at": pa.array([hour.date() for hour in hours])}))
    texts = written(pa.table({"at": pa.array([f"{hour}" for hour in hours] + ["soon", None])}))
    for content in (days, texts):
        month = conditions.window("at", "2024-06", "2024-06")
        assert month is not None
        assert ask(content, month).rows == 60
    with pytest.raises(DataOpsError, match="nothing lies between"):
        conditions.window("at", "2024-06", "2024-05")
    with pytest.raises(DataOpsError, match="is no date"):
        conditions.window("at", "June", None)


@pytest.mark.parametrize(
    ("name", "content", "key", "types", "count"),
    [
        ("a.csv", "id,v\n007,1\n7,2\n 007 ,3\n", "id=007", {}, 2),
        ("a.csv", "id,v\n007,1\n7,2\n7.0,3\n", "id=7", {"id": "integer"}, 3),
        ("a.csv", "id,v\n007,1\n7,2\n", "id=007", {"id": "string"}, 1),
        ("a.csv", "id,v\nx,1\n,2\n7,\n", "id=7", {"id": "integer"}, 1),
        ("a.csv", "id;v\n7;2\n", "id=7", {"id": "integer"}, 1),
        ("a.tsv", "id\tv\n7\t2\n", "id=7", {"id": "number"}, 1),
        ("a.csv", 'id,v\n"a\nb",1\n', "v=1", {"v": "boolean"}, 1),
        ("a.csv", "d\n2024-06-01\n2024-06-02\n\n", "d=2024-06-01", {"d": "date"}, 1),
        ("a.jsonl", '{"id": "007"}\n{"id": 7}\n{"id": null}\n{"v": 1}\n', "id=007", {}, 1),
        ("a.jsonl", '{"id": "007"}\n{"id": 7}\n{"id": null}\n', "id=7", {"id": "integer"}, 2),
        ("a.jsonl", '{"ok": true}\n{"ok": false}\n', "ok=true", {}, 1),
        ("a.json", '[{"id": "a b"}, {"id": 7}]', "id=a b", {}, 1),
        ("a.csv", "id,v\n", "id=7", {}, 0),
        ("a.csv", "id,v\n7,1\n", "id=7", {"id": "nonsense"}, 1),
    ],
)
def test_files_without_types(
    tmp_path: Path, name: str, content: str, key: str, types: dict[str, str], count: int
) -> None:
    """The contract says what a text means; where it says nothing, the text is the value."""
    path = tmp_path / "object"
    path.write_text(content)
    found = textfiles.ask(path, name, conditions.keys([key]), types)
    assert (found.rows, found.missing, found.unfit) == (count, (), "")


def test_a_text_file_that_does_not_fit(tmp_path: Path) -> None:
    """A missing column, a value of no type, and what is no table."""
    path = tmp_path / "object"
    path.write_text("id,v\n7,1\n")
    assert textfiles.ask(path, "a.csv", conditions.keys(["key=7"]), {}).missing == ("key",)
    assert "is no int64" in textfiles.ask(path, "a.csv", conditions.keys(["id=x"]), {"id": "integer"}).unfit
    path.write_bytes(b"\x1f\x8bno gzip")
    with pytest.raises(DataOpsError, match="no table that can be read"):
        textfiles.ask(path, "a.csv.gz", conditions.keys(["id=7"]), {})


@pytest.mark.parametrize("words", [[], ["id"], ["=7"], ["id="], ["id=1", "id=2"]])
def test_wrong_calls(words: list[str]) -> None:
    """One line each."""
    with pytest.raises(DataOpsError):
        conditions.keys(words)


def test_a_value_may_hold_an_equals_sign() -> None:
    """The first one separates."""
    assert conditions.keys(["url=a=b"])[0].text == "a=b"


def test_short_reads_are_noticed() -> None:
    """A range that brings less than it should is no answer."""
    content = written(pa.table({"id": range(1000)}))
    short = Ranged(lambda start, end: content[start : end - 1], len(content), local=False, tally=Tally())
    with pytest.raises(DataOpsError, match="shorter"):
        partitions.parquet(short, [Equals("id", "7")])
