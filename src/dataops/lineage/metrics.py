"""The numbers that a commit's metrics files hold."""

from __future__ import annotations

import json
import posixpath
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataops import yamls
from dataops.errors import DataOpsError
from dataops.repo.git import Git
from dataops.repo.recorded import Snapshot
from dataops.repo.records import Output

if TYPE_CHECKING:
    from dataops.store.cache import Cache

LARGEST = 1_000_000  # bytes of a metrics file


@dataclass(frozen=True)
class Metric:
    """One number of one file."""

    path: str
    name: str
    """Its keys, joined by dots."""
    value: float
    stage: str | None
    """The address of the stage that wrote the file."""


def read(git: Git, snapshot: Snapshot, cache: Cache | None = None) -> dict[tuple[str, str], Metric]:
    """By file and name. Files that DVC keeps and this clone hasn't, or that hold no numbers, add none."""
    found = {}
    for path, stage in _files(snapshot).items():
        content = git.blob(snapshot.commit, posixpath.join(snapshot.prefix, path))
        if content is None and (out := snapshot.output(path)) is not None:
            content = _cached(out, cache)
        if content is not None and len(content) <= LARGEST:
            found.update(
                {(path, name): Metric(path, name, value, stage) for name, value in _numbers(_parsed(content, path))}
            )
    return found


def _files(snapshot: Snapshot) -> dict[str, str | None]:
    """The metrics files, and the stages that write them."""
    listed = {out.path: stage.address for stage in snapshot.stages for out in stage.outs if out.metric}
    for path in snapshot.metrics:
        maker = snapshot.stage_of(path)
        listed.setdefault(path, maker.address if maker else "")
    return {path: stage or None for path, stage in sorted(listed.items())}


def _cached(out: Output, cache: Cache | None) -> bytes | None:
    from dataops.store.objects import Object

    try:
        return cache.content(Object(out.digest, out.algorithm)) if cache is not None and out.digest else None
    except DataOpsError:
        return None


def _parsed(content: bytes, path: str) -> Any:
    """JSON, YAML or TOML; None of anything else, and of what is broken."""
    try:
        if path.endswith((".yaml", ".yml")):
            return yamls.load(content, path)
        return tomllib.loads(content.decode()) if path.endswith(".toml") else json.loads(content)
    except (DataOpsError, ValueError, RecursionError):
        return None


def _numbers(value: Any, before: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        if abs(value) <= sys.float_info.max:  # neither NaN nor infinite, nor an integer that no float holds
            yield before, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _numbers(item, f"{before}.{key}" if before else str(key))
