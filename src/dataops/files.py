"""Writing so that a reader never sees half of anything: a temporary name on the same file system, then a rename."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SCRATCH = Path(".dataops/tmp")  # ignored by git and DVC; safe to delete whenever nothing runs
ABANDONED = 86400.0  # seconds
# what a terminal obeys and JSON needn't escape: C1 controls, and those that show text in another order
OBEYED = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def is_stream(path: Path) -> bool:
    """Is it a device or pipe, or of the names of such, as /dev/stdout? A rename would take its place for everybody.

    A link elsewhere is none, whatever it leads to: a commit can hold one.
    """
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    if stat.S_ISLNK(mode):
        folder = path.absolute().parent
        return folder in (Path("/dev"), Path("/dev/fd")) or folder.is_relative_to("/proc")
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def write_bytes(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Replace `path` by `content` in one step, durable before the rename; a device or pipe is written into."""
    if is_stream(path):
        with path.open("wb") as file:
            file.write(content)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=scratch(path), prefix=f"{path.name}-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace `path` by `text` (UTF-8) in one step."""
    write_bytes(path, text.encode(), mode)


def plain(value: Any) -> Any:
    """`value` as JSON can hold it: numpy scalars become Python's, NaN and infinities become null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, str | bytes):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def to_json(value: Any) -> str:
    """Indented JSON with a final newline; never NaN, which no other JSON reader accepts."""
    text = json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    text = OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return text.encode("utf-8", "replace").decode()  # half a surrogate, as in names that aren't UTF-8


def write_json(path: Path, value: Any) -> None:
    """Replace `path` by `value` as JSON in one step."""
    write_text(path, to_json(value))


@contextlib.contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder that takes `target`'s place when the block ends well; otherwise `target` is untouched."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = scratch(target)
    _sweep(folder)
    temporary = Path(tempfile.mkdtemp(dir=folder, prefix=f"{target.name}-"))
    try:
        yield temporary
        temporary.chmod(0o755)
        target.parent.mkdir(parents=True, exist_ok=True)
        _take_place(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _take_place(new: Path, target: Path) -> None:
    """Rename `new`, which becomes `target`; of two that do it at once the later stays, whole.

    A folder can't replace another in one step: the old one is put aside, and back where it goes wrong.
    """
    old = new.with_name(new.name + ".old")
    while True:
        with contextlib.suppress(FileNotFoundError):
            target.rename(old)
        try:
            new.rename(target)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):  # somebody else's is there by now
                remove(old)
                continue
            if old.exists():
                old.rename(target)
            raise
        return remove(old)


def remove(path: Path) -> None:
    """A file, a link or a folder with all that is in it; fine where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def scratch(path: Path) -> Path:
    """Where a file on its way to `path` is written: the repository's scratch folder, so that a kill leaves nothing
    beside the target for git to see; beside it where that is another file system or no repository.
    """
    target = path.parent.resolve()
    for root in (target, *target.parents):
        if (root / ".dvc").is_dir():
            scratch = root / SCRATCH
            scratch.mkdir(parents=True, exist_ok=True)
            return scratch if scratch.stat().st_dev == target.stat().st_dev else target
    return target


def _sweep(folder: Path) -> None:
    """Remove what a run killed long ago left in the scratch folder; younger things may be in use.

    Any other folder that serves as one is somebody's own. What ingest left, it removes itself: it may be the only copy.
    """
    for path in folder.iterdir() if folder.parts[-2:] == SCRATCH.parts else ():
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < time.time() - ABANDONED and not path.name.startswith("ingest-"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
