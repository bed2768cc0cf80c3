"""Bringing what a version needs to the remote, and proving that it is there: every object, by its hash."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dataops.errors import DataOpsError, Refused
from dataops.store import hashing
from dataops.store.cache import Cache
from dataops.store.objects import Object, Progress, Store
from dataops.store.proof import Proof, prove
from dataops.versions import files
from dataops.versions.context import Context
from dataops.versions.inputs import Needed

Objects = Mapping[str | None, tuple[Object, ...]]  # by the remote's name; None is the default one
THREADS = 8
SHOWN = 3


@dataclass(frozen=True)
class Bytes:
    """What was done, or would have to be."""

    objects: int = 0
    size: int = 0
    uploaded: int = 0
    uploaded_size: int = 0
    read_back: int = 0
    """Proven by reading them, as the store keeps no usable checksum of them."""
    url: str = ""

    def and_(self, other: Bytes) -> Bytes:
        """Both together."""
        return Bytes(
            self.objects + other.objects,
            self.size + other.size,
            self.uploaded + other.uploaded,
            self.uploaded_size + other.uploaded_size,
            self.read_back + other.read_back,
            ", ".join(filter(None, (self.url, other.url))),
        )


def objects(context: Context, needed: Needed, remote: str | None) -> Objects:
    """Every object behind the outputs, each once, by the remote that it belongs on.

    Raises:
        DataOpsError: a folder's list is neither in the cache nor on the remote.
    """
    found: dict[str | None, dict[str, Object]] = {}
    for out in needed.all:
        place = out.remote or remote  # dvc.yaml may pin an output to a remote of its own
        whole, store = files.whole_of(out), context.store(place)
        inner = files.entries(whole, out.path, store, context.cache) if whole.is_folder else ()
        for obj in (*(Object(entry.digest, out.algorithm) for entry in inner), whole):
            found.setdefault(place, {}).setdefault(obj.digest, obj)
    return {place: tuple(group.values()) for place, group in found.items()}


def look(context: Context, wanted: Objects) -> tuple[Bytes, list[Proof]]:
    """How the objects stand on their remotes, nothing read back and nothing changed."""
    found: list[Proof] = []
    total = Bytes()
    for place, group in wanted.items():
        store, cache = context.store(place), _cache(context)
        proofs = prove(group, store, cache, read_back=False)
        missing = [proof.obj for proof in proofs if proof.state == "missing"]
        unknown = sum(proof.state == "unknown" for proof in proofs)
        sizes = [sum(cache.path(obj).stat().st_size for obj in some if cache.has(obj)) for some in (group, missing)]
        total = total.and_(Bytes(len(group), sizes[0], len(missing), sizes[1], unknown, store.url))
        found += proofs
    return total, found


def bring(context: Context, wanted: Objects, reached: Callable[[str], None], progress: Progress) -> Bytes:
    """Upload what is missing and prove all of it.

    `dvc push` isn't asked: it takes a folder whose list is on the remote for complete, and what is damaged for sound.

    Raises:
        Refused: an object on a remote is damaged.
        DataOpsError: something is missing that the cache hasn't either, or a remote can't be reached.
    """
    total = Bytes()
    for place, group in wanted.items():
        total = total.and_(_bring(context, place, group, reached, progress))
    return total


def _bring(
    context: Context, place: str | None, group: Sequence[Object], reached: Callable[[str], None], progress: Progress
) -> Bytes:
    """The same on one remote."""
    store, cache = context.store(place), _cache(context)
    before, proofs = look(context, {place: tuple(group)})
    _sound(proofs, store)
    missing = [proof.obj for proof in proofs if proof.state == "missing"]
    for folder in (False, True):  # a list only when all that it names is there
        _upload([obj for obj in missing if obj.is_folder is folder], store, cache, reached, progress)
    reached("uploaded")
    unproven = [proof.obj for proof in proofs if proof.state != "proven"]
    again = prove(unproven, store, cache, read_back=True, progress=progress)
    _sound(again, store)
    if lost := [proof.obj.digest for proof in again if proof.state != "proven"]:
        raise Refused(f"{len(lost)} objects are not on {store.url} after the upload, as {lost[0]}", "run it again")
    return replace(before, read_back=sum(proof.how == "read back" for proof in again))


def _upload(
    missing: Sequence[Object],
    store: Store,
    cache: Cache,
    reached: Callable[[str], None],
    progress: Progress,
) -> None:
    """Store these, several at once."""
    if absent := [obj for obj in missing if not cache.has(obj)]:
        raise DataOpsError(
            f"{len(absent)} of {len(missing)} missing objects are neither on {store.url} nor in the cache, "
            f"as {absent[0].digest}",
            "`dvc push` where they were made, or `dvc repro --force` here",
        )
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        jobs = [pool.submit(_put, obj, store, cache.path(obj)) for obj in missing]
        try:
            for count, job in enumerate(concurrent.futures.as_completed(jobs), 1):
                job.result()
                reached(f"uploaded {count}")
                progress(count, len(missing), "upload")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _put(obj: Object, store: Store, path: Path) -> None:
    """Upload what is what it says it is."""
    if not hashing.hash_file(path, obj.algorithm).matches(obj.digest):
        raise DataOpsError(f"the cache's copy {path} is damaged", "delete it, then `dvc repro` or `dvc fetch`")
    store.put(obj, path)


def _sound(proofs: Sequence[Proof], store: Store) -> None:
    damaged = [store.uri(proof.obj) for proof in proofs if proof.state == "damaged"]
    if damaged:
        more = f" (and {len(damaged) - SHOWN} more)" if len(damaged) > SHOWN else ""
        raise Refused(
            f"damaged on the remote: {', '.join(damaged[:SHOWN])}{more}",
            "`dataops verify HEAD --repair` restores it from the cache",
        )


def _cache(context: Context) -> Cache:
    if context.cache is None:
        raise DataOpsError("there is no cache to upload from", "release in a clone of your own")
    return context.cache
