"""DVC's local cache, found and filled without importing DVC. What lies in it may have been damaged since."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dataops.errors import DataOpsError
from dataops.store import dvcconfig
from dataops.store.folder import MODE, place
from dataops.store.hashing import hash_file
from dataops.store.objects import Object


@dataclass(frozen=True)
class Cache:
    """Objects as files below `folder`, in DVC's layout."""

    folder: Path

    def path(self, obj: Object) -> Path:
        """Where the object is; where it belongs, when it is nowhere."""
        places = [self.folder / key for key in obj.keys]
        return next((path for path in places if path.is_file()), places[0])

    def has(self, obj: Object) -> bool:
        """Whether there is a file of that name (and size, where it is known)."""
        try:
            size = self.path(obj).stat().st_size
        except OSError:
            return False
        return obj.size is None or obj.is_folder or size == obj.size

    def open(self, obj: Object) -> BinaryIO:
        """The object for reading.

        Raises:
            DataOpsError: it isn't there, or may not be read.
        """
        try:
            return self.path(obj).open("rb")
        except OSError as error:
            raise DataOpsError(f"the cache has no readable {obj.digest}: {error.strerror}", "`dvc fetch`") from None

    def sound(self, obj: Object) -> bool:
        """Whether the object is there and its bytes, all read, are the right ones."""
        try:
            return self.has(obj) and hash_file(self.path(obj), obj.algorithm).matches(obj.digest)
        except OSError:
            return False

    def content(self, obj: Object) -> bytes | None:
        """A small object's bytes; None where they are missing, damaged or may not be read."""
        from dataops.store.hashing import Hasher

        try:
            content = self.path(obj).read_bytes()
        except OSError:
            return None
        hasher = Hasher(obj.algorithm)
        hasher.update(content)
        return content if hasher.matches(obj.digest) else None

    def add(self, obj: Object, path: Path) -> None:
        """Move `path`, whose content the caller has verified, into the cache, read-only as DVC leaves its objects.

        DVC trusts a read-only object without hashing it again, hence "verified".

        Raises:
            DataOpsError: the cache can't be written.
        """
        target = self.folder / obj.keys[0]
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            path.chmod(MODE)
            path.replace(target)
        except OSError:
            place(path, target, self._explained)  # another file system; or the real reason
            path.unlink(missing_ok=True)

    def _explained(self, error: OSError, doing: str) -> DataOpsError:
        return DataOpsError(f"can't {doing} in {self.folder}: {error.strerror}", "check the disk and its permissions")


def of(root: Path) -> Cache:
    """The cache of the repository at `root`, where `cache.dir` says; a relative one counts from its file's folder."""
    found = root / ".dvc" / "cache"
    for name, config in dvcconfig.levels(root):
        if value := dvcconfig.get(config, "cache", "dir"):
            base = root / name if name in (str(dvcconfig.COMMITTED), str(dvcconfig.LOCAL)) else Path(name)
            found = base.parent / Path(value).expanduser()
    return Cache(found.resolve())
