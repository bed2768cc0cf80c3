"""DVC as a run calls it: its own words go to the log, the last of them are kept for the report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dataops.errors import DataOpsError
from dataops.store import dvccommand

KEPT = 40  # lines
PATIENCE = 10  # seconds; DVC takes a process that was just killed for one that is at work
SECRET = ("GITHUB_TOKEN", "GH_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_RUNTIME_TOKEN")  # no stage needs them


class StageFailedError(Exception):
    """`dvc repro` ended badly; `words` are its last lines."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__("\n".join(words))
        self.words = list(words)


def repro(root: Path, lock: int, targets: Sequence[str]) -> None:
    """Run what is out of date of these stages and before them; fetches only the data that takes.

    Raises:
        StageFailedError: a stage, or DVC itself, failed.
    """
    status, words = _told(root, lock, "repro", "--pull", "--allow-missing", *targets)
    if status:
        raise StageFailedError(words)


def call(root: Path, lock: int, *arguments: str) -> None:
    """Any other command.

    Raises:
        StageFailedError: it failed.
    """
    status, words = _told(root, lock, *arguments)
    if status:
        raise StageFailedError([f"dvc {' '.join(arguments)}", *words])


def status(root: Path) -> dict[str, Any]:
    """What `dvc status --json` says of every stage.

    Raises:
        DataOpsError: DVC can't say, or another command of its has been at work here for `PATIENCE` seconds.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            found: dict[str, Any] = json.loads(dvccommand.dvc(root, "status", "--json") or "{}")
        except DataOpsError as error:
            if "blocked" not in error.message or time.monotonic() > until:
                raise
            time.sleep(1)
        else:
            return found


def _told(root: Path, lock: int, *arguments: str) -> tuple[int, list[str]]:
    environment = {name: value for name, value in os.environ.items() if name not in SECRET}
    last: deque[str] = deque(maxlen=KEPT)
    command = [sys.executable, "-m", "dvc", *arguments]
    with subprocess.Popen(
        command,
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=(lock,),
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            last.append(line.rstrip())
    return process.returncode, list(last)
