"""What a .dvc file records, read without importing DVC; fetching and recording by calling it."""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dataops.errors import DataOpsError
from dataops.files import SCRATCH
from dataops.store import dvccommand


@dataclass(frozen=True)
class Recorded:
    """The one output of a .dvc file."""

    pointer: Path  # relative to the root
    md5: str  # ends with .dir for a folder


def read(root: Path, target: Path) -> Recorded | None:
    """What `target`.dvc records; None when the target was never recorded.

    Raises:
        DataOpsError: the file is malformed (a merge conflict?), of DVC 2, or git has it and the work tree doesn't.
    """
    pointer = target.with_name(target.name + ".dvc")
    restore = f"`git checkout HEAD -- {pointer}` brings the recorded one back"
    try:
        value: Any = yaml.safe_load((root / pointer).read_bytes())
    except FileNotFoundError:
        if _in_head(root, pointer):
            raise DataOpsError(f"{pointer} is in git but was deleted here", restore) from None
        return None
    except (yaml.YAMLError, OSError, UnicodeDecodeError):
        raise DataOpsError(f"{pointer} cannot be read: is it in a merge conflict?", restore) from None
    try:
        out = value["outs"][0]
        md5, algorithm = str(out["md5"]), out.get("hash")
    except (KeyError, TypeError, IndexError, AttributeError):
        raise DataOpsError(f"{pointer} records nothing", restore) from None
    if algorithm != "md5" or not re.fullmatch(r"[0-9a-f]{32}(\.dir)?", md5):
        raise DataOpsError(f"{pointer} was not written by DVC 3", f"record it again with `dvc add {target}`")
    return Recorded(pointer, md5)


def folder_hash(files: dict[str, str]) -> str:
    """The hash DVC gives a folder of these files (relative path: md5)."""
    entries = [{"md5": files[path], "relpath": path} for path in sorted(files)]
    return hashlib.md5(json.dumps(entries, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"


def md5(path: Path) -> str:
    """The md5 of a file's content, which is its name in DVC's cache."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


class Cache:
    """DVC's local cache: where an object is, and bringing missing ones from the remote."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = _configured(root)

    def path(self, digest: str) -> Path:
        """Where the object is, when it is there."""
        return self.folder / "files" / "md5" / digest[:2] / digest[2:]

    def ensure(self, recorded: Recorded) -> dict[str, str] | None:
        """Have what `recorded` names in the cache: the files of a folder (path: md5), None for a single file.

        Raises:
            DataOpsError: something is neither in the cache nor on the remote.
        """
        if not self._complete(recorded):
            reason = ""
            try:
                self.folder = Path(dvccommand.dvc(self.root, "cache", "dir").strip() or self.folder)
                if not self._complete(recorded):
                    dvccommand.dvc(self.root, "fetch", "-q", str(recorded.pointer))
            except DataOpsError as error:
                reason = f": {error.message}"
            missing = self._missing(recorded)
            if missing:
                raise DataOpsError(
                    f"{recorded.pointer} records data that is neither here nor in the cache nor on the remote "
                    f"({len(missing)} object{'s' * (len(missing) > 1)}, as {missing[0]}){reason}",
                    f"check the remote with `dvc pull {recorded.pointer}`; recording now would lose what was recorded",
                )
        return self._files(recorded)

    def copy(self, digest: str, target: Path) -> None:
        """Put an object where it belongs, in one step.

        Raises:
            DataOpsError: the cache's copy is damaged.
        """
        scratch = self.root / SCRATCH
        scratch.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=scratch, prefix="ingest-restore-")
        running = hashlib.md5(usedforsecurity=False)
        try:
            with os.fdopen(handle, "wb") as out, self.path(digest).open("rb") as source:
                while block := source.read(1 << 20):
                    running.update(block)
                    out.write(block)
            if running.hexdigest() != digest:
                raise DataOpsError(
                    f"the cache's copy of {target} is damaged", f"delete {self.path(digest)} and run this again"
                )
            Path(name).chmod(0o644)
            target.parent.mkdir(parents=True, exist_ok=True)
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)

    def _files(self, recorded: Recorded) -> dict[str, str] | None:
        if not recorded.md5.endswith(".dir"):
            return None
        path = self.path(recorded.md5)
        try:
            entries = {entry["relpath"]: entry["md5"] for entry in json.loads(path.read_bytes())}
        except (ValueError, KeyError, TypeError):
            entries = {}
        if folder_hash(entries) != recorded.md5:
            raise DataOpsError(
                f"the cache's list of {recorded.pointer} is damaged", f"delete {path} and run this again"
            )
        return entries

    def _missing(self, recorded: Recorded) -> list[str]:
        if not self.path(recorded.md5).exists():
            return [recorded.md5]
        return [digest for digest in (self._files(recorded) or {}).values() if not self.path(digest).exists()]

    def _complete(self, recorded: Recorded) -> bool:
        return not self._missing(recorded)


def _configured(root: Path) -> Path:
    """cache.dir of .dvc/config.local or .dvc/config, else the default; `ensure` asks DVC before giving up."""
    for name in ("config.local", "config"):
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read(root / ".dvc" / name)
        except configparser.Error:
            continue
        value = parser.get("cache", "dir", fallback=None)
        if value:
            return (root / ".dvc" / Path(value).expanduser()).resolve()
    return root / ".dvc" / "cache"


def _in_head(root: Path, path: Path) -> bool:
    try:
        done = subprocess.run(
            ["git", "cat-file", "-e", f"HEAD:./{path.as_posix()}"], cwd=root, capture_output=True, check=False
        )
    except OSError:
        return False
    return done.returncode == 0
