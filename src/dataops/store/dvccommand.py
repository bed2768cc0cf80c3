"""Calling DVC as its users do: in a process of its own, as importing it costs a second and its lock is its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dataops.errors import DataOpsError


def dvc(root: Path, *arguments: str) -> str:
    """Call DVC; its standard output.

    Raises:
        DataOpsError: it failed; the message is DVC's own line.
    """
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = [
            line.strip() for line in done.stderr.splitlines() if line.strip() and "Having any troubles" not in line
        ]
        reason = next((line for line in lines if line.startswith("ERROR")), lines[-1] if lines else "no reason given")
        hint = "wait for the other dvc command to end" if "lock" in reason else ""
        raise DataOpsError(f"dvc {' '.join(arguments)}: {reason.removeprefix('ERROR: ')}", hint)
    return done.stdout
