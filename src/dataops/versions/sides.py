"""One version of two that are compared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dataops.repo.names import Target
from dataops.repo.recorded import Snapshot
from dataops.repo.records import Artifact, Output
from dataops.store.objects import Object, Store
from dataops.versions import files as listings
from dataops.versions.context import Context


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
