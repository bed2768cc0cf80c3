"""What the tests of the monitor share: a repository, a monitor in a process of its own, and what its log adds up to."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SRC = Path(__file__).parents[2] / "src"
PATIENCE = 120.0
SETTLE = "0.2"
Line = dict[str, Any]


def plant(root: Path) -> Path:
    """The least that the monitor takes for a repository."""
    (root / ".dvc").mkdir(parents=True)
    (root / ".dvc/config").write_text("[core]\n    analytics = false\n")
    (root / "data").mkdir()
    return root


def environ(**more: str) -> dict[str, str]:
    """Nobody's settings, this tree's code."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": str(SRC),
        "LANG": "C.UTF-8",
        "HOME": os.environ.get("HOME", "/"),
        "DVC_NO_ANALYTICS": "1",
        **more,
    }


def until(condition: Callable[[], Any], what: Callable[[], object] | str = "") -> None:
    """Wait for it; the limit only ends what would never."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"it never came: {what() if callable(what) else what}")
        time.sleep(0.05)


@dataclass
class Watched:
    """A repository and the monitor that watches it."""

    root: Path
    words: tuple[str, ...] = ("--settle", SETTLE)
    before: tuple[str, ...] = ()
    """A program that starts the monitor."""
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def log(self) -> Path:
        """Where it writes."""
        return self.root / ".dataops/watch.jsonl"

    @property
    def said(self) -> str:
        """What it said since it was started."""
        return (self.root / ".dataops/said").read_text()

    @property
    def told(self) -> list[Line]:
        """What it printed since it was started."""
        return [json.loads(line) for line in (self.root / ".dataops/told").read_text().splitlines()]

    @property
    def lines(self) -> list[Line]:
        """Every whole line of the log."""
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def start(self, *words: str) -> Watched:
        """Begin to watch; returns when it does."""
        self.launch(*words)
        until(lambda: "watching" in self.said or self.ended, lambda: self.said)
        assert not self.ended, self.said
        return self

    def launch(self, *words: str) -> None:
        """Begin to watch, and don't wait."""
        (self.root / ".dataops").mkdir(exist_ok=True)
        command = [*self.before, sys.executable, "-m", "dataops", "watch", *self.words, *words]
        with (self.root / ".dataops/told").open("wb") as told, (self.root / ".dataops/said").open("wb") as said:
            self.process = subprocess.Popen(
                command, cwd=self.root, env=environ(), stdin=subprocess.DEVNULL, stdout=told, stderr=said
            )

    @property
    def ended(self) -> bool:
        """Is there no monitor?"""
        return self.process is None or self.process.poll() is not None

    def send(self, number: int) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it; its exit status."""
        assert self.process is not None
        if not self.ended:
            self.send(number)
        return self.process.wait(PATIENCE)

    def settle(self) -> None:
        """Return when the log adds up to what lies there."""
        until(lambda: state(self.lines) == there(self.root), lambda: self.difference())

    def difference(self) -> str:
        """Where the log and the folders disagree, and what was said."""
        log, disk = state(self.lines), there(self.root)
        wrong = sorted({path for path in {*log, *disk} if log.get(path) != disk.get(path)})
        return f"{len(wrong)} differ, as {wrong[:5]}; said {self.said!r}; ended {self.ended}"


def state(lines: Iterable[Line]) -> dict[str, str | None]:
    """What the log adds up to: md5 by path (None of a link to nowhere). A line that can't follow those before fails."""
    found: dict[str, str | None] = {}
    for line in lines:
        path = line["path"]
        if line["event"] == "deleted":
            assert found.pop(path) == line["hash"], line
        elif line["event"] == "moved":
            assert found.pop(line["from"]) == line["hash"], line
            found[path] = line["hash"]
        else:
            assert (path in found) == (line["event"] == "modified"), line
            assert found.get(path) != line["hash"] or line["hash"] is None, line
            assert found.get(path) == line.get("was"), line
            found[path] = line["hash"]
    return found


def there(root: Path, folder: str = "data") -> dict[str, str | None]:
    """md5 by path of the files that lie there; what vanishes meanwhile is left out."""
    found: dict[str, str | None] = {}
    for path in sorted((root / folder).rglob("*")):
        try:
            if path.is_file():
                found[path.relative_to(root).as_posix()] = md5(path.read_bytes())
            elif path.is_symlink() and not path.exists():
                found[path.relative_to(root).as_posix()] = None
        except FileNotFoundError:
            continue
    return found


def once(lines: list[Line], root: Path) -> None:
    """Every final state is in the log exactly once, and the lines are numbered without a gap."""
    assert [line["n"] for line in lines] == list(range(1, len(lines) + 1))
    final = there(root)
    assert state(lines) == final
    told = Counter((line["path"], line["hash"]) for line in lines if line["event"] != "deleted")
    assert {place: told[place] for place in final.items()} == dict.fromkeys(final.items(), 1)
    gone = Counter(line["path"] for line in lines if line["event"] == "deleted")
    assert set(gone.values()) <= {1}
    assert not set(gone) & set(final)


def md5(content: bytes) -> str:
    """As DVC names it."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def storm(root: Path, count: int = 5000) -> None:
    """Write, move and delete files as fast as it goes; each content and each final path is there only once."""
    raw, moved = root / "data/raw", root / "data/moved"
    moved.mkdir(parents=True, exist_ok=True)
    names = [raw / f"s{number % 50:02}" / f"f{number:05}.csv" for number in range(count)]
    for number, path in enumerate(names):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"row {number}\n")
    for number, path in enumerate(names):
        if number % 4 == 0:
            path.unlink()
        elif number % 4 == 1:
            path.rename(moved / path.name)
        elif number % 4 == 2:
            path.write_text(f"again {number}\n")
