"""A record asked for, excluded, released again and asked again: by real commands, with the data on S3 alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers
import toy as toys
from toy import Toy, month

from dataops.store import embedded
from dataops.store.dvcconfig import Remote

BUILD = """\
import pathlib, shutil
import pandas as pd
from dataops.tables.exclusions import read_exclusions
out = pathlib.Path("data/dataset")
shutil.rmtree(out, ignore_errors=True)
left_out = set(read_exclusions(pathlib.Path("data/exclusions.csv"))["store"].astype(int))
months = sorted(pathlib.Path("data/source").glob("*.csv"))
for path, part in zip(months, ["train"] * (len(months) - 2) + ["validation", "test"]):
    frame = pd.read_csv(path)
    frame["date"] = pd.to_datetime(frame["date"]).dt.date
    frame = frame[~frame["store"].isin(left_out)]
    target = out / part / f"{path.stem}.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(target, index=False)
"""
CHECK = """\
import pathlib
pathlib.Path("reports").mkdir(exist_ok=True)
pathlib.Path("reports/validation.json").write_text('{"passed": true}')
"""
FIT = """\
import hashlib, pathlib
pathlib.Path("models").mkdir(exist_ok=True)
text = b"".join(path.read_bytes() for path in sorted(pathlib.Path("data/dataset").rglob("*.parquet")))
pathlib.Path("models/model.bin").write_bytes(b"model of " + hashlib.sha256(text).digest())
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    """An S3 server."""
    root = servers.make(tmp_path_factory.mktemp("server") / "clone")
    try:
        embedded.up(root)
        yield servers.remote(root)
    finally:
        servers.kill(root)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, server: Remote) -> Toy:
    """A repository whose dataset is Parquet by month and follows the list of exclusions; nothing released."""
    options = {
        "endpointurl": str(server.endpoint_url),
        "region": str(server.region),
        "access_key_id": str(server.access_key_id),
        "secret_access_key": str(server.secret_access_key),
    }
    toy = toys.make(tmp_path_factory.mktemp("shop") / "shop", f"s3://{server.bucket}/shop", options)
    for name, text in (("build.py", BUILD), ("check.py", CHECK), ("fit.py", FIT)):
        (toy.path / name).write_text(text)
    (toy.path / "data/exclusions.csv").write_text("store,date,reason,added\n")
    toy.dvc("add", "-q", "data/exclusions.csv")
    pipeline = toy.path / "dvc.yaml"
    old = "    deps: [build.py, data/source]\n"
    new = "    deps: [build.py, data/exclusions.csv, data/source]\n    params: [contract]\n"
    pipeline.write_text(pipeline.read_text().replace(old, new))
    return toy


def released(toy: Toy, message: str) -> None:
    """Run the pipeline, commit, and release what it made."""
    toy.dvc("repro", "-q")
    toy.commit(message)
    toy.dataops("release")
    toy.dataops("release", "model")


def test_excluded_released_and_asked_again(shop: Toy, tmp_path: Path) -> None:
    """Asked in a clone without any data; then: from which version on it is gone, and which models still carry it."""
    released(shop, "three months")
    shop.put(m2024_04=month("2024-04"))
    released(shop, "April")
    fresh = shop.clone(tmp_path / "fresh")
    answer = json.loads(fresh.dataops("lineage", "record", "store=2", "--json").stdout)
    assert [(one["version"], one["parts"]) for one in answer["versions"]] == [
        ("dataset@v1.0.0", {"train": 28, "validation": 28, "test": 28}),
        ("dataset@v1.1.0", {"train": 56, "validation": 28, "test": 28}),
    ]
    assert [(one["model"], one["parts"]["train"]) for one in answer["models"]] == [
        ("model@v1.0.0", 28),
        ("model@v1.1.0", 56),
    ]
    assert answer["read"]["local"] == 0
    assert 0 < answer["read"]["remote"] <= answer["read"]["total"]
    assert (answer["read"]["files"], answer["read"]["distinct"]) == (7, 4)
    assert not list((fresh.path / ".dvc").rglob("files"))  # nothing was stored
    shop.dataops("promote", "model@v1.1.0", "prod")
    shop.dataops("deprecate", "model@v1.0.0", "--message", "old")
    shop.dataops("exclude", "store=2", "--reason", "opt-out 4711")
    released(shop, "Without store 2")
    fresh.run("git", "pull", "-q", "--tags", "origin", "main")
    done = fresh.dataops("lineage", "record", "store=2")
    assert "store = 2: in 2 of 3 versions of dataset" in done.stdout
    assert "gone from dataset@v1.2.0 on (excluded " in done.stdout
    assert "opt-out 4711); dataset@v1.1.0 is the last that holds it" in done.stdout
    lines = [line.split()[:2] for line in done.stdout.splitlines() if line.startswith("  model@")]
    assert lines == [["model@v1.0.0", "deprecated"], ["model@v1.1.0", "prod"]]
    nobody = fresh.dataops("lineage", "record", "store=99")
    assert "store = 99: nowhere\n" in nobody.stdout
    assert "by statistics" in nobody.stdout
    wrong = fresh.dataops("lineage", "record", "stor=2", status=2)
    assert wrong.stderr == "error: there is no column stor\n hint: did you mean store?\n"
    assert "is no int64" in fresh.dataops("lineage", "record", "store=x", status=2).stderr
    offline = fresh.dataops("lineage", "record", "store=2", "--offline", status=1)
    assert "not looked at: the list of the files of data/dataset is not in the cache" in offline.stdout
    from_elsewhere = shop.dataops("lineage", "record", "store=2", "--repo", str(fresh.path), "--json")
    assert json.loads(from_elsewhere.stdout)["gone"]["version"] == "dataset@v1.2.0"
    there = shop.dataops("lineage", "record", "store=2", "--offline", "--json")
    assert json.loads(there.stdout)["read"]["remote"] == 0
    shutil.rmtree(shop.path / ".dvc/cache")
    assert "Traceback" not in shop.dataops("lineage", "record", "store=2", "--remote", "nowhere", status=2).stderr
