"""The commit that `git commit` would make now, seen from one DVC root: what every rule looks at."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dataops.errors import DataOpsError
from dataops.guard import memory, records
from dataops.guard.findings import quoted
from dataops.guard.memory import Memory
from dataops.guard.records import Records
from dataops.guard.staged import LINK, MODULE, Entry, Index
from dataops.guard.stats import Content, Stats
from dataops.repo import dvcroots, ignored, recorded, worktree
from dataops.repo.git import Git
from dataops.repo.ignored import Ignored
from dataops.repo.records import Output

if TYPE_CHECKING:
    from dataops.store.cache import Cache

FORM = "1"  # of the settings that are remembered: another field, another number
MANY = 3  # files that git keeps in one folder
HASHED = ("md5", "md5-dos2unix")


@dataclass(frozen=True)
class Settings:
    """[tool.dataops.guard]: see settings.Guard."""

    folders: tuple[str, ...]
    max_kb: float
    suffixes: tuple[str, ...]
    allow: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Place:
    """What lies in the work tree where an output belongs."""

    content: Content | None
    """None: nothing, as in a clone that hasn't pulled."""
    error: str = ""
    """Why it could not be read."""


class Commit:
    """One DVC root of the repository. Every path counts from it, in POSIX spelling."""

    def __init__(self, root: Path, git: Git, prefix: str, index: Index, *, whole: bool = False) -> None:
        self.root, self.git, self.prefix, self.index = root, git, prefix, index
        base = f"{prefix}/" if prefix else ""
        inside = {path[len(base) :]: entry for path, entry in index.entries.items() if path.startswith(base)}
        self.entries: Mapping[str, Entry] = dvcroots.without_nested(inside)
        nested = f"/{dvcroots.CONFIG}"
        self.nested = frozenset(path.removesuffix(nested) for path in inside if path.endswith(nested))
        """DVC roots inside this one, which are checked by themselves."""
        everything = frozenset(self.entries) if whole else frozenset()
        self.changed = self._mine(index.changed) | everything
        """What the commit changes; with `whole` all that it holds."""
        self.unmerged = self._mine(index.unmerged)
        self.memory = Memory(root, own=memory.FILE.as_posix() not in self.entries)
        self.stats = Stats(root)

    @cached_property
    def settings(self) -> Settings:
        """[tool.dataops.guard].

        Raises:
            DataOpsError: pyproject.toml or a variable DATAOPS_* is wrong.
        """
        path = self.root / "pyproject.toml"
        text = path.read_bytes() if path.is_file() else b""
        variables = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith("DATAOPS_")]
        key = memory.key(FORM, text, *variables)
        kept = self.memory.get("settings", key)
        if kept is None:
            from dataops import settings

            kept = settings.load(self.root).guard.model_dump()
            self.memory.put("settings", key, kept)
        folders = tuple(posixpath.normpath(folder.strip("/")) for folder in kept["folders"])
        return Settings(folders, kept["max_kb"], tuple(kept["suffixes"]), kept["allow"])

    def allowed(self, rule: str) -> Ignored:
        """What the settings let a rule pass over: patterns as in .gitignore."""
        return Ignored({"": "\n".join(self.settings.allow.get(rule, ())).encode()})

    @cached_property
    def tree(self) -> dict[str, str]:
        """The blob of every regular file of the index."""
        return {path: entry.sha for path, entry in self.entries.items() if entry.mode not in (LINK, MODULE)}

    @cached_property
    def records(self) -> Records:
        """What the index records."""
        return records.read(self.git, self.tree, self.prefix, self.memory)

    @cached_property
    def own(self) -> tuple[str, ...]:
        """DVC's files in the work tree, whatever git thinks of them."""
        return tuple(worktree.records(self.root))

    @cached_property
    def unstaged(self) -> frozenset[str]:
        """DVC's files whose content in the work tree is not the index's; of a link git has no content."""
        return frozenset(path for path in self._over if path in self.tree or path not in self.entries)

    @cached_property
    def here(self) -> Records:
        """What the work tree records: with what isn't staged, and what git doesn't know."""
        if not self._over:
            return self.records
        gone = [path for path in self._over if not (self.root / path).is_file()]
        tree = {path: sha for path, sha in self.tree.items() if path not in gone}
        over = {path: content for path, content in self._over.items() if path not in gone}
        return records.read(self.git, tree, self.prefix, self.memory, over)

    @cached_property
    def _over(self) -> dict[str, bytes]:
        """DVC's files that differ in the work tree, with their content there."""
        maybe = {path for path in self._mine(self.index.unstaged) if recorded.is_dvc(path)}
        maybe |= set(self.own) - set(self.tree)
        here = worktree.Folder(self.root, sorted(maybe))
        found = {path: here.contents.get(path, b"") for path in maybe}
        known = [path for path in found if path in self.tree]
        blobs = self.git.batch([self.tree[path] for path in known])
        # core.autocrlf: line ends are no difference
        same = {path for path, blob in zip(known, blobs, strict=True) if blob and _lf(blob.content) == _lf(found[path])}
        return {path: content for path, content in found.items() if path not in same}

    @cached_property
    def hidden(self) -> Ignored:
        """What .dvcignore says in the work tree."""
        names = [path for path in self.own if posixpath.basename(path) == ignored.NAME]
        contents = worktree.Folder(self.root, names).contents
        return Ignored({posixpath.dirname(path): content for path, content in contents.items()})

    @cached_property
    def cache(self) -> Cache:
        """DVC's local cache.

        Raises:
            DataOpsError: a configuration file can't be read.
        """
        from dataops.store import cache

        return cache.of(self.root)

    def content(self, path: str) -> bytes:
        """A file of the index; from the work tree where that has the same. Nothing of a file that isn't there."""
        if path not in self.tree:
            return b""
        if posixpath.join(self.prefix, path) not in self.index.unstaged and (self.root / path).is_file():
            return (self.root / path).read_bytes()
        (blob,) = self.git.batch([self.tree[path]])
        return blob.content if blob else b""

    @cached_property
    def outputs(self) -> dict[str, Output]:
        """What DVC keeps, as the index records it; else as the work tree does."""
        kept = [one for records in (self.here, self.records) for stage in records.snapshot.stages for one in stage.outs]
        return {one.path: one for one in kept if one.cached and one.algorithm in HASHED and not outside(one.path)}

    @cached_property
    def places(self) -> dict[str, Place]:
        """What lies at each of these."""
        return {path: self._place(one) for path, one in self.outputs.items()}

    def _place(self, out: Output) -> Place:
        try:
            return Place(self.stats.content(out.path, self.hidden, out.algorithm))
        except OSError as error:
            return Place(None, error.strerror or str(error))
        except ValueError as error:  # a name that no file system has
            return Place(None, str(error))

    @cached_property
    def kept_in_git(self) -> dict[str, Output]:
        """Outputs with `cache: false`: by declaration git's."""
        outs = [one for stage in self.records.snapshot.stages for one in stage.outs]
        return {one.path: one for one in outs if not one.cached and one.digest and not outside(one.path)}

    def covering(self, path: str) -> Output | None:
        """The output of DVC's that is `path` or holds it, in the index or the work tree."""
        while path:
            if path in self.outputs:
                return self.outputs[path]
            path = posixpath.dirname(path)
        return None

    def listed(self, out: Output) -> dict[str, str] | None:
        """The recorded files of a folder with their digests, out of DVC's cache; None where that hasn't the list."""
        from dataops.guard import lists
        from dataops.store.objects import Object

        try:
            return lists.files(self.cache.content(Object(out.digest, out.algorithm)), out.digest)
        except DataOpsError:  # by ETag or version id: nothing that a cache holds
            return None

    def complete(self, out: Output) -> bool:
        """Has DVC's cache all that is recorded of the output?"""
        from dataops.store.objects import Object

        if not out.digest.endswith(".dir"):
            return self.cache.has(Object(out.digest, out.algorithm))
        listed = self.listed(out)
        return listed is not None and all(self.cache.has(Object(one, out.algorithm)) for one in set(listed.values()))

    def staging(self, record: str) -> str:
        """The command that stages dvc.lock and what git keeps of its stages: folders of many such files as wholes."""
        kept = [path for path, out in self.kept_in_git.items() if out.stage and lock_of(out.stage) == record]
        tops = [path.partition("/")[0] for path in kept]
        names = {top if tops.count(top) >= MANY and "/" in path else path for path, top in zip(kept, tops, strict=True)}
        return quoted("git", "add", "--", record, *sorted(names))

    def save(self, *, whole: bool = True) -> None:
        """Remember for the next time what was learnt; `whole`: every rule was asked, so forget what none looked at."""
        self.memory.save()
        self.stats.save(whole=whole)

    def _mine(self, paths: frozenset[str]) -> frozenset[str]:
        base = f"{self.prefix}/" if self.prefix else ""
        return frozenset(path[len(base) :] for path in paths if path.startswith(base))


def _lf(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n")


def lock_of(address: str) -> str:
    """The file that records a stage: the dvc.lock beside its dvc.yaml, or its .dvc file."""
    return address if ":" not in address else posixpath.join(posixpath.dirname(address.partition(":")[0]), "dvc.lock")


def outside(path: str) -> bool:
    """Is it a URL, or no path below the root?"""
    return "://" in path or path.startswith(("/", "../")) or path == ".."
