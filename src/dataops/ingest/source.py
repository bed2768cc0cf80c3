"""What every source gives: files to take, and words about them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from dataops.ingest.batches import Batch


@dataclass(frozen=True)
class Incoming:
    """A file that a source offers: where it lies now and what it is to be called."""

    name: str  # relative, as the source has it; sanitised later
    path: Path | None  # None in a dry run, when it was not fetched
    size: int | None = None  # known before it is fetched
    etag: str | None = None
    count: int | None = None  # rows, when the source knows


@dataclass
class Taken:
    """What a source has to offer this time."""

    description: str  # printable, never with a secret
    files: list[Incoming] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)  # names of files that are no data
    unchanged: int = 0  # files that need no look, as the landing has them
    warnings: list[str] = field(default_factory=list)
    detail: dict[str, Any] = field(default_factory=dict)  # for batch.json
    received: dt.datetime | None = None  # when the source itself decides


def silent(_done: int, _total: int | None, _what: str) -> None:
    """No progress shown."""


@dataclass(frozen=True)
class Context:
    """What a source may know and use."""

    work: Path  # an empty folder for what it fetches, on the landing's file system
    existing: list[Batch]  # empty with --replace
    dry_run: bool = False
    progress: Callable[[int, int | None, str], None] = silent  # done, total, what


class Taker(Protocol):
    """A source: files, sample, s3, http."""

    @property
    def kind(self) -> str:
        """Its name in batch.json."""

    def take(self, context: Context) -> Taken:
        """Fetch what is offered into `context.work` (files that lie elsewhere stay there)."""
