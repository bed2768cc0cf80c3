"""What a trace consists of: steps, each with what it read and what it wrote, every hash as dvc.lock has it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dataops.repo.recorded import outside
from dataops.repo.records import Output, Source
from dataops.repo.registry import Version

Kind = Literal["stage", "file", "import"]
"""A stage of dvc.yaml; a .dvc file of `dvc add`; a .dvc file of `dvc import` or `import-url`."""
Role = Literal["data", "code", "external", "unknown"]
"""Written by another step, or data that git has; a file or folder of git; a URL or an absolute path; none of these."""


@dataclass(frozen=True)
class Commit:
    """A commit of git."""

    sha: str
    author: str
    email: str
    time: dt.datetime
    """In UTC."""
    subject: str


@dataclass(frozen=True)
class Input:
    """What a step read, as recorded."""

    path: str
    """POSIX, relative to the DVC root; or a URL."""
    role: Role
    digest: str | None
    algorithm: str
    makers: tuple[str, ...] = ()
    """The addresses of the steps whose outputs it is, lies in, or holds."""
    versions: tuple[str, ...] = ()
    """Released versions that have this very content, as `dataset@v1.2.0`."""
    problem: str = ""
    """Where the record contradicts the commit: `split has written cd34… since`."""

    @property
    def from_git(self) -> bool:
        """Is it data that no step makes, as git has it?"""
        return self.role == "data" and not self.makers


@dataclass(frozen=True)
class Made:
    """What a step wrote, as recorded."""

    output: Output
    versions: tuple[str, ...] = ()
    """Released versions that have this very content."""


@dataclass(frozen=True)
class Step:
    """A stage or .dvc file."""

    address: str
    """`dvc.yaml:split`, `sub/dvc.yaml:train@eu`, `data/landing.dvc`."""
    kind: Kind
    cmd: str
    inputs: tuple[Input, ...]
    params: Mapping[str, Mapping[str, Any]]
    """File → name → value, as dvc.lock recorded them when the stage ran."""
    outs: tuple[Made, ...]
    frozen: bool = False

    @property
    def name(self) -> str:
        """Its address without the top dvc.yaml: `split`, `sub/dvc.yaml:train@eu`, `data/landing.dvc`."""
        return self.address.removeprefix("dvc.yaml:")

    @property
    def settings(self) -> Iterator[tuple[str, Any]]:
        """Its parameters one by one, as `train.seed`; with the file before it where that isn't params.yaml."""
        for file, values in self.params.items():
            for name, value in _flat(values):
                yield name if file == "params.yaml" else f"{file}:{name}", value


@dataclass(frozen=True)
class Root:
    """Where the data came in: nothing recorded comes before it."""

    path: str
    digest: str | None
    step: str | None
    """The .dvc file, or the stage without inputs; None of an external dependency."""
    url: str | None = None
    source: Source | None = None
    versions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trace:
    """Everything that led to one output, or to all outputs of a commit."""

    name: str
    """`model@v1.2.0`, or `models/model.tar.gz at a1b2c3d`, or `a1b2c3d`."""
    commit: Commit
    steps: tuple[Step, ...]
    """Each after what it needs; the traced one's own step is last."""
    artifact: str | None = None
    version: Version | None = None
    output: Output | None = None
    """None: the whole commit."""
    training: Mapping[str, Any] | None = None
    """The training record: backend, job, image, instance, hyperparameters."""
    evaluation: Mapping[str, Any] | None = None
    trained_on: tuple[str, ...] = ()
    """Versions that the card or dvc.yaml names, of a model that was trained elsewhere."""
    prefix: str = ""
    """Where the DVC root lies below git's top."""
    warnings: tuple[str, ...] = field(default=())

    @property
    def roots(self) -> tuple[Root, ...]:
        """Where the data came in."""
        return tuple(self._roots())

    def _roots(self) -> Iterator[Root]:
        for step in self.steps:
            if step.kind != "stage" or not any(one.role != "code" for one in step.inputs):
                for made in step.outs:
                    out = made.output
                    yield Root(out.path, out.digest or None, step.address, out.url, out.source, made.versions)
            for one in step.inputs:
                if step.kind == "stage" and (one.role in ("external", "unknown") or one.from_git):
                    url = one.path if "://" in one.path else None
                    yield Root(one.path, one.digest, None, url, None, one.versions)

    @property
    def code(self) -> tuple[Input, ...]:
        """The files and folders of git that the steps depend on, each once, sorted by path."""
        found = {one.path: one for step in self.steps for one in step.inputs if one.role == "code"}
        return tuple(found[path] for path in sorted(found))

    @property
    def versions(self) -> tuple[str, ...]:
        """The released versions of other artifacts that it is made of, in the order of the steps."""
        names: dict[str, None] = {}
        for step in self.steps:
            names.update(dict.fromkeys(name for one in step.inputs for name in one.versions))
            names.update(dict.fromkeys(name for made in step.outs for name in made.versions))
        own = (f"{self.artifact}@", f"{outside(self.artifact or '', self.prefix)}@")  # in dvc.yaml, and in tags
        return tuple(name for name in (*names, *self.trained_on) if not name.startswith(own))


def _flat(values: Mapping[Any, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value
