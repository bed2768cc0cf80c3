"""Git's merge driver for what DVC records: three files in, one out, written in one step."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dataops import files
from dataops.errors import DataOpsError
from dataops.guard.hooks.hookscript import MERGED_LIST
from dataops.guard.merge import mergedvc, mergelock
from dataops.guard.merge.mergelock import Merged
from dataops.repo import git as gits
from dataops.repo import root


@dataclass(frozen=True)
class Sides:
    """Git's three temporary files; the result replaces `our`."""

    ancestor: Path
    our: Path
    their: Path


def merge(top: Path, sides: Sides, path: str, *, virtual: bool = False) -> Merged:
    """Merge `path` (from git's top) and write the result.

    Raises:
        DataOpsError: a side is broken, or it is no file of DVC's: nothing is written, and git's text merge is left.
    """
    contents = [one.read_bytes() for one in (sides.ancestor, sides.our, sides.their)]
    try:
        merged = _merged(top, contents, path, virtual=virtual)
    except DataOpsError as error:
        raise DataOpsError(f"{path} is merged as text, line by line: {error.message}", error.hint) from None
    if merged.content != contents[1]:
        files.write_bytes(sides.our, merged.content)
        if path.endswith(".dvc") and not virtual:
            _note(top, path)
    return merged


def _merged(top: Path, contents: list[bytes], path: str, *, virtual: bool) -> Merged:
    ancestor, our, their = contents
    if Path(path).name == "dvc.lock":
        return mergelock.merge(ancestor, our, their, path, virtual=virtual)
    if not path.endswith(".dvc"):
        raise DataOpsError("it is neither a dvc.lock nor a .dvc file", "see .gitattributes")
    where = gits.of(top).folder / path
    return mergedvc.merge(root.find(where.parent), ancestor, our, their, path, virtual=virtual)


def _note(top: Path, path: str) -> None:
    """Have the data checked out when git has written the record (the hook post-index-change)."""
    git = gits.of(top)
    with (git.folder / git.out("rev-parse", "--git-dir") / MERGED_LIST).open("ab") as file:
        file.write(os.fsencode(path) + b"\n")
