"""Removing what nothing needs any more: not a release, branch, stash, worktree, experiment, nor the files lying here.

What is needed is read from git and DVC's manifests and never guessed: where it can't be known, nothing is removed. The
lists of folders go first, because DVC takes a folder whose list is there for complete: so a kill at any point leaves no
half folder that looks whole.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime as dt
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from dataops.errors import DataOpsError, Refused
from dataops.repo import tips
from dataops.repo.scanned import hashes
from dataops.store import manifest
from dataops.store.cache import Cache
from dataops.store.folder import FolderStore
from dataops.store.objects import Object, Progress, Store, silent
from dataops.versions.busy import idle
from dataops.versions.context import Context
from dataops.versions.lists import expand, named, read

THREADS = 16
BATCH = 1000
YOUNG_LOCAL = dt.timedelta(days=1)
YOUNG_REMOTE = dt.timedelta(days=14)  # a colleague's push comes before the commit that needs it


@dataclass(frozen=True)
class Options:
    """What a person may say."""

    remote: str | None = None
    """A remote's name, "" for the default one, None to leave every remote alone."""
    older_than: dt.timedelta | None = None
    every_commit: bool = False


@dataclass(frozen=True)
class Stored:
    """An object that is there."""

    obj: Object
    size: int
    changed: dt.datetime
    """When it came, as far as the store can tell."""


@dataclass(frozen=True)
class Place:
    """One cache or remote, and what would go."""

    store: Store = field(compare=False)
    kept: int
    kept_size: int
    young: tuple[Stored, ...]
    """Needed by nothing, and too new to be sure of that."""
    unneeded: tuple[Stored, ...]

    @property
    def size(self) -> int:
        """Bytes that would go."""
        return sum(stored.size for stored in self.unneeded)


@dataclass(frozen=True)
class Plan:
    """What gc would do."""

    places: tuple[Place, ...]
    commits: int
    """Tips that were looked at (with `every_commit`, all commits)."""
    needed: int


def plan(context: Context, options: Options, *, progress: Progress = silent, now: dt.datetime | None = None) -> Plan:
    """What nothing needs, in the cache and (if named) on the remote. Changes nothing.

    Raises:
        Refused: what is needed can't be known: a manifest is lost, refs are missing here, the clone is shallow, the
            cache is shared with other repositories.
        DataOpsError: git or the remote can't be asked.
    """
    _, cache = _own(context)
    now = now or dt.datetime.now(dt.UTC)
    remote = None if options.remote is None else _remote(context, options.remote)
    roots = tips.commits(context.git, every=options.every_commit)
    if remote is not None:
        roots |= _pushed(context)
    recorded = tips.recorded(context.git, roots)
    recorded.add(tips.lying(context.git))
    readable = [remote] if remote is not None else []
    with contextlib.suppress(DataOpsError):
        readable.append(context.store())
    needed, unread = expand(recorded, cache, readable, progress)
    wanted: list[tuple[Store, dt.timedelta]] = (
        [(FolderStore(cache.folder), YOUNG_LOCAL)] if cache.folder.is_dir() else []
    )
    wanted += [(remote, YOUNG_REMOTE)] if remote is not None else []
    stored = [list(_listed(store)) for store, _ in wanted]
    for (store, _), those in zip(wanted, stored, strict=True):
        needed |= named(store, [one.obj for one in those if one.obj.digest in unread])
    places = [_place(store, those, needed, now - (usual if options.older_than is None else options.older_than))
              for (store, usual), those in zip(wanted, stored, strict=True)]  # fmt: skip
    return Plan(tuple(places), len(roots), len(needed))


def collect(context: Context, options: Options, *, progress: Progress = silent) -> Plan:
    """Plan and remove while no dvc command can run here: what one adds meanwhile may be an object that was to go.

    Raises:
        Refused, DataOpsError: as `plan`; or dvc is at work.
    """
    root, _ = _own(context)
    with idle(root):
        planned = plan(context, options, progress=progress)
        for place in planned.places:
            remove(place, progress)
    return planned


def sort(store: Store, stored: Iterable[Stored], needed: Set[str], before: dt.datetime) -> Place:
    """Which objects stay and which go; an object that lies in both of DVC's layouts is as old as its younger copy."""
    kept = kept_size = 0
    loose: dict[str, list[Stored]] = {}
    for one in stored:
        if one.obj.digest in needed:
            kept, kept_size = kept + 1, kept_size + one.size
        else:
            loose.setdefault(one.obj.digest, []).append(one)
    young: list[Stored] = []
    unneeded: list[Stored] = []
    for copies in loose.values():
        (young if max(one.changed for one in copies) > before else unneeded).extend(copies)
    unneeded.sort(key=lambda one: (not one.obj.is_folder, one.obj.digest))
    return Place(store, kept, kept_size, tuple(young), tuple(unneeded))


def remove(place: Place, progress: Progress = silent) -> None:
    """Delete what the plan says. Killed half-way, the rest is found by the next run.

    Raises:
        DataOpsError: an object can't be deleted.
    """
    objects = [one.obj for one in place.unneeded]
    for start in range(0, len(objects), BATCH):
        place.store.delete(objects[start : start + BATCH])
        progress(min(start + BATCH, len(objects)), len(objects), f"remove from {place.store.url}")


def where_used(context: Context, stored: Sequence[Stored], cache: Cache, folders: Iterable[Object]) -> dict[str, str]:
    """For people: which file an object was, and which commit recorded it last, by digest, as far as git remembers."""
    wanted = {one.obj.digest for one in stored}
    names: dict[str, tuple[str, str]] = {}  # digest: its folder's digest, its path there
    for listed in folders:
        content = cache.content(listed)
        try:
            entries = manifest.parse(content, listed.digest) if content is not None else ()
        except DataOpsError:
            continue
        for entry in entries:
            if entry.digest in wanted:
                names.setdefault(entry.digest, (listed.digest, entry.path))
    commits = tips.history(context.git, wanted | {folder for folder, _ in names.values()})
    found = {}
    for digest in wanted:
        folder, path = names.get(digest, (digest, ""))
        commit = commits.get(folder) or commits.get(digest)
        found[digest] = " ".join(part for part in (path, f"recorded in {commit}" if commit else "") if part)
    return found


def _own(context: Context) -> tuple[Path, Cache]:
    """The work tree and its cache, which must be its own."""
    if context.root is None or context.cache is None:
        raise DataOpsError("gc works in a clone of your own")
    for folder in (context.cache.folder, context.cache.folder / "files", context.cache.folder / "files/md5"):
        if not folder.resolve().is_relative_to((context.root / ".dvc").resolve()):
            raise Refused(
                f"the cache {folder.resolve()} is outside of this repository, so others may need what is in it",
                "`dvc gc --projects` knows several repositories",
            )
    return context.root, context.cache


def _remote(context: Context, name: str) -> Store:
    """The remote that is to be cleaned."""
    if context.git.out("rev-parse", "--is-shallow-repository") == "true":
        reason = "this is a shallow clone: what the rest of the history needs isn't known"
        raise Refused(reason, "`git fetch --unshallow --tags`, or clean up in a full clone")
    store = context.store(name or None)
    if store.kind == "none":
        next(store.listing())  # says why not
    if store.kind == "http":
        raise Refused(f"{store.url} can only be read", "clean up where it is written")
    return store


def _pushed(context: Context) -> set[str]:
    """What the git remotes have, all of which must be here too."""
    here, missing = tips.lacking(context.git, tips.promised(context.git))
    if missing:
        more = f" (and {len(missing) - 1} more refs)" if len(missing) > 1 else ""
        exps = any(" refs/exps/" in name for name in missing)
        hint = "`git fetch origin 'refs/exps/*:refs/exps/*'`" if exps else "`git fetch --all --tags --prune`"
        raise Refused(f"{missing[0]}{more} is not in this clone, and what it needs isn't known", f"{hint}, then again")
    return here


def _place(store: Store, stored: Sequence[Stored], needed: Set[str], before: dt.datetime) -> Place:
    """What would go from one store.

    A list of files that is too young to go may be somebody's push, and the files it names may have been there before.
    """
    place = sort(store, stored, needed, before)
    lists = [one.obj for one in place.young if one.obj.is_folder]
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        contents = pool.map(lambda obj: read(store, obj, obj.digest), lists)
        more = {digest for content in contents if content is not None for digest in hashes(content)}
    if not more:
        return place
    return sort(store, stored, set(needed) | more, before)


def _listed(store: Store) -> Iterator[Stored]:
    """What is there, with the time it came. A file that was moved in keeps its old mtime, but not its ctime."""
    for obj, head in store.listing():
        changed = head.modified or dt.datetime.now(dt.UTC)
        if isinstance(store, FolderStore):
            with contextlib.suppress(FileNotFoundError):
                moved = (store.folder / head.key).stat().st_ctime
                changed = max(changed, dt.datetime.fromtimestamp(moved, dt.UTC))
        yield Stored(obj, head.size, changed)
