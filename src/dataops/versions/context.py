"""What every command on versions starts from: a repository of git, its tags, and where its data lies."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataops.errors import DataOpsError
from dataops.repo import clones, git, names, recorded, registry, root
from dataops.repo.git import Git
from dataops.repo.names import Target
from dataops.repo.recorded import Snapshot
from dataops.repo.registry import Registry

if TYPE_CHECKING:
    from dataops.store.cache import Cache
    from dataops.store.objects import Store

DEFAULT = "dataset"  # the artifact that a bare name means


@dataclass(frozen=True)
class Context:
    """One repository: this one, with a work tree, or somebody's, without."""

    git: Git
    root: Path | None
    """The DVC root in the work tree; None where there is only a git repository."""
    prefix: str = ""
    """The DVC root relative to git's top level."""

    @cached_property
    def registry(self) -> Registry:
        """Every version that a tag names."""
        return registry.read(self.git)

    def resolve(self, asked: str, default: str = DEFAULT) -> Target:
        """The version or commit that `asked` names."""
        return names.resolve(self.git, self.registry, asked, default, self.prefix)

    def snapshot(self, commit: str) -> Snapshot:
        """What dvc.lock and the .dvc files say at `commit`."""
        return recorded.snapshot(self.git, commit, self.prefix)

    def contract(self, commit: str) -> Mapping[str, Any]:
        """The section `contract` of params.yaml at `commit`; empty where there is none that can be read."""
        from dataops.repo import yamls

        text = self.git.blob(commit, posixpath.join(self.prefix, "params.yaml"))
        try:
            found = yamls.load(text, "params.yaml").get("contract") if text else None
        except DataOpsError:
            return {}
        return found if isinstance(found, dict) else {}

    def store(self, remote: str | None = None) -> Store:
        """The remote of DVC that holds the objects.

        This clone's own configuration counts, whatever commit is asked for: a bucket that was renamed since is still
        the place to look. Of somebody's repository it is the newest committed configuration.
        """
        from dataops.store import objects

        if self.root is not None:
            return objects.for_root(self.root, remote)
        text = self.git.blob("HEAD", f"{self.prefix}/.dvc/config".lstrip("/"))
        if text is None:
            raise DataOpsError(f"{self.git.folder} has no .dvc/config", "is it a DVC repository?")
        return objects.for_config(text, remote)

    @cached_property
    def cache(self) -> Cache | None:
        """DVC's cache of this clone; None for somebody's repository."""
        from dataops.store import cache

        return cache.of(self.root) if self.root is not None else None


def here() -> Context:
    """The repository around the current folder.

    Raises:
        DataOpsError: there is none, or git doesn't know it.
    """
    top = root.find()
    return Context(git.of(top), top, git.prefix(top))


def there(url: str) -> Context:
    """Somebody's repository, by its URL or path."""
    opened, top = clones.open(url)
    return Context(opened, top, git.prefix(top) if top is not None else "")
