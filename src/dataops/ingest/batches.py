"""What data/landing holds: immutable batches, one folder each, described by their batch.json. Imports little."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError, field_validator

from dataops.checked import Checked
from dataops.errors import DataOpsError

LANDING = Path("data/landing")
MANIFEST = "batch.json"
DEPTH = 4  # YYYY/MM/DD/<sequence>-<hash>
CHUNK = 1 << 20


class File(Checked):
    """One source file, byte for byte as it came."""

    name: str  # relative to the batch's folder
    bytes: int
    sha256: str
    rows: int | None = None
    etag: str | None = None  # of an S3 object


class Source(Checked):
    """Where a batch came from; never a secret."""

    kind: str
    description: str
    detail: dict[str, Any] = {}


class Manifest(Checked):
    """batch.json."""

    format: int = 1
    sequence: int
    source: Source
    ingested_at: str  # UTC, ISO 8601, seconds
    files: list[File]
    columns: list[str]

    @field_validator("format")
    @classmethod
    def _known(cls, value: int) -> int:
        if value != 1:
            raise ValueError(f"format {value} is newer than this dataops; update it")
        return value

    @field_validator("ingested_at")
    @classmethod
    def _utc(cls, value: str) -> str:
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value):
            raise ValueError(f"must be like 2024-01-31T06:00:00Z (found {value!r})")
        return value


@dataclass(frozen=True)
class Batch:
    """A folder of data/landing and its manifest."""

    folder: Path
    manifest: Manifest

    @property
    def sequence(self) -> int:
        """Later batches have greater numbers, whatever the clocks said."""
        return self.manifest.sequence

    @property
    def paths(self) -> list[Path]:
        """Its data files, in the order they were taken."""
        return [self.folder / file.name for file in self.manifest.files]


def batches(landing: Path = LANDING) -> list[Batch]:
    """All batches, oldest first: by sequence, then time, then path. No landing: no batches.

    Raises:
        DataOpsError: a manifest is unreadable or malformed, a file that it names is missing or of another size, or a
            file belongs to no batch. Nothing is skipped: a batch not seen would be data lost in silence.
    """
    folders: dict[Path, set[str]] = {}
    for path in walk(landing):
        parts = path.relative_to(landing).parts
        if len(parts) <= DEPTH:
            raise DataOpsError(f"{path} belongs to no batch", "move it away; `dataops ingest FILE` makes a batch of it")
        folder = landing.joinpath(*parts[:DEPTH])
        folders.setdefault(folder, set()).add("/".join(parts[DEPTH:]))
    found = [_checked(folder, names) for folder, names in folders.items()]
    return sorted(found, key=lambda batch: (batch.sequence, batch.manifest.ingested_at, batch.folder.as_posix()))


def walk(landing: Path) -> list[Path]:
    """Every file below `landing`, sorted; a linked folder is an error, as DVC would not record what it holds."""
    result: list[Path] = []
    for where, folders, files in os.walk(landing):
        for name in folders:
            if Path(where, name).is_symlink():
                raise DataOpsError(
                    f"{Path(where, name)} is a link to a folder", "move it away; batches are plain files"
                )
        result.extend(Path(where, name) for name in files)
    return sorted(result)


def read_batch(folder: Path) -> Batch:
    """One batch.

    Raises:
        DataOpsError: its batch.json is missing, unreadable or malformed.
    """
    path = folder / MANIFEST
    hint = "restore it with `dvc checkout data/landing.dvc`, or move the folder away"
    try:
        return Batch(folder, Manifest.model_validate(json.loads(path.read_text(encoding="utf-8"))))
    except FileNotFoundError:
        raise DataOpsError(f"{folder} has no {MANIFEST}: it is no batch", hint) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DataOpsError(f"{path} is malformed: {where}: {first['msg']}", hint) from None
    except (OSError, ValueError) as error:
        raise DataOpsError(f"{path} cannot be read: {error}", hint) from None


def folder_name(manifest: Manifest) -> Path:
    """Where a batch goes below the landing: its date, its sequence, the first digits of its content's hash."""
    digest = hashlib.sha256()
    for file in sorted(manifest.files, key=lambda file: file.name):
        digest.update(f"{file.sha256}  {file.name}\n".encode())
    year, month, day = manifest.ingested_at[:10].split("-")
    return Path(year, month, day, f"{manifest.sequence:04d}-{digest.hexdigest()[:8]}")


def next_sequence(existing: Iterable[Batch]) -> int:
    """One more than the greatest."""
    return 1 + max((batch.sequence for batch in existing), default=0)


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked(folder: Path, names: set[str]) -> Batch:
    batch = read_batch(folder)
    if not folder.name.startswith(f"{batch.sequence:04d}-"):
        raise DataOpsError(f"{folder / MANIFEST} says sequence {batch.sequence}, which is not its folder's")
    listed = {file.name: file.bytes for file in batch.manifest.files}
    hint = "restore the batch with `dvc checkout data/landing.dvc`, or move what doesn't belong there away"
    for name in sorted(names - {MANIFEST} - set(listed)):
        raise DataOpsError(f"{folder / name} belongs to no batch: {MANIFEST} doesn't name it", hint)
    for name, size in listed.items():
        if name not in names:
            raise DataOpsError(f"{folder / name} is missing", hint)
        if (folder / name).stat().st_size != size:
            raise DataOpsError(f"{folder / name} is not of the size that {MANIFEST} says", hint)
    return batch
