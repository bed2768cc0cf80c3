"""pipeline.train reads a channel by content: names, folders and what else lies there change nothing."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from entry_jobs import Jobs, rows

from pipeline import channels


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    """Channels of several files, and the model that they give."""
    jobs = Jobs(tmp_path)
    jobs.put("train", rows(600, 1), 6)
    jobs.put("validation", rows(120, 2), 3)
    jobs.run("plain")
    return jobs


def as_objects(folder: Path, target: Path) -> None:
    """The files under names like those of DVC's objects, below the whole key, with the manifest beside them."""
    for path in folder.iterdir():
        key = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        place = target / "bucket-prefix/files/md5" / key[:2] / key[2:]
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    (target / "train.manifest").write_text('[{"prefix": "s3://bucket/prefix/"}, "files/md5/ab/cdef"]')


def as_published(folder: Path, target: Path) -> None:
    """The files under other names in folders that look like partitions, with metadata and rubbish beside them."""
    paths = sorted(folder.iterdir())
    random.Random(3).shuffle(paths)
    for number, path in enumerate(paths):
        place = target / f"datasets/v1.2.0/month={number}"
        place.mkdir(parents=True)
        shutil.copyfile(path, place / "part.parquet")
    (target / "datasets/v1.2.0/metadata.json").write_text("{}")
    (target / "datasets/v1.2.0/empty.parquet").write_bytes(b"")
    (target / ".cache").mkdir()
    (target / ".cache/part").write_bytes(b"PAR1, and then nothing")
    (target / "month=0-again").write_bytes((target / "datasets/v1.2.0/month=0/part.parquet").read_bytes())


def as_links(folder: Path, target: Path) -> None:
    """Links in the other order, as `cache.type symlink` has them."""
    for number, path in enumerate(sorted(folder.iterdir(), reverse=True)):
        (target / f"{number}.parquet").symlink_to(path)


@pytest.mark.parametrize("layout", [as_objects, as_published, as_links])
def test_the_layout_says_nothing(jobs: Jobs, layout):
    """The same files in another layout train the byte-identical model, also after a shuffle of what is first."""
    channels = {}
    for part in ("train", "validation"):
        target = jobs.root / f"other-{part}"
        target.mkdir()
        layout(jobs.root / part, target)
        channels[f"SM_CHANNEL_{part.upper()}"] = str(target)
    jobs.run("other", **channels)
    assert jobs.files("other") == jobs.files("plain")


def test_the_order_is_that_of_the_contents(jobs: Jobs):
    """Files are in the order of their hashes; other contents are another model."""
    found = channels.contents(jobs.root / "train")
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in found.values()]
    assert list(found) == hashes == sorted(hashes)
    next(iter(found.values())).unlink()
    jobs.run("fewer")
    assert jobs.model("fewer") != jobs.model("plain")


def test_how_the_rows_are_cut_says_nothing(jobs: Jobs):
    """Rows in one file or in many are one model, also where a file alone would be read as of another type: flags and
    whole numbers with gaps in some files only, a column without a value, a category unknown, no known target."""
    frame = rows(900, 5).assign(date=pd.date_range("2024-01-01", periods=900, freq="h"))
    frame["flag"] = (frame["f0"] > 5).astype("object").mask(frame.index < 300)
    frame.loc[frame.index % 7 == 3, "flag"] = None
    frame["count"] = frame["level"].round().astype("Int64").mask(frame.index > 600)
    frame["product_id"] = frame["product_id"].mask(frame.index.isin(range(310, 350)))
    frame["sales"] = frame["sales"].astype("Int64").mask(frame.index.isin(range(450, 600)))
    jobs.hyper["categories"] = ["product_id", "count"]
    cuts = {"one": [0, 900], "many": [0, 150, 300, 301, 450, 600, 900]}
    for name, at in cuts.items():
        folder = jobs.root / name
        folder.mkdir()
        for begin, end in pairwise(at):
            frame.iloc[begin:end].to_parquet(folder / f"{begin}.parquet", index=False)
        jobs.run(f"of-{name}", SM_CHANNEL_TRAIN=str(folder), SM_CHANNEL_VALIDATION=str(folder))
    assert jobs.files("of-many") == jobs.files("of-one")
    spec = json.loads((jobs.root / "of-one/model/model.json").read_text())
    assert spec["features"] == ["product_id", "f0", "f1", "f2", "f3", "f4", "level", "flag", "count"]
    assert len(spec["categories"]["product_id"]) == 20


def test_a_column_of_one_channel_alone(jobs: Jobs):
    """A feature that the validation part hasn't at all is named."""
    frame = rows(120, 2).drop(columns="f3")
    said = jobs.run("lacking", status=1, SM_CHANNEL_VALIDATION=str(jobs.put("lacks", frame)))
    assert "error: f3 is in no file of the channel: " in said


def test_a_damaged_file_is_one_line(jobs: Jobs):
    """A file that begins as Parquet and isn't is named, and nothing is trained on the rest."""
    path = jobs.root / "train/0.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    said = jobs.run("damaged", status=1)
    assert f"error: {path} is damaged: " in said
    assert jobs.files("damaged") == {}
