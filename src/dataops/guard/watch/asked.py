"""What a signal asks for, without a lock."""

from __future__ import annotations

import time


class Asked:
    """A flag that a signal handler may set, whatever the program does just then.

    `threading.Event` takes a lock to be set or waited for. A handler runs in the midst of the main thread: where that
    waits and holds the lock, it would wait for itself for ever.
    """

    def __init__(self) -> None:
        self._set = False

    def set(self) -> None:
        """From now on it is."""
        self._set = True

    def is_set(self) -> bool:
        """Has it been?"""
        return self._set

    def wait(self, seconds: float) -> bool:
        """Sleep, unless it is set already; whether it is afterwards. A signal doesn't cut the sleep short."""
        if not self._set:
            time.sleep(seconds)
        return self._set
