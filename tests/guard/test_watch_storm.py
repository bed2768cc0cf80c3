"""Thousands of changes in a few seconds: every final state is in the log exactly once, however events come or don't."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from watched import PATIENCE, Watched, once, plant, state, storm, there, until

from dataops.guard.watch.journal import Journal
from dataops.guard.watch.looking import Looks
from dataops.guard.watch.monitor import Monitor, Options


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """A repository whose monitor, if a test starts one, is ended."""
    here = Watched(plant(tmp_path / "repo"))
    yield here
    if here.process is not None and not here.ended:
        here.process.kill()
        here.process.wait()


@pytest.mark.parametrize("words", [(), ("--poll", "0.3")], ids=["events", "polling"])
def test_storm(watched: Watched, words: tuple[str, ...]) -> None:
    """5,000 files written, moved and deleted; stopped and started again it has nothing to add."""
    watched.start(*words)
    storm(watched.root)
    watched.settle()
    assert watched.stop() == 0
    once(watched.lines, watched.root)
    assert watched.told == watched.lines
    count = len(watched.lines)
    watched.start(*words)
    assert watched.stop() == 0
    assert len(watched.lines) == count


def test_slow_storm(watched: Watched) -> None:
    """What has settled before it is moved or deleted is told of as moved and deleted."""
    watched.start()
    data = watched.root / "data"
    (data / "a").mkdir()
    for number in range(900):
        (data / f"a/{number}").write_text(f"row {number}")
    watched.settle()
    (data / "a").rename(data / "b")
    watched.settle()
    for number in range(300):
        (data / f"b/{number}").unlink()
        (data / f"b/{number + 300}").rename(data / f"{number + 300}")
    watched.settle()
    watched.stop()
    once(watched.lines, watched.root)
    events = [line["event"] for line in watched.lines]
    assert (events.count("created"), events.count("moved"), events.count("deleted")) == (900, 1200, 300)


def test_kernel_queue_overflows(watched: Watched) -> None:
    """While the monitor is held up the kernel drops what its queue doesn't take: nothing is lost."""
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if most > 50_000:
        pytest.skip("the kernel's queue is larger than this test can fill")
    watched.start()
    watched.send(signal.SIGSTOP)
    for number in range(most // 2):  # each is created, written, closed: three events
        (watched.root / f"data/{number:06}").write_text(f"row {number}")
    storm(watched.root)
    watched.send(signal.SIGCONT)
    watched.settle()
    assert watched.stop() == 0
    assert "more happened than events could tell of" in watched.said
    once(watched.lines, watched.root)


def test_own_queue_overflows(tmp_path: Path) -> None:
    """More paths than the monitor keeps apart: it looks at everything."""
    root = plant(tmp_path / "repo")
    lines, said = [], []
    looks = Looks(said.append, most=20)
    journal = Journal(root / ".dataops/watch.jsonl")
    monitor = Monitor(root, Options(("data",), settle=0.2), journal, lines.extend, said.append, looks)
    thread = threading.Thread(target=monitor.run)
    thread.start()
    try:
        until(lambda: said, "it starts")
        storm(root, 2000)
        until(lambda: state(list(lines)) == there(root), lambda: len(lines))
    finally:
        monitor.stopping.set()
        thread.join(PATIENCE)
    assert any("more happened than events could tell of" in text for text in said)
    once(lines, root)


@pytest.mark.parametrize("seed", range(3))
def test_killed_again_and_again(watched: Watched, seed: int) -> None:
    """kill -9 at any moment: what was told isn't told again, what wasn't is found at the next start."""
    rng = random.Random(seed)
    watched.start()
    work = threading.Thread(target=storm, args=(watched.root, 3000))
    work.start()
    for _ in range(4):
        time.sleep(rng.uniform(0.05, 1.5))
        watched.stop(signal.SIGKILL)
        watched.launch()
        if rng.random() < 0.5:
            until(lambda: "watching" in watched.said, lambda: watched.said)
    work.join()
    until(lambda: "watching" in watched.said, lambda: watched.said)
    watched.settle()
    assert watched.stop() == 0
    once(watched.lines, watched.root)
