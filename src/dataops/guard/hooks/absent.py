"""Which of a push's objects are not on their DVC remote: many questions, few seconds, and dvc only where needed."""

from __future__ import annotations

import itertools
import json
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from dataops.guard import lists
from dataops.guard.hooks import pushed
from dataops.guard.hooks.pushed import Added, Additions
from dataops.repo import worktree
from dataops.repo.git import Git
from dataops.store import cache as caches
from dataops.store import choose, dvccommand
from dataops.store.cache import Cache
from dataops.store.objects import LEGACY, MissingObjectError, Object, Progress, Store, silent
from dataops.store.remote import PLACEHOLDER

THREADS = 32
MANY = 2000  # objects from which a listing may be cheaper than a question each
CONFIG = ".dvc/config"


@dataclass(frozen=True)
class Missing:
    """An output of the push of which the remote hasn't everything."""

    added: Added
    url: str
    """Of the DVC remote that was asked."""
    files: tuple[str, ...]
    """Of a folder: the missing ones among its files, as far as they are known."""
    of: int
    """How many files the folder has; 0 of a file, or where its list is nowhere to be found."""
    here: bool
    """Is all that is missing in this clone's cache, so that `dvc push` can bring it?"""


@dataclass(frozen=True)
class Place:
    """Where one DVC repository of the push keeps its data."""

    store: Store
    cache: Cache


def missing(git: Git, found: Additions, progress: Progress = silent) -> list[Missing]:
    """The outputs whose objects, or whose folder's files, are not on the remote; in the order of `found`.

    Raises:
        DataOpsError: a remote can't be asked, or there is none.
    """
    groups: dict[tuple[str, str | None], list[Added]] = {}
    for one in found.added:
        groups.setdefault((one.prefix, one.remote), []).append(one)
    absent: list[Missing] = []
    for (prefix, remote), some in groups.items():
        place = _place(git, prefix, remote, some[0].commit)
        if readable(place.store):
            absent += _of_place(place, some, _known(place.cache, found.known.get(prefix, ())), progress)
        else:
            absent += by_dvc(git.folder / prefix, some, place.store.url)
    order = {id(one): number for number, one in enumerate(found.added)}
    return sorted(absent, key=lambda one: order[id(one.added)])


def _place(git: Git, prefix: str, remote: str | None, commit: str) -> Place:
    """By the work tree's configuration, where that has the DVC repository; else by the commit's."""
    root = git.folder / prefix
    if (root / CONFIG).is_file():
        return Place(choose.for_root(root, remote), caches.of(root))
    text = git.blob(commit, posixpath.join(prefix, CONFIG)) or b""
    return Place(choose.for_config(text, remote, root / ".dvc"), Cache(root / ".dvc" / "cache"))


def readable(store: Store) -> bool:
    """False of a remote that is there and of a kind that only dvc itself speaks."""
    return not (store.kind == "none" and "://" in store.url and not store.url.startswith(PLACEHOLDER))


def by_dvc(root: Path, some: Sequence[Added], url: str) -> list[Missing]:
    """The same by `dvc status --cloud`: for remotes that only dvc speaks to (ssh, gs, azure, …). It knows paths, not
    commits, so that an older commit's object may be named for the one that is pushed.

    Raises:
        DataOpsError: dvc can't ask either.
    """
    held = pushed.digests(worktree.snapshot(root, []))
    every = [] if {one.obj.digest for one in some} <= held else ["--all-commits"]
    states = json.loads(dvccommand.dvc(root, "status", "--cloud", "--json", *every))
    found = []
    for one in some:
        path = posixpath.relpath(one.path, one.prefix or ".")
        inside = sorted(name[len(path) + 1 :] for name in states if name.startswith(f"{path}/"))
        if path in states or inside:
            here = "missing" not in {states[name] for name in states if name == path or name.startswith(f"{path}/")}
            found.append(Missing(one, url, tuple(inside), len(inside), here))
    return found


def _known(cache: Cache, objects: Iterable[Object]) -> set[str]:
    """The digests of what the git remote's commits record, with the files of folders whose list is in the cache."""
    known: set[str] = set()
    for obj in objects:
        known.add(obj.digest)
        known.update((lists.files(cache.content(obj), obj.digest) or {}).values())
    return known


def _of_place(place: Place, some: Sequence[Added], known: set[str], progress: Progress) -> list[Missing]:
    store, cache = place.store, place.cache
    folders = [one.obj for one in some if one.obj.is_folder]
    with ThreadPoolExecutor(THREADS) as pool:
        listed = dict(zip(folders, pool.map(lambda obj: _listed(obj, store, cache), folders), strict=True))
    files = [
        [(path, Object(digest, one.obj.algorithm)) for path, digest in listed.get(one.obj, {}).items()] for one in some
    ]
    asked = [
        obj
        for one, inside in zip(some, files, strict=True)
        for obj in [one.obj, *(obj for _, obj in inside if obj.digest not in known)]
    ]
    absent = _absent(store, list({(obj.algorithm, obj.digest): obj for obj in asked}.values()), progress)
    found = []
    for one, inside in zip(some, files, strict=True):
        gone = [(path, obj) for path, obj in inside if obj.digest in absent]
        if gone or one.obj.digest in absent:
            wanted = [obj for _, obj in gone] + [one.obj] * (one.obj.digest in absent)
            here = all(cache.has(obj) for obj in wanted)
            found.append(Missing(one, store.url, tuple(path for path, _ in gone), len(inside), here))
    return found


def _listed(obj: Object, store: Store, cache: Cache) -> Mapping[str, str]:
    """The files of a folder, by its list in the cache, else on the remote; none where that is nowhere."""
    found = lists.files(cache.content(obj), obj.digest)
    if found is not None:
        return found
    try:
        return lists.files(b"".join(store.read(obj)), obj.digest) or {}
    except MissingObjectError:
        return {}


def _absent(store: Store, objects: Sequence[Object], progress: Progress) -> set[str]:
    """The digests of those that the store hasn't."""
    todo = list(objects)
    if len(todo) >= MANY and store.kind == "s3":  # a page of a listing answers for a thousand
        most = 2 * len(todo)
        there = [obj for obj, _ in itertools.islice(store.listing(), most)]
        new, old = ({obj.digest for obj in there if obj.algorithm == name} for name in ("md5", LEGACY))
        todo = [obj for obj in todo if obj.digest not in new and not (obj.algorithm == LEGACY and obj.digest in old)]
        if len(there) < most:  # that was all
            return {obj.digest for obj in todo}
    absent: set[str] = set()
    pool = ThreadPoolExecutor(max(1, min(THREADS, len(todo))))
    try:
        for done, (obj, head) in enumerate(zip(todo, pool.map(store.head, todo), strict=True), 1):
            if head is None:
                absent.add(obj.digest)
            progress(done, len(todo), "asking the DVC remote")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return absent
