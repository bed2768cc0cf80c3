"""pipeline.train reads a channel by content: names, folders and what else lies there change nothing."""

from __future__ import annotations

import hashlib
import random
import shutil
from pathlib import Path

import pytest
from entry_jobs import Jobs, rows

from pipeline import train


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
    found = train.contents(jobs.root / "train")
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in found.values()]
    assert list(found) == hashes == sorted(hashes)
    next(iter(found.values())).unlink()
    jobs.run("fewer")
    assert jobs.model("fewer") != jobs.model("plain")


def test_a_damaged_file_is_one_line(jobs: Jobs):
    """A file that begins as Parquet and isn't is named, and nothing is trained on the rest."""
    path = jobs.root / "train/0.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    said = jobs.run("damaged", status=1)
    assert f"error: {path} is damaged: " in said
    assert jobs.files("damaged") == {}
