"""Which line of which .gitignore hides a path, and how to take it out."""

from __future__ import annotations

import os
import posixpath
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from dataops.guard.findings import quoted
from dataops.repo.git import LOSSLESS, Git


@dataclass(frozen=True)
class Line:
    """One line of a file of patterns."""

    file: str
    """Relative to the folder that was asked for, or absolute."""
    number: int
    pattern: str

    @property
    def removal(self) -> tuple[str, ...]:
        """The commands that take it out, of the commit, too, where the file is git's.

        They leave an empty line: several may be run, or one twice, and every number still means the same line.
        """
        inplace = ("-i", "") if sys.platform == "darwin" else ("-i",)
        edit = quoted("sed", *inplace, f"{self.number}s/.*//", self.file)
        own = posixpath.basename(self.file) != ".gitignore" or self.file.startswith("/")
        return (edit,) if own else (edit, quoted("git", "add", "--", self.file))


def hiding(git: Git, folder: str, paths: Sequence[str]) -> dict[str, Line]:
    """Of the paths below `folder` those that a pattern hides, whether git tracks them or not."""
    if not paths:
        return {}
    given = "".join(f"{path}\0" for path in paths).encode(errors=LOSSLESS)
    done = git.done("-C", folder or ".", "check-ignore", "--no-index", "-v", "-z", "--stdin", stdin=given)
    words = [os.fsdecode(word) for word in done.stdout.split(b"\0")[:-1]]
    rows = zip(words[::4], words[1::4], words[2::4], words[3::4], strict=False)
    top = os.path.relpath(git.folder, git.folder / folder)
    return {
        path: Line(posixpath.normpath(posixpath.join(top, file)), int(number), pattern)
        for file, number, pattern, path in rows
        if file and not pattern.startswith("!")
    }
