"""Which models were trained on which dataset versions, as their cards and dvc.lock say."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dataops.errors import DataOpsError
from dataops.repo import hashes
from dataops.repo.recorded import Snapshot
from dataops.repo.records import Artifact
from dataops.repo.registry import Version
from dataops.versions.context import Context


@dataclass(frozen=True)
class Trained:
    """A model version, and the dataset versions that it was trained on."""

    model: Version
    on: tuple[str, ...]
    """Their names; () where its data are no released version."""


def models_of(context: Context, versions: Sequence[Version]) -> dict[str, list[Version]]:
    """The models of each of these dataset versions, by its name, in the order of their numbers."""
    found: dict[str, list[Version]] = {version.name: [] for version in versions}
    for one in trained(context, versions, {version.artifact for version in versions}):
        for name in one.on:
            found[name].append(one.model)
    return found


def trained(context: Context, versions: Sequence[Version], but: Container[str]) -> list[Trained]:
    """Every model version, and which of these dataset versions it was trained on; no artifact in `but` is a model.

    A model's card names its dataset; without one, what its stages read, as dvc.lock recorded when they ran.
    """
    names, by_hash = {version.name for version in versions}, _by_hash(context, versions)
    candidates = [one for name, of in context.registry.artifacts.items() if name not in but for one in of.versions]
    return [found for model in candidates if (found := _trained(context, model, names, by_hash)) is not None]


def _trained(
    context: Context, model: Version, names: Container[str], by_hash: Mapping[str, Sequence[str]]
) -> Trained | None:
    """None: it is no model."""
    listed = (model.read_card() or {}).get("data")
    if isinstance(listed, list) and listed:
        said = [one for one in listed if isinstance(one, Mapping)]
        direct = {str(one.get("version")) for one in said if str(one.get("version")) in names}
        same = {name for one in said for name in by_hash.get(str(one.get("hash")), ())}
        return Trained(model, tuple(sorted(direct or same)))
    try:
        snapshot = context.snapshot(model.commit)
    except DataOpsError:
        return None
    artifact = snapshot.artifact(model.artifact)
    if artifact is None or not is_model(model, artifact):
        return None
    if (elsewhere := str(artifact.meta.get("trained_on", ""))) in names:
        return Trained(model, (elsewhere,))
    found = {name for digest in digests(snapshot, artifact) for name in by_hash.get(digest, ())}
    return Trained(model, tuple(sorted(found)))


def is_model(version: Version, artifact: Artifact) -> bool:
    """By its card or its declaration; what has no type may be one."""
    return ((version.read_card() or {}).get("type") or artifact.type) in ("model", None)


def digests(snapshot: Snapshot, artifact: Artifact) -> Iterator[str]:
    """The hashes of everything that the artifact's stage and those before it read.

    Of a part of an output (`data/dataset/train`) the hash of that output, too: it is the whole that was released.
    """
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
