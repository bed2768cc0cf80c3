"""`dataops watch --summary`: several changes of a file are one, by what DVC knows of it now."""

from __future__ import annotations

import datetime as dt
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from depot import Depot
from watched import Watched, environ, md5, plant, until

from dataops.errors import DataOpsError
from dataops.guard.watch import summary
from dataops.guard.watch.journal import Journal

T = "2026-01-0{}T00:00:00.000Z"


def log(root: Path, *changes: tuple[object, ...]) -> Path:
    """A log of (day, event, path, content, from)."""
    path = root / ".dataops/watch.jsonl"
    book = Journal(path)
    book.open()
    hashes: dict[object, str] = {}
    for day, event, name, content, *source in changes:
        digest = hashes.get(name) if content is None else md5(str(content).encode())
        line = {"time": T.format(day), "event": event, "path": name, "size": len(str(content or "")), "hash": digest}
        line |= {"was": hashes.get(name)} if event == "modified" else {}
        book.append([line | ({"from": source[0]} if source else {})])
        hashes[name] = digest or ""
    book.close()
    return path


def counts(found: summary.Summary) -> dict[str, tuple[int, ...]]:
    """created, modified, moved, deleted, unrecorded by group."""
    return {one.name: (one.created, one.modified, one.moved, one.deleted, one.unrecorded) for one in found.groups}


def test_several_changes_are_one(tmp_path: Path) -> None:
    """What comes and goes, is moved on, changed back or put back counts as what it comes to."""
    root = plant(tmp_path / "repo")
    path = log(
        root,
        (1, "created", "data/old/a", "a"),
        (1, "created", "data/old/b", "b"),
        (1, "created", "data/old/c", "c"),
        (1, "created", "data/old/d", "d"),
        (2, "created", "data/x/temporary", "t"),
        (2, "deleted", "data/x/temporary", None),
        (2, "created", "data/x/new", "1"),
        (2, "modified", "data/x/new", "2"),
        (2, "moved", "data/x/newer", "2", "data/x/new"),
        (2, "modified", "data/old/a", "other"),
        (3, "modified", "data/old/a", "a"),
        (2, "deleted", "data/old/b", None),
        (3, "created", "data/old/b", "other"),
        (2, "moved", "data/y/c", "c", "data/old/c"),
        (3, "moved", "data/y/cc", "c", "data/y/c"),
        (3, "deleted", "data/old/d", None),
    )
    assert counts(summary.summarize(root, path)) == {
        "data/old": (2, 0, 0, 0, 2),
        "data/x": (1, 0, 0, 0, 1),
        "data/y": (1, 0, 0, 0, 1),
    }
    since = summary.summarize(root, path, "2026-01-02")
    assert counts(since) == {"data/old": (0, 1, 0, 1, 1), "data/x": (1, 0, 0, 0, 1), "data/y": (0, 0, 1, 0, 1)}
    assert (since.since, since.first, since.last) == ("2026-01-02T00:00:00Z", T.format(2), T.format(3))
    assert summary.summarize(root, path, "2h").groups == []


def test_what_is_recorded_counts_no_more(tmp_path: Path) -> None:
    """By the records as they are now, whatever they were when the line was written."""
    root = plant(tmp_path / "repo")
    path = log(root, (1, "created", "data/a.bin", "a"), (1, "created", "data/b.bin", "b"))
    (root / "data/a.bin.dvc").write_text(f"outs:\n- md5: {md5(b'a')}\n  hash: md5\n  path: a.bin\n")
    (root / "data/b.bin.dvc").write_text(f"outs:\n- md5: {md5(b'other')}\n  hash: md5\n  path: b.bin\n")
    (root / "dvc.yaml").write_text("artifacts:\n  thing: {path: data/a.bin}\n")
    found = summary.summarize(root, path)
    assert counts(found) == {"data/a.bin": (1, 0, 0, 0, 0), "data/b.bin": (1, 0, 0, 0, 1)}
    assert [one.artifact for one in found.groups] == ["thing", None]


def test_since(tmp_path: Path) -> None:
    """An age, a day, a time; anything else must name a version or commit."""
    root = plant(tmp_path / "repo")
    depot = Depot(root)
    depot.git("init", "-q", "-b", "main")
    depot.git("add", "-A")
    depot.git("commit", "-q", "--date", "2024-01-01T00:00:00Z", "-m", "x", "--allow-empty")
    now = dt.datetime.now(dt.UTC)
    assert abs(now - dt.timedelta(days=7) - summary.moment(root, "7d")) < dt.timedelta(minutes=1)
    assert summary.moment(root, "2024-01-15") == dt.datetime(2024, 1, 15, tzinfo=dt.UTC)
    assert summary.moment(root, "2024-01-15T12:00:00+02:00") == dt.datetime(2024, 1, 15, 10, tzinfo=dt.UTC)
    assert now - summary.moment(root, "HEAD") < dt.timedelta(hours=1)
    with pytest.raises(DataOpsError):
        summary.moment(root, "yesterday")
    with pytest.raises(DataOpsError):
        summary.summarize(root, root / "none.jsonl")


def command(root: Path, *words: str) -> str:
    """What `dataops watch …` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "dataops", "watch", *words],
        cwd=root,
        env=environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_command(tmp_path: Path) -> None:
    """The table, JSON, and whether somebody watches."""
    watched = Watched(plant(tmp_path / "repo")).start()
    (watched.root / "data/a\x1b[2J").write_text("a")
    watched.settle()
    assert "nobody watches" not in command(watched.root, "--summary")
    assert watched.stop() == 0
    text = command(watched.root, "--summary", "--since", "1h")
    assert "nobody watches now" in text
    assert any(line.split()[:3] == ["data/", "(untracked)", "1"] for line in text.splitlines())
    (group,) = json.loads(command(watched.root, "--summary", "--json"))["groups"]
    assert (group["name"], group["created"], group["unrecorded"]) == ("data", 1, 1)
    assert "nothing changed since" in command(watched.root, "--summary", "--since", "2099-01-01")


def test_terminal(tmp_path: Path) -> None:
    """A readable line that does nothing to the terminal."""
    root = plant(tmp_path / "repo")
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "dataops", "watch", "--settle", "0.2"],
        cwd=root,
        env=environ(),
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=subprocess.DEVNULL,
    )
    os.close(slave)
    try:
        until(lambda: (root / ".dataops/watch.jsonl.state").exists())
        (root / "data/a\x1b[2J.csv").write_text("four")
        until(lambda: (root / ".dataops/watch.jsonl").exists())
        text = os.read(master, 4096).decode()
    finally:
        process.terminate()
        process.wait()
        os.close(master)
    assert text[8:].strip() == "created   data/a [2J.csv  (4 B, not tracked by DVC)"
