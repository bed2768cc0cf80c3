"""This working tree as a repository of its own, and the way a person works in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
# what `make repro` made here, perhaps committed since: records of data that a planted repository hasn't
MADE = re.compile(r"dvc\.lock|data/.*\.dvc|reports/(?!drift_reference\.json$|\.gitignore$).*")
SMALL = ("--stores", "3", "--products", "6", "--until", "2024-11-30")


@dataclass
class Repo:
    """A checkout and the way a person works in it."""

    path: Path

    def run(self, *command: str, status: int | None = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one command as a shell would find it; fails the test when the exit status is another."""
        done = subprocess.run(
            command, cwd=self.path, env=clean(environment), capture_output=True, text=True, check=False
        )
        if status is not None:
            assert done.returncode == status, f"{' '.join(command)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def out(self, *command: str) -> str:
        """What the command prints."""
        return self.run(*command).stdout.strip()

    def commit(self, message: str) -> None:
        """Commit what the pipeline recorded."""
        self.run("git", "add", "-A")
        self.run("git", "commit", "-qm", message)


def clean(environment: dict[str, str]) -> dict[str, str]:
    """This environment's programs, nobody's settings: no PYTHONPATH, no AWS_*, no pytest variables."""
    kept = {name: value for name, value in os.environ.items() if name in ("HOME", "TMPDIR", "LANG")}
    identity = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
                for what, value in (("NAME", "Tess Ter"), ("EMAIL", "tess@example.com"))}  # fmt: skip
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    return {"LANG": "C.UTF-8", **kept, **identity, "PATH": path, "DVC_NO_ANALYTICS": "1", **environment}


def plant(folder: Path) -> Repo:
    """This working tree, uncommitted changes included, as a repository with one commit; as it was before its data."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    for name in filter(None, listed.decode().split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_file() and not MADE.fullmatch(name):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    repo = Repo(folder)
    repo.run("git", "init", "-qb", "main")
    repo.commit("The template")
    return repo
