"""Where the repository is."""

from __future__ import annotations

import os
from pathlib import Path

from dataops.errors import DataOpsError


def find(start: Path | None = None) -> Path:
    """The nearest folder at or above `start` (default: here) that holds .dvc/config.

    Raises:
        DataOpsError: there is none.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / ".dvc" / "config").is_file():
            return folder
    raise DataOpsError(f"{start} is not inside a DVC repository", "cd into the repository, or run `dvc init`")


def enter() -> Path:
    """Make the repository's root the working directory, as every path in dvc.yaml is relative to it."""
    root = find()
    os.chdir(root)
    return root
