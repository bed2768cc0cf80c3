"""How a released model was trained, as git has it: the record of the training, and the data with their versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dataops.lineage.trace import MODEL, training_record
from dataops.repo import recorded
from dataops.repo.holders import holders
from dataops.repo.names import Target
from dataops.repo.recorded import Snapshot, outside
from dataops.repo.records import Artifact
from dataops.repo.registry import Version
from dataops.versions import gates
from dataops.versions.context import Context

SAGEMAKER = "sagemaker"  # the backend whose models AWS is told of


@dataclass(frozen=True)
class Data:
    """What a model's own stage read of a dataset artifact."""

    artifact: str
    path: str
    digest: str
    """DVC's hash of the whole artifact, as dvc.lock has it."""
    version: str | None
    """The released version that has it, as `dataset@v1.2.0`; None where nobody released it."""


@dataclass(frozen=True)
class Trained:
    """A released model."""

    version: Version
    digest: str
    """DVC's hash of the model."""
    record: Mapping[str, Any]
    """The training.json beside it; empty where git has none."""
    data: tuple[Data, ...]

    @property
    def backend(self) -> str:
        """Where it was trained; "" where nothing says it."""
        return str(self.record.get("backend") or "")


def read(context: Context, version: Version) -> Trained | None:
    """What the version's commit records of its training; None where it is no artifact of type model.

    Raises:
        DataOpsError: the commit isn't in this clone, or dvc.yaml's meta of the artifact has another form.
    """
    if (version.read_card() or {}).get("type", MODEL) != MODEL:
        return None
    context, _ = context.focused(Target(version.name, version.artifact, version.commit, version))
    snapshot = recorded.snapshot(context.git, version.commit, context.prefix, [])
    artifact = snapshot.artifact(version.artifact)
    output = snapshot.covering(artifact.path) if artifact else None
    if artifact is None or artifact.type != MODEL or output is None:
        return None
    record = training_record(context, snapshot, snapshot.makers(artifact.path))
    return Trained(version, output.digest, record or {}, tuple(_data(context, snapshot, artifact, version)))


def _data(context: Context, snapshot: Snapshot, artifact: Artifact, model: Version) -> Iterator[Data]:
    """The datasets that the model is made of, by what its stage recorded when it ran."""
    stage = snapshot.stage_of(artifact.path)
    read_then = {dep.path: dep.digest for dep in stage.deps} if stage else {}
    found = [(other, read_then.get(other.path) or out.digest) for other, out in gates.datasets(artifact, snapshot)]
    held = holders(context.git, context.registry, [digest for _, digest in found], context.prefix)
    for other, digest in found:
        names = {other.name, outside(other.name, snapshot.prefix)}
        yield Data(
            other.name, other.path, digest, _best([one for one in held.get(digest, ()) if one.artifact in names], model)
        )


def _best(same: list[Version], model: Version) -> str | None:
    """Of versions with the same content the one that the model's card names, else the newest that nobody took back."""
    listed = (model.read_card() or {}).get("data") or ()
    named = {one.get("version") for one in listed if isinstance(one, Mapping)}
    living = [one for one in same if not one.deprecated] or same
    best = next((one for one in same if one.name in named), living[-1] if living else None)
    return best.name if best else None
