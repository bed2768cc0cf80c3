"""A remote that is a folder: a mounted disk, or a cache that others can read."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from dataops.errors import DataOpsError
from dataops.store.objects import BLOCK, Body, Head, MissingObjectError, Object, object_of

MODE = 0o444  # as DVC leaves its objects: nobody edits one by accident


class FolderStore:
    """Objects as files below a folder, in DVC's layout. Says nothing of checksums: what it has is hashed."""

    kind = "folder"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = str(folder)

    def path(self, obj: Object) -> Path:
        """Where the object is; where it would be put, when it is nowhere."""
        places = [self.folder / key for key in obj.keys]
        return next((place for place in places if place.is_file()), places[0])

    def head(self, obj: Object) -> Head | None:
        """Size and time."""
        path = self.path(obj)
        try:
            status = path.stat()
        except FileNotFoundError:
            self._require_folder()
            return None
        except OSError as error:
            raise self._explained(error, "read") from None
        modified = dt.datetime.fromtimestamp(status.st_mtime, dt.UTC)
        return Head(status.st_size, modified=modified, key=path.relative_to(self.folder).as_posix())

    def read(self, obj: Object, start: int = 0, end: int | None = None) -> Body:
        """The file's bytes."""
        try:
            file = self.path(obj).open("rb", buffering=0)
        except FileNotFoundError:
            self._require_folder()
            raise MissingObjectError(self.url, obj) from None
        except OSError as error:
            raise self._explained(error, "read") from None
        return Body(self._blocks(file.fileno(), file, start, end), os.fstat(file.fileno()).st_size)

    def put(self, obj: Object, path: Path) -> None:
        """Copy a file in, under its final name only when it is whole."""
        place(path, self.folder / obj.keys[0], self._explained)

    def delete(self, objs: Sequence[Object]) -> None:
        """Remove the files."""
        for obj in objs:
            try:
                (self.folder / obj.keys[0]).unlink(missing_ok=True)
            except OSError as error:
                raise self._explained(error, "delete") from None

    def listing(self) -> Iterator[tuple[Object, Head]]:
        """Every file that has a digest for its name."""
        self._require_folder()
        for prefix in ("", "files/md5/"):
            base = self.folder / prefix
            for group in sorted(base.iterdir()) if base.is_dir() else ():
                if len(group.name) == 2 and group.is_dir():
                    yield from self._group(group, f"{prefix}{group.name}/")

    def uri(self, obj: Object) -> str:
        """The file's path."""
        return str(self.path(obj))

    def _group(self, folder: Path, prefix: str) -> Iterator[tuple[Object, Head]]:
        """The objects whose digests begin with the same two letters."""
        for path in sorted(folder.iterdir()):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                key = prefix + path.name
                if obj := object_of(key, status.st_size):
                    modified = dt.datetime.fromtimestamp(status.st_mtime, dt.UTC)
                    yield obj, Head(status.st_size, modified=modified, key=key)

    def _blocks(self, handle: int, file: object, start: int, end: int | None) -> Iterator[bytes]:
        """Blocks by position; `file` is held so that the handle stays open."""
        try:
            while end is None or start < end:
                block = os.pread(handle, BLOCK if end is None else min(BLOCK, end - start), start)
                if not block:
                    return
                start += len(block)
                yield block
        except OSError as error:
            raise self._explained(error, "read") from None
        finally:
            del file

    def _require_folder(self) -> None:
        """A disk that isn't mounted must not look like an empty remote."""
        if not self.folder.is_dir():
            raise DataOpsError(f"the remote {self.folder} is not there", "is its disk mounted on this machine?")

    def _explained(self, error: OSError, doing: str) -> DataOpsError:
        return DataOpsError(f"can't {doing} in {self.folder}: {error.strerror}", "check the disk and its permissions")


def place(source: Path, target: Path, explained: Callable[[OSError, str], DataOpsError]) -> None:
    """Copy `source` to `target` in one step, read-only; an object that is there already is replaced."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".tmp-")
        try:
            with os.fdopen(handle, "wb") as out, source.open("rb") as file:
                shutil.copyfileobj(file, out, BLOCK)
                out.flush()
                os.fsync(out.fileno())
            Path(name).chmod(MODE)
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise explained(error, "write") from None
