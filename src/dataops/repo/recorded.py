"""What dvc.yaml, dvc.lock and the .dvc files of a commit say, read from git's objects alone.

It works on any DVC repository at any commit, checked out or not: several dvc.yaml, `foreach`, `matrix`, imports,
dvc.lock of DVC 1, 2 and 3.
"""

from __future__ import annotations

import bisect
import posixpath
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from dataops.errors import DataOpsError
from dataops.repo import dvcroots
from dataops.repo.git import Git
from dataops.repo.records import Artifact, Output, Stage

DVC_FILES = ("dvc.yaml", "dvc.lock", ".dvcignore")
OLD = "Dvcfile"  # the stage without a name, before DVC 1
GTO = "artifacts.yaml"  # where GTO declared artifacts before dvc.yaml could


@dataclass(frozen=True)
class Snapshot:
    """What is recorded at one commit."""

    commit: str
    stages: tuple[Stage, ...]
    artifacts: Mapping[str, Artifact]
    prefix: str = ""
    """Where the DVC root lies in the git repository."""
    unrecorded: Mapping[str, str] = field(default_factory=dict)
    """Outputs of stages that dvc.yaml declares and dvc.lock doesn't know: their stage."""
    metrics: tuple[str, ...] = ()
    """Files that `metrics:` of a dvc.yaml names at top level; those of a stage are marked in its outputs."""

    @cached_property
    def _outputs(self) -> dict[str, tuple[Output, Stage]]:
        made: dict[str, tuple[Output, Stage]] = {}
        for stage in self.stages:
            for out in stage.outs:
                made.setdefault(out.path, (out, stage))
        return made

    @cached_property
    def _paths(self) -> list[str]:
        return sorted(self._outputs)

    @cached_property
    def _stages(self) -> dict[str, Stage]:
        return {stage.address: stage for stage in self.stages}

    def artifact(self, name: str) -> Artifact | None:
        """The artifact of that name; in a tag its folder counts from git's top, in dvc.yaml from the DVC root."""
        return self.artifacts.get(name) or self.artifacts.get(inside(name, self.prefix))

    def output(self, path: str) -> Output | None:
        """The output that is exactly `path`."""
        found = self._outputs.get(path)
        return found[0] if found else None

    def covering(self, path: str) -> Output | None:
        """The output that is `path`, or the folder that holds it."""
        found = self._covering(path)
        return found[0] if found else None

    def stage_of(self, path: str) -> Stage | None:
        """The stage whose output is `path`, or holds it."""
        found = self._covering(path)
        return found[1] if found else None

    def ancestors(self, *addresses: str) -> tuple[Stage, ...]:
        """The stages and everything upstream of them, each after what it needs; an unknown one has nothing."""
        order: dict[str, Stage] = {}
        begun: set[str] = set()
        todo = [(stage, False) for stage in filter(None, map(self._stages.get, reversed(addresses)))]
        while todo:
            stage, ready = todo.pop()
            if ready:
                order[stage.address] = stage
            elif stage.address not in begun:
                begun.add(stage.address)
                todo.append((stage, True))
                makers = {maker.address: maker for dep in stage.deps for maker in self.makers(dep.path)}
                todo.extend((maker, False) for maker in reversed(list(makers.values())) if maker.address not in begun)
        return tuple(order.values())

    @cached_property
    def ordered(self) -> tuple[Stage, ...]:
        """Every stage, each after what it needs."""
        return self.ancestors(*self._stages)

    def makers(self, path: str) -> Iterator[Stage]:
        """Whose output is `path`, holds it, or lies in it."""
        return (stage for _, stage in self.feeding(path))

    def feeding(self, path: str) -> Iterator[tuple[Output, Stage]]:
        """The output that is `path` or holds it, else those that lie in it; with their stages."""
        found = self._covering(path)
        if found:
            yield found
            return
        inside = f"{path}/" if path != "." else ""
        for place in range(bisect.bisect_left(self._paths, inside), len(self._paths)):
            if not self._paths[place].startswith(inside):
                return
            yield self._outputs[self._paths[place]]

    def _covering(self, path: str) -> tuple[Output, Stage] | None:
        while path and path not in self._outputs:
            parent = posixpath.dirname(path)
            path = parent if parent != path else ""
        return self._outputs.get(path)


def snapshot(git: Git, commit: str, prefix: str = "", problems: list[str] | None = None) -> Snapshot:
    """What is recorded at `commit` for the DVC root that lies at `prefix` in the git repository.

    `problems`: where a list is given, a broken file adds a line to it and is passed over.

    Raises:
        DataOpsError: a file is broken or hostile; it and the commit are named.
    """
    tree = dvcroots.files(git, commit, prefix)
    return compose(Files(git, tree, prefix, f" at {commit[:7]}"), commit, prefix, problems)


def compose(files: Source, commit: str, prefix: str = "", problems: list[str] | None = None) -> Snapshot:
    """The snapshot that DVC's files add up to, wherever they are read from; `commit` and `prefix` only name it.

    Raises:
        DataOpsError: as `snapshot`.
    """
    from dataops.repo import ignored

    contents = files.contents
    rules = {posixpath.dirname(path): contents[path] for path in contents if posixpath.basename(path) == ignored.NAME}
    hidden = ignored.Ignored(rules)
    made = _Records()
    if GTO in contents:
        from dataops.repo import oldgto

        made.artifacts.update(oldgto.artifacts(contents[GTO]))
    for path in sorted(contents):
        if hidden(path):
            continue
        try:
            made.take(files, path)
        except DataOpsError as error:
            if problems is None:
                raise
            problems.append(error.message)
    artifacts = {name: _of_its_output(one, made.stages) for name, one in made.artifacts.items()}
    return Snapshot(commit, tuple(made.stages), artifacts, prefix, made.unrecorded, tuple(made.metrics))


def _of_its_output(artifact: Artifact, stages: Sequence[Stage]) -> Artifact:
    """An artifact that names a .dvc file, as registries of data do, is what that file records."""
    if not artifact.path.endswith(".dvc"):
        return artifact
    outs = [out for stage in stages if stage.address == artifact.path for out in stage.outs]
    return replace(artifact, path=outs[0].path) if len(outs) == 1 else artifact


class Source(ABC):
    """Where DVC's files are read from: a commit, the index, the work tree. Paths count from the DVC root."""

    contents: Mapping[str, bytes]
    """Every file of DVC's, by its path."""

    @abstractmethod
    def content(self, path: str) -> bytes | None:
        """Any other file; None where there is none."""

    @abstractmethod
    def where(self, path: str) -> str:
        """How an error calls a file."""

    def load(self, path: str) -> dict[str, Any]:
        """A file of DVC's; {} where there is none."""
        from dataops import yamls

        return yamls.load(self.contents[path], self.where(path)) if path in self.contents else {}

    def variables(self, path: str) -> Mapping[str, Any] | None:
        """A file of variables for templates."""
        from dataops.repo import templates

        path = posixpath.normpath(path)
        found = self.content(path)
        return None if found is None else templates.parsed(path, found, self.where(path))


class Files(Source):
    """The files of a tree of git's: `tree` names the blob of each."""

    def __init__(self, git: Git, tree: Mapping[str, str], prefix: str, state: str) -> None:
        self.git, self.tree, self.prefix, self.state = git, tree, prefix, state
        names = [path for path in tree if is_dvc(path)]
        objects = git.batch([tree[path] for path in names])
        self.contents = {path: found.content for path, found in zip(names, objects, strict=True) if found}

    def where(self, path: str) -> str:
        """Its path from git's top, and where that was read."""
        return f"{posixpath.join(self.prefix, path)}{self.state}"

    def content(self, path: str) -> bytes | None:
        """The blob of that path."""
        sha = self.tree.get(path)
        (found,) = self.git.batch([sha]) if sha else (None,)
        return found.content if found else None


@dataclass
class _Records:
    """A snapshot in the making."""

    stages: list[Stage] = field(default_factory=list)
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    unrecorded: dict[str, str] = field(default_factory=dict)
    metrics: list[str] = field(default_factory=list)

    def take(self, files: Source, path: str) -> None:
        """What one file records: a dvc.yaml with the dvc.lock beside it, or a .dvc file."""
        from dataops.repo import lockfile

        folder, name = posixpath.split(path)
        if name == "dvc.yaml":
            lock = posixpath.join(folder, "dvc.lock")
            pipeline = lockfile.Pipeline(folder, files.load(path), files.where(path), files.variables)
            self.artifacts |= pipeline.artifacts()
            self.metrics += pipeline.metrics()
            made = lockfile.stages(pipeline, files.load(lock), files.where(lock))
            self.stages += made
            self.unrecorded |= lockfile.unrecorded(pipeline, made)
        elif name.endswith(".dvc") or name == OLD:
            self.stages.append(lockfile.single(path, files.load(path), files.where(path)))


def inside(artifact: str, prefix: str) -> str:
    """An artifact's name as seen from the DVC root at `prefix`: `teams/a/models:churn` is `models:churn` in teams/a."""
    folder, _, name = artifact.rpartition(":")
    if not prefix or not f"{folder}/".startswith(f"{prefix}/"):
        return artifact
    folder = folder[len(prefix) + 1 :]
    return f"{folder}:{name}" if folder else name


def outside(artifact: str, prefix: str) -> str:
    """An artifact's name as tags have it, counted from git's top as GTO counts: `teams/a:dataset` in teams/a."""
    from dataops.repo import tags

    folder, _, name = artifact.rpartition(":")
    full = f"{posixpath.join(prefix, folder)}".rstrip("/") + f":{name}"
    already = not prefix or f"{folder}/".startswith(f"{prefix}/")
    return artifact if already or not tags.is_artifact_name(full) else full


def is_dvc(path: str) -> bool:
    """Does DVC, or GTO, read a file of that name?"""
    name = posixpath.basename(path)
    return name in (*DVC_FILES, OLD) or path == GTO or (name.endswith(".dvc") and name != ".dvc")
