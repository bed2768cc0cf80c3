"""Hashing settled files, a few at a time; a file that changes under it is said to have done so."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from dataops.guard.watch import scan
from dataops.guard.watch.scan import Scope, Seen
from dataops.store.hashing import BLOCK, Hasher

THREADS = max(2, min(4, os.cpu_count() or 1))


@dataclass(frozen=True)
class Job:
    """One file to be read."""

    path: str
    seen: Seen
    token: object
    """Whatever the caller knows it by."""
    algorithm: str = "md5"


@dataclass(frozen=True)
class Result:
    """A file that was read."""

    job: Job
    hasher: Hasher | None
    """None: it is a link that leads nowhere, or nobody may read it."""
    changed: bool = False
    """It is no longer the file that was seen."""


class Readers:
    """Threads that hash what `add` is given; `done` has the results."""

    def __init__(self, scope: Callable[[], Scope], threads: int = THREADS) -> None:
        self._scope = scope
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[Result] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self.open = 0  # jobs whose result was not taken yet
        for _ in range(threads):
            threading.Thread(target=self._work, daemon=True).start()

    def add(self, job: Job) -> None:
        """Have a file read."""
        self.open += 1
        self._jobs.put(job)

    def done(self) -> list[Result]:
        """What has been read since it was last asked."""
        found = []
        while True:
            try:
                found.append(self._results.get_nowait())
            except queue.Empty:
                self.open -= len(found)
                return found

    def stop(self) -> None:
        """End, also in the middle of a file."""
        self._stopped.set()

    def _work(self) -> None:
        while not self._stopped.is_set():
            try:
                job = self._jobs.get(timeout=1.0)
            except queue.Empty:
                continue
            self._results.put(self._read(job))

    def _read(self, job: Job) -> Result:
        scope = self._scope()
        try:
            if scan.at(scope, job.path) != job.seen:
                return Result(job, None, changed=True)
            if job.seen.target == scan.BROKEN:
                return Result(job, None)
            hasher = self._hash(scope.full(job.path), job)
            return Result(job, hasher, changed=hasher is None or scan.at(scope, job.path) != job.seen)
        except PermissionError:
            return Result(job, None)
        except OSError:
            return Result(job, None, changed=True)

    def _hash(self, full: str, job: Job) -> Hasher | None:
        """The hash; None where another file took its place, or nobody waits for it any more."""
        handle = os.open(full, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe may have taken its place
        with os.fdopen(handle, "rb", buffering=0) as file:
            if not scan.same_bytes(job.seen, scan.of(handle)):
                return None
            hasher = Hasher(job.algorithm)
            buffer = memoryview(bytearray(min(BLOCK, max(1, job.seen.size))))
            while count := file.readinto(buffer):
                if self._stopped.is_set() or not scan.same_bytes(job.seen, scan.of(handle)):
                    return None  # before the rest of a large file is read in vain
                hasher.update(buffer[:count])
            return hasher
