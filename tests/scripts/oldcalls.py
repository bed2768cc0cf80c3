"""Calls of the predecessors' commands as their jobs make them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from toy import TEMPLATE, Toy

SCRIPTS = TEMPLATE / "scripts"


@dataclass
class Old(Toy):
    """A checkout, and the files of a job beside it."""

    bucket: str = ""

    @property
    def elsewhere(self) -> Path:
        """Where the job makes its files."""
        return self.path.parent / "elsewhere"

    @property
    def given(self) -> list[str]:
        """Its files, in the order that people name them."""
        return [str(self.elsewhere / f"{name}.csv") for name in ("train", "validation", "test")]

    def files(self, **texts: str) -> None:
        """Make some."""
        self.elsewhere.mkdir(exist_ok=True)
        for name, text in texts.items():
            (self.elsewhere / f"{name}.csv").write_text(text)

    def script(
        self, name: str, *words: str, status: int | None = 0, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a script; it names the new command once, and never shows a traceback."""
        done = self.run(sys.executable, str(SCRIPTS / name), *words, status=status, **environment)
        assert "Traceback" not in done.stderr
        if "usage:" not in done.stderr:
            assert done.stderr.count(f"{name}: now ") == 1, done.stderr
        return done

    def state(self) -> tuple[str, ...]:
        """Everything that a refused call must not change: work tree, refs here and there, and stored objects."""
        return (
            self.out("git", "status", "--porcelain", "--untracked-files=all"),
            self.out("git", "for-each-ref"),
            self.out("git", "-C", str(self.origin), "for-each-ref"),
            self.out("git", "rev-parse", "HEAD"),
            "\n".join(sorted(map(str, (self.path / ".dvc/cache").rglob("*")))),
        )
