"""After git has switched, merged or rebased: the data that is recorded now, checked out where nothing is lost by it."""

from __future__ import annotations

import contextlib
import posixpath
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dataops.errors import DataOpsError
from dataops.guard import lists
from dataops.guard.hooks.hookscript import MERGED_LIST
from dataops.guard.hooks.pushed import RECORDS
from dataops.guard.stats import Content, Stats
from dataops.repo import dvcroots, gitenv, ignored, recorded, worktree
from dataops.repo import git as gits
from dataops.repo.git import Git
from dataops.repo.ignored import Ignored
from dataops.repo.recorded import Snapshot
from dataops.repo.records import Output
from dataops.store import cache as caches
from dataops.store.cache import Cache
from dataops.store.objects import Object

NOBODYS = {".git", ".dvc"}  # no data lies there, whatever a commit records
BUSY = {"rebase-merge": "rebase", "rebase-apply": "rebase", "BISECT_START": "bisect"}


@dataclass
class Outcome:
    """What was done, in paths from git's top."""

    done: list[str] = field(default_factory=list)
    """Checked out."""
    removed: list[str] = field(default_factory=list)
    """Recorded before, not any more, unchanged and in the cache: taken away."""
    unsaved: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Left as they are: outputs with files whose bytes are nowhere else; () of an output that is a file."""
    absent: list[str] = field(default_factory=list)
    """Not in this clone's cache."""
    failed: list[str] = field(default_factory=list)
    """What dvc said."""
    problems: list[str] = field(default_factory=list)
    """Records that can't be read: their data was left as it was."""
    busy: str = ""
    """`bisect`: the data differs, and was left as it is."""


def after_driver(top: Path) -> Outcome:
    """The same where our merge driver has just united a folder's files, also in the middle of a merge or rebase: git
    may stop at a conflict, and `dvc repro` would then record what lies in the folder, which is one side's.
    """
    git = gits.of(top)
    try:
        (git.folder / git.out("rev-parse", "--git-dir") / MERGED_LIST).unlink()
    except FileNotFoundError:
        return Outcome()
    return after(top, "HEAD", anyway=True)


def after(top: Path, old: str | None, *, anyway: bool = False) -> Outcome:
    """Check out what the records in the work tree name and `old`, the commit that was checked out before, didn't.

    Of an output that both record alike nothing is touched, whatever lies there. Nothing is fetched.

    Args:
        old: None where there was no commit before: then everything counts.
        anyway: in the middle of a rebase, too.

    Raises:
        DataOpsError: `top` is in no git repository.
    """
    git = gits.of(top)
    before = git.commit_of(old) if old else None
    found = Outcome()
    if before and git.ok("diff", "--quiet", "--no-ext-diff", before, "--", *RECORDS):
        return found
    found.busy = "" if anyway else _busy(git)
    if not found.busy:
        for prefix in _prefixes(git):
            _root(git, prefix, before, found)
    return found if found.busy != "rebase" else Outcome()


def _busy(git: Git) -> str:
    """What git is in the middle of."""
    folder = git.folder / git.out("rev-parse", "--git-dir")
    todo = folder / "rebase-merge/git-rebase-todo"
    if todo.is_file() and not re.search(rb"^[^#\s]", todo.read_bytes(), re.MULTILINE):
        return ""  # it only moves the branch forward, or has just replayed the last commit
    return next((what for name, what in BUSY.items() if (folder / name).exists()), "")


def _prefixes(git: Git) -> list[str]:
    """Where DVC repositories lie in the work tree."""
    listed = git.read("ls-files", "-z", "--", f":(top,glob)**/{dvcroots.CONFIG}").split(b"\0")
    paths = {path.decode(errors="surrogateescape") for path in listed if path} | {dvcroots.CONFIG}
    return sorted(path.removesuffix(dvcroots.CONFIG).rstrip("/") for path in paths if (git.folder / path).is_file())


def _root(git: Git, prefix: str, before: str | None, found: Outcome) -> None:
    """One DVC repository."""
    root = git.folder / prefix
    problems: list[str] = []
    now = worktree.snapshot(root, problems)
    then = recorded.snapshot(git, before, prefix, []) if before else None
    look = _Look(root, caches.of(root), _hidden(root))
    todo: list[str] = []
    for out in _changed(now, then):
        shown = posixpath.join(prefix, out.path)
        there = look.at(out)
        if there is not None and out.digest in there.digests:
            continue
        target = look.files_of(out)
        if target is None:
            found.absent.append(shown)
        elif (lost := look.unsaved(out, there, target)) is not None:
            found.unsaved[shown] = lost
        else:
            todo.append(out.path)
    if todo:
        failed = _dvc_checkout(root, todo)
        found.failed += failed
        found.done += [] if failed else [posixpath.join(prefix, path) for path in todo]
    for out in _gone(now, then) if not problems else ():  # else it may be recorded where nothing can be read
        if look.take_away(out):
            found.removed.append(posixpath.join(prefix, out.path))
    found.problems += problems
    look.stats.save()


def _changed(now: Snapshot, then: Snapshot | None) -> Iterator[Output]:
    for stage in now.stages:
        for out in stage.outs:
            known = then.output(out.path) if then else None
            same = known is not None and known.cached and known.digest == out.digest
            if out.cached and not same and not NOBODYS.intersection(out.path.split("/")):
                yield out


def _gone(now: Snapshot, then: Snapshot | None) -> Iterator[Output]:
    """What was recorded and isn't any more, nor holds or lies in anything that is."""
    for stage in then.stages if then else ():
        for out in stage.outs:
            if (
                out.cached
                and not NOBODYS.intersection(out.path.split("/"))
                and not any(True for _ in now.feeding(out.path))
                and out.path not in now.unrecorded
            ):
                yield out


def _hidden(root: Path) -> Ignored:
    files = [path for path in worktree.records(root) if posixpath.basename(path) == ignored.NAME]
    return Ignored({posixpath.dirname(path): (root / path).read_bytes() for path in files})


@dataclass
class _Look:
    """The data that lies in one DVC repository's work tree, against its cache."""

    root: Path
    cache: Cache
    hidden: Ignored

    def __post_init__(self) -> None:
        self.stats = Stats(self.root)

    def at(self, out: Output) -> Content | None:
        """What lies where the output belongs.

        What can't be read is content of no hash: nothing is known to have it.
        """
        try:
            return self.stats.content(out.path, self.hidden, out.algorithm)
        except OSError:
            return Content((), None, 0)

    def files_of(self, out: Output) -> Mapping[str, str] | None:
        """The output's files (path below it, "" of itself: digest); None where the cache hasn't all of them."""
        try:
            obj = Object(out.digest, out.algorithm)
            if not obj.is_folder:
                return {"": obj.digest} if self.cache.has(obj) else None
            listed = lists.files(self.cache.content(obj), obj.digest)
        except DataOpsError:  # by ETag or version id: nothing that a cache holds
            return None
        if listed is None or not all(self._kept(digest, out.algorithm) for digest in listed.values()):
            return None
        return listed

    def unsaved(self, out: Output, there: Content | None, target: Mapping[str, str]) -> tuple[str, ...] | None:
        """The files that a checkout would lose, their bytes being neither in the cache nor what it brings."""
        if there is None:
            return None
        files = {"": there.digests} if there.files is None else there.files
        lost = [
            path
            for path, digests in sorted(files.items())
            if target.get(path) not in digests and not any(self._kept(digest, out.algorithm) for digest in digests)
        ]
        return tuple(filter(None, lost)) if lost else None

    def take_away(self, out: Output) -> bool:
        """Remove data that is as it was recorded, and in the cache; whether it was there."""
        there, target = self.at(out), self.files_of(out)
        if there is None or target is None or out.digest not in there.digests:
            return False
        path = self.root / out.path
        if path.resolve() != self.root.resolve() / out.path and there.files is not None:
            return False  # a link leads there: what it leads to is somebody else's
        if there.files is None:
            path.unlink(missing_ok=True)
            return True
        for name in there.files:
            (path / name).unlink(missing_ok=True)
        folders = sorted(
            {
                parent
                for name in there.files
                for parent in (path / name).parents
                if parent == path or path in parent.parents
            },
            reverse=True,
        )
        for folder in folders:
            with contextlib.suppress(OSError):  # something that .dvcignore hides lies in it
                folder.rmdir()
        return True

    def _kept(self, digest: str, algorithm: str) -> bool:
        return self.cache.has(Object(digest, algorithm))


def _dvc_checkout(root: Path, paths: list[str]) -> list[str]:
    """Have dvc do it, as it knows about links; what went wrong, in its words."""
    command = [sys.executable, "-P", "-m", "dvc", "checkout", *(f"./{path}" for path in paths)]
    done = subprocess.run(
        command, cwd=root, env=gitenv.apart(), stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode == 0:
        return []
    lines = [line.strip() for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR")]
    return errors[:1] or lines[-1:] or ["dvc checkout failed and gave no reason"]
