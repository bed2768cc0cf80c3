"""Did a stage read what its maker has recorded? Of a part of a folder only the folder's own list of files can say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataops.errors import DataOpsError
from dataops.repo.records import Dependency, Output

if TYPE_CHECKING:
    from dataops.store.cache import Cache


class Agreement:
    """The judge; lists that it has read once are kept."""

    def __init__(self, cache: Cache | None) -> None:
        self._cache = cache
        self._files: dict[str, dict[str, str] | None] = {}

    def __call__(self, out: Output, dep: Dependency) -> bool | None:
        """Whether `dep` is what `out` holds; None where nothing here can say."""
        if not out.digest or not dep.digest or out.algorithm != dep.algorithm:
            return None
        if out.path == dep.path:
            return out.digest == dep.digest
        if not out.digest.endswith(".dir") or not dep.path.startswith(f"{out.path}/"):
            return None
        files = self._listed(out)
        return None if files is None else dep.digest in _digests(files, dep.path[len(out.path) + 1 :])

    def _listed(self, out: Output) -> dict[str, str] | None:
        """The files of a folder with their hashes, from the cache."""
        if out.digest not in self._files:
            from dataops.store import manifest
            from dataops.store.objects import Object

            try:
                content = self._cache.content(Object(out.digest, out.algorithm)) if self._cache else None
                entries = manifest.parse(content, out.digest) if content is not None else None
            except DataOpsError:
                entries = None
            self._files[out.digest] = {one.path: one.digest for one in entries} if entries is not None else None
        return self._files[out.digest]


def _digests(files: dict[str, str], path: str) -> set[str]:
    """The hash of the file `path` of a folder, or of the folder `path` in it."""
    from dataops.store import manifest

    if path in files:
        return {files[path]}
    inside = {name[len(path) + 1 :]: digest for name, digest in files.items() if name.startswith(f"{path}/")}
    return {manifest.digest(inside)} if inside else set()
