"""pipeline.split: by time, on partition boundaries."""

from __future__ import annotations

import pandas as pd
import pytest
from workbench import Bench, sales

PARTS = ("train", "validation", "test")


def months(bench: Bench):
    """The files of each part."""
    return {part: sorted(p.stem for p in (bench.root / "data/dataset" / part).iterdir()) for part in PARTS}


def test_last_months_test(bench: Bench):
    """The newest partitions test, those before validate, the rest trains; files are copied as they are."""
    bench.put("features", sales())
    bench.set("split", validation=1, test=2)
    bench.run("split")
    assert months(bench) == {"train": ["2024-01"], "validation": ["2024-02"], "test": ["2024-03", "2024-04"]}
    for part, names in months(bench).items():
        for name in names:
            copied = (bench.root / f"data/dataset/{part}/{name}.parquet").read_bytes()
            assert copied == (bench.root / f"data/features/{name}.parquet").read_bytes()
    report = bench.report("profile")["parts"]
    assert [report[part]["rows"] for part in PARTS] == [124, 116, 244]
    assert report["test"]["columns"]["date"]["first"] == "2024-03-01T00:00:00"


def test_days(bench: Bench):
    """With a file a day, parts are counted in days."""
    bench.set("contract", partition="day")
    bench.set("split", validation=2, test=3)
    bench.put("features", sales(days=10))
    bench.run("split")
    assert {part: len(names) for part, names in months(bench).items()} == {"train": 5, "validation": 2, "test": 3}


def test_one_file_is_cut_by_month(bench: Bench):
    """Without partitions months are the boundaries, and no row is lost or in two parts."""
    bench.set("contract", partition="none")
    frame = sales()
    bench.put("features", frame)
    bench.run("split")
    assert months(bench) == {part: ["data"] for part in PARTS}
    tables = [bench.table(f"dataset/{part}") for part in PARTS]
    assert [sorted(set(table["date"].dt.month)) for table in tables] == [[1, 2], [3], [4]]
    together = pd.concat(tables).sort_values(["store_id", "product_id", "date"], ignore_index=True)
    pd.testing.assert_frame_equal(together, frame)


@pytest.mark.parametrize(
    ("partition", "values"),
    [("month", (2, 2)), ("month", (0, 1)), ("month", (1, 0)), ("month", (1, -1)), ("none", (2, 2))],
)
def test_nothing_left_to_train_on(bench: Bench, partition, values):
    """Too few partitions are one line, and the dataset of before stays."""
    bench.set("contract", partition=partition)
    bench.put("features", sales())
    bench.run("split")
    before = months(bench)
    bench.set("split", validation=values[0], test=values[1])
    done = bench.run("split", status=2)
    assert f"split: {values[0]} + {values[1]} of 4 partitions leave none to train on" in done.err
    assert months(bench) == before


def test_an_earlier_split_leaves_no_file(bench: Bench):
    """A month that moves to another part is only there."""
    bench.put("features", sales())
    bench.run("split")
    bench.set("split", test=2)
    bench.run("split")
    assert sum(map(len, months(bench).values())) == 4
