"""Is every object on the remote, and hash-correct? Its own checksum says so where it can; else its bytes are read."""

from __future__ import annotations

import base64
import hashlib
import re
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from dataops.store.cache import Cache
from dataops.store.hashing import BLOCK, Hasher
from dataops.store.objects import BrokenReadError, Head, MissingObjectError, Object, Progress, Store, silent
from dataops.store.s3objects import S3Store, cut

PLAIN = re.compile(r"[0-9a-f]{32}")
MULTIPART = re.compile(r"[0-9a-f]{32}-([1-9]\d{0,4})")
MIB = 1 << 20
# s3fs (DVC) cuts parts of 50 MiB, boto3 and the AWS CLI of 8 MiB; the rest are other tools' defaults
PARTS = tuple(count * MIB for count in (50, 8, 5, 16, 15, 10, 32, 64, 100, 128, 256, 512))
MOST_PARTS = 10_000  # S3's limit
ATTEMPTS = 3
State = Literal["proven", "missing", "damaged", "unknown"]


@dataclass(frozen=True)
class Proof:
    """What is known of one object on the remote."""

    obj: Object
    state: State
    how: str  # "etag", "multipart etag", "checksum", "read back"; "" where nothing was compared
    detail: str = ""  # of damage: what was found


class Sums(Protocol):
    """A checksum in the making."""

    def update(self, block: memoryview, /) -> None:
        """Take the next bytes."""

    def digest(self) -> bytes:
        """The checksum of what came."""


def prove(
    objects: Sequence[Object],
    store: Store,
    cache: Cache | None = None,
    *,
    read_back: bool = True,
    threads: int = 16,
    progress: Progress = silent,
) -> list[Proof]:
    """What is known of each object, in their order.

    Without `read_back` no bytes are fetched: what would need that is "unknown". A local copy helps only when its own
    hash is right. An object whose ETag contradicts its digest is read before it is called damaged, as not every
    server's ETag is an md5; without `read_back` it is damaged where another object's ETag here was one.

    Raises:
        DataOpsError: the remote can't be asked: no network, no permission, expired credentials.
    """

    def one(obj: Object) -> Proof:
        proof = _by_checksum(obj, store, cache)
        return _read(obj, store) if proof.state == "unknown" and read_back else proof

    proofs = _each(one, objects, threads, progress, "proving")
    if any(proof.state == "proven" and proof.how == "etag" for proof in proofs):
        proofs = [_convicted(proof) for proof in proofs]
    return proofs


def reread(objects: Sequence[Object], store: Store, *, threads: int = 8, progress: Progress = silent) -> list[Proof]:
    """Fetch and hash every byte, whatever the store's checksums say: what finds a flipped bit on its disks.

    Raises:
        DataOpsError: as for `prove`.
    """
    return _each(lambda obj: _read(obj, store), objects, threads, progress, "reading")


def _each(
    work: Callable[[Object], Proof], objects: Sequence[Object], threads: int, progress: Progress, what: str
) -> list[Proof]:
    """`work` on every object, in threads; the first error ends it."""
    if not objects:
        return []
    proofs: list[Proof] = []
    pool = ThreadPoolExecutor(max(1, min(threads, len(objects))))
    try:
        waiting = [pool.submit(work, obj) for obj in objects]
        for future in waiting:
            proofs.append(future.result())
            progress(len(proofs), len(objects), what)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
    return proofs


def _by_checksum(obj: Object, store: Store, cache: Cache | None) -> Proof:
    """What can be said without fetching bytes; "unknown" where only they can tell."""
    head = store.head(obj)
    if head is None:
        return Proof(obj, "missing", "", f"{store.url} has no {obj.keys[0]}")
    if obj.size is not None and not obj.is_folder and head.size != obj.size:
        return Proof(obj, "damaged", "size", f"it has {head.size} bytes, {obj.size} were recorded")
    unknown = Proof(obj, "unknown", "")
    if not isinstance(store, S3Store):
        return unknown
    opaque = head.encryption is not None and head.encryption != "AES256"  # then the ETag is no md5
    etag = None if opaque else head.etag
    if etag and PLAIN.fullmatch(etag) and etag == obj.digest.removesuffix(".dir"):
        return Proof(obj, "proven", "etag")
    plain = etag is not None and PLAIN.fullmatch(etag) is not None
    if plain and obj.algorithm == "md5":
        return Proof(obj, "unknown", "etag", f"the store says that its md5 is {etag}")
    local = cache.path(obj) if cache is not None else None
    if local is None or not local.is_file() or local.stat().st_size != head.size:
        return unknown
    return _against(local, obj, head, etag, store) or unknown


def _against(local: Path, obj: Object, head: Head, etag: str | None, store: S3Store) -> Proof | None:
    """Recompute what the store says of the object from a local copy; None where that settles nothing."""
    if etag and PLAIN.fullmatch(etag):
        found = _sums(local, obj, [head.size], hashlib.md5)
        return Proof(obj, "proven", "etag") if found and found[0].hex() == etag else None
    if etag and MULTIPART.fullmatch(etag):
        for sizes in _layouts(head, etag, store):
            found = _sums(local, obj, sizes, hashlib.md5)
            if found is None:
                return None  # the local copy is damaged, and proves nothing
            if f"{hashlib.md5(b''.join(found), usedforsecurity=False).hexdigest()}-{len(sizes)}" == etag:
                return Proof(obj, "proven", "multipart etag")
    return _checksum(local, obj, head, etag, store)


def _checksum(local: Path, obj: Object, head: Head, etag: str | None, store: S3Store) -> Proof | None:
    """The same with `x-amz-checksum-*`: of the whole object, or of its parts' checksums."""
    for name, make in SUMS.items():
        said, _, count = head.checksums.get(name, "").partition("-")
        if not said:
            continue
        composite = head.composite or bool(count)
        number = count or (etag or "").partition("-")[2]
        for sizes in _layouts(head, f"-{number}", store) if composite else [[head.size]]:
            found = _sums(local, obj, sizes, make)
            if found is None:
                return None
            whole = _of_parts(found, make) if composite else found[0]
            if base64.b64encode(whole).decode() == said:
                return Proof(obj, "proven", "checksum")
    return None


def _of_parts(found: Sequence[bytes], make: Callable[[], Sums]) -> bytes:
    """The checksum of checksums."""
    total = make()
    total.update(memoryview(b"".join(found)))
    return total.digest()


def _layouts(head: Head, etag: str, store: S3Store) -> list[list[int]]:
    """Part sizes that the object may have been uploaded in: what the store says, else every known tool's that fits."""
    number = etag.rpartition("-")[2]
    if not number.isdigit() or not 1 <= int(number) <= MOST_PARTS:
        return []
    count = int(number)
    if count == 1:
        return [[head.size]]
    told = store.parts(head)
    if told is not None and len(told) == count:
        return [told]
    fitting = [part for part in (*PARTS, -(-head.size // count)) if part and -(-head.size // part) == count]
    return [cut(head.size, part) for part in dict.fromkeys(fitting)]


def _sums(local: Path, obj: Object, sizes: Sequence[int], make: Callable[[], Sums]) -> list[bytes] | None:
    """Every part's checksum, in one pass that hashes the copy itself too; None unless the copy is the object."""
    hasher = Hasher(obj.algorithm)
    found = []
    buffer = memoryview(bytearray(BLOCK))
    try:
        with local.open("rb", buffering=0) as file:
            for size in sizes:
                part, left = make(), size
                while left and (count := file.readinto(buffer[: min(left, BLOCK)])):
                    part.update(buffer[:count])
                    hasher.update(buffer[:count])
                    left -= count
                found.append(part.digest())
            if file.read(1):
                return None
    except OSError:
        return None
    return found if hasher.matches(obj.digest) else None


def _read(obj: Object, store: Store) -> Proof:
    """Fetch every byte and hash it."""
    try:
        hasher = _fetched(obj, store)
    except MissingObjectError as error:
        return Proof(obj, "missing", "read back", error.message)
    except BrokenReadError as error:
        if store.head(obj) is None:  # raises where the network is at fault and not the object
            return Proof(obj, "missing", "read back", error.message)
        return Proof(obj, "damaged", "read back", f"the store can't read it: {error.message}")
    if obj.size is not None and not obj.is_folder and hasher.size != obj.size:
        return Proof(obj, "damaged", "read back", f"it has {hasher.size} bytes, {obj.size} were recorded")
    if not hasher.matches(obj.digest):
        return Proof(obj, "damaged", "read back", f"its md5 is {hasher.md5}")
    return Proof(obj, "proven", "read back")


def _fetched(obj: Object, store: Store) -> Hasher:
    """The hash of every byte; a broken connection is tried again."""
    for attempt in range(1, ATTEMPTS + 1):
        hasher = Hasher(obj.algorithm)
        try:
            for block in store.read(obj):
                hasher.update(block)
        except BrokenReadError:
            if attempt == ATTEMPTS:
                raise
            time.sleep(0.2 * attempt)
        else:
            break
    return hasher


def _convicted(proof: Proof) -> Proof:
    """In a store whose ETags are md5s, one that contradicts the digest is damage."""
    return replace(proof, state="damaged") if proof.state == "unknown" and proof.how == "etag" else proof


class _Crc32:
    """zlib's CRC in the shape of hashlib's objects; S3 sends it with the highest byte first."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, block: memoryview, /) -> None:
        """Take the next bytes."""
        self._value = zlib.crc32(block, self._value)

    def digest(self) -> bytes:
        """Four bytes."""
        return self._value.to_bytes(4, "big")


SUMS: dict[str, Callable[[], Sums]] = {"SHA256": hashlib.sha256, "SHA1": hashlib.sha1, "CRC32": _Crc32}
