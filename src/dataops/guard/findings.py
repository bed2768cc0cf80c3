"""What a rule finds: where, what, and the commands that mend it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One place that breaks a rule. Paths count from the DVC root."""

    path: str
    what: str
    """In half a sentence, after the path."""
    fix: tuple[str, ...] = ()
    """Commands for a shell in the DVC root, in order; a line that begins with `#` is said between them."""

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"path": self.path, "what": self.what, "fix": list(self.fix)}


def quoted(*words: str) -> str:
    """A command line for a POSIX shell. Put `--` before paths where the program knows that."""
    return shlex.join(words)


def named(names: Iterable[str], most: int = 3) -> str:
    """The first few of them, and how many more."""
    listed = sorted(names)
    more = f" and {len(listed) - most:,} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def size(count: float) -> str:
    """Bytes for people."""
    return (
        f"{count:,.0f} byte{'s' * (count != 1)}"
        if count < 1000
        else f"{count / 1e3:,.1f} kB"
        if count < 1e6
        else f"{count / 1e6:,.1f} MB"
    )
