"""Calling DVC as its users do: in a process of its own, as importing it costs a second and its lock is its own."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import psutil

from dataops.errors import DataOpsError
from dataops.processes import lives

HOLDER = re.compile(r"\(PID (\d+)\)")
PATIENCE = 5.0  # seconds in which the parent of a killed process may ask how it ended


def dvc(root: Path, *arguments: str) -> str:
    """Call DVC; its standard output.

    Raises:
        DataOpsError: it failed; the message is DVC's own line.
    """
    done = _call(root, arguments)
    killed = _ended(done.stderr) if done.returncode else []
    if killed:
        deadline = time.monotonic() + PATIENCE
        while any(map(psutil.pid_exists, killed)) and time.monotonic() < deadline:
            time.sleep(0.05)
        done = _call(root, arguments)
    if done.returncode:
        reason = _reason(done.stderr)
        hint = "wait for the other dvc command to end" if "lock" in reason else ""
        if killed := _ended(done.stderr):
            pids = " and ".join(map(str, killed))
            hint = f"{pids} was killed, unnoticed by its parent (a container without init?): remove .dvc/tmp/rwlock"
        raise DataOpsError(f"dvc {' '.join(arguments)}: {reason}", hint)
    return done.stdout


def _reason(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip() and "Having any troubles" not in line]
    lines = lines or ["no reason given"]
    first = next((i for i, line in enumerate(lines) if line.startswith("ERROR")), len(lines) - 1)
    told = 2 if lines[first].endswith(":") else 1  # that it is blocked by something, then by what
    return " ".join(lines[first : first + told]).removeprefix("ERROR: ")


def _call(root: Path, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=root, capture_output=True, text=True, check=False
    )


def _ended(said: str) -> list[int]:
    """The processes that DVC says hold what it needs, if none of them lives.

    DVC takes one for alive until its parent has asked how it ended; process 1 of some machines does that once a second,
    that of many containers never.
    """
    holders = [int(pid) for pid in HOLDER.findall(said)]
    return [] if any(map(lives, holders)) else holders
