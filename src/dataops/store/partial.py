"""A file on its way: its chunks come in any order, are hashed in theirs, and outlive a killed process."""

from __future__ import annotations

import contextlib
import errno
import os
import struct
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from dataops.store.hashing import BLOCK, Hasher
from dataops.store.objects import Object

CHUNK = 8 << 20
INDEX = struct.Struct("<I")
HEADER = struct.Struct("<QI")  # size of the whole, size of a chunk
NO_ROOM_AHEAD = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)  # file systems that can't reserve


class Partial:
    """One object in the staging folder: `<digest>.part`, and beside a large one which of its chunks are complete.

    What a killed process left is taken up again: it counts as complete, and is hashed like everything else.
    """

    def __init__(self, folder: Path, obj: Object) -> None:
        self.obj = obj
        self.path = folder / f"{obj.digest}.part"
        self.resumed = False
        self.size: int | None = None
        self._notes = folder / f"{obj.digest}.done"
        self._lock = threading.Lock()
        self._hashing = threading.Lock()
        self._handle: int | None = None
        self._marks: int | None = None
        self._done: set[int] = set()
        self._hashed = 0  # chunks
        self._hasher = Hasher(obj.algorithm)

    def known_size(self) -> int | None:
        """The size that an earlier process wrote down, or that was recorded with the object."""
        with contextlib.suppress(OSError, struct.error):
            size, chunk = HEADER.unpack(self._notes.read_bytes()[: HEADER.size])
            if chunk == CHUNK and size == (size if self.obj.size is None else self.obj.size):
                return int(size)
        return self.obj.size

    def begin(self, size: int) -> list[int]:
        """Have a file of that size on disk, its room reserved; the indexes of the chunks that are missing.

        Raises:
            OSError: no room, no permission.
        """
        with self._lock:
            self.size = size
            count = self._count()
            self._done = self._left_over(size) if count > 1 else set()
            self.resumed = bool(self._done)
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | (0 if self.resumed else os.O_TRUNC), 0o666)
            _reserve(self._handle, size)
            if count > 1:
                self._marks = os.open(self._notes, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
                if not self.resumed:
                    os.truncate(self._marks, 0)
                    os.write(self._marks, HEADER.pack(size, CHUNK))
            return [index for index in range(count) if index not in self._done]

    def span(self, index: int) -> tuple[int, int]:
        """First byte of a chunk, and the first after it."""
        return index * CHUNK, min((index + 1) * CHUNK, self.size or 0)

    def write(self, index: int, blocks: Iterable[bytes], took: Callable[[int], None]) -> bool:
        """Write one chunk as it comes; whether it came whole. `took` is told of every block's length.

        Raises:
            OSError: the disk is full.
        """
        position, end = self.span(index)
        for block in blocks:
            if self._handle is None or position + len(block) > end:
                return False
            _write(self._handle, block, position)
            position += len(block)
            took(len(block))
        return position == end

    def finish(self, index: int | None = None) -> bool:
        """A chunk is complete (or none was missing); hash what is next in order. True once, for who hashed the last.

        The marks are not synced to disk: after a power failure a chunk may be marked and empty, which the hash finds.
        """
        if index is not None:
            with self._lock:
                self._done.add(index)
            if self._marks is not None:
                os.write(self._marks, INDEX.pack(index))
        while self._is_next() and self._hashing.acquire(blocking=False):
            try:
                last = self._hash()
            finally:
                self._hashing.release()
            if last:
                return True
        return False

    @property
    def right(self) -> bool:
        """Whether the bytes are the object's. Only after `finish` said True."""
        return self._hasher.matches(self.obj.digest)

    @property
    def md5(self) -> str:
        """What was found."""
        return self._hasher.md5

    def close(self, *, discard: bool = False) -> None:
        """Let go of the file; with `discard` remove it, and start over if asked to begin again."""
        with self._lock:
            for handle in (self._handle, self._marks):
                if handle is not None:
                    os.close(handle)
            self._handle = self._marks = None
            self._notes.unlink(missing_ok=True)
            if discard:
                self.path.unlink(missing_ok=True)
                self._done, self._hashed, self._hasher = set(), 0, Hasher(self.obj.algorithm)

    def _count(self) -> int:
        """Chunks; an empty object has one, of nothing."""
        return max(1, -(-(self.size or 0) // CHUNK))

    def _left_over(self, size: int) -> set[int]:
        """The chunks that an earlier process completed."""
        try:
            marks = self._notes.read_bytes()
            if self.path.stat().st_size != size or marks[: HEADER.size] != HEADER.pack(size, CHUNK):
                return set()
        except OSError:
            return set()
        marks = marks[HEADER.size :]
        marks = marks[: len(marks) // INDEX.size * INDEX.size]
        return {index for (index,) in INDEX.iter_unpack(marks) if index < self._count()}

    def _is_next(self) -> bool:
        with self._lock:
            return self._hashed in self._done and self._hashed < self._count()

    def _hash(self) -> bool:
        """Hash every chunk that is next in order; whether that was the last one. The caller holds `_hashing`."""
        while self._is_next():
            position, end = self.span(self._hashed)
            while position < end and self._handle is not None:
                block = os.pread(self._handle, min(BLOCK, end - position), position)
                if not block:
                    break
                self._hasher.update(block)
                position += len(block)
            with self._lock:
                self._hashed += 1
                if self._hashed == self._count():
                    return True
        return False


def _write(handle: int, block: bytes, position: int) -> None:
    """All of it: where the room wasn't reserved, a disk that fills up takes a part and says so the next time."""
    rest = memoryview(block)
    while rest:
        count = os.pwrite(handle, rest, position)
        rest, position = rest[count:], position + count


def _reserve(handle: int, size: int) -> None:
    """Take the room now, so that a full disk is found before anything is fetched."""
    try:
        if size:
            os.posix_fallocate(handle, 0, size)
    except OSError as error:
        if error.errno not in NO_ROOM_AHEAD:
            raise
    os.truncate(handle, size)
