"""Two versions that are compared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dataops.errors import DataOpsError
from dataops.repo.names import Target
from dataops.repo.recorded import Snapshot
from dataops.repo.records import Artifact, Output
from dataops.store import manifest
from dataops.store.objects import Object, Store
from dataops.versions import files as listings
from dataops.versions.context import DEFAULT, Context
from dataops.versions.sources import Sources


@dataclass(frozen=True)
class Side:
    """One version with what git says of it."""

    target: Target
    snapshot: Snapshot
    artifact: Artifact
    output: Output
    card: Mapping[str, Any]
    contract: Mapping[str, Any]
    time: dt.datetime

    @property
    def name(self) -> str:
        """As people call it."""
        version = self.target.version
        return version.name if version is not None else f"{self.artifact.name} at {self.target.commit[:7]}"

    @property
    def keys(self) -> list[str]:
        """What identifies a row, by the contract of that commit."""
        keys, time = self.contract.get("keys"), self.contract.get("time")
        return [str(key) for key in [*(keys if isinstance(keys, list) else []), time] if key]


def objects(context: Context, side: Side, store: Store) -> dict[str, Object]:
    """The objects of one side, by their names below the artifact."""
    found = listings.listing(context.git, context.prefix, side.snapshot, side.artifact.path, store, context.cache)
    return dict(found.objects)


def pair(context: Context, old: str, new: str, remote: str | None) -> tuple[Side, Side]:
    """Both versions; a bare second name means the artifact of the first.

    Raises:
        DataOpsError: a name is unknown, or they are of two artifacts.
    """
    first = context.taken(old)
    second = context.taken(new, first.artifact or DEFAULT)
    if first.artifact is None and second.artifact not in (None, DEFAULT):
        first = context.resolve(old, second.artifact or DEFAULT)
    named = {target.artifact for target in (first, second) if target.artifact}
    if len(named) > 1:
        hint = "both have to be of one artifact, as dataset@v1.0.0 and dataset@v1.1.0"
        raise DataOpsError(f"{old} is of {first.artifact}, {new} of {second.artifact}", hint)
    name = next(iter(named), DEFAULT)
    return _side(context, first, name, remote), _side(context, second, name, remote)


def _side(context: Context, target: Target, name: str, remote: str | None) -> Side:
    snapshot = context.snapshot(target.commit)
    artifact = listings.artifact_of(snapshot, target, name)
    output = snapshot.output(artifact.path) or _made_up(context, snapshot, artifact.path, remote)
    if output is None:
        raise DataOpsError(
            f"{target.asked}: no dvc.lock or .dvc file records {artifact.path}", "`dvc repro`, and commit"
        )
    version = target.version
    seconds = context.git.out("show", "--no-patch", "--format=%ct", target.commit)
    time = version.time if version is not None else dt.datetime.fromtimestamp(int(seconds), dt.UTC)
    card = (version.card if version is not None else None) or {}
    return Side(target, snapshot, artifact, output, card, context.contract(target.commit), time)


def _made_up(context: Context, snapshot: Snapshot, path: str, remote: str | None) -> Output | None:
    """What `path` would be recorded as, where it is a part of an output or a folder that holds some."""
    if snapshot.covering(path) is None and not any(
        out.path.startswith(f"{path}/") for stage in snapshot.stages for out in stage.outs
    ):
        return None
    found = listings.listing(context.git, context.prefix, snapshot, path, Sources(context, remote), context.cache)
    digests = {name: obj.digest for name, obj in found.objects.items()}
    digest = found.whole.digest if found.whole is not None else manifest.digest(digests)
    stage = snapshot.stage_of(path)
    address = stage.address if stage is not None else None
    return Output(path, digest, "md5", found.size, len(digests), cached=True, stage=address)
