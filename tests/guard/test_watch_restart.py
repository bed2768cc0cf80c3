"""What happened while nobody watched, what a kill or damage leaves behind, and who may write the log."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from watched import Watched, md5, once, plant, state, there, until

from dataops.guard.watch import journal
from dataops.guard.watch.changes import Known
from dataops.guard.watch.journal import Journal, State


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """A repository whose monitor has told of three files and is stopped."""
    here = Watched(plant(tmp_path / "repo"))
    here.start()
    for name in "abc":
        (here.root / f"data/{name}").write_text(f"{name}\n")
    here.settle()
    assert here.stop() == 0
    yield here
    if not here.ended:
        here.process.kill()
        here.process.wait()


def change(watched: Watched) -> None:
    """One of each kind."""
    (watched.root / "data/a").write_text("another\n")
    (watched.root / "data/b").rename(watched.root / "data/moved")
    (watched.root / "data/c").unlink()
    (watched.root / "data/d").write_text("d\n")


def test_found_at_the_next_start(watched: Watched) -> None:
    """Each kind of change, marked as made meanwhile; and only once."""
    change(watched)
    watched.start()
    watched.settle()
    assert watched.stop() == 0
    found = {(line["event"], line["path"]) for line in watched.lines[3:]}
    assert found == {("modified", "data/a"), ("moved", "data/moved"), ("deleted", "data/c"), ("created", "data/d")}
    assert all(line["while_stopped"] for line in watched.lines[3:])
    assert not any("while_stopped" in line for line in watched.lines[:3])
    watched.start()
    assert watched.stop() == 0
    assert len(watched.lines) == 7
    once(watched.lines, watched.root)


def test_half_a_line(watched: Watched) -> None:
    """Of a kill in the midst of writing: taken off, and its change told of again."""
    before = watched.log.read_bytes()
    change(watched)
    watched.log.write_bytes(before + b'{"n": 4, "time": "2026-01-01T00:00:00Z", "event": "created", "path": "data/d')
    watched.start()
    watched.settle()
    assert watched.stop() == 0
    assert watched.log.read_bytes().startswith(before)
    once(watched.lines, watched.root)


def test_log_is_ahead_of_the_state(watched: Watched) -> None:
    """Of a kill between the two: the lines count."""
    saved = (watched.root / ".dataops/watch.jsonl.state").read_bytes()
    watched.start()
    change(watched)
    watched.settle()
    assert watched.stop() == 0
    (watched.root / ".dataops/watch.jsonl.state").write_bytes(saved)
    watched.start()
    assert watched.stop() == 0
    assert len(watched.lines) == 7
    once(watched.lines, watched.root)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"n": 3, "targets": [], "suffixes": [], "files": {"a": 1}}'])
def test_damaged_state(watched: Watched, content: bytes) -> None:
    """What lies there counts as known, and numbers go on."""
    (watched.root / ".dataops/watch.jsonl.state").write_bytes(content)
    change(watched)
    watched.start()
    (watched.root / "data/e").write_text("e\n")
    until(lambda: len(watched.lines) == 4, lambda: watched.lines)
    assert watched.stop() == 0
    assert [(line["n"], line["path"]) for line in watched.lines][3:] == [(4, "data/e")]


def test_damaged_log(watched: Watched) -> None:
    """Lines that are none are passed over."""
    with watched.log.open("ab") as file:
        file.write(b'nonsense\n[1]\n{"n": "5"}\n' + b"[" * 100_000 + b"\n")
    change(watched)
    watched.start()
    until(lambda: b'"data/d"' in watched.log.read_bytes())
    assert watched.stop() == 0
    lines = list(journal.lines(watched.log))
    assert state(lines) == there(watched.root)
    assert [line["n"] for line in lines] == list(range(1, 8))


def test_one_monitor_at_a_time(watched: Watched) -> None:
    """The second one is refused, and may have another log."""
    watched.start()
    second = Watched(watched.root)
    second.launch()
    assert second.stop(0) == 1
    assert "another `dataops watch` writes" in second.said
    second.launch("--log", "other.jsonl")
    until(lambda: "watching" in second.said)
    assert second.stop() == 0
    assert watched.stop(signal.SIGKILL) == -9
    second.start()  # a lock dies with its owner
    assert second.stop() == 0


def test_more_is_watched_than_before(watched: Watched) -> None:
    """What a narrower monitor didn't see is taken as it is; a wider one goes on."""
    (watched.root / "data/raw").mkdir()
    (watched.root / "data/raw/e.csv").write_text("e\n")
    watched.start("data/raw", "--suffix", "csv")
    (watched.root / "data/raw/f.CSV").write_text("f\n")
    (watched.root / "data/raw/f.txt").write_text("f\n")
    (watched.root / "data/g.csv").write_text("g\n")
    until(lambda: len(watched.lines) == 5, lambda: watched.lines)
    assert watched.stop() == 0
    watched.start()
    (watched.root / "data/h").write_text("h\n")
    until(lambda: len(watched.lines) == 6, lambda: watched.lines)
    assert watched.stop() == 0
    assert sorted(line["path"] for line in watched.lines[3:]) == ["data/h", "data/raw/e.csv", "data/raw/f.CSV"]


def test_full_disk(watched: Watched) -> None:
    """A log that can't be written ends the monitor with a clear line; what it couldn't tell is told later."""
    (watched.root / "data/d").write_text("d\n")
    limited = Watched(watched.root, before=("bash", "-c", 'ulimit -f 1; trap "" XFSZ; exec "$0" "$@"'))
    with watched.log.open("ab") as file:
        file.write(b" " * 2000 + b"\n")
    limited.launch()
    until(lambda: limited.ended)
    assert limited.stop() == 2
    assert "can't be written" in limited.said
    assert "Traceback" not in limited.said
    watched.start()
    until(lambda: b'"data/d"' in watched.log.read_bytes())
    assert watched.stop() == 0
    assert [line["path"] for line in journal.lines(watched.log)][3:] == ["data/d"]


def test_log_is_bounded(tmp_path: Path) -> None:
    """A full log makes room for the next; all of them are read as one, and the oldest goes."""
    path = tmp_path / "log"
    book = Journal(path, largest=2000)
    assert book.open() is None
    known: dict[str, Known] = {}
    for number in range(300):
        name = f"f{number:03}"
        book.append([{"time": "t", "event": "created", "path": name, "size": 1, "hash": md5(name.encode())}])
        known[name] = Known(None, 1, md5(name.encode()))
        if book.full():
            book.save(State(known, ("data",), ()))
            book.rotate()
    book.close()
    numbers = [line["n"] for line in journal.lines(path)]
    assert numbers == list(range(numbers[0], 301))
    assert sum(log.stat().st_size for log in tmp_path.glob("log*") if not log.name.endswith("state")) < 6 * 2200
    again = Journal(path)
    found = again.open()
    assert found is not None
    assert set(found.known) == set(known)
    assert again.number == 300
    again.close()


def test_deleted_log(watched: Watched) -> None:
    """It is begun again, and nothing told twice."""
    watched.start()
    watched.log.unlink()
    change(watched)
    until(lambda: len(watched.lines) == 4, lambda: watched.said)
    assert watched.stop() == 0
    assert [line["n"] for line in watched.lines] == [4, 5, 6, 7]


def test_outside_a_repository(tmp_path: Path) -> None:
    """One line and a hint."""
    watched = Watched(tmp_path)
    watched.launch()
    assert watched.stop(0) == 2
    assert "is not inside a DVC repository" in watched.said


def test_no_costly_imports(watched: Watched) -> None:
    """Watching for days must not hold pandas or dvc in memory."""
    import sys

    from watched import environ

    code = (
        "import sys, dataops.cli.watch, dataops.guard.watch.monitor, dataops.guard.watch.summary\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import json\n{code}"], env=environ(), capture_output=True, check=True
    )
    assert not {"pandas", "dvc", "pyarrow", "numpy", "boto3"} & set(json.loads(done.stdout))
