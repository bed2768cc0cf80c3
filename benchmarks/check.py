"""`dataops check` against DVC's own hook and `dvc data status`, on one repository, each as a whole process, in turn."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

SIZES = (2_000, 20_000)
ROUNDS = 5
FOLDERS = 20  # tracked, with the files spread over them
BIN = Path(sys.executable).parent
ENVIRONMENT = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "DVC_NO_ANALYTICS": "1"} | {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "b"), ("EMAIL", "b@example.com"))
}
ENVIRONMENT.pop("PYTHONDONTWRITEBYTECODE", None)  # a user's machine keeps what it has compiled


def run() -> Iterator[str]:
    """One line a command and size: the median of five, with its ratio to DVC's two."""
    with tempfile.TemporaryDirectory() as folder:
        for files in SIZES:
            repo = planted(Path(folder, str(files)), files)
            yield from compared(repo, files)


def compared(repo: Path, files: int) -> Iterator[str]:
    """The commands in turn, so that a busy minute falls on all of them."""
    commands = {
        "dvc git-hook pre-commit": ["dvc", "git-hook", "pre-commit"],
        "dvc data status": ["dvc", "data", "status"],
        "dataops check": ["dataops", "check"],
    }
    first = timed(repo, commands["dataops check"])
    for command in commands.values():
        timed(repo, command)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            times[name].append(timed(repo, command))
    ours, hook, status = (statistics.median(times[name]) for name in ("dataops check", *list(commands)[:2]))
    yield f"dvc git-hook pre-commit, {files:,} files          {hook:6.2f} s"
    yield f"dvc data status, {files:,} files                  {status:6.2f} s"
    yield (
        f"dataops check, {files:,} files, warm              {ours:6.2f} s"
        f"  1/{hook / ours:.1f} of the hook's, 1/{status / ours:.1f} of the status's"
    )
    yield f"dataops check, {files:,} files, the first time    {first:6.2f} s"


def timed(repo: Path, command: list[str]) -> float:
    """Seconds of a whole process that has to end well."""
    begun = time.perf_counter()
    done = subprocess.run(
        command, cwd=repo, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stdout.decode()}{done.stderr.decode()}")
    return time.perf_counter() - begun


def planted(repo: Path, files: int) -> Path:
    """A repository whose data is all recorded and committed: small files in tracked folders."""
    for number in range(files):
        path = repo / "data" / f"part{number % FOLDERS:02}" / f"{number:05}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"a,b\n{number},{number}\n")
    folders = [f"data/part{number:02}" for number in range(FOLDERS)]
    for command in (
        ["git", "init", "-q"],
        ["dvc", "init", "-q"],
        ["dvc", "add", "-q", *folders],
        ["git", "add", "-A"],
        ["git", "commit", "-qm", "data"],
    ):
        timed(repo, command)
    return repo
