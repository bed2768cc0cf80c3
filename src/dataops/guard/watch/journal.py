"""What the monitor remembers: a log that only grows, and the state of every file at some line of it.

A change is written into the log first and into the state later. Each line has a number, and the state the number of the
last line that it holds; so after a kill at any moment the state and the younger lines give exactly what was told, and
comparing the folders with that finds what was not.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataops import files
from dataops.errors import DataOpsError, Refused
from dataops.guard.watch.changes import Known, replayed
from dataops.guard.watch.scan import Seen

DEFAULT = Path(".dataops/watch.jsonl")
LARGEST = 16 << 20  # bytes of a log before the next one begins
OLDER = 4  # logs that are kept beside it
SCHEMA = 1
TAIL = 1 << 16


@dataclass(frozen=True)
class State:
    """What was known, and of which files."""

    known: dict[str, Known]
    targets: tuple[str, ...]
    suffixes: tuple[str, ...]


class Journal:
    """The log at `path` and what lies beside it, for one monitor at a time."""

    def __init__(self, path: Path, largest: int = LARGEST) -> None:
        self.path = path
        self.number = 0  # of the last line
        self._largest = largest
        self._lock: int | None = None

    def companions(self) -> list[Path]:
        """Every file that the journal may write."""
        return [self.path, self._beside("lock"), self._beside("state"), *logs_beside(self.path)]

    def open(self) -> State | None:
        """Take the journal and say what is known; None where nothing is, as at the very first start.

        Raises:
            Refused: another monitor has it.
            DataOpsError: the log can't be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._beside("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise _unwritable(self.path, error) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(f"another `dataops watch` writes {self.path}", "stop it, or give another --log") from None
        self._mend()
        return self._load()

    def close(self) -> None:
        """Let another monitor have it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def append(self, lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Add lines durably; hands them back with their numbers.

        Raises:
            DataOpsError: the log can't be written.
        """
        numbered = [{"n": self.number + place, **line} for place, line in enumerate(lines, 1)]
        content = "".join(json.dumps(line) + "\n" for line in numbered).encode()
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                view = memoryview(content)
                while view:
                    view = view[os.write(handle, view) :]
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise _unwritable(self.path, error) from None
        self.number += len(numbered)
        return numbered

    def full(self) -> bool:
        """Is it time for the next log?"""
        try:
            return self.path.stat().st_size > self._largest
        except OSError:
            return False

    def rotate(self) -> None:
        """Begin the next log; the state must hold everything that is in this one."""
        for place in range(OLDER, 0, -1):
            older = self.path if place == 1 else self._beside(str(place - 1))
            if older.exists():
                older.replace(self._beside(str(place)))

    def save(self, state: State) -> None:
        """Write down what is known, in one step.

        Raises:
            DataOpsError: it can't be written.
        """
        known = {
            path: [*(one.seen or (one.size, None, None, None, None)), one.hash] for path, one in state.known.items()
        }
        value = {"schema": SCHEMA, "n": self.number, "targets": state.targets, "suffixes": state.suffixes}
        try:
            files.write_bytes(self._beside("state"), json.dumps({**value, "files": known}).encode())
        except OSError as error:
            raise _unwritable(self._beside("state"), error) from None

    def _load(self) -> State | None:
        """The state as saved, brought forward by the lines that are younger."""
        try:
            saved = json.loads(self._beside("state").read_bytes())
            known = {str(path): _known(entry) for path, entry in saved["files"].items()}
            last = int(saved["n"])
            state = State(known, tuple(map(str, saved["targets"])), tuple(map(str, saved["suffixes"])))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            last, state = 0, None
        younger = [line for line in lines(self.path) if line["n"] > last]
        self.number = max([last, *(line["n"] for line in younger)])
        if state is not None:
            replayed(state.known, younger)
        return state

    def _mend(self) -> None:
        """Take off half a line that a kill or a full disk left at the end: that change is found again."""
        try:
            with self.path.open("r+b") as file:
                size = file.seek(0, os.SEEK_END)
                while size:
                    start = max(0, size - TAIL)
                    file.seek(start)
                    end = file.read(size - start).rfind(b"\n") + 1
                    if end or not start:
                        file.truncate(start + end)
                        return
                    size = start
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unwritable(self.path, error) from None

    def _beside(self, name: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{name}")


def logs_beside(path: Path) -> list[Path]:
    """The logs before the one at `path`, the oldest first, whether they are there or not."""
    return [path.with_name(f"{path.name}.{place}") for place in range(OLDER, 0, -1)]


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Every line of the log at `path` and of those before it, in their order; what is no line of ours is passed over.

    A log that becomes the next one meanwhile is not read twice.
    """
    last = 0
    for log in (*logs_beside(path), path):
        try:
            with log.open("rb") as file:
                for raw in file:
                    line = _line(raw)
                    if line is not None and line["n"] > last:
                        last = line["n"]
                        yield line
        except OSError:
            continue


def running(path: Path) -> bool:
    """Does a monitor write the log at `path`?"""
    try:
        handle = os.open(path.with_name(f"{path.name}.lock"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _line(raw: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    fine = isinstance(line, dict) and type(line.get("n")) is int and isinstance(line.get("event"), str)
    return line if fine else None


def _known(entry: list[Any]) -> Known:
    size, mtime, inode, ctime, target, digest = entry
    seen = None if mtime is None else Seen(int(size), int(mtime), int(inode), int(ctime), int(target))
    return Known(seen, int(size), None if digest is None else str(digest))


def _unwritable(path: Path, error: OSError) -> DataOpsError:
    return DataOpsError(f"{path} can't be written: {error.strerror}", "check the disk, or give another --log")
