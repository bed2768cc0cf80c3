"""One answer: what was found, whether that will do, and what to do if not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dataops.repo.git import Git

State = Literal["ok", "warn", "fail", "unknown"]


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    name: str
    state: State
    """unknown: it can't be seen from here."""
    found: str
    fix: str = ""
    """The command, or the words, that put it right."""


@dataclass(frozen=True)
class Place:
    """Where the questions are asked."""

    folder: Path
    root: Path | None
    """The DVC repository around it."""
    git: Git | None
    """The git repository around it."""
