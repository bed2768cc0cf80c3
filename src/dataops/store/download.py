"""Objects from the remote or the cache into the staging folder: chunks in threads, hashed while others still come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dataops.errors import DataOpsError, Refused
from dataops.store.cache import Cache
from dataops.store.hashing import BLOCK, Hasher, hash_file
from dataops.store.objects import Body, BrokenReadError, MissingObjectError, Object, Progress, Store
from dataops.store.partial import CHUNK, Partial
from dataops.store.staging import clone, require_room
from dataops.store.workers import Workers

ATTEMPTS = 5
REPAIR = "`dataops verify VERSION --repair`, with that version's name, restores it from a cache or a second remote"


@dataclass
class Download:
    """One transfer: what is staged so far, and what was counted."""

    store: Store
    cache: Cache | None
    folder: Path
    threads: int
    progress: Progress
    names: dict[str, str] = field(default_factory=dict)  # digest: a path that it is wanted for
    staged: dict[str, Path] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    from_cache: set[str] = field(default_factory=set)  # digests

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._workers = Workers(self.threads)
        self._done = 0  # bytes
        self._total: int | None = None
        self._announced = 0
        self._limit: int | None = None

    def bring(
        self, objects: Sequence[Object], target: Path, expected: int | None, copies: Sequence[int], *, all_of_it: bool
    ) -> None:
        """Have every object in the staging folder, right.

        `expected` bytes are the most that may come; where `all_of_it` says that this much is still to be written, no
        sizes need to be asked for.
        """
        local = [obj for obj in objects if self.cache is not None and self.cache.has(obj)]
        known = {obj.digest: self.cache.path(obj).stat().st_size for obj in local if self.cache is not None}
        remote = [obj for obj in objects if obj.digest not in known]
        self._limit = needed = self._total = expected
        if needed is None or not all_of_it:
            known |= self._sizes(remote)
            needed = sum(known[obj.digest] * count for obj, count in zip(objects, copies, strict=True))
            self._total = sum(known.values())
        require_room(target, max(0, needed - self._lying_here()))
        self._workers.add([self._from_cache(obj) for obj in local])
        self._workers.add([self._start(obj, known.get(obj.digest)) for obj in remote])
        self._workers.run(lambda: self.progress(min(self._done, self._total or self._done), self._total, "fetching"))

    def _sizes(self, objects: Sequence[Object]) -> dict[str, int]:
        """How large each is: as recorded, or as the remote says."""
        sizes: dict[str, int] = {obj.digest: obj.size for obj in objects if obj.size is not None}
        asking = Workers(self.threads * 2)

        def ask(obj: Object) -> Callable[[], None]:
            def task() -> None:
                head = self.store.head(obj)
                if head is None:
                    raise MissingObjectError(self.store.url, obj, self.names.get(obj.digest, ""))
                sizes[obj.digest] = head.size

            return task

        asking.add([ask(obj) for obj in objects if obj.size is None])
        asking.run(lambda: None)
        return sizes

    def _lying_here(self) -> int:
        """Bytes of what an interrupted call left."""
        return sum(path.stat().st_blocks * 512 for path in self.folder.glob("*.part"))

    def _from_cache(self, obj: Object) -> Callable[[], None]:
        """A task: copy from the cache, hashing; a damaged copy is fetched instead."""

        def task() -> None:
            if self.cache is None:
                raise AssertionError("the caller looked")
            source, target = self.cache.path(obj), self.folder / f"{obj.digest}.part"
            try:
                hasher = self._cloned(source, target, obj) or self._copied(source, target, obj)
                right = hasher.matches(obj.digest)
            except FileNotFoundError:
                right = False  # removed meanwhile
            if right:
                self._stage(obj, target)
                self.from_cache.add(obj.digest)
                return
            with self._lock:
                self.notes.append(f"the cache's copy of {self._name(obj)} is damaged and was not used: {source}")
            target.unlink(missing_ok=True)
            self._workers.add([self._start(obj, obj.size)], first=True)

        return task

    def _cloned(self, source: Path, target: Path, obj: Object) -> Hasher | None:
        """Share the blocks where the disk can, then hash what there is; None where it can't."""
        if not clone(source, target):
            return None
        hasher = hash_file(target, obj.algorithm)
        self._count(hasher.size)
        return hasher

    def _copied(self, source: Path, target: Path, obj: Object) -> Hasher:
        """Copy by reading, hashing what is written."""
        hasher = Hasher(obj.algorithm)
        with source.open("rb", buffering=0) as file, target.open("wb", buffering=0) as out:
            while block := file.read(BLOCK):
                self._workers.checkpoint()
                hasher.update(block)
                rest = memoryview(block)
                while rest:  # a disk that fills up takes a part first
                    rest = rest[out.write(rest) :]
                self._count(len(block))
        return hasher

    def _start(self, obj: Object, size: int | None) -> Callable[[], None]:
        """A task: take up what lies here, ask for the first chunk, and have the others fetched too."""

        def task() -> None:
            partial = Partial(self.folder, obj)
            known = partial.known_size() or size
            if known is None or known <= CHUNK:
                if partial.path.is_file() and hash_file(partial.path, obj.algorithm).matches(obj.digest):
                    return self._finished(partial)
                return self._whole(partial, known)
            self._announce(partial, known)
            return self._chunks(partial, known)

        return task

    def _whole(self, partial: Partial, size: int | None) -> None:
        """Fetch an object whose size is unknown or fits one chunk: the first answer says how large it is."""
        body = self._open(partial, 0, CHUNK)
        total = size if body.total is None else body.total
        if total is None:
            raise DataOpsError(f"{self.store.url} doesn't say how large {partial.obj.digest} is", "`dvc fetch`")
        self._announce(partial, total)
        if total > CHUNK:
            return self._chunks(partial, total)
        partial.begin(total)
        return self._chunk(partial, 0, body)()

    def _chunks(self, partial: Partial, size: int) -> None:
        """Have every chunk that is missing fetched, by whichever thread is free."""
        missing = partial.begin(size)
        done = size - sum(end - start for start, end in map(partial.span, missing))
        self._count(done)
        if missing:
            self._workers.add([self._chunk(partial, index) for index in missing], first=True)
        elif partial.finish():
            self._judge(partial)

    def _chunk(self, partial: Partial, index: int, body: Body | None = None) -> Callable[[], None]:
        """A task: one chunk, tried again where the connection breaks."""

        def task() -> None:
            blocks = body
            for attempt in range(1, ATTEMPTS + 1):
                counted = 0

                def took(count: int) -> None:
                    nonlocal counted
                    self._workers.checkpoint()
                    counted += count
                    self._count(count)

                try:
                    blocks = blocks or self._open(partial, *partial.span(index))
                    if blocks.total is not None and blocks.total != partial.size:
                        raise self._damaged(partial, f"it has {blocks.total} bytes now, not {partial.size}")
                    if partial.write(index, blocks, took):
                        break
                    if attempt == ATTEMPTS:
                        raise self._damaged(partial, "it ends before the size that the remote says it has")
                except BrokenReadError:
                    if attempt == ATTEMPTS:
                        raise
                blocks = None
                self._count(-counted)
                self._workers.sleep(0.1 * 2**attempt)
            if partial.finish(index):
                self._judge(partial)

        return task

    def _open(self, partial: Partial, start: int, end: int) -> Body:
        """The remote's answer, tried again where it fails half-way."""
        for attempt in range(1, ATTEMPTS):
            try:
                return self._asked(partial, start, end)
            except BrokenReadError:
                self._workers.sleep(0.1 * 2**attempt)
        return self._asked(partial, start, end)

    def _asked(self, partial: Partial, start: int, end: int) -> Body:
        try:
            return self.store.read(partial.obj, start, end)
        except MissingObjectError as error:
            raise MissingObjectError(self.store.url, error.obj, self.names.get(error.obj.digest, "")) from None

    def _announce(self, partial: Partial, size: int) -> None:
        """Compare what the remote announces with what was recorded, before its bytes come."""
        recorded = partial.obj.size
        if recorded is not None and not partial.obj.is_folder and size != recorded:
            raise self._damaged(partial, f"it has {size} bytes, {recorded} were recorded")
        with self._lock:
            self._announced += size
            too_much = self._limit is not None and self._announced > self._limit
        if too_much:
            raise self._damaged(partial, f"with its {size} bytes the version has more than the {self._limit} recorded")

    def _judge(self, partial: Partial) -> None:
        """The last byte is hashed: keep the file, try once more what had been taken up, or refuse."""
        if partial.right:
            return self._finished(partial)
        found, resumed, size = partial.md5, partial.resumed, partial.size or 0
        partial.close(discard=True)
        if not resumed:
            raise self._damaged(partial, f"its md5 is {found}")
        self._count(-size)
        return self._chunks(partial, size)

    def _finished(self, partial: Partial) -> None:
        partial.close()
        self._stage(partial.obj, partial.path)

    def _stage(self, obj: Object, path: Path) -> None:
        with self._lock:
            self.staged[obj.digest] = path

    def _count(self, count: int) -> None:
        with self._lock:
            self._done += count

    def _damaged(self, partial: Partial, reason: str) -> Refused:
        return Refused(f"{self._name(partial.obj)} is damaged on the remote: {reason}", REPAIR)

    def _name(self, obj: Object) -> str:
        """The path that it is wanted for, and the object."""
        path = self.names.get(obj.digest)
        where = self.store.uri(obj) if self.store.kind != "none" else obj.digest
        return f"{path} ({where})" if path else where
