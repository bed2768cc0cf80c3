"""Lists of a folder's files wherever they are: what must stay because a list names it."""

from __future__ import annotations

import concurrent.futures
import hashlib
from collections.abc import Sequence

from dataops.errors import Refused
from dataops.repo.scanned import Found, hashes
from dataops.store import manifest
from dataops.store.cache import Cache
from dataops.store.objects import LEGACY, MissingObjectError, Object, Progress, Store, silent

THREADS = 16


def expand(
    recorded: Found, cache: Cache, stores: Sequence[Store], progress: Progress = silent
) -> tuple[set[str], set[str]]:
    """What is recorded and every file of the folders among that; and the folders whose lists nobody need have.

    Raises:
        Refused: a folder's list of files is nowhere, and should be.
    """
    folders = sorted(digest for digest in recorded.hashes if digest.endswith(manifest.SUFFIX))
    needed, unread, lost = set(recorded.hashes), set(), []
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        contents = pool.map(lambda digest: find(digest, cache, stores if digest in recorded.lists else ()), folders)
        for done, (digest, content) in enumerate(zip(folders, contents, strict=True), 1):
            progress(done, len(folders), "lists of files")
            if content is not None:
                needed |= hashes(content)
            elif digest in recorded.lists:
                lost.append(digest)
            else:
                unread.add(digest)
    if lost:
        more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
        raise Refused(
            f"the list of files {lost[0]}{more} is neither in the cache nor on the remote: what it needs isn't known",
            f"`dvc fetch` it; or find what records it (`git log --all -S{lost[0][:32]}`) and delete that branch or tag",
        )
    return needed, unread


def named(store: Store, lists: Sequence[Object]) -> set[str]:
    """The files of those lists that need not be here and are: of an import that was released, say.

    Raises:
        Refused: such a list is damaged.
    """
    found: set[str] = set()
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        for obj, content in zip(lists, pool.map(lambda obj: read(store, obj, obj.digest), lists), strict=True):
            if content is None:
                reason = f"the list of files {obj.digest} is damaged at {store.uri(obj)}: what it needs isn't known"
                raise Refused(reason, "`dataops verify --all --repair`, or delete that list if nothing needs it")
            found |= hashes(content)
    return found


def find(digest: str, cache: Cache, stores: Sequence[Store]) -> bytes | None:
    """The list's bytes from wherever they are whole; None where they are nowhere."""
    either = [Object(digest), Object(digest, LEGACY)]
    for obj in either:
        if (content := cache.content(obj)) is not None:
            return content
    for store in stores:
        for obj in either if store.kind != "none" else ():
            if (content := read(store, obj, digest)) is not None:
                return content
    return None


def read(store: Store, obj: Object, digest: str) -> bytes | None:
    """A list of files as the store has it; None where it is missing or damaged."""
    try:
        content = b"".join(store.read(obj))
    except MissingObjectError:
        return None
    whole = hashlib.md5(content, usedforsecurity=False).hexdigest() == digest.removesuffix(manifest.SUFFIX)
    return content if whole else None
