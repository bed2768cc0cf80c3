"""`dataops check` against DVC's own hook and `dvc data status`, on one repository, each as a whole process, in turn."""

from __future__ import annotations

import hashlib
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
ALONE = 2_000
COMMANDS = {
    "dvc git-hook pre-commit": ["dvc", "git-hook", "pre-commit"],
    "dvc data status": ["dvc", "data", "status"],
    "dataops check": ["dataops", "check"],
}
BIN = Path(sys.executable).parent
ENVIRONMENT = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "DVC_NO_ANALYTICS": "1"} | {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "b"), ("EMAIL", "b@example.com"))
}
ENVIRONMENT.pop("PYTHONDONTWRITEBYTECODE", None)  # a user's machine keeps what it has compiled


def run() -> Iterator[str]:
    """The median of five runs of each command on each repository, with its ratio to DVC's two."""
    with tempfile.TemporaryDirectory() as folder:
        for files in SIZES:
            yield from compared(in_folders(Path(folder, str(files)), files), f"{files:,} files in {FOLDERS} folders")
        yield from compared(alone(Path(folder, "alone"), ALONE), f"{ALONE:,} files, a .dvc file each")


def compared(repo: Path, what: str) -> Iterator[str]:
    """The commands in turn, so that a busy minute falls on all of them."""
    first = timed(repo, COMMANDS["dataops check"])
    time.sleep(1)  # what was written within the last tenth of a second is read once more: racily clean
    for command in COMMANDS.values():
        timed(repo, command)
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            times[name].append(timed(repo, command))
    hook, status, ours = (statistics.median(times[name]) for name in COMMANDS)
    yield f"dvc git-hook pre-commit  {what:32} {hook:6.2f} s"
    yield f"dvc data status          {what:32} {status:6.2f} s"
    yield f"dataops check            {what:32} {ours:6.2f} s  1/{hook / ours:.1f} and 1/{status / ours:.1f}"
    yield f"  the first time         {what:32} {first:6.2f} s"


def timed(repo: Path, command: list[str]) -> float:
    """Seconds of a whole process that has to end well."""
    begun = time.perf_counter()
    done = subprocess.run(
        command, cwd=repo, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stdout.decode()}{done.stderr.decode()}")
    return time.perf_counter() - begun


def in_folders(repo: Path, files: int) -> Path:
    """A repository whose data is all recorded and committed: small files in tracked folders."""
    for number in range(files):
        path = repo / "data" / f"part{number % FOLDERS:02}" / f"{number:05}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"a,b\n{number},{number}\n")
    return committed(repo, ["dvc", "add", "-q", *(f"data/part{number:02}" for number in range(FOLDERS))])


def alone(repo: Path, files: int) -> Path:
    """The same with a .dvc file for each: written as `dvc add` does, which takes minutes."""
    (repo / "data").mkdir(parents=True)
    for number in range(files):
        content = f"a,b\n{number},{number}\n".encode()
        path = repo / "data" / f"{number:05}.csv"
        path.write_bytes(content)
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        path.with_name(f"{path.name}.dvc").write_text(
            f"outs:\n- md5: {digest}\n  size: {len(content)}\n  hash: md5\n  path: {path.name}\n"
        )
    (repo / "data/.gitignore").write_text("/*.csv\n")
    return committed(repo, ["dvc", "commit", "-q", "-f"])


def committed(repo: Path, record: list[str]) -> Path:
    """Both git's and DVC's."""
    for command in (
        ["git", "init", "-q"],
        ["dvc", "init", "-q"],
        record,
        ["git", "add", "-A"],
        ["git", "commit", "-qm", "x"],
    ):
        timed(repo, command)
    return repo
