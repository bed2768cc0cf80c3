"""Where the repository is."""

from __future__ import annotations

import itertools
import os
import shlex
from pathlib import Path

from dataops.errors import DataOpsError

MOST = 5  # repositories below that are named


def find(start: Path | None = None) -> Path:
    """The nearest folder at or above `start` (default: here) that holds .dvc/config.

    Raises:
        DataOpsError: there is none.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / ".dvc" / "config").is_file():
            return folder
    raise outside(start)


def outside(start: Path) -> DataOpsError:
    """What to say of a folder in no DVC repository: where below it there is one, as `dvc init --subdir` makes it."""
    found = (config for depth in ("*", "*/*") for config in start.glob(f"{depth}/.dvc/config"))
    below = sorted(str(config.parent.parent.relative_to(start)) for config in itertools.islice(found, MOST))
    told = f"there is one below: cd {', or '.join(map(shlex.quote, below))}" if below else ""
    hint = told or "cd into the repository, or run `dvc init`"
    return DataOpsError(f"{start} is not inside a DVC repository", hint)


def enter() -> Path:
    """Make the repository's root the working directory, as every path in dvc.yaml is relative to it."""
    root = find()
    os.chdir(root)
    return root
