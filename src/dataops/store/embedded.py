"""The embedded S3 server: a real one (SeaweedFS), on loopback, whose data stays in `.dataops/store/data`."""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from dataops.errors import DataOpsError, Refused
from dataops.processes import lives
from dataops.store import composed, local, ports, s3, state, weed
from dataops.store.state import Place, State

MINIMUM_FREE = 1 << 30  # bytes; weed itself stops writing at 256 MiB
READY_SECONDS = 60.0


@dataclass(frozen=True)
class Status:
    """The server that this clone uses, without its secrets."""

    running: bool
    endpoint: str | None
    bucket: str
    url: str
    pid: int | None
    bytes_used: int | None
    bytes_free: int | None
    data: Path | None
    """None, as the three around it, where compose runs the server: its data are in a volume."""
    log: Path | None
    default: bool
    """Whether a plain `dvc push` in this clone goes there."""
    connected_to: Path | None
    """The other clone whose server it is."""
    compose: bool = False
    """Whether compose runs it."""
    notes: tuple[str, ...] = ()
    """What a person should know about what was just done."""

    def as_json(self) -> dict[str, Any]:
        """Every field, with paths as text."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in sorted(self.__dict__.items())}


def up(root: Path, *, minimum_free: int | None = None) -> Status:
    """Have the server running and remote `embedded` point at it; twice is once, and concurrent calls are one server.

    In a connected clone it is the other clone's server that is started. Takes about 3 s where it wasn't running. One
    that compose runs isn't started from here, only made the remote.

    Raises:
        DataOpsError: the disk is full, weed is missing or stops at start, the clone connected to is gone, or compose's
            server doesn't run.
    """
    root = root.resolve()
    server = state.server_of(root)
    if state.by_compose(server):
        return status(root, tuple(join(root, server)))
    place = Place(server)
    place.create()
    with place.locked():
        current, notes = _running(place, MINIMUM_FREE if minimum_free is None else minimum_free)
        if server != root:
            local.attach(server, current)  # the ports may be new
        notes += local.attach(root, current)
    return status(root, tuple(notes))


def join(root: Path, server: Path) -> list[str]:
    """Make what compose runs for the clone at `server` the remote of `root`, once it has proven to take its keys.

    Raises:
        DataOpsError: it doesn't run, or `.env` is missing or isn't the one it was started with.
    """
    found = composed.read(server)
    composed.require(found)
    return local.attach(root, found)


def down(root: Path, *, shared: bool = False) -> Status:
    """Stop the server; its data stays. Not running is fine.

    Raises:
        Refused: the server is another clone's, and `shared` doesn't say that this is meant; or compose runs it.
    """
    root = root.resolve()
    server = state.server_of(root)
    if state.by_compose(server):
        raise Refused("compose runs the server", "`make down` stops it, and the container; its data stays")
    if server != root and not shared:
        raise Refused(f"the server belongs to {server}", "`dataops store down --shared` stops it for both clones")
    place = Place(server)
    if not place.folder.is_dir():
        return status(root, ("it was not running",))
    with place.locked():
        current = state.load(place)
        pid = pid_of(place, current)
        if current is not None:
            weed.stop(place, current.model_copy(update={"pid": pid}))
            state.save(place, current.model_copy(update={"pid": None}))
    return status(root, (f"stopped (pid {pid}); its data stays in {place.data}" if pid else "it was not running",))


def status(root: Path, notes: tuple[str, ...] = ()) -> Status:
    """What is there, without touching it.

    Raises:
        DataOpsError: the state can't be read, or the clone connected to is gone.
    """
    root = root.resolve()
    server = state.server_of(root)
    if state.by_compose(server):
        return _composed(root, server, notes)
    place = Place(server)
    current = state.load(place)
    pid = pid_of(place, current) if current else None
    bucket = current.bucket if current else state.BUCKET
    return Status(
        running=pid is not None,
        endpoint=current.endpoint if current else None,
        bucket=bucket,
        url=local.url(bucket),
        pid=pid,
        bytes_used=_bytes_used(place.data),
        bytes_free=shutil.disk_usage(server).free,
        data=place.data,
        log=place.log,
        default=local.is_default(root),
        connected_to=server if server != root else None,
        notes=notes,
    )


def _composed(root: Path, server: Path, notes: tuple[str, ...]) -> Status:
    """What can be seen from outside compose."""
    found = composed.read(server)
    return Status(
        running=composed.answers(found),
        endpoint=found.endpoint,
        bucket=found.bucket,
        url=local.url(found.bucket),
        pid=None,
        bytes_used=None,
        bytes_free=None,
        data=None,
        log=None,
        default=local.is_default(root),
        connected_to=server if server != root else None,
        compose=True,
        notes=notes,
    )


def pid_of(place: Place, current: State | None) -> int | None:
    """The living server's pid: the remembered one, or one that nobody wrote down."""
    if current is not None and current.pid is not None and weed.is_ours(current.pid, place):
        return current.pid
    return weed.find(place) if place.folder.is_dir() else None


def _running(place: Place, minimum_free: int) -> tuple[State, list[str]]:
    """A server that answers, and what had to be done for it. The caller holds the lock."""
    current = state.load(place)
    pid = pid_of(place, current)
    if pid is not None and current is None:
        raise DataOpsError(f"a server (pid {pid}) runs, but {place.state} is gone", f"`kill {pid}`, then try again")
    if pid is not None and current is not None:
        current = current.model_copy(update={"pid": pid})
        with contextlib.suppress(_EndedError):  # it was just being killed: go on as if that had been seen at once
            _wait(place, current, write=False)
            return current, [f"already running (pid {pid})"]
    _require_space(place, minimum_free)
    with weed.hold(place) as held:
        current, notes = _prepare(current or state.new())
        state.save(place, current)  # before the start: whatever happens now, the keys and ports are known
        current = current.model_copy(update={"pid": weed.start(place, current, held)})
        state.save(place, current)
    try:
        _wait(place, current, write=True)
    except DataOpsError:
        weed.stop(place, current)
        state.save(place, current.model_copy(update={"pid": None}))
        raise
    return current, notes


def _prepare(current: State) -> tuple[State, list[str]]:
    """The state to start from: no stale pid, and ports that are free."""
    notes = []
    if current.pid is not None:
        reason = "belongs to another program" if lives(current.pid) else "is gone"
        notes.append(f"the server had ended without `dataops store down` (pid {current.pid} {reason}): started again")
    if busy := ports.taken(current.ports):
        moved = ports.choose()
        notes.append(f"port {busy[0]} is taken by another program: the server is now at 127.0.0.1:{moved.s3}")
        current = current.model_copy(update={"ports": moved})
    return current.model_copy(update={"pid": None}), notes


def _require_space(place: Place, minimum_free: int) -> None:
    """A store that starts on a full disk fails later, in the middle of a push."""
    free = shutil.disk_usage(place.folder).free
    if free < minimum_free:
        message = f"the disk of {place.folder} is full: {free / 1e9:.1f} GB free, {minimum_free / 1e9:.1f} GB needed"
        raise DataOpsError(message, "make room on that disk, then try again")


class _EndedError(DataOpsError):
    """The process is gone."""


def _wait(place: Place, current: State, *, write: bool) -> None:
    """Return when the server answers to our keys."""
    client = s3.client(local.remote_of(current), attempts=1)
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            return s3.ready(client, current.bucket, write=write)
        except (BotoCoreError, ClientError) as error:
            reason = str(error)
        whole = f"the whole log: {place.log}"
        if current.pid is None or not weed.is_ours(current.pid, place):
            raise _EndedError(f"the embedded store stopped at its start: {weed.last_words(place.log)}", whole)
        if time.monotonic() > deadline:
            raise DataOpsError(f"the embedded store doesn't answer after {READY_SECONDS:.0f} s: {reason}", whole)
        time.sleep(0.1)


def _bytes_used(folder: Path) -> int:
    """Bytes that the disk gave to the files below `folder`; weed may be removing some meanwhile."""
    total = 0
    for path in folder.rglob("*") if folder.is_dir() else ():
        with contextlib.suppress(OSError):
            total += path.lstat().st_blocks * 512
    return total
