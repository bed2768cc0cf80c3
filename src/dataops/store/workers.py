"""Threads that end at once when they are no longer wanted, as an interrupted transfer must."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable

Task = Callable[[], None]
TICK = 0.1  # seconds between two looks at the progress
GRACE = 5.0  # seconds that an ending transfer waits for its threads; they look up at every block


class StoppedError(Exception):
    """The transfer ends; what this thread was doing is of no use any more."""


class Workers:
    """Tasks, which may add further tasks, done by daemon threads: a stalled socket keeps nobody from leaving."""

    def __init__(self, threads: int) -> None:
        self._threads = max(1, threads)
        self._tasks: deque[Task] = deque()
        self._change = threading.Condition()
        self._open = 0  # tasks waiting or running
        self._error: BaseException | None = None
        self.stopped = threading.Event()

    def add(self, tasks: Iterable[Task], *, first: bool = False) -> None:
        """Have these done, in their order; `first` before what waits already."""
        listed = list(tasks)
        with self._change:
            self._open += len(listed)
            if first:
                self._tasks.extendleft(reversed(listed))
            else:
                self._tasks.extend(listed)
            self._change.notify_all()

    def run(self, tick: Callable[[], None]) -> None:
        """Return when every task is done, calling `tick` now and then.

        Raises:
            BaseException: the first that a task raised, or an interrupt. The other tasks are dropped.
        """
        if not self._open:
            return
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self._threads)]
        for thread in threads:
            thread.start()
        try:
            with self._change:
                while self._open and self._error is None:
                    self._change.wait(TICK)
                    tick()
            tick()
        finally:
            self.stopped.set()
            with self._change:
                self._tasks.clear()
                self._change.notify_all()
            for thread in threads:
                thread.join(GRACE / len(threads))
        if self._error is not None:
            raise self._error

    def checkpoint(self) -> None:
        """Called by tasks between blocks.

        Raises:
            StoppedError: the transfer ends.
        """
        if self.stopped.is_set():
            raise StoppedError

    def sleep(self, seconds: float) -> None:
        """Wait, unless the transfer ends meanwhile."""
        self.stopped.wait(seconds)
        self.checkpoint()

    def _work(self) -> None:
        """One thread: task by task until none is left."""
        while (task := self._next()) is not None:
            error: BaseException | None = None
            try:
                task()
            except StoppedError:
                return
            except BaseException as caught:  # noqa: BLE001  raised again in the main thread
                error = caught
            with self._change:
                self._open -= 1
                if error is not None and self._error is None:
                    self._error = error
                if error is not None or not self._open:
                    self._change.notify_all()

    def _next(self) -> Task | None:
        """The next task; None when nothing is left, or nothing is wanted."""
        with self._change:
            while not self._tasks:
                if not self._open or self._error is not None or self.stopped.is_set():
                    return None
                self._change.wait(1.0)
            return None if self._error is not None or self.stopped.is_set() else self._tasks.popleft()
