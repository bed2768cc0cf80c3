"""A file is hashed once it is quiet; one that changes meanwhile has to be quiet again."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from watched import Watched, md5, once, plant, until

from dataops.guard.watch import scan
from dataops.guard.watch.reading import Job, Readers, Result
from dataops.guard.watch.scan import Scope


def read(root: Path, job: Job) -> Result:
    """What becomes of one job."""
    readers = Readers(lambda: Scope(root, ("data",)), threads=1)
    readers.add(job)
    found: list[Result] = []
    until(lambda: found.extend(readers.done()) or found)
    readers.stop()
    assert readers.open == 0
    return found[0]


@pytest.mark.parametrize("how", ["untouched", "appended", "same length", "replaced", "gone", "a pipe", "a folder"])
def test_changed_since_it_was_seen(tmp_path: Path, how: str) -> None:
    """Whatever took its place, nobody waits for ever and no wrong hash comes out."""
    root = plant(tmp_path / "repo")
    path = root / "data/a"
    path.write_text("a" * 100)
    seen = scan.at(Scope(root, ("data",)), "data/a")
    assert seen is not None
    if how == "appended":
        path.write_text("a" * 101)
    elif how == "same length":
        path.write_text("b" * 100)
        os.utime(path, ns=(seen.mtime, seen.mtime))
    elif how != "untouched":
        path.unlink()
    if how == "replaced":
        path.write_text("a" * 100)
    elif how == "a pipe":
        os.mkfifo(path)
    elif how == "a folder":
        path.mkdir()
    result = read(root, Job("data/a", seen, None))
    assert result.changed == (how != "untouched")
    if how == "untouched":
        assert result.hasher is not None
        assert result.hasher.md5 == md5(b"a" * 100)


def test_large_file_written_into_again_and_again(tmp_path: Path) -> None:
    """Pauses longer than the settle time while it is read: the last state is told of, and no state that never was."""
    watched = Watched(plant(tmp_path / "repo"), words=("--settle", "0.05"))
    watched.start()
    path = watched.root / "data/large"
    states = {md5(b"")}

    def write() -> None:
        with path.open("wb") as file:
            for number in range(8):
                file.write(bytes([number]) * (24 << 20))
                file.flush()
                states.add(md5(path.read_bytes()))

    work = threading.Thread(target=write)
    work.start()
    work.join()
    watched.settle()
    assert watched.stop() == 0
    once(watched.lines, watched.root)
    assert {line["hash"] for line in watched.lines} <= states
