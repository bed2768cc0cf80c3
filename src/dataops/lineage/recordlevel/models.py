"""Which models were trained on which dataset versions, as their cards and dvc.lock say."""

from __future__ import annotations

import contextlib
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from dataops.errors import DataOpsError
from dataops.lineage import listing
from dataops.repo import hashes, recorded
from dataops.repo.recorded import Snapshot
from dataops.repo.records import Artifact
from dataops.repo.registry import Version
from dataops.versions import gates
from dataops.versions.context import Context


@dataclass(frozen=True)
class Trained:
    """A model version, and how it stands to a dataset artifact."""

    model: Version
    state: Literal["released", "own", "other", "unknown"]
    """Trained on released versions of it; on what it was at the model's own commit, which nobody released; on other
    data; or nothing says on what.
    """
    on: tuple[str, ...] = ()
    """The names of the released versions."""


def trained(context: Context, artifact: str, versions: Sequence[Version]) -> list[Trained]:
    """Every model version, and which of these versions of the artifact it was trained on.

    A model's card names its dataset; without one, what its stages read, as dvc.lock recorded when they ran.
    """
    names, by_hash = {version.name for version in versions}, _by_hash(context, versions)
    called = [name for name in listing.models(context) if name != artifact]
    found = (_trained(context, one, artifact, names, by_hash) for name in called
             for one in context.registry.versions(name))  # fmt: skip
    return [one for one in found if one is not None]


def _trained(
    context: Context, model: Version, artifact: str, names: Container[str], by_hash: Mapping[str, Sequence[str]]
) -> Trained | None:
    """None: it is a dataset itself."""
    card = model.read_card() or {}
    data = card.get("data")
    listed = [one for one in data if isinstance(one, Mapping)] if isinstance(data, list) else []
    said = {str(one.get("version")) for one in listed}
    if direct := tuple(sorted(name for name in said if name in names)):
        return Trained(model, "released", direct)
    snapshot = _snapshot(context, model)
    declared = snapshot.artifact(model.artifact) if snapshot else None
    if (card.get("type") or (declared.type if declared else None)) == "dataset":
        return None
    elsewhere = str(declared.meta.get("trained_on", "")) if declared is not None and not listed else ""
    if elsewhere in names:
        return Trained(model, "released", (elsewhere,))
    read = {str(one.get("hash")) for one in listed}
    if snapshot is not None and declared is not None:
        read.update(digests(snapshot, declared))
    if same := tuple(sorted({name for digest in read for name in by_hash.get(digest, ())})):
        return Trained(model, "released", same)
    own = _own(snapshot, artifact)
    if own & read:
        return Trained(model, "own")
    elsewhere_made = listed and all(name.partition("@")[0] != artifact for name in said)
    return Trained(model, "other" if elsewhere_made or (read and own and not listed) else "unknown")


def _snapshot(context: Context, version: Version) -> Snapshot | None:
    """What its commit records; None where that can't be read."""
    try:
        return recorded.snapshot(context.git, version.commit, context.prefix, [])
    except DataOpsError:
        return None


def _own(snapshot: Snapshot | None, artifact: str) -> set[str]:
    """The hashes of the artifact as a commit has it."""
    declared = snapshot.artifact(artifact) if snapshot else None
    if snapshot is None or declared is None:
        return set()
    outs = [out for out, _ in snapshot.feeding(declared.path)]
    return {out.digest for out in outs if out.digest}


def digests(snapshot: Snapshot, artifact: Artifact) -> Iterator[str]:
    """The hashes of everything that the artifact's stage and those before it read.

    Of a part of an output (`data/dataset/train`) the hash of that output, too: it is the whole that was released; and
    of the datasets that `meta.data` names.
    """
    with contextlib.suppress(DataOpsError):
        yield from (output.digest for _, output in gates.datasets(artifact, snapshot) if output.digest)
    stage = snapshot.stage_of(artifact.path)
    for step in snapshot.ancestors(stage.address) if stage else ():
        for dependency in step.deps:
            if dependency.digest:
                yield dependency.digest
            whole = snapshot.covering(dependency.path)
            if whole is not None and whole.path != dependency.path and whole.digest:
                yield whole.digest


def _by_hash(context: Context, versions: Sequence[Version]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for version, digest in zip(versions, hashes.content_hashes(context.git, versions, context.prefix), strict=True):
        if digest:
            found.setdefault(digest, []).append(version.name)
    return found
