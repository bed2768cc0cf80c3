"""data/landing as a transaction: restore what is recorded, add a batch by rename, record it. Killed anywhere and run
again, there is no half batch, nothing is lost and nothing is there twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dataops import files
from dataops.errors import DataOpsError
from dataops.files import scratch
from dataops.ingest import recorded as record
from dataops.ingest.batches import DEPTH, LANDING, MANIFEST, Batch, batches, read_batch, sha256, walk
from dataops.processes import lives
from dataops.store import dvccommand

LOCK = Path(".dataops/ingest.lock")
JOURNAL = Path(".dataops/ingest-replace.json")
PREFIX = "ingest-"  # of everything we make below SCRATCH


def checkpoint(_name: str) -> None:
    """Where a test may stop the process."""


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the one lock under which landing and exclusions change; the kernel frees it when the process ends.

    Raises:
        DataOpsError: another process holds it.
    """
    path = root / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise DataOpsError(f"another ingest is running here (process {file.read().strip() or '?'})") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


@contextlib.contextmanager
def workplace(root: Path) -> Iterator[Path]:
    """An empty folder on the landing's file system, gone afterwards."""
    (root / LANDING.parent).mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=scratch(root / LANDING), prefix=PREFIX))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class State:
    """The landing compared with its record."""

    missing: dict[str, str] = field(default_factory=dict)  # recorded files not in the work tree: path -> md5
    left: list[Path] = field(default_factory=list)  # whole batches that were never recorded


def prepare(root: Path, *, restore: bool = True) -> State:
    """Finish or undo what a killed run left, then make the landing hold all that is recorded.

    Returns what is left to do: whole batches never recorded, as an ingest was killed before it could, and, without
    `restore` (all is to be replaced), the files that are missing. Call it under `locked`.

    Raises:
        DataOpsError: recorded data is neither here nor on the remote, was changed in place, or a file is of unknown
            origin. Going on would record less than was recorded, or something else.
    """
    _finish_replacing(root)
    cache = record.Cache(root)
    # With nothing here to protect, the remote need not be reached.
    state = compare(root, cache) if restore or walk(root / LANDING) else State()
    if restore:
        for name in list(state.missing):
            cache.copy(state.missing.pop(name), root / LANDING / name)
    for old in scratch(root / LANDING).glob(f"{PREFIX}*"):  # only now: it may have held the only copy
        shutil.rmtree(old, ignore_errors=True) if old.is_dir() else old.unlink(missing_ok=True)
    return state


def compare(root: Path, cache: record.Cache) -> State:
    """What the landing lacks of its record and what it has beyond it; changes nothing.

    Raises:
        DataOpsError: as `prepare`.
    """
    landing = root / LANDING
    present = {path.relative_to(landing).as_posix(): path for path in walk(landing)}
    known = record.read(root, LANDING)
    listed: dict[str, str] = {}
    if known:
        here = {name: record.md5(path) for name, path in present.items()}
        if record.folder_hash(here) == known.md5:
            return State()
        listed = cache.ensure(known) or {}
        changed = sorted(name for name, digest in listed.items() if name in here and here[name] != digest)
        if changed:
            raise DataOpsError(
                f"{len(changed)} recorded file{'s' * (len(changed) > 1)} in {LANDING} changed in place: "
                + ", ".join(changed[:3]),
                f"`dvc checkout --force {LANDING}.dvc` brings the recorded ones back; `dvc add {LANDING}` keeps these",
            )
    missing = {name: digest for name, digest in listed.items() if name not in present}
    return State(missing, _unrecorded(landing, [name for name in present if name not in listed]))


def _unrecorded(landing: Path, names: list[str]) -> list[Path]:
    """The whole batches that `names` make up.

    Raises:
        DataOpsError: a name belongs to none.
    """
    folders: dict[str, set[str]] = {}
    for name in names:
        parts = name.split("/")
        folders.setdefault("/".join(parts[:DEPTH]), set()).add("/".join(parts[DEPTH:]))
    for folder, inside in folders.items():
        if MANIFEST not in inside or not _whole(landing / folder, inside):
            name = f"{folder}/{min(inside)}".rstrip("/")
            raise DataOpsError(
                f"{LANDING / name} is of unknown origin: no ingest recorded it",
                "move it away; `dataops ingest FILE` makes a batch of it",
            )
    return [LANDING / folder for folder in sorted(folders)]


def _whole(folder: Path, inside: set[str]) -> bool:
    manifest = read_batch(folder).manifest
    hashes = {file.name: file.sha256 for file in manifest.files}
    return inside == {MANIFEST, *hashes} and all(sha256(folder / name) == value for name, value in hashes.items())


def save(root: Path) -> None:
    """Record the landing with `dvc add`, and see that nothing was left out.

    Raises:
        DataOpsError: DVC refuses, or .dvcignore hides a part of the landing.
    """
    dvccommand.dvc(root, "add", LANDING.as_posix())
    known = record.read(root, LANDING)
    listed = (record.Cache(root).ensure(known) if known else None) or {}
    hidden = [path for path in walk(root / LANDING) if path.relative_to(root / LANDING).as_posix() not in listed]
    if hidden:
        raise DataOpsError(f"DVC does not record {hidden[0].relative_to(root)}", "a pattern of .dvcignore hides it")


def add(root: Path, built: Path, place: Path) -> Path:
    """Move the whole batch `built` to `place` (relative to the landing) and record it; the batch's path.

    Raises:
        DataOpsError: a dvc command is at work on the landing, or DVC can't record it; the landing is then as it was.
    """
    _durable(built)
    target = root / LANDING / place
    refuse_readers(root)
    target.parent.mkdir(parents=True, exist_ok=True)
    checkpoint("built")
    built.rename(target)
    _sync(target.parent)
    checkpoint("renamed")
    with _undone_on_error(root, lambda: target.rename(built)):
        save(root)
    checkpoint("recorded")
    return LANDING / place


def replace(root: Path, built: Path, place: Path, work: Path) -> Path:
    """Make `built` the only batch of the landing and record it; the batch's path. git and the cache keep the old state.

    A journal says what is under way: killed after the swap, the next run records the new landing instead of restoring
    the old one beside it.

    Raises:
        DataOpsError: as `add`.
    """
    _durable(built)
    landing, new, old = root / LANDING, work / "landing", work / "old"
    refuse_readers(root)
    (new / place).parent.mkdir(parents=True)
    built.rename(new / place)
    known = record.read(root, LANDING)
    journal = {"batch": place.as_posix(), "old": str(old.relative_to(root)), "recorded": known.md5 if known else None}
    files.write_json(root / JOURNAL, journal)
    checkpoint("built")
    if landing.exists():
        landing.rename(old)
    checkpoint("swapping")
    landing.parent.mkdir(parents=True, exist_ok=True)
    new.rename(landing)
    checkpoint("renamed")

    def swap_back() -> None:
        landing.rename(new)
        if old.exists():
            old.rename(landing)
        (root / JOURNAL).unlink()

    with _undone_on_error(root, swap_back):
        save(root)
    checkpoint("recorded")
    (root / JOURNAL).unlink()
    return LANDING / place


@contextlib.contextmanager
def _undone_on_error(root: Path, undo: Callable[[], object]) -> Iterator[None]:
    """Bring files and record back as they were when the block fails."""
    path = root / f"{LANDING}.dvc"
    before = path.read_bytes() if path.exists() else None
    try:
        yield
    except DataOpsError:
        undo()
        if before is None:
            path.unlink(missing_ok=True)
        else:
            files.write_bytes(path, before)
        raise


def refuse_readers(root: Path) -> None:
    """See that no dvc command is at work on the landing: what it read would not be what it records.

    Raises:
        DataOpsError: one is.
    """
    try:
        held = json.loads((root / ".dvc/tmp/rwlock").read_text())
    except (OSError, ValueError):
        return
    for path, holders in held.items():
        if not (Path(path).is_relative_to(root / LANDING) or (root / LANDING).is_relative_to(path)):
            continue
        for holder in [*holders.get("read", []), *filter(None, [holders.get("write")])]:
            if lives(holder["pid"]):
                raise DataOpsError(
                    f"`{holder['cmd']}` (process {holder['pid']}) is reading {LANDING}",
                    "run this again when it has ended",
                )


def _finish_replacing(root: Path) -> None:
    path = root / JOURNAL
    if not path.exists():
        return
    journal = json.loads(path.read_text())
    landing, old = root / LANDING, root / journal["old"]
    known = record.read(root, LANDING)
    if (landing / journal["batch"] / MANIFEST).exists():
        if journal["recorded"] == (known.md5 if known else None):
            save(root)
    elif old.exists() and not landing.exists():
        old.rename(landing)
    path.unlink()


def existing(root: Path) -> list[Batch]:
    """The batches of the landing, oldest first."""
    return batches(root / LANDING)


def _durable(folder: Path) -> None:
    """Have a folder and all in it on the disk, so that after the rename it is whole even if the power fails."""
    for where, _, names in os.walk(folder):
        for name in names:
            _sync(Path(where, name))
        _sync(Path(where))
    folder.chmod(0o755)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
