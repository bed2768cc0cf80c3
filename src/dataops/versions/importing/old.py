"""What an import starts from: a version as the scripts before kept it, wherever that was."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from dataops.repo.tags import Bump


@dataclass(frozen=True)
class Stated:
    """What a metadata.json says of a file; what it doesn't say is None, or empty."""

    size: int | None = None
    digest: str = ""
    """Hexadecimal: an md5 has 32 digits, a SHA-256 has 64."""
    rows: int | None = None
    columns: Mapping[str, str] | None = None
    """Name to type; a type that isn't stated is empty."""


@dataclass(frozen=True)
class OldFile:
    """One file of a version."""

    path: str
    """Below the version."""
    size: int
    place: str
    """Where its bytes are: an address on S3, or a path here."""
    etag: str = ""
    """S3's own; the same in two places means the same bytes."""
    stated: Stated = Stated()

    @property
    def same_as(self) -> tuple[str, int]:
        """Equal for files of the same content, as far as that is known without reading them."""
        return self.etag or self.stated.digest or self.place, self.size


@dataclass(frozen=True)
class Old:
    """One version of one artifact."""

    artifact: str
    kind: str
    """`dataset` or `model`."""
    name: str
    time: dt.datetime
    """When it was made, in UTC."""
    source: str
    """Its address, for people."""
    files: tuple[OldFile, ...]
    single: bool = False
    """A file, not a folder of files."""
    author: str = ""
    """Who uploaded it, where that is known."""
    message: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)
    """Its metadata.json, made harmless."""
    raw: bytes = b""
    """The same as it was."""
    damage: tuple[str, ...] = ()
    """What is wrong with it, each in a line; it is imported only if somebody says so."""
    hopeless: str = ""
    """Why it can't be imported whatever anybody says."""
    data: str = ""
    """Of a model: the old name of the dataset's version that it was trained on."""
    training: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Mapping[str, Any] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """As `--allow-damaged` takes it, too."""
        return f"{self.artifact}@{self.name}"

    def among(self, names: Set[str]) -> bool:
        """Is it named, in full or by its old name alone?"""
        return not names.isdisjoint((self.name, self.full_name))

    @property
    def bytes(self) -> int:
        """All files together."""
        return sum(file.size for file in self.files)


class Source(Protocol):
    """Where old versions lie."""

    def copy(self, file: OldFile, target: Path) -> None:
        """Write a file's bytes to `target`.

        Raises:
            DataOpsError: they can't be had.
        """


def step(before: Old | None, now: Old) -> Bump:
    """The kind of change as far as the two documents tell, by the rules that `versions.changes` has for data.

    A column removed or retyped is major. The same files with the same rows and columns, or the very same bytes, are a
    patch. All else is minor, also where nothing is known.
    """
    if before is None:
        return "minor"
    if {file.path: file.same_as for file in before.files} == {file.path: file.same_as for file in now.files}:
        return "patch"
    old, new = ({file.path: file.stated for file in one.files} for one in (before, now))
    pairs = [(old[path], new[path]) for path in old.keys() & new.keys()]
    columns = [(a.columns, b.columns) for a, b in pairs if a.columns is not None and b.columns is not None]
    if any(_taken_away(a, b) for a, b in columns):
        return "major"
    same_rows = all(a.rows is not None and a.rows == b.rows for a, b in pairs)
    known = len(columns) == len(pairs) and old.keys() == new.keys()
    return "patch" if known and same_rows and all(a.keys() == b.keys() for a, b in columns) else "minor"


def _taken_away(old: Mapping[str, str], new: Mapping[str, str]) -> bool:
    return any(name not in new or (kind and new[name] and new[name] != kind) for name, kind in old.items())


def distinct(olds: Sequence[Old]) -> Iterator[OldFile]:
    """One file of each content."""
    yield from {file.same_as: file for old in olds for file in old.files}.values()
