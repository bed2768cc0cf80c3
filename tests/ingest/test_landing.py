"""The landing as a transaction: nothing lost, nothing half, nothing twice."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from ingest_repo import call, dvc, sales

from dataops.errors import DataOpsError
from dataops.ingest import landing, recorded
from dataops.ingest.batches import LANDING, batches
from dataops.ingest.local import Files
from dataops.ingest.run import Options, Outcome, ingest
from dataops.ingest.sample import Sample
from dataops.store import dvccommand


def take(root: Path, *paths: Path, **options) -> Outcome:
    return ingest(root, Files([str(path) for path in paths]), Options(**options))


def names(root: Path) -> list[list[str]]:
    return [[file.name for file in batch.manifest.files] for batch in batches(root / LANDING)]


def consistent(root: Path) -> None:
    """What is recorded is what lies there, and the cache has all of it."""
    known = recorded.read(root, LANDING)
    here = {
        p.relative_to(root / LANDING).as_posix(): recorded.md5(p) for p in (root / LANDING).rglob("*") if p.is_file()
    }
    assert known is not None
    assert recorded.folder_hash(here) == known.md5
    assert not list((root / ".dataops/tmp").glob("ingest-*"))


def test_batches_come_in_order(repo, tmp_path):
    """A first batch, the same again, a later one that says it was received earlier."""
    first = take(repo, sales(tmp_path / "a.csv"))
    assert first.rows == 3
    today = dt.datetime.now(dt.UTC).strftime("%Y/%m/%d")
    assert first.batch.startswith(f"data/landing/{today}/0001-")
    assert (repo / first.batch / "a.csv").read_bytes() == (tmp_path / "a.csv").read_bytes()
    before = (repo / "data/landing.dvc").read_bytes()
    again = take(repo, tmp_path / "a.csv")
    assert again.batch is None
    assert again.known == 1
    assert (repo / "data/landing.dvc").read_bytes() == before
    sales(tmp_path / "b.csv", "2020-02-02")
    later = take(repo, tmp_path / "a.csv", tmp_path / "b.csv", received=dt.datetime(2020, 2, 3, tzinfo=dt.UTC))
    assert later.known == 1
    assert later.batch.startswith("data/landing/2020/02/03/0002-")
    assert [batch.sequence for batch in batches(repo / LANDING)] == [1, 2]
    manifest = json.loads((repo / later.batch / "batch.json").read_text())
    assert manifest["format"] == 1
    assert manifest["source"] == {"kind": "files", "description": "a.csv, b.csv", "detail": {}}
    assert manifest["ingested_at"] == "2020-02-03T00:00:00Z"
    assert manifest["files"][0].keys() == {"name", "bytes", "sha256", "rows"}
    assert manifest["columns"][0] == "date"
    consistent(repo)
    assert call(repo, "git", "status", "--short").split() == ["??", "data/landing.dvc"]


def test_a_fresh_clone_restores_before_it_adds(repo, tmp_path):
    """Without the recorded batches, ingest pulls them; the record then holds old and new."""
    take(repo, sales(tmp_path / "a.csv"))
    dvc(repo, "push", "-q")
    call(repo, "git", "add", "-A")
    call(repo, "git", "commit", "-qm", "a")
    clone = tmp_path / "clone"
    call(tmp_path, "git", "clone", "-q", str(repo), str(clone))
    assert not (clone / LANDING).exists()
    take(clone, sales(tmp_path / "b.csv", "2024-01-02"))
    assert names(clone) == [["a.csv"], ["b.csv"]]
    consistent(clone)
    # a part missing, while the cache has it: no remote is asked
    shutil.rmtree(tmp_path / "remote")
    shutil.rmtree(clone / batches(clone / LANDING)[0].folder.relative_to(clone))
    take(clone, sales(tmp_path / "c.csv", "2024-01-03"))
    assert names(clone) == [["a.csv"], ["b.csv"], ["c.csv"]]
    consistent(clone)


def test_what_cannot_be_restored_is_refused(repo, tmp_path):
    """Neither cache nor remote has the recorded batch: no ingest, and the record stays."""
    take(repo, sales(tmp_path / "a.csv"))
    shutil.rmtree(repo / LANDING)
    shutil.rmtree(repo / ".dvc/cache")
    before = (repo / "data/landing.dvc").read_bytes()
    with pytest.raises(DataOpsError, match="neither here nor in the cache nor on the remote") as caught:
        take(repo, sales(tmp_path / "b.csv", "2024-01-02"))
    assert "dvc pull data/landing.dvc" in caught.value.hint
    assert (repo / "data/landing.dvc").read_bytes() == before
    (repo / "data/landing.dvc").rename(repo / "data/gone")
    call(repo, "git", "add", "data/gone")
    take(repo, sales(tmp_path / "b.csv", "2024-01-02"))  # git never had data/landing.dvc: a new beginning
    call(repo, "git", "add", "data/landing.dvc")
    call(repo, "git", "commit", "-qm", "b")
    (repo / "data/landing.dvc").unlink()
    with pytest.raises(DataOpsError, match="in git but was deleted here"):
        take(repo, sales(tmp_path / "c.csv", "2024-01-03"))


def test_changed_and_unknown_files_are_refused(repo, tmp_path):
    """In-place changes, strays, half batches, a conflict in landing.dvc: each is named."""
    batch = repo / take(repo, sales(tmp_path / "a.csv")).batch
    new = sales(tmp_path / "b.csv", "2024-01-02")
    original = (batch / "a.csv").read_bytes()
    (batch / "a.csv").write_bytes(original.replace(b"9.99", b"1.11"))
    with pytest.raises(DataOpsError, match=r"changed in place: \d{4}/.*a\.csv") as caught:
        take(repo, new)
    assert "dvc checkout" in caught.value.hint
    (batch / "a.csv").write_bytes(original)
    for stray in (repo / LANDING / "stray.csv", batch / "extra.csv", batch.parent / "0009-ffffffff" / "x.csv"):
        stray.parent.mkdir(exist_ok=True)
        stray.write_text("x")
        with pytest.raises(DataOpsError, match=f"{stray.name} is of unknown origin"):
            take(repo, new)
        with pytest.raises(DataOpsError):
            batches(repo / LANDING)
        stray.unlink()
    shutil.rmtree(batch.parent / "0009-ffffffff")
    pointer = (repo / "data/landing.dvc").read_text()
    (repo / "data/landing.dvc").write_text(f"<<<<<<< HEAD\n{pointer}=======\n{pointer}>>>>>>> other\n")
    with pytest.raises(DataOpsError, match="merge conflict"):
        take(repo, new)
    (repo / "data/landing.dvc").write_text(pointer)
    (repo / ".dvcignore").write_text("*.tsv\n")
    (tmp_path / "c.tsv").write_text((tmp_path / "b.csv").read_text().replace(",", "\t"))
    with pytest.raises(DataOpsError, match=r"does not record data/landing/.*c\.tsv"):
        take(repo, tmp_path / "c.tsv")


def test_only_one_at_a_time(repo, tmp_path):
    """A second ingest says who holds the lock."""
    with (
        landing.locked(repo),
        pytest.raises(DataOpsError, match=f"another ingest is running here .process {os.getpid()}"),
    ):
        take(repo, sales(tmp_path / "a.csv"))
    take(repo, tmp_path / "a.csv")


def test_replace_starts_over(repo, tmp_path):
    """The sample gives way to real data only when asked; the old state can be checked out."""
    ingest(repo, Sample(until=dt.date(2022, 1, 3), stores=1, products=2))
    call(repo, "git", "add", "-A")
    call(repo, "git", "commit", "-qm", "sample")
    real = sales(tmp_path / "a.csv")
    with pytest.raises(DataOpsError, match="holds the generated sample") as caught:
        take(repo, real)
    assert "--replace" in caught.value.hint
    take(repo, real, replace=True)
    assert names(repo) == [["a.csv"]]
    assert batches(repo / LANDING)[0].sequence == 1
    consistent(repo)
    assert take(repo, real, replace=True).batch is None
    with pytest.raises(DataOpsError, match="holds your data"):
        ingest(repo, Sample())
    call(repo, "git", "checkout", "-q", "--", "data/landing.dvc")
    dvc(repo, "checkout", "-q", "--force", "data/landing.dvc")
    assert names(repo) == [["sales-2022-01.csv"]]


def killed_at(point: str | float, action) -> None:
    """Run `action` in a process of its own that dies by SIGKILL at a checkpoint, or after so many seconds."""
    child = os.fork()
    if child == 0:
        os.setsid()
        landing.checkpoint = lambda name: os.killpg(0, signal.SIGKILL) if name == point else None
        try:
            action()
        finally:
            os._exit(0)
    if isinstance(point, float):
        time.sleep(point)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert isinstance(point, float) or os.WIFSIGNALED(status), "the process lived"


@pytest.mark.parametrize("point", ["built", "renamed", "recorded"])
def test_killed_while_adding(repo, tmp_path, point):
    """Killed at any step and run again: both batches, each once, recorded."""
    take(repo, sales(tmp_path / "a.csv"))
    new = sales(tmp_path / "b.csv", "2024-01-02")
    killed_at(point, lambda: take(repo, new))
    again = take(repo, new)
    assert (again.batch is None) == (point != "built")
    assert bool(again.recovered) == (point == "renamed")
    assert names(repo) == [["a.csv"], ["b.csv"]]
    consistent(repo)


@pytest.mark.parametrize("point", ["built", "swapping", "renamed", "recorded"])
def test_killed_while_replacing(repo, tmp_path, point):
    """Killed at any step, another ingest afterwards finds either the old landing or the new one, never both."""
    take(repo, sales(tmp_path / "a.csv"))
    new = sales(tmp_path / "b.csv", "2024-01-02")
    killed_at(point, lambda: take(repo, new, replace=True))
    take(repo, sales(tmp_path / "c.csv", "2024-01-03"))
    assert names(repo) == [["a.csv"] if point in ("built", "swapping") else ["b.csv"], ["c.csv"]]
    consistent(repo)


def test_killed_at_random(repo, tmp_path):
    """Killed at moments nobody chose, and run again: the same landing as without."""
    seed = random.randrange(1000)
    print("seed", seed)
    chance = random.Random(seed)
    files = [sales(tmp_path / f"{number}.csv", f"2024-01-0{number + 1}") for number in range(3)]
    for number, path in enumerate(files):
        killed_at(chance.uniform(0, 2.0), lambda path=path: take(repo, path))
        take(repo, path)
        assert names(repo) == [[f"{n}.csv"] for n in range(number + 1)]
        consistent(repo)


def test_replacing_needs_no_remote(repo, tmp_path):
    """In a fresh clone whose remote is out of reach, starting over works; going on does not."""
    take(repo, sales(tmp_path / "a.csv"))
    shutil.rmtree(repo / LANDING)
    shutil.rmtree(repo / ".dvc/cache")
    take(repo, sales(tmp_path / "b.csv", "2024-01-02"), replace=True)
    assert names(repo) == [["b.csv"]]
    consistent(repo)


def test_malformed_batches_are_named(tmp_path):
    """`collect` must not skip what it cannot read."""
    root = tmp_path / "landing"
    assert batches(root) == []
    folder = root / "2024/01/01/0001-aaaaaaaa"
    folder.mkdir(parents=True)
    good = {
        "format": 1, "sequence": 1, "source": {"kind": "files", "description": "x"},
        "ingested_at": "2024-01-01T00:00:00Z",
        "files": [{"name": "x.csv", "bytes": 1, "sha256": "0"}], "columns": [],
    }  # fmt: skip
    (folder / "x.csv").write_text("1")
    with pytest.raises(DataOpsError, match=r"has no batch\.json"):
        batches(root)
    (folder / "batch.json").write_text(json.dumps(good))
    assert batches(root)[0].paths == [folder / "x.csv"]
    for change in (
        {"format": 2},
        {"sequence": "1"},
        {"sequence": 2},
        {"ingested_at": "yesterday"},
        {"files": 1},
        {"x": 1},
    ):
        (folder / "batch.json").write_text(json.dumps(good | change))
        with pytest.raises(DataOpsError, match=r"0001-aaaaaaaa/batch\.json"):
            batches(root)
    for broken in ("{", "[]", "\xff"):
        (folder / "batch.json").write_bytes(broken.encode("latin-1"))
        with pytest.raises(DataOpsError, match=r"0001-aaaaaaaa/batch\.json"):
            batches(root)
    (folder / "batch.json").write_text(json.dumps(good))
    (folder / "x.csv").write_text("22")
    with pytest.raises(DataOpsError, match=r"x\.csv is not of the size"):
        batches(root)
    (folder / "x.csv").unlink()
    with pytest.raises(DataOpsError, match=r"x\.csv is missing"):
        batches(root)


def test_nothing_is_added_while_dvc_reads(repo, tmp_path):
    """What a running stage read would not be what DVC records: refused, with the command named."""
    take(repo, sales(tmp_path / "a.csv"))
    before = (repo / "data/landing.dvc").read_bytes()
    lock = repo / ".dvc/tmp/rwlock"
    lock.parent.mkdir(exist_ok=True)
    for path in (repo / "data/landing", repo / "data"):
        lock.write_text(json.dumps({str(path): {"read": [{"pid": os.getpid(), "cmd": "dvc repro"}]}}))
        with pytest.raises(DataOpsError, match=r"`dvc repro` .* is reading data/landing"):
            take(repo, sales(tmp_path / "b.csv", "2024-02-01"))
        assert names(repo) == [["a.csv"]]
        assert (repo / "data/landing.dvc").read_bytes() == before
    with subprocess.Popen(["true"]) as unnoticed:
        os.waitid(os.P_PID, unnoticed.pid, os.WEXITED | os.WNOWAIT)
        for pid in (2**22 + 1, unnoticed.pid):  # a reader that was killed holds nothing
            lock.write_text(json.dumps({str(repo / "data/landing"): {"read": [{"pid": pid, "cmd": "dvc repro"}]}}))
            landing.refuse_readers(repo)


@pytest.mark.parametrize("replace", [False, True])
def test_a_failing_record_leaves_everything_as_it_was(repo, tmp_path, monkeypatch, replace):
    """DVC can't record the batch (its lock is held, the disk is full): files and record are as before."""
    take(repo, sales(tmp_path / "a.csv"))
    before = (repo / "data/landing.dvc").read_bytes()

    def fail(*_):
        raise DataOpsError("dvc add: no space left on device")

    with monkeypatch.context() as patched:  # a full disk can't be had in a test
        patched.setattr(dvccommand, "dvc", fail)
        with pytest.raises(DataOpsError, match="no space left"):
            take(repo, sales(tmp_path / "b.csv", "2024-02-01"), replace=replace)
    assert names(repo) == [["a.csv"]]
    assert (repo / "data/landing.dvc").read_bytes() == before
    consistent(repo)
    take(repo, tmp_path / "b.csv", replace=replace)
    assert names(repo) == ([["b.csv"]] if replace else [["a.csv"], ["b.csv"]])


def test_a_file_without_rows_is_refused(repo, tmp_path):
    """A header alone is an export that failed, above all where it would replace everything."""
    (tmp_path / "none.csv").write_text("date,store_id,product_id,sales,price,promotion\n")
    with pytest.raises(DataOpsError, match="has columns and no rows"):
        take(repo, tmp_path / "none.csv", replace=True)
    assert not (repo / "data/landing").exists()
