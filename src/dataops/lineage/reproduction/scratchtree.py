"""A git worktree for one run: made below .dataops, locked while it is in use, and gone afterwards.

What a killed run leaves there is removed by the next one. Nothing of the user's is touched: a worktree has its own
HEAD and index, and no hook of the repository runs.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from dataops.errors import DataOpsError
from dataops.repo.git import Git, GitError
from dataops.repo.gittext import complaint
from dataops.store.staging import explained

FOLDER = Path(".dataops/reproduce")
KEPT = "kept"
OWNER = 0o700
SETTINGS = (
    f"core.hooksPath={os.devnull}", "core.sparseCheckout=false", "core.fsmonitor=false", "submodule.recurse=false",
)  # fmt: skip


Handler = Callable[[int, FrameType | None], None] | signal.Handlers


@dataclass
class Scratch:
    """A folder of one run."""

    folder: Path
    """Logs and temporary files."""
    top: Path
    """The worktree."""
    lock: int
    """An open file that is locked as long as any process has it."""
    keep: bool = False
    added: bool = False
    """Whether the worktree is ours: what lies at `top` else may be somebody's."""


@contextlib.contextmanager
def scratch(git: Git, root: Path, commit: str, name: str, out: Path | None = None) -> Iterator[Scratch]:
    """Check `commit` out into a worktree of its own, in `out` or below `root`/.dataops.

    It is removed at the end, unless `keep` was set by then; interrupted (Ctrl-C, SIGTERM, SIGHUP), always.

    Raises:
        DataOpsError: it can't be made: the disk, permissions, or `out` is not empty; or the block fails on the disk.
    """
    if out is not None:
        _require_free(out)
    try:
        made = _make(git, root, name, out)
    except OSError as error:
        raise explained(error, root / FOLDER) from None
    try:
        with _interruptible():
            with (root / FOLDER / "lock").open("a") as making:  # one at a time: two may want the same `out`
                fcntl.flock(making, fcntl.LOCK_EX)
                _require_free(made.top)
                _add(git, made, commit)
            yield made
    except OSError as error:
        made.keep = False
        if isinstance(error, BrokenPipeError):  # whoever read what is printed has gone
            raise
        raise explained(error, made.top) from None
    except BaseException:
        made.keep = False
        raise
    finally:
        with _uninterruptible():
            if made.keep:
                (made.folder / KEPT).touch()
            else:
                remove(git, made.folder, made.top if made.added else made.folder / "tree")
            os.close(made.lock)


def sweep(git: Git, base: Path) -> None:
    """Remove what killed runs left, and the logs of worktrees that somebody has removed since. Called under a lock."""
    for folder in sorted(base.iterdir()):
        if not folder.is_dir() or folder.is_symlink():
            continue
        with contextlib.suppress(OSError), (folder / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # else it is in use
            where = folder / "where"
            top = Path(where.read_text()) if where.is_file() else folder / "tree"
            if (folder / KEPT).exists() and (top / ".git").exists():
                continue
            remove(git, folder, folder / "tree")


def remove(git: Git, folder: Path, top: Path) -> None:
    """The worktree, git's note of it, and the folder; git's own `remove` stumbles over what a stage may have done."""
    emptied(top)
    git.done("worktree", "remove", "--force", "--force", str(top), inherit=False)
    emptied(folder)


def emptied(folder: Path) -> None:
    """Remove a folder, also where something in it was made read-only. Never follows a link."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.is_dir() and not folder.is_symlink():
        for place, _, _ in os.walk(folder):
            with contextlib.suppress(OSError):
                Path(place).chmod(OWNER)
        shutil.rmtree(folder, ignore_errors=True)


def _require_free(place: Path) -> None:
    """A worktree may be made there: nothing is, or an empty folder."""
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        hint = f"--out names a new folder; `git worktree remove --force {place}`"
        raise DataOpsError(f"{place} is there already", hint)


def _make(git: Git, root: Path, name: str, out: Path | None) -> Scratch:
    """The folder of this run, locked; stale ones are swept on the way."""
    base = root / FOLDER
    base.mkdir(parents=True, exist_ok=True)
    for ignore in (".gitignore", ".dvcignore"):  # somebody's repository may never have heard of .dataops
        if not (base / ignore).exists():
            (base / ignore).write_text("*\n")
    with (base / "lock").open("a") as making:
        fcntl.flock(making, fcntl.LOCK_EX)
        sweep(git, base)
        folder = Path(tempfile.mkdtemp(dir=base, prefix=re.sub(r"[^\w.@-]+", "-", name)[:60] + "-"))
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    top = (out if out is not None else folder / "tree").absolute()
    (folder / "where").write_text(str(top))
    return Scratch(folder, top, lock)


def _add(git: Git, made: Scratch, commit: str) -> None:
    """`git worktree add` of the whole commit, without the repository's hooks (DVC's would check data out)."""
    options = [word for setting in SETTINGS for word in ("-c", setting)]
    place = ("--force", "--quiet", "--detach", str(made.top), commit)
    done = git.done(*options, "worktree", "add", *place, inherit=False)
    if done.returncode:
        raise GitError(f"git worktree add: {complaint(done.stderr)}")
    made.added = True


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as Ctrl-C does."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handled(stop, signal.SIGTERM, signal.SIGHUP):
        yield


@contextlib.contextmanager
def _uninterruptible() -> Iterator[None]:
    """A second Ctrl-C doesn't leave half of it."""
    with _handled(signal.SIG_IGN, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        yield


@contextlib.contextmanager
def _handled(handler: Handler, *numbers: signal.Signals) -> Iterator[None]:
    """Signals handled so; only the main thread may say."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]  # nohup's stay ignored
    before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
