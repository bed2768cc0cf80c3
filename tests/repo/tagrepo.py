"""A small git repository for tests of tags: real git, times under control."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import warm

from dataops.repo.git import Git


@dataclass
class TagRepo:
    """A repository and the way to fill it."""

    path: Path
    clock: int = 1_700_000_000

    @property
    def git(self) -> Git:
        """As the package sees it."""
        return Git(self.path)

    def run(self, *command: str, at: int | None = None) -> str:
        """Run a program in it at a time of day that never runs backwards."""
        self.clock = self.clock + 1 if at is None else at
        zone = {f"GIT_{who}_DATE": f"{self.clock} +0100" for who in ("AUTHOR", "COMMITTER")}
        names = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
                 for what, value in (("NAME", "Tess Ter"), ("EMAIL", "tess@example.com"))}  # fmt: skip
        kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        environment = {**kept, **zone, **names, "DVC_NO_ANALYTICS": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
        done = warm.run(command, self.path, environment)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def commit(self, message: str = "x", **files: str) -> str:
        """Write files, commit everything; the commit's id."""
        for name, content in files.items():
            self.write(name, content)
        self.run("git", "add", "-A")
        self.run("git", "commit", "-q", "--allow-empty", "-m", message)
        return self.run("git", "rev-parse", "HEAD")

    def write(self, name: str, content: str | bytes) -> None:
        """One file."""
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())

    def tag(self, name: str, commit: str = "HEAD", message: str = "told", at: int | None = None) -> None:
        """An annotated tag."""
        self.run("git", "tag", "-a", "-m", message, name, commit, at=at)

    def dvc(self, *arguments: str) -> str:
        """Real DVC."""
        return self.run(sys.executable, "-m", "dvc", "-q", *arguments)


def plant(folder: Path) -> TagRepo:
    """An empty repository."""
    folder.mkdir(parents=True, exist_ok=True)
    repo = TagRepo(folder)
    repo.run("git", "init", "-q", "-b", "main")
    return repo
