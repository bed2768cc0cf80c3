"""An object read by ranges, wherever it is: what is asked for and nothing else, and how much that was."""

from __future__ import annotations

import contextlib
import io
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from dataops.errors import DataOpsError
from dataops.store.objects import BrokenReadError, MissingObjectError, Object, Store

ATTEMPTS, PAUSE = 3, 0.5  # of one range, and seconds before the next


class Tally:
    """Bytes that were read, by where; counted by several threads."""

    def __init__(self) -> None:
        self.local = self.remote = 0
        self._lock = threading.Lock()

    def add(self, count: int, *, local: bool) -> None:
        """Count some more."""
        with self._lock:
            if local:
                self.local += count
            else:
                self.remote += count


class Ranged(io.RawIOBase):
    """Bytes by position, as pyarrow wants a file. Its end is kept once it was read."""

    def __init__(self, fetch: Callable[[int, int], bytes], size: int, *, local: bool, tally: Tally) -> None:
        super().__init__()
        self.size, self.local = size, local
        self._fetch, self._tally = fetch, tally
        self._position = 0
        self._tail = b""

    def tail(self, length: int) -> bytes:
        """The last `length` bytes, or all there are."""
        length = min(length, self.size)
        if length > len(self._tail):
            start = self.size - length
            self._tail = self._get(start, self.size - len(self._tail)) + self._tail
        return self._tail[len(self._tail) - length :]

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go there."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Where it is."""
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes: as many as were asked for, or up to the end."""
        start = min(self._position, self.size)
        end = self.size if size is None or size < 0 else min(self.size, start + size)
        kept = self.size - len(self._tail)
        content = self._tail[start - kept : end - kept] if start >= kept else self._get(start, end)
        self._position = end
        return content

    def _get(self, start: int, end: int) -> bytes:
        if start >= end:
            return b""
        content = self._fetch(start, end)
        self._tally.add(len(content), local=self.local)
        if len(content) != end - start:
            raise DataOpsError("it is shorter than it says", "`dataops verify` says what is damaged")
        return content


class DownError(DataOpsError):
    """The remote can't be asked: not for this object, and hardly for another."""


@contextlib.contextmanager
def asking() -> Iterator[None]:
    """Tell what is wrong with one object from what is wrong with the remote.

    Raises:
        DownError: the latter.
    """
    try:
        yield
    except (MissingObjectError, BrokenReadError):
        raise
    except DataOpsError as error:
        raise DownError(f"not in the cache, and {error.message}", error.hint) from None


def on_remote(obj: Object, store: Store, tally: Tally) -> Ranged:
    """The object where the remote has it.

    Raises:
        MissingObjectError: it hasn't.
        DownError: it can't be asked.
    """
    with asking():
        head = store.head(obj)
    if head is None:
        raise MissingObjectError(store.url, obj)

    def fetch(start: int, end: int) -> bytes:
        for attempt in range(ATTEMPTS):
            try:
                return b"".join(store.read(obj, start, end))
            except BrokenReadError:
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(PAUSE)
        raise AssertionError("it returned or raised")

    return Ranged(fetch, head.size, local=False, tally=tally)


def in_file(path: Path, tally: Tally) -> Ranged:
    """A file of this machine.

    Raises:
        DataOpsError: it can't be read.
    """

    def fetch(start: int, end: int) -> bytes:
        try:
            with path.open("rb", buffering=0) as file:
                content = bytearray()
                while block := os.pread(file.fileno(), end - start - len(content), start + len(content)):
                    content += block
                return bytes(content)
        except OSError as error:
            raise DataOpsError(f"{path} can't be read: {error.strerror}") from None

    try:
        size = path.stat().st_size
    except OSError as error:
        raise DataOpsError(f"{path} can't be read: {error.strerror}") from None
    return Ranged(fetch, size, local=True, tally=tally)


def in_memory(content: bytes, tally: Tally) -> Ranged:
    """Bytes that git has."""
    return Ranged(lambda start, end: content[start:end], len(content), local=True, tally=tally)
