"""What a run found, for its report: comparisons, metrics, and what a release would be."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ci import stale
from ci.look import DATASET, MODEL, Look
from ci.told import Told
from dataops.errors import DataOpsError
from dataops.lineage import metrics as metric_files
from dataops.repo import registry, tags
from dataops.repo.records import Artifact
from dataops.repo.registry import Version
from dataops.reports import read_json
from dataops.versions import compare, content, gates, plan
from dataops.versions.context import Context
from dataops.versions.wording import clean

DRIFT = Path("reports/drift.json")


def drift(root: Path) -> Mapping[str, Any] | None:
    """The drift report, as it lies there."""
    try:
        return read_json(root / DRIFT)
    except DataOpsError:
        return None


def why_train(found: Look, report: Mapping[str, Any] | None) -> str:
    """Why the model is trained again, in words."""
    lines = [line for name in found.train for line in found.train[name]]
    made = {out.path for stage in found.snapshot.stages for out in stage.outs if out.cached}
    kinds = []
    if "it never ran" in lines:
        kinds.append("there is no model yet")
    if any(any(line.startswith(path) for path in made) for line in lines):
        kinds.append("the data changed")
    if report is not None and report.get("drifted") is True:
        kinds.append(f"drift in {', '.join(map(str, report.get('columns_drifted') or ())) or 'the schema'}")
    rest = [line for line in lines if line != "it never ran" and not any(line.startswith(path) for path in made)]
    return clean("; ".join([*kinds, *rest[:3]]))


def metrics(
    context: Context, old: str, new: str, stages: Sequence[str]
) -> list[tuple[str, float | None, float | None]]:
    """The metrics that these stages write: file and name, at the commit `old` ("": nowhere) and at `new`."""
    before, now = (
        metric_files.read(context.git, context.snapshot(commit), context.cache) if commit else {}
        for commit in (old, new)
    )
    keys = [key for key, one in now.items() if one.stage is not None and stale.short(one.stage) in stages]
    values = [(before[key].value if key in before else None, now[key].value) for key in keys]
    return [(f"{posixpath.basename(path)}: {key}", *pair) for (path, key), pair in zip(keys, values, strict=True)]


def released(context: Context, told: Told, name: str, version: Version) -> None:
    """How a new version differs from the one before."""
    previous = (version.card or {}).get("previous")
    if name == DATASET and isinstance(previous, Mapping):
        told.comparison = compare.compare(context, f"{version.artifact}@{previous.get('version')}", version.name).facts


def would_release(context: Context, told: Told, name: str, commit: str, base: str) -> None:
    """What a release of this artifact would be, and how it differs from the version before `base`, or from that."""
    snapshot = context.snapshot(commit)
    artifact, output = plan.find(snapshot, name)
    before = registry.read(context.git, artifact.name, merged=base).versions(artifact.name)
    previous = before[-1] if before else None
    if refusal := _refusal(context, artifact):
        told.step(f"release {name}", "would be refused", refusal)
    elif name == MODEL:
        told.step(f"release {name}", "would be a new version")
    else:
        _, change = content.describe(context, artifact, output, commit, previous, [], None)
        kind = change.kind if change.kind in ("major", "minor", "patch") else None
        number = plan.FIRST if previous is None else previous.number.bumped(kind) if kind else None
        outcome = f"would be {tags.version(artifact.name, number)}" if number else "would be refused"
        told.step(f"release {name}", outcome, clean(change.reason))
    if name == DATASET and (previous is not None or context.snapshot(base).output(artifact.path) is not None):
        told.comparison = compare.compare(context, previous.name if previous else base, commit).facts


def _refusal(context: Context, artifact: Artifact) -> str:
    """What the reports that gate the artifact say against it."""
    for gate in gates.declared(artifact) or ():
        report = read_json((context.root or Path()) / gate.report)
        if report.get(gate.key) is not True:
            return clean("; ".join(map(str, report.get("problems") or ())) or f"{gate.report}: {gate.key} is not true")
    return ""
