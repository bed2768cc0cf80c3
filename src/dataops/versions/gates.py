"""What must be true of an artifact before it may become a version: reports that gate it, data it is made of.

`artifacts.<name>.meta` of dvc.yaml says which reports:

    meta:
      gates: [reports/validation.json]                      # its `passed` must be true
      gates: [{report: reports/quality.json, key: ok}]      # or another key's
      gates: []                                             # none, on purpose
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataops.errors import DataOpsError
from dataops.repo.recorded import Snapshot, outside
from dataops.repo.records import Artifact, Output
from dataops.repo.registry import Registry, Version

PASSED = "passed"
NEEDS_GATE = ("dataset", "model")  # types that are not released unchecked by mere forgetting


@dataclass(frozen=True)
class Gate:
    """One condition and how it stands."""

    name: str
    passed: bool
    reason: str
    """What was found, in a line."""
    hint: str = ""
    overridable: bool = True
    """Whether `--allow-invalid` may record who went past it and why; never where bytes and record disagree."""


@dataclass(frozen=True)
class Declared:
    """A report that gates an artifact."""

    report: str
    key: str = PASSED


def declared(artifact: Artifact) -> list[Declared] | None:
    """The gates that dvc.yaml names, or None where it says nothing of them.

    Raises:
        DataOpsError: `meta.gates` has another form.
    """
    gates = artifact.meta.get("gates")
    if gates is None:
        return None
    where = f"{artifact.declared_in}: artifacts.{artifact.name}.meta.gates"
    hint = "a list of reports, as [reports/validation.json], or of {report: …, key: …}"
    if not isinstance(gates, list):
        raise DataOpsError(f"{where}: expected a list, found {type(gates).__name__}", hint)
    found = []
    for gate in gates:
        if isinstance(gate, str):
            found.append(Declared(gate))
        elif isinstance(gate, dict) and set(gate) <= {"report", "key"} and isinstance(gate.get("report"), str):
            found.append(Declared(gate["report"], str(gate.get("key", PASSED))))
        else:
            raise DataOpsError(f"{where}: {gate!r} names no report", hint)
    return found


def judge(root: Path, artifact: Artifact, snapshot: Snapshot, committed: Callable[[str], bool]) -> list[Gate]:
    """How each declared report stands in the work tree at `root`; `committed` says whether git has a path at HEAD."""
    gates = declared(artifact)
    if gates is None:
        if artifact.type not in NEEDS_GATE:
            return []
        hint = f"name it in {artifact.declared_in} under artifacts.{artifact.name}.meta.gates ([]: none, on purpose)"
        return [Gate("gates", False, f"no report says whether {artifact.name} is good", hint)]
    return [_report(root, gate, snapshot, committed) for gate in gates]


def _report(root: Path, gate: Declared, snapshot: Snapshot, committed: Callable[[str], bool]) -> Gate:
    """One report: it is the one that dvc.lock records, and it says yes."""
    recorded = snapshot.output(gate.report)
    cached = recorded is not None and recorded.cached
    if not cached and (root / gate.report).is_symlink():  # git keeps where it leads, not what is there
        reason = "the report is a link: whoever finds the tag would not find what it leads to"
        return Gate(gate.report, False, reason, "write the report itself, and commit it", overridable=False)
    try:
        content = (root / gate.report).read_bytes()
    except OSError:
        return Gate(gate.report, False, "the report is missing", "run `dvc repro`", overridable=False)
    if recorded is not None and not _same(content, recorded):
        # a stage that fails leaves its new report beside the old dvc.lock
        return _other(content, gate)
    if not cached and not committed(gate.report):
        reason = "the report is in neither git nor DVC: whoever finds the tag would not find it"
        return Gate(gate.report, False, reason, f"git add {gate.report}, and commit", overridable=False)
    try:
        report: Any = json.loads(content)
        verdict = report[gate.key]
    except (ValueError, RecursionError):
        return Gate(gate.report, False, "the report is no JSON", "run `dvc repro`", overridable=False)
    except (KeyError, TypeError):
        return Gate(gate.report, False, f"the report has no key {gate.key}", f"its stage has to write {gate.key}")
    if verdict is True:
        return Gate(gate.report, True, f"{gate.key} is true")
    return Gate(gate.report, False, _why(report, gate), f"see {gate.report}")


def _other(content: bytes, gate: Declared) -> Gate:
    """A report that isn't the recorded one: in its own words, where it says that its stage failed."""
    reason, hint = "the report is not the one that dvc.lock records: it was edited", "`dvc repro`, then commit"
    try:
        report = json.loads(content)
        if report[gate.key] is not True:
            reason = f"its stage failed: {_why(report, gate)}"
            hint = f"see {gate.report}; fix the source or what it is judged by, `dvc repro`, commit"
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return Gate(gate.report, False, reason, hint, overridable=False)


def _same(content: bytes, recorded: Output) -> bool:
    if recorded.algorithm == "md5-dos2unix":
        content = content.replace(b"\r\n", b"\n")
    return hashlib.md5(content, usedforsecurity=False).hexdigest() == recorded.digest


def _why(report: dict[str, Any], gate: Declared) -> str:
    """The report's own words, where it has some."""
    problems = report.get("problems")
    if isinstance(problems, list) and problems:
        return f"{gate.key} is {json.dumps(report[gate.key])}: " + "; ".join(str(problem) for problem in problems[:3])
    return f"{gate.key} is {json.dumps(report[gate.key])}"


def datasets(artifact: Artifact, snapshot: Snapshot) -> list[tuple[Artifact, Output]]:
    """The dataset artifacts that a model's own stage reads, with what dvc.lock records of them.

    `meta.data: [dataset]` names them where the stage reads something in between.
    """
    named = artifact.meta.get("data")
    if named is not None:
        where = f"{artifact.declared_in}: artifacts.{artifact.name}.meta.data"
        if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
            raise DataOpsError(f"{where}: expected a list of artifacts", "as [dataset]")
        for name in named:
            if name not in snapshot.artifacts:
                raise DataOpsError(f"{where}: there is no artifact {name}")
            if snapshot.output(snapshot.artifacts[name].path) is None:
                raise DataOpsError(f"{where}: dvc.lock records nothing of {name}", "`dvc repro`, and commit")
        chosen = [snapshot.artifacts[name] for name in named]
    else:
        stage = snapshot.stage_of(artifact.path)
        read = [dependency.path for dependency in stage.deps] if stage else []
        chosen = [
            other
            for other in snapshot.artifacts.values()
            if other.type == "dataset" and any(_overlap(other.path, path) for path in read)
        ]
    found = [(other, snapshot.output(other.path)) for other in chosen]
    return [(other, output) for other, output in found if output is not None]


def trained_on(
    artifact: Artifact, snapshot: Snapshot, registry: Registry, hashes: Mapping[str, Sequence[tuple[str, Version]]]
) -> tuple[list[Gate], list[Version]]:
    """Whether the data of a model are released versions, and which.

    `hashes`: by artifact, (hash, version) of its versions, ascending.
    """
    if artifact.type != "model":
        return [], []
    if (named := artifact.meta.get("trained_on")) is not None:
        return _elsewhere(str(named), registry)
    gates, versions = [], []
    for other, output in datasets(artifact, snapshot):
        versions_of = hashes.get(outside(other.name, snapshot.prefix), ())
        known = [version for digest, version in versions_of if digest == output.digest]
        same = [version for version in known if not version.deprecated]
        if known and not same:
            reason = f"{known[-1].name} is deprecated: {known[-1].deprecated}"
            gates.append(Gate(f"trained on {other.name}", False, reason, "train on another version"))
        elif same:
            versions.append(same[-1])
            gates.append(Gate(f"trained on {other.name}", True, f"released as {same[-1].name}"))
        else:
            reason = f"{output.path} ({output.digest[:7]}) is no released version of {other.name}"
            gates.append(Gate(f"trained on {other.name}", False, reason, f"`dataops release {other.name}` first"))
    if not gates:
        reason = "dvc.lock names no dataset artifact that it was trained on"
        hint = f"name it under artifacts.{artifact.name}.meta.data, or let its stage depend on one"
        gates.append(Gate("trained on", False, reason, hint))
    return gates, versions


def _elsewhere(named: str, registry: Registry) -> tuple[list[Gate], list[Version]]:
    """The version that `dataops track --trained-on` wrote down."""
    found = [one for one in registry.versions(named.partition("@")[0]) if one.name == named]
    if found and not found[0].deprecated:
        return [Gate("trained on", True, f"{named}, elsewhere")], found
    state = "deprecated" if found else "no released version"
    return [
        Gate("trained on", False, f"{named} is {state}", "`dataops track … --trained-on VERSION` names another")
    ], []


def _overlap(one: str, other: str) -> bool:
    """Whether one path is the other or lies in it."""
    a, b = one.rstrip("/") + "/", other.rstrip("/") + "/"
    return a.startswith(b) or b.startswith(a)
