"""Objects as DVC keeps them, on a remote or in a cache, and what every kind of remote can do with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, Self

from dataops.errors import DataOpsError, Refused

LEGACY = "md5-dos2unix"  # DVC 2: other layout, and text hashed with CRLF made LF
DIGEST = re.compile(r"[0-9a-f]{32}(\.dir)?")
KEY = re.compile(r"(files/md5/)?([0-9a-f]{2})/([0-9a-f]{30}(?:\.dir)?)")
BLOCK = 1 << 20  # bytes handed on at once

Progress = Callable[[int, int | None, str], None]  # done, total, what


def silent(_done: int, _total: int | None, _what: str) -> None:
    """No progress shown."""


@dataclass(frozen=True)
class Object:
    """Some bytes, named by their hash.

    Raises:
        DataOpsError: the digest is none, or is of a kind that no store of DVC's keeps (an ETag, say).
    """

    digest: str
    algorithm: str = "md5"
    size: int | None = None

    def __post_init__(self) -> None:
        if self.algorithm not in ("md5", LEGACY):
            raise DataOpsError(
                f"{self.digest[:60]!r} is recorded by its {self.algorithm}, so no remote of DVC's has it",
                "it is external data; `dvc import-url` or `dvc add` would keep a copy",
            )
        if not DIGEST.fullmatch(self.digest):
            raise DataOpsError(f"{self.digest[:60]!r} is no md5", "was dvc.lock edited by hand?")

    @property
    def is_folder(self) -> bool:
        """Whether it is the list of a folder's files."""
        return self.digest.endswith(".dir")

    @property
    def keys(self) -> tuple[str, ...]:
        """Where it may lie below the remote's URL, its own layout first; what DVC 2 recorded may lie in either."""
        old = f"{self.digest[:2]}/{self.digest[2:]}"
        return (old, f"files/md5/{old}") if self.algorithm == LEGACY else (f"files/md5/{old}",)


def object_of(key: str, size: int | None = None) -> Object | None:
    """The object that lies at `key` (relative to the remote's URL), None where that is no key of DVC's."""
    found = KEY.fullmatch(key)
    return Object(found[2] + found[3], "md5" if found[1] else LEGACY, size) if found else None


@dataclass(frozen=True)
class Head:
    """What a remote says of an object without giving its bytes."""

    size: int
    etag: str | None = None  # without quotes
    checksums: Mapping[str, str] = field(default_factory=dict)  # "SHA256": base64, as S3 gives it
    modified: datetime | None = None
    multipart: bool = False
    encryption: str | None = None  # "AES256", "aws:kms", "SSE-C", …
    key: str = ""  # where it was found, relative to the remote's URL
    composite: bool = False  # the checksums are of the parts' checksums


class Body(Iterator[bytes]):
    """An object's bytes as they come, and how large the remote says that the whole object is."""

    def __init__(self, blocks: Iterator[bytes], total: int | None) -> None:
        self.total = total
        self._blocks = blocks

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        return next(self._blocks)


class Store(Protocol):
    """A remote. Whatever keeps it from answering is a DataOpsError of one line."""

    url: str
    kind: str  # "s3", "folder", "http", or "none" where nothing can be reached

    def head(self, obj: Object) -> Head | None:
        """What is said of the object; None where it is missing."""

    def read(self, obj: Object, start: int = 0, end: int | None = None) -> Body:
        """Its bytes from `start` up to but without `end`.

        Raises:
            MissingObjectError: it isn't there.
        """

    def put(self, obj: Object, path: Path) -> None:
        """Store the content of `path`, which the caller has verified; replaces what is there."""

    def delete(self, objs: Sequence[Object]) -> None:
        """Remove these from the layout of their algorithm, never a namesake in the other; a missing one is fine."""

    def listing(self) -> Iterator[tuple[Object, Head]]:
        """Every object of DVC's layouts; other keys are passed over."""

    def uri(self, obj: Object) -> str:
        """Its address."""


class MissingObjectError(Refused):
    """The remote doesn't have the object."""

    def __init__(self, store_url: str, obj: Object, what: str = "") -> None:
        named = f"{what} ({obj.digest})" if what else f"object {obj.digest}"
        super().__init__(f"{store_url} has no {named}", "whoever made it can still `dvc push` it")
        self.obj = obj


class BrokenReadError(DataOpsError):
    """The bytes stopped coming, or the server failed over this object: worth another try."""


class NoStore:
    """Stands where a remote can't be used: everything in the cache still works, and the rest says why not."""

    kind = "none"

    def __init__(self, url: str, message: str, hint: str) -> None:
        self.url = url
        self._said = (message, hint)

    def refusal(self, *_: object) -> DataOpsError:
        """Why not, and what to do."""
        return DataOpsError(*self._said)

    def head(self, obj: Object) -> Head | None:
        """Never."""
        raise self.refusal(obj)

    def read(self, obj: Object, start: int = 0, end: int | None = None) -> Body:
        """Never."""
        raise self.refusal(obj, start, end)

    def put(self, obj: Object, path: Path) -> None:
        """Never."""
        raise self.refusal(obj, path)

    def delete(self, objs: Sequence[Object]) -> None:
        """Never."""
        raise self.refusal(objs)

    def listing(self) -> Iterator[tuple[Object, Head]]:
        """Never."""
        raise self.refusal()

    def uri(self, obj: Object) -> str:
        """Never."""
        raise self.refusal(obj)
