"""Whether dvc is at work in a repository, and keeping it from starting, without importing it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import time
from collections.abc import Iterator
from pathlib import Path

from dataops.errors import Refused
from dataops.processes import lives
from dataops.store import dvcconfig

PATIENCE = 3.0  # seconds that a running dvc is waited for, as dvc itself does


@contextlib.contextmanager
def idle(root: Path) -> Iterator[None]:
    """Hold DVC's own lock, so that no dvc command writes into the cache meanwhile.

    Raises:
        Refused: one is at work, or a stage of its is.
    """
    hint = "try again when it is done"
    folder = root / ".dvc" / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    hardlinks = any(dvcconfig.get(config, "core", "hardlink_lock") == "true" for _, config in dvcconfig.levels(root))
    if hardlinks and (folder / "lock").exists():
        raise Refused("a dvc command is running in this repository", hint)
    with contextlib.ExitStack() as held:
        if not hardlinks:
            file = held.enter_context((folder / "lock").open("a"))
            deadline = time.monotonic() + PATIENCE
            while not _lock(file.fileno()):
                if time.monotonic() > deadline:
                    raise Refused("a dvc command is running in this repository", hint)
                time.sleep(0.1)
        if busy := _working(folder / "rwlock"):
            raise Refused(f"dvc is at work in this repository: {busy}", hint)
        yield


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _working(rwlock: Path) -> str:
    """The command of a living process that DVC's note of running stages names; empty where none."""
    try:
        noted = json.loads(rwlock.read_text())
        held = [*noted.get("write", {}).values(), *(one for many in noted.get("read", {}).values() for one in many)]
        return next((str(one["cmd"]) for one in held if lives(int(one["pid"]))), "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""
