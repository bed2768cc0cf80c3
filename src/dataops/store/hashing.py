"""The hashes that name DVC's objects: plain md5, and DVC 2's, which made CRLF of what it took for text LF first."""

from __future__ import annotations

import hashlib
from pathlib import Path

BLOCK = 1 << 20  # DVC 2 normalised block by block, so the size is a part of the hash
SNIFFED = 512
TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"


class Hasher:
    """Takes an object's bytes in order and says whether they are those that a digest names."""

    def __init__(self, algorithm: str = "md5") -> None:
        self.size = 0
        self._plain = hashlib.md5(usedforsecurity=False)
        self._legacy = _Legacy() if algorithm == "md5-dos2unix" else None

    def update(self, block: bytes | bytearray | memoryview) -> None:
        """Take the next bytes."""
        self.size += len(block)
        self._plain.update(block)
        if self._legacy:
            self._legacy.update(block)

    @property
    def md5(self) -> str:
        """The plain md5 of what came so far."""
        return self._plain.hexdigest()

    def candidates(self) -> tuple[str, ...]:
        """Every digest that DVC may have recorded for what came so far: one of plain md5, up to three of DVC 2's."""
        return tuple(sorted({self.md5} | (self._legacy.digests() if self._legacy else set())))

    def matches(self, digest: str) -> bool:
        """Whether everything that came is the object `digest` (with or without `.dir`)."""
        wanted = digest.removesuffix(".dir")
        return self.md5 == wanted or (self._legacy is not None and wanted in self._legacy.digests())


def hash_file(path: Path, algorithm: str = "md5") -> Hasher:
    """A file's hash.

    Raises:
        OSError: it can't be read.
    """
    hasher = Hasher(algorithm)
    buffer = memoryview(bytearray(BLOCK))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            hasher.update(buffer[:count])
    return hasher


def is_text(block: bytes) -> bool:
    """DVC's guess from a file's first 512 bytes: no NUL, and at most 30% that isn't printable ASCII."""
    head = bytes(block[:SNIFFED])
    return b"\0" not in head and len(head.translate(None, TEXT)) <= 0.3 * len(head)


class _Legacy:
    """md5 with CRLF made LF, as releases before DVC 3 computed it.

    They cut the file into blocks of 1 MiB and normalised each by itself. Up to DVC 2 the first block decided whether a
    file is text; dvc-data 2 and later decide block by block. Both are kept, as a hash says not who made it.
    """

    def __init__(self) -> None:
        self._first = hashlib.md5(usedforsecurity=False)
        self._each = hashlib.md5(usedforsecurity=False)
        self._text: bool | None = None
        self._rest = bytearray()

    def update(self, block: bytes | bytearray | memoryview) -> None:
        """Take the next bytes."""
        self._rest += block
        while len(self._rest) >= BLOCK:
            self._text = _take(bytes(self._rest[:BLOCK]), self._text, self._first, self._each)
            del self._rest[:BLOCK]

    def digests(self) -> set[str]:
        """Both hashes of what came so far."""
        first, each = self._first.copy(), self._each.copy()
        if self._rest:
            _take(bytes(self._rest), self._text, first, each)
        return {first.hexdigest(), each.hexdigest()}


def _take(block: bytes, text: bool | None, first: hashlib._Hash, each: hashlib._Hash) -> bool:
    """Feed one block to both; returns whether the file's first block was text."""
    here = is_text(block)
    text = here if text is None else text
    plain = block.replace(b"\r\n", b"\n") if text or here else block
    first.update(plain if text else block)
    each.update(plain if here else block)
    return text
