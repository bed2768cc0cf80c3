"""What is recorded of one output, dependency, stage or artifact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Source:
    """What `dvc import` took: a path in somebody's repository."""

    url: str
    revision: str
    """The commit that was taken; "" where none is written down."""
    path: str


@dataclass(frozen=True)
class Output:
    """One output, as recorded."""

    path: str
    """POSIX, relative to the DVC root; an external one is its URL or absolute path."""
    digest: str
    """`ab12…` or `ab12….dir`; "" where nothing was recorded (`dvc import --no-download`)."""
    algorithm: str
    """`md5`; `md5-dos2unix` (DVC 2: of text with its line ends normalised); or `etag` … of an external one."""
    size: int | None
    files: int | None
    cached: bool
    """False: `cache: false`, so it lies in git; or it is external, or was never downloaded."""
    stage: str | None
    """The address of its stage or .dvc file."""
    remote: str | None = None
    push: bool = True
    url: str | None = None
    """Where `dvc import` or `dvc import-url` had it from."""
    source: Source | None = None
    """Of an output of `dvc import`: DVC never pushes it, but fetches it from there."""
    metric: bool = False
    """Listed under `metrics:`."""
    executable: bool = False
    """Recorded as a program, `isexec: true`: of single files alone."""

    @property
    def imported(self) -> bool:
        """Did `dvc import` make it?"""
        return self.source is not None


@dataclass(frozen=True)
class Dependency:
    """What a stage read, as recorded."""

    path: str
    digest: str | None
    algorithm: str
    size: int | None = None
    files: int | None = None


@dataclass(frozen=True)
class Stage:
    """A stage of dvc.lock, or a .dvc file."""

    address: str
    """`dvc.yaml:split`, `sub/dvc.yaml:train@eu`, `data/landing.dvc`."""
    cmd: str
    deps: tuple[Dependency, ...]
    params: Mapping[str, Mapping[str, Any]]
    outs: tuple[Output, ...]
    frozen: bool = False


@dataclass(frozen=True)
class Artifact:
    """An entry of `artifacts:`."""

    name: str
    """`name`, or `dir:name` in a nested dvc.yaml."""
    path: str
    type: str | None
    desc: str
    labels: tuple[str, ...]
    meta: Mapping[str, Any]
    declared_in: str
