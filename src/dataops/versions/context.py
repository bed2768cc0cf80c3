"""What every command on versions starts from: a repository of git, its tags, and where its data lies."""

from __future__ import annotations

import posixpath
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataops.errors import DataOpsError
from dataops.repo import clones, dvcroots, git, names, recorded, registry, root
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
    whole: bool = False
    """Somebody's git repository as a whole, in which several DVC repositories may lie: paths count from git's top."""
    url: str = ""
    """As it was given, without a password; "" for this one."""
    at: str = "HEAD"
    """The commit whose configuration counts where HEAD has none."""

    @cached_property
    def registry(self) -> Registry:
        """Every version that a tag names."""
        return registry.read(self.git)

    def resolve(self, asked: str, default: str = DEFAULT) -> Target:
        """The version or commit that `asked` names."""
        return names.resolve(self.git, self.registry, asked, default, self.prefix)

    def taken(self, asked: str, default: str = DEFAULT) -> Target:
        """The same for whoever takes its bytes: that a version was taken back is said on standard error."""
        target = self.resolve(asked, default)
        if target.version is not None and target.version.deprecated:
            _note(f"{target.version.name} is deprecated: {target.version.deprecated}")
        return target

    def snapshot(self, commit: str) -> Snapshot:
        """What dvc.lock and the .dvc files say at `commit`."""
        return recorded.snapshot(self.git, commit, self.prefix)

    def focused(self, target: Target, path: str | None = None) -> tuple[Context, str | None]:
        """The DVC repository within this one that the version or `path` lies in, and `path` as it counts from there.

        Raises:
            DataOpsError: there are several, and nothing says which.
        """
        if not self.whole:
            return self, path
        roots = dvcroots.roots(self.git, target.commit)
        if path is None:
            found = self._declaring(roots, target)
        else:
            path = posixpath.normpath(path.strip("/") or ".")
            found = _holding(roots, path)
        if not found:
            if path and roots and "" not in roots and self.git.shas([f"{target.commit}:{path}"]) == [None]:
                hint = f"paths count from git's top; DVC repositories there: {', '.join(roots[:5])}"
                raise DataOpsError(f"there is no {path} at {target.commit[:7]}", hint)
            return self, path
        top = self.git.folder / found
        inner = Context(
            self.git, top if (top / dvcroots.CONFIG).is_file() else None, found, False, self.url, target.commit
        )
        inner.__dict__["registry"] = self.registry
        return inner, posixpath.relpath(path, found) if path is not None else None

    def _declaring(self, roots: Sequence[str], target: Target) -> str:
        """The folder of the DVC repository that declares the target's artifact."""
        name = target.artifact or DEFAULT
        folder = name.rpartition(":")[0]
        if len(roots) < 2 or (folder and _holding(roots, folder)):
            return _holding(roots, folder) or (roots[0] if roots else "")
        found = [place for place in roots if recorded.snapshot(self.git, target.commit, place).artifact(name)]
        if len(found) > 1 and "" not in found:
            hint = f"`--repo '{self.url}#{found[0]}'` takes that one; --path names any output"
            raise DataOpsError(f"{name} is declared in {' and in '.join(found)}", hint)
        return "" if "" in found or not found else found[0]

    def contract(self, commit: str) -> Mapping[str, Any]:
        """The section `contract` of params.yaml at `commit`; empty where there is none that can be read."""
        return self.section(commit, "contract")

    def section(self, commit: str, name: str) -> Mapping[str, Any]:
        """A section of params.yaml at `commit`; empty where there is none that can be read."""
        from dataops import yamls

        text = self.git.blob(commit, posixpath.join(self.prefix, "params.yaml"))
        try:
            found = yamls.load(text, "params.yaml").get(name) if text else None
        except DataOpsError:
            return {}
        return found if isinstance(found, dict) else {}

    def store(self, remote: str | None = None) -> Store:
        """The remote of DVC that holds the objects.

        This clone's own configuration counts, whatever commit is asked for: a bucket that was renamed since is still
        the place to look. Of somebody's repository it is the newest committed configuration.
        """
        from dataops.store import choose, objects

        if self.root is not None:
            return choose.for_root(self.root, remote)
        name = posixpath.join(self.prefix, dvcroots.CONFIG)
        text = self.git.blob("HEAD", name) or self.git.blob(self.at, name)
        if text is None:
            where = posixpath.join(self.url or str(self.git.folder), self.prefix)
            return objects.NoStore(where, f"{where} has no .dvc/config", "it is no DVC repository")
        return choose.for_config(text, remote)

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
    """Somebody's repository, by its URL or path; `URL#folder` is the DVC repository in one of its folders."""
    address, _, folder = (url, "", "") if clones.expanded(url).exists() else url.partition("#")
    opened, top = clones.repository(address, told=_note)
    prefix = git.prefix(top) if top is not None else folder.strip("/")
    if folder and opened.shas([f"HEAD:{prefix}/{dvcroots.CONFIG}"]) == [None]:
        raise DataOpsError(f"{clones.shown(address)} has no DVC repository in {prefix}", "what follows # is a folder")
    return Context(opened, top, prefix, not prefix, clones.shown(address))


def _note(text: str) -> None:
    print(f"note: {text}", file=sys.stderr)


def _holding(roots: Sequence[str], path: str) -> str:
    """The deepest of these folders that `path` is or lies in; "" where none is but the top.

    Raises:
        DataOpsError: some lie in `path`.
    """
    found = [place for place in roots if not place or f"{path}/".startswith(f"{place}/")]
    inner = [place for place in roots if place not in found and (path == "." or place.startswith(f"{path}/"))]
    if inner and not found:
        raise DataOpsError(
            f"{path} holds several DVC repositories", f"--path names one of {', '.join(inner)}, or below"
        )
    return max(found, key=len, default="")
