"""What is sent: the entry point and only what it imports, and the pins. The same files are one bundle."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from modulefinder import ModuleFinder
from pathlib import Path

from dataops.archive import DAMAGED, packed
from dataops.errors import DataOpsError, Refused
from dataops.store.copy import Destination

SOURCES = Path("src")
PINS = Path("requirements/image.txt")
INSTALLED = "requirements.txt"  # AWS's toolkit installs a file of this name
NAME = "sourcedir.tar.gz"


@dataclass(frozen=True)
class Bundle:
    """Files by their name in the archive, and which of them is run."""

    files: Mapping[str, bytes]
    program: str

    @cached_property
    def digest(self) -> str:
        """SHA-256 of names and contents: how an archive is compressed depends on the machine, so that isn't in it."""
        named = {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()}
        return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()

    @property
    def key(self) -> str:
        """Where it lies below the folder of sources."""
        return f"{self.digest}/{NAME}"


def collect(entry: Path, sources: Path = SOURCES, pins: Path = PINS) -> Bundle:
    """The bundle of an entry point below `sources`: it, the modules of `sources` that it imports, and the pins.

    Raises:
        DataOpsError: a file is missing, or can't be compiled.
    """
    top, entry = sources.resolve(), entry.resolve()
    finder = ModuleFinder([str(top)])
    try:
        finder.run_script(str(entry))
        modules = (getattr(module, "__file__", None) for module in finder.modules.values())
        found = {Path(file).resolve() for file in modules if file} | {entry}
        files = {path.relative_to(top).as_posix(): path.read_bytes() for path in found}
        files[INSTALLED] = pins.read_bytes()
    except SyntaxError as error:
        where = os.path.relpath(error.filename or entry)
        raise DataOpsError(f"{where}, line {error.lineno}: {error.msg}", "such a file can't be sent") from None
    except FileNotFoundError as error:
        raise DataOpsError(f"{error.filename} is missing", "`git checkout HEAD -- FILE` brings a file back") from None
    return Bundle(dict(sorted(files.items())), entry.relative_to(top).as_posix())


def send(bundle: Bundle, there: Destination) -> None:
    """Have the bundle's archive at its key; one that is there must hold the same files.

    Raises:
        Refused: it holds others.
        DataOpsError: S3 won't.
    """
    found = there.content(bundle.key)
    if found is None:
        with contextlib.suppress(Refused):  # somebody has just been first, and their machine compresses otherwise
            there.put(packed(bundle.files), bundle.key, "application/gzip")
        found = there.content(bundle.key)
    if found is None or _unpacked(found) != bundle.files:
        raise Refused(f"{there.uri(bundle.key)} has other files than its name says", "delete it: somebody changed it")


def _unpacked(content: bytes) -> Mapping[str, bytes] | None:
    """The files of an archive; None where it is damaged."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as opened:
            files = {member.name: opened.extractfile(member) for member in opened.getmembers()}
            return {name: file.read() for name, file in files.items() if file is not None}
    except DAMAGED:
        return None
