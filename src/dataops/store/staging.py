"""Where objects lie until they are whole: a folder on the target's file system that a later call finds again."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from dataops import files
from dataops.errors import DataOpsError, Refused
from dataops.store import manifest

FICLONE = 0x40049409  # Linux: share the blocks until one of the two is written


@contextlib.contextmanager
def staging(target: Path) -> Iterator[Path]:
    """A folder for what will be moved to `target` (a folder that need not exist).

    It is the same one for the same target, so that a call after kill -9 goes on; while another process uses that one, a
    private one. It stays where the block is interrupted or the network fails, and goes when the block ends well or the
    answer is no.

    Raises:
        DataOpsError: it can't be made.
    """
    try:
        folder, held = _own(_base(target), target)
    except OSError as error:
        raise explained(error, target) from None
    try:
        yield folder
    except Refused:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except OSError as error:
        raise explained(error, target) from None
    else:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        if not any(folder.glob("*.part")):  # nothing to go on with
            shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def explained(error: OSError, target: Path) -> DataOpsError:
    """A disk's error as one line."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DataOpsError(f"the disk of {target} is full", "make room there, then run this again: it goes on")
    where = error.filename or target
    return DataOpsError(f"can't write {where}: {error.strerror or error}", "check the folder and its permissions")


def require_room(target: Path, needed: int) -> None:
    """Before anything is fetched.

    Raises:
        DataOpsError: the disk has less than `needed` bytes free.
    """
    free = shutil.disk_usage(existing(target)).free
    if needed > free:
        message = f"the disk of {target} has {free / 1e9:.1f} GB free, {needed / 1e9:.1f} GB are needed"
        raise DataOpsError(message, "make room there, or take another folder, or single files with --file")


def check_targets(out: Path, targets: list[str]) -> None:
    """Whether all of these may be written below `out`.

    Raises:
        Refused: a path leaves the folder, stands twice, or leads through a link or a file that is there.
    """
    hint = "nothing was written"
    for target in targets:
        if wrong := manifest.unsafe(target):
            raise Refused(f"the path {target[:80]!r} is refused: {wrong}", hint)
    if wrong := manifest.clash(targets):
        raise Refused(f"these files can't be in one folder: {wrong}", hint)
    checked: set[Path] = set()
    for target in targets:
        require_plain(out, out / target, checked)
        if (out / target).is_dir() and not (out / target).is_symlink():
            raise Refused(f"{out / target} is a folder, and a file is to be there", "take another --out")


def require_plain(out: Path, target: Path, checked: set[Path] | None = None) -> None:
    """Between `out` and `target` there are folders and nothing else.

    Raises:
        Refused: there is a link, which could lead anywhere, or a file.
    """
    seen = checked if checked is not None else set()
    for folder in target.relative_to(out).parents:
        place = out / folder
        if place == out or place in seen:
            continue
        seen.add(place)
        if place.is_symlink():
            raise Refused(f"{place} is a symbolic link: nothing is written through it", "take another --out")
        if place.exists() and not place.is_dir():
            raise Refused(f"{place} is a file, and a folder is to be there", "take another --out")


def copy(source: Path, target: Path) -> None:
    """A file of its own (never a hard link: people edit what they get), sharing blocks where the disk can."""
    if not clone(source, target):
        shutil.copyfile(source, target)


def clone(source: Path, target: Path) -> bool:
    """Try to make `target` share `source`'s blocks; whether the file system does that."""
    try:
        with source.open("rb") as old, target.open("wb") as new:
            fcntl.ioctl(new.fileno(), FICLONE, old.fileno())
    except OSError:
        return False
    return True


def existing(path: Path) -> Path:
    """The nearest folder at or above `path` that exists."""
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.is_dir())


def _base(target: Path) -> Path:
    """A folder on the target's file system: the repository's scratch, else the hidden neighbour of the target."""
    inside = target if target.is_dir() else existing(target)
    scratch = files.scratch(inside / "x")
    if scratch.parts[-2:] == files.SCRATCH.parts:
        return scratch
    beside = existing(target.absolute().parent)
    same = beside.stat().st_dev == inside.stat().st_dev
    return beside if same and os.access(beside, os.W_OK) else inside


def _own(base: Path, target: Path) -> tuple[Path, int]:
    """The target's own folder and the lock that says so; a private one where somebody else has that."""
    name = hashlib.sha256(os.fsencode(target.absolute())).hexdigest()[:12]
    prefix = "get-" if base.parts[-2:] == files.SCRATCH.parts else ".dataops-get-"
    folder = base / f"{prefix}{name}"
    for _ in range(2):
        folder.mkdir(exist_ok=True)
        held = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(held).st_nlink:  # else whoever had it removed the folder meanwhile
                return folder, held
        except BlockingIOError:
            pass
        os.close(held)
        folder = Path(tempfile.mkdtemp(dir=base, prefix=f"{prefix}{name}-"))
    raise DataOpsError(f"{folder} is in use by another process", "run this again when that has ended")
