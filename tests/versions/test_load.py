"""`dataops.load`: a frame of the rows that were asked for, fetching no more than it needs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from toy import Toy

import dataops
from dataops.errors import DataOpsError
from dataops.store import cache
from dataops.store.s3objects import S3Store
from dataops.tables import parquet
from dataops.versions import prune

BUILD = """\
import pathlib, shutil
import pandas as pd
import pyarrow as pa, pyarrow.parquet as pq
out = pathlib.Path("data/dataset")
shutil.rmtree(out, ignore_errors=True)
for path in sorted(pathlib.Path("data/source").glob("*.csv")):
    target = out / ("test" if path.stem > "2024-02" else "train") / f"{path.stem}.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    frame = pd.read_csv(path, parse_dates=["date"])
    frame["sales"] = frame["sales"].astype("Int64").mask(frame["sales"] == 6)
    frame["date"] = frame["date"].dt.date
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), target)
"""


@pytest.fixture
def tables(toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """A clone without data; the dataset is Parquet by month, made by a stage that reads the contract."""
    (toy.path / "build.py").write_text(BUILD)
    pipeline = toy.path / "dvc.yaml"
    made = "    outs: [data/dataset]"
    pipeline.write_text(pipeline.read_text().replace(made, "    params: [contract]\n" + made, 1))
    (toy.path / "check.py").write_text("import pathlib\npathlib.Path('reports/validation.json').write_text('{}')\n")
    (toy.path / "fit.py").write_text("import pathlib\npathlib.Path('models/model.bin').write_text('x')\n")
    toy.dvc("repro", "-q")
    toy.commit("parquet")
    toy.run("git", "tag", "-am", "first", "dataset@v1.0.0")
    toy.run("git", "push", "-q", "origin", "--tags")
    toy.dvc("push", "-q")
    fresh = toy.clone(tmp_path / "fresh")
    monkeypatch.chdir(fresh.path)
    return fresh


def held(toy: Toy) -> int:
    """Objects in the cache that are no lists."""
    return sum(path.suffix != ".dir" for path in cache.of(toy.path).folder.rglob("*") if path.is_file())


def test_it_is_what_the_folder_holds(tables: Toy, tmp_path: Path) -> None:
    """As if checked out and read; the second time without a network."""
    dataops.get("latest", tmp_path / "out")
    frame = dataops.load(part="train")
    pd.testing.assert_frame_equal(frame, parquet.read(tmp_path / "out/train"))
    assert frame["sales"].dtype == "Int64"
    assert held(tables) == 2
    tables.dvc("remote", "modify", "-q", "--local", "storage", "endpointurl", "http://127.0.0.1:9")
    assert len(dataops.load("dataset@latest", part="train")) == len(frame)
    with pytest.raises(DataOpsError, match="can't reach"):
        dataops.load("dataset@latest", part="test")


def test_only_the_partitions_that_matter_are_fetched(tables: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, against the contract's time column; the rows are those that pass."""
    read: list[str] = []
    before = S3Store.read
    monkeypatch.setattr(S3Store, "read", lambda self, obj, *more: read.append(obj.digest) or before(self, obj, *more))
    frame = dataops.load(
        "v1.0.0", columns=["date", "sales"], filters=[("store", "==", 3), ("date", ">=", "2024-02-20"),
                                                      ("date", "<", "2024-03-01")],
    )  # fmt: skip
    assert len([digest for digest in read if not digest.endswith(".dir")]) == 1
    assert list(frame.columns) == ["date", "sales"]
    assert len(frame) == 9
    assert frame["date"].min() == pd.Timestamp("2024-02-20")
    nothing = dataops.load("v1.0.0", filters=[("date", ">", "2030-01-01")])
    assert len(nothing) == 0
    assert list(nothing.columns) == ["date", "store", "sales"]
    either = dataops.load("v1.0.0", filters=[[("date", "==", "2024-01-05")], [("date", "in", ["2024-03-07"])]])
    assert sorted(either["date"].dt.month.unique()) == [1, 3]


def test_a_damaged_copy_in_the_cache_is_replaced(tables: Toy) -> None:
    """It is hashed whenever it is read."""
    whole = dataops.load("v1.0.0")
    for path in cache.of(tables.path).folder.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(path.read_bytes()[:-1] + b"?")
    pd.testing.assert_frame_equal(dataops.load("v1.0.0"), whole)


def test_what_cannot_be_loaded(tables: Toy) -> None:
    """One line each."""
    for words, said in (
        ({"columns": ["sale"]}, "no column sale"),
        ({"filters": [("dat", "==", 1)]}, "no column dat"),
        ({"filters": [("date", "~", 1)]}, "is no filter"),
        ({"filters": [("date", ">", "soon")]}, "no date"),
        ({"filters": [("store", "in", 3)]}, "takes a list"),
        ({"part": "trian"}, "no file trian"),
        ({"version": "HEAD", "path": "models/model.bin"}, "no table"),
        ({"version": "v7"}, "v7"),
    ):
        with pytest.raises(DataOpsError, match=said) as error:
            dataops.load(**words)  # type: ignore[arg-type]
        assert "\n" not in error.value.message


def test_csv_and_git_files_load_too(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same filters; nothing is known of its partitions, so nothing is left out."""
    monkeypatch.chdir(toy.path)
    frame = dataops.load("HEAD", filters=[("store", "==", 2), ("date", ">=", "2024-03-27")])
    assert len(frame) == 2
    assert len(dataops.load("HEAD", part="train", columns=["sales"]).columns) == 1


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        (("date", "==", "2024-02-29"), [2]),
        (("date", "<", "2024-02-01"), [1]),
        (("date", "<=", "2024-02-01"), [1, 2]),
        (("date", ">", "2024-02-29 12:00"), [2, 3]),
        (("date", ">=", "2024-03-01"), [3]),
        (("date", "in", ["2024-01-01", "2024-03-31"]), [1, 3]),
        (("date", "!=", "2024-02-01"), [1, 2, 3]),
        (("date", "==", "2024-02-29T00:00+05:00"), [1, 2, 3]),
        (("date", "==", "whenever"), [1, 2, 3]),
        (("sales", "==", 1), [1, 2, 3]),
        (("date", "==", pd.Timestamp("2024-01-31 23:59:59")), [1]),
    ],
)
def test_pruning_keeps_what_may_match(condition: tuple[str, str, object], kept: list[int]) -> None:
    """A partition is left out only when no row of it can pass; a name that is no period never is."""
    ways = prune.normal([condition])
    names = [f"train/2024-0{month}.parquet" for month in (1, 2, 3)]
    assert [int(name[-9]) for name in names if prune.may_match(name, "date", ways)] == kept
    assert all(prune.may_match(name, "date", ways) for name in ("undated.parquet", "data.parquet", "2024-13.parquet"))
