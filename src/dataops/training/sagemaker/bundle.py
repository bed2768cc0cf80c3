"""What is sent: the entry point and only what it imports, and the pins. The same files are one bundle."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
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

    Modules beside the entry point are found by their bare names, too, as Python finds them for a script.

    Raises:
        DataOpsError: a file or a module of `sources` is missing, or is no Python.
    """
    top, entry = sources.resolve(), entry.resolve()
    try:
        files = {path.relative_to(top).as_posix(): content for path, content in _with_imports(entry, top).items()}
        files[INSTALLED] = pins.read_bytes()
    except SyntaxError as error:
        where = os.path.relpath(error.filename or entry)
        line = f", line {error.lineno}" if error.lineno else ""
        raise DataOpsError(f"{where}{line}: {error.msg}", "such a file can't be sent") from None
    except ImportError as error:
        raise DataOpsError(f"{os.path.relpath(str(error.path))}: {error.msg}", "it would fail in the job") from None
    except FileNotFoundError as error:
        raise DataOpsError(f"{error.filename} is missing", "`git checkout HEAD -- FILE` brings a file back") from None
    return Bundle(dict(sorted(files.items())), entry.relative_to(top).as_posix())


def _with_imports(entry: Path, top: Path) -> dict[Path, bytes]:
    """The entry point and the files below `top` that it imports, or that those import.

    Not the standard library's modulefinder: it fails on a package without __init__.py, which Python imports.

    Raises:
        ImportError: what would be imported isn't there.
    """
    found: dict[Path, bytes] = {}
    waiting = [entry]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = path.read_bytes()
            package = None if path == entry else path.relative_to(top).parent
            for module, name in _imported(ast.parse(found[path], str(path)), package, path):
                root = next((root for root in (entry.parent, top) if _is_module(root / module[0])), None)
                if root is not None:  # else it is an installed package
                    _require_there(root, module, name, path)
                    waiting += _files(root, (*module, name) if name else module)
    return found


def _imported(tree: ast.AST, package: Path | None, path: Path) -> Iterator[tuple[tuple[str, ...], str]]:
    """What a file of this package asks for anywhere, also inside a function: a module, and a name out of it or ""."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((tuple(alias.name.split(".")), "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level and package is None:
                told = f"`from {'.' * node.level}…` in a script; write `from {path.parent.name} import …`"
                raise ImportError(told, path=str(path))
            start = package.parts[: len(package.parts) + 1 - node.level] if node.level and package else ()
            module = (*start, *(node.module.split(".") if node.module else ()))
            yield from ((module, alias.name) for alias in node.names if module)


def _is_module(place: Path) -> bool:
    """Whether Python would import something of that path without its suffix."""
    return place.is_dir() or place.with_name(f"{place.name}.py").is_file()


def _require_there(root: Path, module: tuple[str, ...], name: str, path: Path) -> None:
    """The module is there, and so is a name out of a package: as a module, or written in its __init__.py.

    Raises:
        ImportError: it isn't.
    """
    place = root.joinpath(*module)
    init = place / "__init__.py"
    there = _is_module(place)
    if there and name and init.is_file() and not _is_module(place / name):
        text = init.read_text(errors="replace")
        there = name == "*" or "import *" in text or bool(re.search(rf"\b({name}|__getattr__)\b", text))
    if not there:
        raise ImportError(f"imports {'.'.join(filter(None, (*module, name)))}, which is not there", path=str(path))


def _files(root: Path, name: tuple[str, ...]) -> Iterator[Path]:
    """The files that importing a module runs: its own, and the __init__.py of every package on the way."""
    for length in range(1, len(name) + 1):
        place = root.joinpath(*name[:length])
        if (init := place / "__init__.py").is_file():
            yield init
        elif (module := place.with_name(f"{place.name}.py")).is_file():
            yield module


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
