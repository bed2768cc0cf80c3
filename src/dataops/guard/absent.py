"""Which of a push's objects are not on their DVC remote: many questions, few seconds, and dvc only where needed."""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from dataops.errors import DataOpsError
from dataops.guard.pushed import Added, Additions
from dataops.repo.git import Git
from dataops.store import cache as caches
from dataops.store import choose, manifest
from dataops.store.cache import Cache
from dataops.store.objects import MissingObjectError, Object, Progress, Store, silent
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


class UncheckedError(DataOpsError):
    """The remote can't be asked, so nothing is proven."""

    status = 1


@dataclass(frozen=True)
class Place:
    """Where one DVC repository of the push keeps its data."""

    store: Store
    cache: Cache


def missing(git: Git, found: Additions, progress: Progress = silent) -> list[Missing]:
    """The outputs whose objects, or whose folder's files, are not on the remote; in the order of `found`.

    Raises:
        UncheckedError: a remote can't be asked, or there is none.
    """
    groups: dict[tuple[str, str | None], list[Added]] = {}
    for one in found.added:
        groups.setdefault((one.prefix, one.remote), []).append(one)
    absent: list[Missing] = []
    for (prefix, remote), some in groups.items():
        try:
            place = _place(git, prefix, remote, some[0].commit)
            absent += _of_place(place, some, _known(place.cache, found.known.get(prefix, ())), progress)
        except DataOpsError as error:
            raise UncheckedError(error.message, error.hint) from None
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


def _known(cache: Cache, objects: Iterable[Object]) -> set[str]:
    """The digests of what the git remote's commits record, with the files of folders whose list is in the cache."""
    known: set[str] = set()
    for obj in objects:
        known.add(obj.digest)
        known.update(entry.digest for entry in _entries(obj, cache.content(obj)) or ())
    return known


def _of_place(place: Place, some: Sequence[Added], known: set[str], progress: Progress) -> list[Missing]:
    store, cache = place.store, place.cache
    lists = [one for one in some if one.obj.is_folder]
    with ThreadPoolExecutor(THREADS) as pool:
        listed = dict(zip(map(id, lists), pool.map(lambda one: _listed(one.obj, store, cache), lists), strict=True))
    files = {id(one): [(entry.path, Object(entry.digest, one.obj.algorithm)) for entry in listed.get(id(one), ())]
             for one in some}  # fmt: skip
    asked = [obj for one in some for obj in [one.obj, *(obj for _, obj in files[id(one)] if obj.digest not in known)]]
    absent = _absent(store, list({(obj.algorithm, obj.digest): obj for obj in asked}.values()), progress)
    found = []
    for one in some:
        gone = [(path, obj) for path, obj in files[id(one)] if obj.digest in absent]
        if gone or one.obj.digest in absent:
            wanted = [obj for _, obj in gone] + [one.obj] * (one.obj.digest in absent)
            here = all(cache.has(obj) for obj in wanted)
            found.append(Missing(one, store.url, tuple(path for path, _ in gone), len(files[id(one)]), here))
    return found


def _listed(obj: Object, store: Store, cache: Cache) -> Sequence[manifest.Entry]:
    """The files of a folder, by its list in the cache, else on the remote; none where that is nowhere."""
    found = _entries(obj, cache.content(obj))
    if found is not None:
        return found
    try:
        return _entries(obj, b"".join(store.read(obj))) or ()
    except MissingObjectError:
        return ()


def _entries(obj: Object, content: bytes | None) -> Sequence[manifest.Entry] | None:
    """None where there is no list, or one that no folder can have."""
    if content is None or not obj.is_folder:
        return None
    try:
        return manifest.parse(content, obj.digest)
    except DataOpsError:
        return None


def _absent(store: Store, objects: Sequence[Object], progress: Progress) -> set[str]:
    """The digests of those that the store hasn't."""
    there: set[str] = set()
    if len(objects) >= MANY and store.kind == "s3":  # a page of a listing answers for a thousand
        listing = itertools.islice(store.listing(), 2 * len(objects))
        there = {obj.digest for obj, _ in listing}
    todo = [obj for obj in objects if obj.digest not in there]
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
