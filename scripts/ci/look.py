"""What there is to do, from what git, dvc.lock and `dvc status` say: nothing is run, nothing is written."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ci import reference, stale
from ci.stale import Reasons
from dataops.errors import DataOpsError
from dataops.repo import worktree
from dataops.repo.hashes import content_hashes
from dataops.repo.recorded import Snapshot, outside
from dataops.repo.records import Artifact, Dependency, Output
from dataops.repo.registry import Version
from dataops.store import manifest
from dataops.store.agreement import Agreement
from dataops.versions import files, gates
from dataops.versions.context import Context
from dataops.versions.sources import Sources

DATASET, MODEL = "dataset", "model"


@dataclass(frozen=True)
class Look:
    """The work tree and the versions, as they are now."""

    context: Context
    snapshot: Snapshot
    stale: Reasons
    """Every stage that is out of date by itself, and why."""
    released: Mapping[str, Version | None]
    """dataset and model: the version that has their content."""
    pin: Version | None
    """The dataset version that should be the drift reference."""
    model: Sequence[str]
    """The stages that make the model, judge it, and what comes of it."""
    missing: Set[str]
    """Outputs that aren't here, or not whole."""

    @cached_property
    def data(self) -> Reasons:
        """The stages before the model that are out of date."""
        return {name: why for name, why in self.stale.items() if name not in self.model}

    @cached_property
    def train(self) -> Reasons:
        """Those of the model that are."""
        return {name: why for name, why in self.stale.items() if name in self.model}

    @cached_property
    def others(self) -> list[str]:
        """Every stage that isn't the model's."""
        return [name for name in stale.stages(self.snapshot) if name not in self.model]

    def next(self, done: Collection[str] = ()) -> str | None:
        """What has to be done first, but for what was; None: all is done."""
        due = {
            "data": bool(self.data),
            "release dataset": self._unreleased(DATASET),
            "train": bool(self.train),
            "release model": self._unreleased(MODEL),
            "pin": self.pin is not None,
        }
        return next((name for name, is_due in due.items() if is_due and name not in done), None)

    def fetch(self, names: Sequence[str]) -> list[str]:
        """What has to be here before these stages run, and isn't: stages and .dvc files to pull.

        `dvc repro --pull` fetches what a stage reads only where nothing of it is here, and sees no change in a part of
        a folder that isn't.
        """
        needed = stale.needed(names, self.snapshot)
        return [maker for maker, paths in needed.items() if self.missing & set(paths)]

    def plan(self) -> list[str]:
        """What a run would do, a line each, as far as that can be known before it is done."""
        lines = [f"run {name}: {', '.join(why[:3])}" for name, why in self.stale.items()]
        behind = [one for one in stale.behind(list(self.stale), self.snapshot) if one not in self.stale]
        lines += [f"run {name}, if what it reads comes out different" for name in behind]
        for name, due in ((DATASET, self.data), (MODEL, self.stale)):
            if due:
                lines.append(f"release {name}, if it comes out different")
            elif self._unreleased(name):
                lines.append(f"release {name}")
        if self.pin is not None:
            lines.append(f"pin {self.pin.name} as drift reference")
        return lines

    def _unreleased(self, name: str) -> bool:
        found = self.snapshot.artifact(name)
        return found is not None and self.snapshot.output(found.path) is not None and self.released[name] is None


def look(context: Context, status: Mapping[str, Any], *, offline: bool = False) -> Look:
    """Judge the work tree.

    Args:
        status: what `dvc status --json` says.
        offline: leave out what only the remote could say.

    Raises:
        DataOpsError: DVC's files are broken, or git or the remote can't be asked.
    """
    root = context.root
    if root is None:
        raise DataOpsError("there is no work tree to work in")
    if changed := stale.unrecorded(status):
        hint = "`dataops ingest` or `dvc add` records them; `dvc checkout` takes them back"
        raise DataOpsError(f"{changed[0]} was changed, and that is not recorded", hint)
    context = replace(context)  # its tags are read anew
    snapshot = worktree.snapshot(root)
    unseen = stale.disagreeing(snapshot, Agreement(context.cache) if offline else _agrees(context, snapshot))
    files_of = worktree.Folder(root, [])
    params = {path: files_of.variables(path) for stage in snapshot.stages for path in stage.params}
    found = stale.stale(status, snapshot, params)
    reasons = {name: found.get(name) or unseen.get(name) for name in stale.stages(snapshot)}
    released = {name: version_of(context, snapshot, name) for name in (DATASET, MODEL)}
    return Look(
        context,
        snapshot,
        {name: lines for name, lines in reasons.items() if lines},
        released,
        reference.wanted(context, snapshot),
        of_model(snapshot),
        stale.missing(status),
    )


def of_model(snapshot: Snapshot) -> list[str]:
    """The stages of the model: that of the artifact, those of the reports that gate it, and all behind them."""
    model = snapshot.artifact(MODEL)
    if model is None:
        return []
    paths = [model.path, *(gate.report for gate in gates.declared(model) or ())]
    first = [stale.short(address) for path in paths if (address := _maker(snapshot, path))]
    return list(dict.fromkeys([*stale.behind(first, snapshot)]))


def version_of(context: Context, snapshot: Snapshot, name: str) -> Version | None:
    """The version of the artifact that has the recorded content; of several the newest."""
    artifact = snapshot.artifact(name)
    output = snapshot.output(artifact.path) if artifact is not None else None
    if output is None:
        return None
    versions = context.registry.versions(outside(name, context.prefix))
    digests = content_hashes(context.git, versions, context.prefix)
    same = [one for one, digest in zip(versions, digests, strict=True) if digest == output.digest]
    return same[-1] if same else None


def failed_report(root: Path, snapshot: Snapshot, artifact: Artifact | None) -> tuple[str, dict[str, Any]] | None:
    """The report that gates the artifact and says no, where it isn't the recorded one: its stage has just failed."""
    for gate in (gates.declared(artifact) or ()) if artifact is not None else ():
        report = new_report(root, snapshot, gate.report)
        if report is not None and report.get(gate.key) is not True:
            return gate.report, report
    return None


def new_report(root: Path, snapshot: Snapshot, path: str) -> dict[str, Any] | None:
    """A report of the work tree that isn't the one dvc.lock records."""
    from dataops.ingest.recorded import md5

    out = snapshot.output(path)
    try:
        if out is not None and out.digest == md5(root / path):
            return None
        found = json.loads((root / path).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _maker(snapshot: Snapshot, path: str) -> str | None:
    stage = snapshot.stage_of(path)
    return stage.address if stage is not None else snapshot.unrecorded.get(path)


def _agrees(context: Context, snapshot: Snapshot) -> stale.Agrees:
    """Judge by the list of a folder's files; one that isn't in the cache is read from the remote."""
    agreement = Agreement(context.cache)

    def agrees(out: Output, dep: Dependency) -> bool | None:
        known = agreement(out, dep)
        inside = out.digest.endswith(".dir") and dep.path.startswith(f"{out.path}/") and bool(dep.digest)
        if known is None and inside:
            found = files.listing(context.git, context.prefix, snapshot, dep.path, Sources(context), context.cache)
            whole = found.whole.digest if found.whole is not None else None
            listed = manifest.digest({name: obj.digest for name, obj in found.objects.items()})
            return dep.digest == (whole or listed)
        return known

    return agrees
