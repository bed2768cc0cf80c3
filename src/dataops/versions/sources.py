"""Where each object of a version is read: the remote, a remote of the output's own, or what it was imported from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dataops.errors import DataOpsError
from dataops.repo import clones
from dataops.store import manifest
from dataops.store.objects import BLOCK, Body, Head, MissingObjectError, Object, Store

if TYPE_CHECKING:
    from dataops.repo.records import Output
    from dataops.versions.context import Context
    from dataops.versions.files import Listing

DEEPEST = 4  # imports of imports


class Sources:
    """A remote, and for what lies elsewhere its own place; all of it is only read."""

    def __init__(self, context: Context, remote: str | None = None, depth: int = 0) -> None:
        self.main = context.store(remote)
        self.url, self.kind = self.main.url, self.main.kind
        self._context, self._named, self._depth = context, remote, depth
        self._of: dict[str, Store] = {}  # by digest
        self._opened: dict[object, Store] = {}

    def take(self, output: Output, objects: Iterable[Object]) -> None:
        """Read these objects of the output where DVC would fetch them from."""
        store = self._store(output)
        for obj in objects:
            if store is self.main:
                self._of[obj.digest] = store
            else:
                self._of.setdefault(obj.digest, store)

    def of(self, obj: Object) -> Store:
        """The store that has the object."""
        return self._of.get(obj.digest, self.main)

    def head(self, obj: Object) -> Head | None:
        """What is said of it there."""
        return self.of(obj).head(obj)

    def read(self, obj: Object, start: int = 0, end: int | None = None) -> Body:
        """Its bytes from there."""
        return self.of(obj).read(obj, start, end)

    def uri(self, obj: Object) -> str:
        """Its address there."""
        return self.of(obj).uri(obj)

    def put(self, obj: Object, path: Path) -> None:
        """Into the remote."""
        self.main.put(obj, path)

    def delete(self, objs: Sequence[Object]) -> None:
        """From the remote."""
        self.main.delete(objs)

    def listing(self) -> Iterator[tuple[Object, Head]]:
        """Of the remote."""
        return self.main.listing()

    def _store(self, output: Output) -> Store:
        """A remote that somebody named counts for every output but imports, which are on none."""
        place = output.source or (output.remote if self._named is None else None)
        if place is None:
            return self.main
        if place not in self._opened:
            imported = output.source is not None
            self._opened[place] = (
                Imported(self._context, output, self._depth) if imported else self._context.store(output.remote)
            )
        return self._opened[place]


class Imported:
    """What `dvc import` took, read from that repository at the commit that was written down.

    Its files may lie in git there, or under other hashes (DVC 2's); then they are known by what they contain.
    """

    kind = "import"

    def __init__(self, context: Context, output: Output, depth: int) -> None:
        if output.source is None:
            raise AssertionError("the caller looked")
        self._source, self._path = output.source, output.path
        self._context, self._depth = context, depth
        self.url = clones.shown(self._source.url)

    def head(self, obj: Object) -> Head | None:
        """Its size there."""
        own, content = self._find(obj)
        return self._there[2].head(own) if own is not None else Head(len(content))

    def read(self, obj: Object, start: int = 0, end: int | None = None) -> Body:
        """Its bytes; whoever reads them compares the hash."""
        own, content = self._find(obj)
        if own is not None:
            return self._there[2].read(own, start, end)
        part = content[start:end]
        return Body(iter([part[at : at + BLOCK] for at in range(0, len(part), BLOCK)]), len(content))

    def uri(self, obj: Object) -> str:
        """The address of the object there; of a file of git's, the repository."""
        own, _ = self._find(obj)
        return self._there[2].uri(own) if own is not None else self.url

    def put(self, obj: Object, path: Path) -> None:
        """Refused."""
        raise self._read_only(obj, path)

    def delete(self, objs: Sequence[Object]) -> None:
        """Refused."""
        raise self._read_only(objs)

    def listing(self) -> Iterator[tuple[Object, Head]]:
        """Refused."""
        raise self._read_only()

    def _read_only(self, *_: object) -> DataOpsError:
        return DataOpsError(f"{self._path} is an import from {self.url}, which is only read", "change it there")

    @cached_property
    def _there(self) -> tuple[Context, Listing, Sources]:
        """The source, opened when the first object is wanted.

        Raises:
            DataOpsError: it can't be reached, or hasn't got that path or commit.
        """
        from dataops.versions import context, files

        source = self._source
        if self._depth >= DEEPEST:
            raise DataOpsError(f"{self._path} is an import of an import of an import …", "it is not followed")
        try:
            opened = context.there(self._address())
            target = opened.resolve(source.revision or "HEAD")
            opened, path = opened.focused(target, source.path)
            store = Sources(opened, depth=self._depth + 1)
            at = opened.snapshot(target.commit)
            return opened, files.listing(opened.git, opened.prefix, at, path or ".", store, opened.cache), store
        except DataOpsError as error:
            message = f"{self._path} is an import of {source.path} from {self.url}: {error.message}"
            raise DataOpsError(message, error.hint) from None

    def _address(self) -> str:
        """Its URL; a path is one of this machine only where the importing repository is, too."""
        url = self._source.url
        if clones.URL.match(url) and not url.startswith("file:"):
            return url
        if self._context.root is None and not (self._context.url.startswith("file:") and "/" in url[:1]):
            hint = f"`dataops get {self._source.revision[:12] or 'HEAD'} --path {self._source.path} --repo PATH` there"
            raise DataOpsError("that is a path on another machine", hint)
        return str((self._context.root or Path()) / clones.expanded(url.removeprefix("file://")))

    @cached_property
    def _in_git(self) -> dict[str, bytes]:
        """What git has of it, by name."""
        opened, found, _ = self._there
        blobs = opened.git.batch([f"{found.commit}:{path}" for path in found.in_git.values()])
        return {name: blob.content for name, blob in zip(found.in_git, blobs, strict=True) if blob is not None}

    @cached_property
    def _contents(self) -> dict[str, bytes]:
        """The same by md5, and the list of all files under the hash that it has where nobody normalised line ends."""
        _, found, _ = self._there
        digests = {name: hashlib.md5(text, usedforsecurity=False).hexdigest() for name, text in self._in_git.items()}
        every = digests | {name: obj.digest for name, obj in found.objects.items()}
        contents = {digest: self._in_git[name] for name, digest in digests.items()}
        return contents | {manifest.digest(every): manifest.dump(every)}

    def _find(self, obj: Object) -> tuple[Object | None, bytes]:
        """The source's object of the same content, or the content itself.

        Raises:
            MissingObjectError: it isn't there any more.
        """
        _, found, _ = self._there
        known = {one.digest: one for one in (*found.objects.values(), *([found.whole] if found.whole else ()))}
        if obj.digest in known:
            return known[obj.digest], b""
        if obj.digest in self._contents:
            return None, self._contents[obj.digest]
        if len(known) == 1 and not obj.is_folder and not found.in_git:  # one file, under a hash of DVC 2
            return next(iter(known.values())), b""
        raise MissingObjectError(f"{self.url} ({self._source.revision[:7]}, {self._source.path})", obj, self._path)
