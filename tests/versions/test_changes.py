"""dataops.versions.changes: what kind of change it is, and the line that says why."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workbench import sales

from dataops.versions.changes import Change, Side, classify, classify_model
from dataops.versions.rows import describe

KEYS = ["store_id", "product_id", "date"]
OWN = ["date", "store_id", "product_id", "sales", "price", "promotion"]
Content = dict[str, Any]  # path to a frame, an Arrow table, text or bytes


class Version:
    """Files of one version in a folder of its own; remembers what was asked for."""

    def __init__(self, folder: Path, content: Content, **parquet: Any) -> None:
        self.folder, self.asked = folder, []
        for path, value in content.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(as_bytes(value, **parquet))
        self.files = {path: hashlib.md5((folder / path).read_bytes()).hexdigest() for path in content}

    def bring(self, paths: Sequence[str]) -> dict[str, Path]:
        """Local files."""
        self.asked.append(sorted(paths))
        return {path: self.folder / path for path in paths}

    def side(self, *, card: bool = False, **options: Any) -> Side:
        """As `classify` takes it."""
        options = {"keys": KEYS, "time": "date", "columns": OWN} | options
        described = describe({path: self.folder / path for path in self.files}, folder=True) if card else None
        return Side(self.files, self.bring, described=described, **options)


def as_bytes(value: Any, **parquet: Any) -> bytes:
    """What a file holds."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes):
        return value
    table = value if isinstance(value, pa.Table) else pa.Table.from_pandas(value, preserve_index=False)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **parquet)
    return buffer.getvalue()


def months(frame: pd.DataFrame, test: str = "2024-04", validation: str = "2024-03") -> Content:
    """Month files as `split` lays them down."""
    names = frame["date"].dt.strftime("%Y-%m")
    part = {name: "test" if name >= test else "validation" if name >= validation else "train" for name in set(names)}
    return {f"{part[str(name)]}/{name}.parquet": rows for name, rows in frame.groupby(names)}


@pytest.fixture
def change(tmp_path: Path):
    """Classify two contents."""

    def compare(old: Content, new: Content, *, card: bool = False, new_parquet: Any = None, **options: Any) -> Change:
        before, after = Version(tmp_path / "old", old), Version(tmp_path / "new", new, **(new_parquet or {}))
        found = classify(before.side(card=card, **options), after.side(card=card, **options))
        assert len(found.reason) <= 200
        assert "\n" not in found.reason
        json.dumps(found.facts, allow_nan=False)
        return found

    return compare


FRAME = sales(days=121)  # January to April 2024, 4 rows a day
FEATURES = FRAME.assign(mean_7=np.arange(len(FRAME)) / 7)


def test_first_and_none(tmp_path: Path) -> None:
    """Nothing before, and nothing changed."""
    one = Version(tmp_path, months(FRAME))
    assert classify(None, one.side()).kind == "first"
    assert classify(one.side(), one.side()).kind == "none"
    assert one.asked == []


@pytest.mark.parametrize("card", [True, False])
def test_a_month_more(tmp_path: Path, card: bool) -> None:
    """Growth is minor and named; only the new month is fetched of the new side, and nothing of the old one."""
    old = Version(tmp_path / "old", months(FRAME))
    grown = sales(days=121 + 31)
    grown = pd.concat([FRAME, grown[grown["date"] > FRAME["date"].max()]])
    new = Version(tmp_path / "new", months(grown, "2024-05", "2024-04"))
    found = classify(old.side(card=card), new.side(card=card))
    assert (found.kind, found.reason) == ("minor", "31 days added, 2024-05-01 to 2024-05-31: 124 rows")
    assert found.facts["periods"]["added"] == {
        "unit": "day", "count": 31, "first": "2024-05-01", "last": "2024-05-31", "rows": 124,
    }  # fmt: skip
    assert found.facts["moved"] == {"test to validation": 120, "validation to train": 124}
    assert old.asked == []
    assert new.asked[0] == ["test/2024-05.parquet"] + ([] if card else ["train/2024-01.parquet"])

    back = classify(new.side(card=card), old.side(card=card))
    assert (back.kind, back.reason) == ("minor", "31 days removed, 2024-05-01 to 2024-05-31: 124 rows")

    new.asked.clear()
    far = classify(old.side(card=True), new.side(card=True, local=False))
    assert (far.kind, far.reason) == ("minor", "124 rows added between 2024-05-01 and 2024-05-31")
    assert new.asked == [["test/2024-05.parquet"]]


def test_rows_of_days_that_were_there(change) -> None:
    """A new store on known days is rows, not days; both are told apart."""
    more = pd.concat([FRAME, FRAME[FRAME["store_id"] == 1].assign(store_id=9)])
    found = change(months(FRAME), months(more))
    assert (found.kind, found.reason) == ("minor", "242 rows added between 2024-01-01 and 2024-04-30")
    fresh = FRAME[:3].assign(date=pd.Timestamp("2024-05-01"))
    found = change(months(FRAME), months(pd.concat([more, fresh])))
    assert found.reason == ("1 day added, 2024-05-01: 3 rows; also 242 rows added between 2024-01-01 and 2024-04-30")
    store = {"train/1.parquet": FRAME[FRAME["store_id"] == 1], "train/2.parquet": FRAME[FRAME["store_id"] == 2]}
    found = change(store, store | {"train/9.parquet": FRAME[FRAME["store_id"] == 1].assign(store_id=9)})
    assert found.reason == "242 rows added between 2024-01-01 and 2024-04-30"


def test_days_with_gaps_weeks_and_months(change) -> None:
    """Periods are counted in the contract's step."""
    days = pd.date_range("2025-01-01", periods=60, freq="D")
    for frequency, reason in {
        "D": "60 days added, 2025-01-01 to 2025-03-01: 60 rows",
        "W": "9 weeks added, 2024-12-30 to 2025-02-24: 60 rows",
        "M": "3 months added, 2025-01 to 2025-03: 60 rows",
    }.items():
        more = pd.DataFrame({"date": days, "store_id": 1, "product_id": "p0", "sales": 1})
        found = change({"a.parquet": FRAME[list(more)]}, {"a.parquet": FRAME[list(more)], "b.parquet": more},
                       frequency=frequency)  # fmt: skip
        assert found.reason == reason
    found = change({"a.parquet": FRAME[list(more)]}, {"a.parquet": pd.concat([FRAME[list(more)], more[::2]])})
    assert found.reason == "30 days added, between 2025-01-01 and 2025-02-28: 30 rows"


def test_corrections(change) -> None:
    """The same keys with other values: a patch that counts rows, and what follows of them, apart."""
    corrected = FEATURES.copy()
    corrected.loc[[3, 77, 300], "sales"] += 1
    corrected.loc[100:149, "mean_7"] *= 2
    found = change(months(FEATURES), months(corrected))
    assert (found.kind, found.reason) == ("patch", "3 rows corrected in sales; 50 rows of features follow")
    assert found.facts["rows"] == {"added": 0, "removed": 0, "corrected": 3, "followed": 50, "moved": 0}
    corrected.loc[[3, 4], "price"] = None
    assert change(months(FEATURES), months(corrected)).reason.startswith("4 rows corrected in sales, price; ")
    only = FEATURES.assign(mean_7=FEATURES["mean_7"] + 1)
    found = change(months(FEATURES), months(only))
    assert (found.kind, found.reason) == ("patch", "484 rows changed in mean_7, none of the contract's columns")


@pytest.mark.parametrize("card", [True, False])
def test_columns(change, card: bool) -> None:
    """Removed, renamed and retyped are major, added is minor; the rows are still recognised."""
    base = months(FEATURES)

    def of(new: pd.DataFrame, **options: Any) -> tuple[str, str]:
        found = change(base, months(new), card=card, **options)
        return found.kind, found.reason

    assert of(FEATURES.drop(columns="price")) == ("major", "column price removed")
    assert of(FEATURES.rename(columns={"price": "cost"})) == ("major", "column price renamed to cost")
    assert of(FEATURES.rename(columns={"price": "cost"}).assign(cost=1.0)) == (
        "major", "column price removed; also column cost added")  # fmt: skip
    assert of(FEATURES.astype({"sales": "int32"})) == ("major", "column sales retyped from int64 to int32")
    assert of(FEATURES.astype({"store_id": "str"}))[1] == "column store_id retyped from int64 to string"
    assert of(FEATURES.assign(lag_7=1.0)) == ("minor", "column lag_7 added")
    assert of(FEATURES.rename(columns={"mean_7": "a\nb\x1b[31m"}))[1] == "column mean_7 renamed to a b [31m"
    wide = FEATURES.assign(**{f"a_rather_long_name_{n}" * 3: 1.0 for n in range(9)})
    assert of(wide)[1].endswith("and 6 more added") or of(wide)[1].endswith("…")


def test_keys_redefined(tmp_path: Path) -> None:
    """Another contract over almost the same rows."""
    old, new = Version(tmp_path / "a", months(FRAME)), Version(tmp_path / "b", months(FRAME[:-1]))
    found = classify(old.side(keys=["store_id", "date"]), new.side())
    assert found.kind == "major"
    assert found.reason.startswith(
        "keys redefined: store_id, product_id, date; were store_id, date; also 1 row removed"
    )


def test_mixed_the_greatest_comes_first(change) -> None:
    """Everything at once; the line stays a line."""
    new = FEATURES.drop(columns="price").assign(lag_7=1.0)
    new.loc[3, "sales"] += 1
    new = pd.concat([new[:-1], new[:1].assign(date=pd.Timestamp("2024-05-01"))])
    found = change(months(FEATURES), months(new))
    assert found.kind == "major"
    assert found.reason == (
        "column price removed; also column lag_7 added; 1 day added, 2024-05-01: 1 row; 1 row removed in 2024-04-30; "
        "1 row corrected in sales"
    )


@pytest.mark.parametrize("card", [True, False])
def test_other_bytes(change, card: bool) -> None:
    """The same rows in another order, compression or file are no change."""
    shuffled = months(FRAME.sample(frac=1, random_state=1))
    found = change(months(FRAME), shuffled, card=card, new_parquet={"compression": "gzip", "row_group_size": 10})
    assert found.kind == "re-encoded"
    assert found.reason == f"the same {'484 rows' if card else 'rows'} in other bytes (4 files)"
    days = {f"{path[:-8]}-{day}.parquet": rows for path, frame in months(FRAME).items()
            for day, rows in frame.groupby(frame["date"].dt.day)}  # fmt: skip
    assert change(months(FRAME), days, card=card).kind == "re-encoded"
    names = {path.replace("2024", "y2024"): frame for path, frame in months(FRAME).items()}
    found = change(months(FRAME), names, card=card)
    assert (found.kind, found.reason) == ("re-encoded", f"the same {'484 rows' if card else 'rows'}, 4 files renamed")
    found = change(months(FRAME), names | {"README.md": "x"}, card=card)
    assert (found.kind, found.reason) == ("minor", "1 other file added (README.md)")


def test_moved_between_parts(change, tmp_path: Path) -> None:
    """Whole files, or rows of them."""
    later = months(FRAME, "2024-05", "2024-04")
    found = change(months(FRAME), later)
    assert (found.kind, found.reason) == (
        "minor", "244 rows moved from test to validation, validation to train")  # fmt: skip
    rows = {"train/a.parquet": FRAME[:100], "test/a.parquet": FRAME[100:]}
    found = change(rows, {"train/a.parquet": FRAME[:110], "test/a.parquet": FRAME[110:]})
    assert (found.kind, found.reason) == ("minor", "10 rows moved from test to train")
    old, new = Version(tmp_path / "x", months(FRAME)), Version(tmp_path / "y", later)
    found = classify(old.side(), new.side(local=False))
    assert found.reason == "2 files moved from test to validation, validation to train"


def test_without_a_contract(change) -> None:
    """As many rows as before, some others: a patch; else minor."""
    free = {"keys": None, "time": None, "columns": None}
    table = {"a.parquet": FRAME}
    changed = FRAME.assign(sales=FRAME["sales"].where(FRAME.index > 2, 99))
    found = change(table, {"a.parquet": changed}, **free)
    assert (found.kind, found.reason) == ("patch", "3 rows corrected")
    found = change(table, {"a.parquet": pd.concat([changed, FRAME[:1]])}, **free)
    assert (found.kind, found.reason) == ("minor", "3 rows added; also 2 rows removed")
    found = change({"x.csv": "a,b\n1,2\n"}, {"x.csv": "a,b\n1,2\n3,4\n"}, **free)
    assert (found.kind, found.reason) == ("minor", "1 row added")
    found = change({"x.csv": "a,b\n1,2\n"}, {"x.csv": 'b,a\r\n"2",1\r\n'}, **free)
    assert found.kind == "re-encoded"
    found = change({"x.csv": "a,b\n1,2\n"}, {"x.csv": "a,c\n1,2\n"}, **free)
    assert (found.kind, found.reason) == ("major", "column b renamed to c")
    found = change({"x.csv": "date,n\n2024-01-01,2\n"}, {"x.csv": "date,n\n2024-01-01,2\n2024-01-02,2\n"},
                   **free | {"time": "date"})  # fmt: skip
    assert found.reason == "1 day added, 2024-01-02: 1 row"
    line = '{"date": "2024-01-01", "n": 1}\n'
    found = change({"x.jsonl": line}, {"x.jsonl": line + line.replace("01-01", "01-03")}, **free | {"time": "date"})
    assert found.reason == "1 day added, 2024-01-03: 1 row"
    found = change({"x.csv": "a\n1\n"}, {"x.parquet": pa.table({"a": [1]})}, **free)
    assert (found.kind, found.reason) == ("major", "now Parquet, was CSV")


def test_what_is_no_table(change) -> None:
    """Files by name and content."""
    old = {"a.png": b"1", "b.png": b"2"}
    for new, kind, reason in (
        ({**old, "c.png": b"3"}, "minor", "1 file added (c.png)"),
        ({"a.png": b"1"}, "minor", "1 file removed (b.png)"),
        ({"a.png": b"1", "b.png": b"!"}, "patch", "1 file changed (b.png)"),
        ({"a.png": b"1", "x/b.png": b"2"}, "patch", "1 file renamed (b.png to x/b.png)"),
        ({"a.png": b"!", "c.png": b"3"}, "minor",
         "1 file added (c.png); also 1 file removed (b.png); 1 file changed (a.png)"),
        ({"a.png": b"1", "b.png": b"2", "copy.png": b"2"}, "minor", "1 file added (copy.png)"),
    ):  # fmt: skip
        found = change(old, new)
        assert (found.kind, found.reason) == (kind, reason)
    found = change({"broken.csv": "a,b\n1,2,3\n"}, {"broken.csv": "a,b\n1,2,3,4\n"})
    assert (found.kind, found.reason) == ("patch", "1 file changed (broken.csv)")


# --- a slow, obvious reference ---------------------------------------------------------------------------------------

ROW = st.tuples(
    st.sampled_from(["train", "test"]),
    st.sampled_from([1, 2, None]),  # key
    st.sampled_from([1.0, 2.0, None]),  # own
    st.sampled_from(["x", "y"]),  # derived
)


def reference(old: list[tuple[Any, ...]], new: list[tuple[Any, ...]]) -> dict[str, int]:
    """Pairs rows one by one: equal ones, then equal but for the part, the derived value, the value."""
    counts = {}
    for level, of in (
        ("same", lambda row: row),
        ("moved", lambda row: row[1:]),
        ("followed", lambda row: row[1:3]),
        ("corrected", lambda row: row[1:2]),
    ):
        found = 0
        for row in list(old):
            partner = next((other for other in new if of(other) == of(row)), None)
            if partner is not None:
                old.remove(row)
                new.remove(partner)
                found += 1
        counts[level] = found
    return counts | {"added": len(new), "removed": len(old)}


@given(st.lists(ROW, max_size=8), st.lists(ROW, max_size=8), st.booleans())
@settings(max_examples=150, deadline=None)
def test_it_is_what_the_reference_says(
    tmp_path_factory: pytest.TempPathFactory, old: list[tuple[Any, ...]], new: list[tuple[Any, ...]], card: bool
) -> None:
    """Keys that are missing, stand twice, or move: the counts are those of pairing rows one by one."""
    folder = tmp_path_factory.mktemp("any")
    form = pa.schema([("k", pa.int64()), ("v", pa.float64()), ("d", pa.string())])
    sides = []
    for name, rows in (("old", old), ("new", new)):
        content = {
            f"{part}/x.parquet": pa.Table.from_pylist(
                [{"k": k, "v": v, "d": d} for p, k, v, d in rows if p == part], schema=form
            )
            for part in ("train", "test")
        }
        version = Version(folder / name, content)
        sides.append(version.side(keys=["k"], time=None, columns=["k", "v"], card=card))
    found = classify(*sides)
    counts = reference(list(old), list(new))
    if found.kind in ("none", "re-encoded"):
        assert Counter(old) == Counter(new)
        return
    assert found.facts["rows"] == {
        name: counts[name] for name in ("added", "removed", "corrected", "followed", "moved")
    }
    grown = counts["added"] or counts["removed"] or counts["moved"]
    assert found.kind == ("minor" if grown else "patch")
    assert Counter(old) != Counter(new)


# --- models ----------------------------------------------------------------------------------------------------------


def test_models() -> None:
    """Other inputs are major, other data minor, all else a patch."""
    data = [{"version": "dataset@v1.0.0", "hash": "aa.dir"}]
    card = {"schema": {"lag_7": "number", "price": "number"}, "data": data}
    new: dict[str, Any] = {"features": ["price", "lag_7"], "data": data}
    assert classify_model(None, new).kind == "first"
    found = classify_model(card, new)
    assert (found.kind, found.reason) == ("patch", "other code or parameters, the same data")
    later = [{"version": "dataset@v1.1.0", "hash": "bb.dir"}]
    found = classify_model(card, new | {"data": later})
    assert (found.kind, found.reason) == ("minor", "trained on dataset@v1.1.0; before on dataset@v1.0.0")
    found = classify_model(card, {"features": ["lag_7", "lag_14"], "data": later})
    assert found.kind == "major"
    assert found.reason == (
        "input columns changed: price removed, lag_14 added; also trained on dataset@v1.1.0; before on dataset@v1.0.0"
    )
    found = classify_model({}, new)
    assert (found.kind, found.reason) == ("minor", "what the version before was trained on is not recorded")
    assert re.search("data of no version", classify_model(card, new | {"data": []}).reason)
    assert classify_model({"schema": "odd", "data": [1, {"version": 3}]}, new).kind == "minor"


def test_odd_keys(change) -> None:
    """A key that the table hasn't, a time that is a number, nothing at all: rows are compared as they are."""
    table = pa.table({"year": [2020, 2021], "n": [1, 2]})
    more = pa.table({"year": [2020, 2021, 2022], "n": [1, 2, 3]})
    options = {"keys": ["year", "place"], "time": "year", "columns": ["n"]}
    assert change({"a.parquet": table}, {"a.parquet": more}, **options).reason == "1 row added"
    options["keys"] = ["year"]
    assert change({"a.parquet": table}, {"a.parquet": more}, **options).reason == "1 row added"
    empty = {"a.parquet": table.slice(0, 0)}
    assert change(empty, {"a.parquet": more}, **options).reason == "3 rows added"
    assert change({"a.parquet": more}, empty, **options).reason == "3 rows removed"
    assert change({}, {"a.parquet": more}, **options).reason.startswith("columns year, n added; also 3 rows added")


def test_hours(change) -> None:
    """Times within a day count as that day."""
    hours = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=48, freq="h"), "n": 1})
    options = {"keys": ["date"], "columns": ["date", "n"], "frequency": "h"}
    found = change({"a.parquet": hours[:24]}, {"a.parquet": hours}, **options)
    assert found.reason == "1 day added, 2024-01-02: 24 rows"
    found = change({"a.parquet": hours[:30]}, {"a.parquet": hours}, **options)
    assert found.reason == "18 rows added in 2024-01-02"
    undated = pd.concat([hours, pd.DataFrame({"date": [None], "n": [dt.date.today().year]})])
    assert change({"a.parquet": hours}, {"a.parquet": undated}, **options).reason == "1 row added"
