"""What DVC's files in the index record, and how dvc.yaml and the parameters have moved on since; worked out once.

Templates and YAML cost more than all the rest of a check, so both are remembered under the hashes of what was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from dataops.guard import memory
from dataops.guard.memory import Memory
from dataops.repo import recorded
from dataops.repo.git import Git
from dataops.repo.recorded import Snapshot
from dataops.repo.records import Artifact, Dependency, Output, Stage
from dataops.repo.records import Source as Import

FORM = "2"  # of what is remembered


@dataclass(frozen=True)
class Records:
    """What is recorded, and what of it no longer holds for other reasons than the data."""

    snapshot: Snapshot
    moved: Mapping[str, tuple[str, ...]]
    """Stages whose command, dependencies or parameters are others now: their addresses, with reasons."""
    problems: tuple[str, ...]
    """Of files that could not be read, a line each."""


def read(
    git: Git, tree: Mapping[str, str], prefix: str, known: Memory, over: Mapping[str, bytes] | None = None
) -> Records:
    """What the DVC root records.

    Args:
        tree: the blobs of its files, by their path below it.
        prefix: where it lies below git's top.
        over: DVC's files whose content is another than in the tree; these aren't remembered.
    """
    named = sorted((path, sha) for path, sha in tree.items() if recorded.is_dvc(path))
    key = memory.key(FORM, *(part for pair in named for part in pair))
    kept = None if over else known.get(f"records {prefix}", key)
    if kept and all(tree.get(path) == sha for path, sha in kept["noted"].items()):
        return _unpacked(kept, prefix)
    from dataops.guard.reading import Noted, moved

    files = Noted(git, tree, prefix, over or {})
    problems: list[str] = []
    snapshot = recorded.compose(files, "index", prefix, problems)
    found = Records(snapshot, moved(files, snapshot, problems), tuple(problems))
    if not over:
        known.put(f"records {prefix}", key, {**_packed(found), "noted": files.noted})
    return found


def _packed(records: Records) -> dict[str, Any]:
    """As JSON holds it."""
    snapshot = records.snapshot
    return {
        "stages": [
            [one.address, one.cmd, list(map(_row, one.deps)), one.params, list(map(_row, one.outs)), one.frozen]
            for one in snapshot.stages
        ],
        "artifacts": [_row(one) for one in snapshot.artifacts.values()],
        "unrecorded": dict(snapshot.unrecorded),
        "moved": records.moved,
        "problems": records.problems,
    }


def _row(one: Output | Dependency | Artifact) -> list[Any]:
    """A record's fields in their order, an import's source as a row of its own."""
    values = [getattr(one, field.name) for field in fields(one)]
    return [[value.url, value.revision, value.path] if isinstance(value, Import) else value for value in values]


def _unpacked(kept: Mapping[str, Any], prefix: str) -> Records:
    stages = tuple(
        Stage(address, cmd, tuple(Dependency(*dep) for dep in deps), params, tuple(map(_output, outs)), frozen)
        for address, cmd, deps, params, outs, frozen in kept["stages"]
    )
    artifacts = {row[0]: Artifact(*row) for row in kept["artifacts"]}
    snapshot = Snapshot("index", stages, artifacts, prefix, kept["unrecorded"])
    return Records(
        snapshot, {address: tuple(found) for address, found in kept["moved"].items()}, tuple(kept["problems"])
    )


def _output(row: list[Any]) -> Output:
    values = dict(zip((field.name for field in fields(Output)), row, strict=True))
    source = values.pop("source")
    return Output(**values, source=Import(*source) if source else None)
