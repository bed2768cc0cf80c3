"""The bytes of old files on their way into DVC's cache: each content once, hashed, and compared with what was said."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from dataops import files
from dataops.errors import DataOpsError
from dataops.store.cache import Cache
from dataops.store.objects import DIGEST, Object, Progress, silent
from dataops.store.staging import explained
from dataops.versions.importing.old import OldFile, Source

THREADS = 8
BLOCK = 1 << 20
PREFIX = "import-"


@dataclass(frozen=True)
class Sums:
    """Of one content."""

    md5: str
    sha256: str
    size: int


class Carrier:
    """Fetches what the cache hasn't; the same content is fetched once, however many versions have it."""

    def __init__(self, source: Source, cache: Cache, clone: Path, progress: Progress = silent) -> None:
        self.source, self.cache = source, cache
        self.fetched = 0  # bytes
        self._progress = progress
        self._known: dict[tuple[str, int], Sums] = {}
        cache.folder.mkdir(parents=True, exist_ok=True)
        base = files.scratch(cache.folder / "x")
        own = hashlib.sha256(os.fsencode(clone.resolve())).hexdigest()[:12]  # several clones may share a cache
        self.scratch = base / f"{PREFIX}{own}"
        shutil.rmtree(self.scratch, ignore_errors=True)  # of a run that was killed; only one runs at a time
        self.scratch.mkdir()

    def close(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self.scratch, ignore_errors=True)

    def bring(self, wanted: Sequence[OldFile], what: str) -> dict[str, Sums]:
        """Have these files in the cache; their sums by path.

        Raises:
            Refused: one can't be had, whatever is tried.
            DataOpsError: the network or the disk.
        """
        todo = list({file.same_as: file for file in wanted if file.same_as not in self._known}.values())
        pool = ThreadPoolExecutor(THREADS)
        try:
            for done, (file, sums) in enumerate(zip(todo, pool.map(self._one, todo), strict=True), 1):
                self._known[file.same_as] = sums
                self._progress(done, len(todo), what)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        return {file.path: self._known[file.same_as] for file in wanted}

    def _one(self, file: OldFile) -> Sums:
        if (found := self._cached(file)) is not None:
            return found
        try:
            handle, name = tempfile.mkstemp(dir=self.scratch)
            os.close(handle)
            path = Path(name)
            self.source.copy(file, path)
            sums = sums_of(path)
        except OSError as error:
            raise explained(error, self.cache.folder) from None
        if sums.size != file.size:
            message = f"{file.place} gave {sums.size:,} bytes, {file.size:,} were listed"
            raise DataOpsError(message, "run this again, when nothing writes there")
        self.cache.add(Object(sums.md5), path)
        self.fetched += sums.size
        return sums

    def _cached(self, file: OldFile) -> Sums | None:
        """What an earlier run fetched: an ETag of S3 that is an md5 names it."""
        if not DIGEST.fullmatch(file.etag):
            return None
        path = self.cache.path(Object(file.etag))
        try:
            sums = sums_of(path) if path.stat().st_size == file.size else None
        except OSError:
            return None
        return sums if sums is not None and sums.md5 == file.etag else None


def sums_of(path: Path) -> Sums:
    """Hash a file.

    Raises:
        OSError: it can't be read.
    """
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            md5.update(block)
            sha256.update(block)
            size += len(block)
    return Sums(md5.hexdigest(), sha256.hexdigest(), size)


def contradictions(wanted: Sequence[OldFile], found: dict[str, Sums]) -> list[str]:
    """Files whose content isn't what was written down of it."""
    lines = []
    for file in wanted:
        sums, said = found[file.path], file.stated.digest
        kind, is_now = ("SHA-256", sums.sha256) if len(said) == 64 else ("md5", sums.md5)
        if said and said != is_now:
            lines.append(f"{file.path} has the {kind} {is_now[:12]}…, {said[:12]}… was written down")
    return lines
