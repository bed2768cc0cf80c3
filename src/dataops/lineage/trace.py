"""Back from a model, a dataset or any output to where its data came in: every stage, hash, parameter and command.

Everything comes from what the commit records. Where the record contradicts itself or the commit, the trace says so: a
stage that read what its maker has overwritten since, code that is not the code that ran.
"""

from __future__ import annotations

import contextlib
import difflib
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dataops.errors import DataOpsError
from dataops.lineage import commits, committed
from dataops.lineage.traced import Input, Kind, Made, Role, Step, Trace
from dataops.repo import cardtext, recorded, suffixes
from dataops.repo.holders import holders
from dataops.repo.names import Target
from dataops.repo.recorded import Snapshot, outside
from dataops.repo.records import Artifact, Dependency, Output, Stage
from dataops.repo.registry import Version
from dataops.store.agreement import Agreement
from dataops.versions.context import DEFAULT, Context

MODEL = "model"
TRAINING = "training.json"


def default(context: Context) -> str:
    """The artifact that a bare name means to whoever asks for lineage: the model, where one was ever released."""
    return MODEL if MODEL in context.registry.artifacts else DEFAULT


def find(
    context: Context, asked: str, path: str | None = None, artifact: str | None = None
) -> tuple[Target, str | None]:
    """A version, a revision, or an output of HEAD by its path; a bare name means `artifact`, by default the model.

    Raises:
        DataOpsError: it is none of these.
    """
    try:
        return context.resolve(asked, artifact or default(context)), path
    except DataOpsError as error:
        head = context.git.commit_of("HEAD") if path is None and asked.strip() else None
        if head is None:
            raise
        target = Target(asked, None, head, None)
        plain = posixpath.normpath(asked.strip().strip("/") or ".")
        outputs: list[str] = []
        with contextlib.suppress(DataOpsError):
            inner, inside = context.focused(target, plain)
            snapshot = inner.snapshot(head)
            if inside is not None and _at(snapshot, inside):
                return target, plain
            outputs = [posixpath.join(inner.prefix if context.whole else "", path) for path in _outputs(snapshot)]
        close = difflib.get_close_matches(plain, outputs, 1) if "/" in plain else []
        if close:
            raise DataOpsError(error.message, f"did you mean {close[0]}?") from None
        raise


def trace(context: Context, target: Target, path: str | None = None, also: Sequence[str] = ()) -> Trace:
    """What led to the target's artifact, to its output `path`, or, of a plain revision, to everything recorded there.

    `also`: addresses of further stages that belong to it, as one that judges a model.

    Raises:
        DataOpsError: nothing recorded there has that path; the commit is not in this clone.
    """
    context, path = context.focused(target, path)
    warnings: list[str] = []
    snapshot = recorded.snapshot(context.git, target.commit, context.prefix, warnings)
    subject = _subject(snapshot, target, path, warnings)
    stages = snapshot.ancestors(*(end.address for end in subject.ends), *also)
    steps = _steps(context, snapshot, stages, warnings)
    card = (target.version.card if target.version and path is None else None) or {}  # `path` is no version's content
    training, evaluation = _reports(context, snapshot, subject)
    known = {name for step in steps for made in step.outs for name in made.versions}
    elsewhere = [name for name in _elsewhere(card, subject.artifact) if name not in known]
    _deprecated(context, [*known, *elsewhere], warnings)
    return Trace(
        subject.name,
        commits.read(context.git, [target.commit])[0],
        steps,
        subject.artifact.name if subject.artifact else target.artifact if path is None else None,
        target.version if path is None else None,
        subject.output,
        training or card.get("training"),
        card.get("evaluation") or evaluation,
        tuple(elsewhere),
        context.prefix,
        tuple(warnings),
    )


@dataclass(frozen=True)
class _Subject:
    """What is traced, and the stages that wrote it."""

    name: str
    ends: tuple[Stage, ...]
    artifact: Artifact | None = None
    output: Output | None = None


def _subject(snapshot: Snapshot, target: Target, path: str | None, warnings: list[str]) -> _Subject:
    at = target.commit[:7]
    if path is not None:
        ends = _at(snapshot, path)
        if not ends:
            known = _outputs(snapshot)
            close = difflib.get_close_matches(path, known, 1)
            there = ", ".join(sorted(known)[:8]) or "nothing"
            hint = f"did you mean {close[0]}?" if close else f"recorded there: {there}"
            raise DataOpsError(f"no stage or .dvc file at {at} has {path}", hint)
        artifact = next((one for one in snapshot.artifacts.values() if one.path == path), None)
        return _Subject(f"{path} at {at}", ends, artifact, snapshot.covering(path))
    if target.artifact is None:
        if not snapshot.stages:
            warnings.append(f"no dvc.lock and no .dvc file at {at} records anything")
        return _Subject(at, snapshot.stages)
    name = target.version.name if target.version else f"{target.artifact} at {at}"
    artifact = snapshot.artifact(target.artifact)
    if artifact is None:
        warnings.append(
            f"no dvc.yaml at {at} declares the artifact {target.artifact}: this is everything recorded there"
        )
        return _Subject(name, snapshot.stages)
    ends = _at(snapshot, artifact.path)
    if not ends:
        stage = snapshot.unrecorded.get(artifact.path)
        why = f"{stage} was never recorded in dvc.lock" if stage else "git has it, or nobody"
        warnings.append(f"no stage or .dvc file at {at} has {artifact.path}: {why}")
    return _Subject(name, ends, artifact, snapshot.covering(artifact.path))


def _outputs(snapshot: Snapshot) -> list[str]:
    return [out.path for stage in snapshot.stages for out in stage.outs]


def _at(snapshot: Snapshot, path: str) -> tuple[Stage, ...]:
    """The stages whose outputs are `path`, hold it, or lie in it."""
    return tuple({stage.address: stage for stage in snapshot.makers(path)}.values())


def _steps(context: Context, snapshot: Snapshot, stages: Sequence[Stage], warnings: list[str]) -> tuple[Step, ...]:
    """The stages with what is known of every input and output."""
    tracked = _tracked(context, snapshot, stages)
    code = [dep for stage in stages for dep in stage.deps if tracked.get(dep.path)]
    once = list({dep.path: dep for dep in code}.values())
    other = committed.differing(context.git, snapshot.commit, snapshot.prefix, once)
    digests = {dep.digest for stage in stages for dep in stage.deps} | {out.digest for s in stages for out in s.outs}
    held = holders(context.git, context.registry, filter(None, digests), context.prefix)
    names = _Names(snapshot, held)
    steps, agreement = [], Agreement(context.cache)
    for stage in stages:
        inputs = tuple(_input(snapshot, stage, dep, tracked, other, names, agreement) for dep in stage.deps)
        outs = tuple(Made(out, names(out.digest, out.path)) for out in stage.outs)
        steps.append(Step(stage.address, _kind(stage), stage.cmd, inputs, stage.params, outs, stage.frozen))
        warnings += [f"{steps[-1].name}: {one.path} {one.problem}" for one in inputs if one.problem]
    return tuple(steps)


class _Names:
    """The released versions that have a content: where an artifact is declared at that very path, its own alone."""

    def __init__(self, snapshot: Snapshot, held: Mapping[str, Sequence[Version]]) -> None:
        self._held = held
        self._artifacts: dict[str, set[str]] = {}
        for one in snapshot.artifacts.values():
            self._artifacts.setdefault(one.path, set()).update({one.name, outside(one.name, snapshot.prefix)})

    def __call__(self, digest: str | None, path: str) -> tuple[str, ...]:
        found = self._held.get(digest or "", ())
        own = [one for one in found if one.artifact in self._artifacts.get(path, ())]
        return tuple(version.name for version in own or found)


def _tracked(context: Context, snapshot: Snapshot, stages: Sequence[Stage]) -> dict[str, bool]:
    """Of the dependencies that no stage makes: whether git has them at the commit."""
    paths = {dep.path: not any(snapshot.makers(dep.path)) for stage in stages for dep in stage.deps}
    alone = [path for path, nobody in paths.items() if nobody and not _external(path)]
    shas = context.git.shas([f"{snapshot.commit}:{posixpath.join(snapshot.prefix, path)}" for path in alone])
    return {path: sha is not None for path, sha in zip(alone, shas, strict=True)}


def _input(
    snapshot: Snapshot,
    stage: Stage,
    dep: Dependency,
    tracked: Mapping[str, bool],
    other: set[str],
    names: _Names,
    agreement: Agreement,
) -> Input:
    versions = names(dep.digest, dep.path)
    found = _role(snapshot, stage, dep, tracked)
    if found != "data" or dep.path in tracked:
        problem = ""
        if found in ("code", "data") and dep.path in other:
            problem = "is not at this commit what it was when the stage ran"
        elif found == "unknown":
            problem = "is recorded, but neither git nor DVC has it at this commit"
        return Input(dep.path, found, dep.digest, dep.algorithm, (), versions, problem)
    feeding = list(snapshot.feeding(dep.path))
    makers = tuple(dict.fromkeys(maker.address for _, maker in feeding))
    other_now = next((maker.address for out, maker in feeding if agreement(out, dep) is False), None)
    problem = f"was {short(dep.digest)} when it ran; {other_now} has recorded something else since" if other_now else ""
    return Input(dep.path, found, dep.digest, dep.algorithm, makers, versions, problem)


def _role(snapshot: Snapshot, stage: Stage, dep: Dependency, tracked: Mapping[str, bool]) -> Role:
    if _kind(stage) == "import" or _external(dep.path):
        return "external"
    if dep.path not in tracked and any(snapshot.makers(dep.path)):
        return "data"
    if not tracked.get(dep.path):
        return "unknown"
    return "data" if suffixes.suffix(dep.path) else "code"  # git has it, and a .csv is data there too


def _external(path: str) -> bool:
    return "://" in path or path.startswith(("/", "../"))


def _kind(stage: Stage) -> Kind:
    if stage.cmd or posixpath.basename(stage.address).partition(":")[0] in ("dvc.yaml", "Dvcfile"):
        return "stage"
    return "import" if any(out.url for out in stage.outs) else "file"


def short(digest: str | None) -> str:
    """The first seven digits of a hash."""
    return digest[:7] if digest else "nothing"


def _reports(context: Context, snapshot: Snapshot, subject: _Subject) -> tuple[Any, Any]:
    """The training record and the evaluation that git has at this commit, of a model."""
    artifact = subject.artifact
    if artifact is None or not subject.ends:
        return None, None
    gates = artifact.meta.get("gates") if artifact.type == MODEL else None
    first = gates[0] if isinstance(gates, list) and gates else None
    report = first.get("report") if isinstance(first, dict) else first
    training = training_record(context, snapshot, subject.ends)
    return training, _json(context, snapshot, report) if isinstance(report, str) else None


def training_record(context: Context, snapshot: Snapshot, makers: Iterable[Stage]) -> dict[str, Any] | None:
    """What the first of these stages that wrote a training.json wrote into it; None where git has none."""
    beside = [out.path for stage in makers for out in stage.outs if posixpath.basename(out.path) == TRAINING]
    return _json(context, snapshot, beside[0]) if beside else None


def _json(context: Context, snapshot: Snapshot, path: str) -> dict[str, Any] | None:
    """A JSON object of this commit; None where git has none."""
    text = context.git.blob(snapshot.commit, posixpath.join(context.prefix, path))
    return cardtext.report(text) if text is not None else None


def _elsewhere(card: Mapping[str, Any], artifact: Artifact | None) -> list[str]:
    """The versions that a card, or `meta.trained_on`, says a model was trained on."""
    listed = card.get("data")
    names = [one.get("version") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    names.append(artifact.meta.get("trained_on") if artifact else None)
    return list(dict.fromkeys(name for name in names if isinstance(name, str)))


def _deprecated(context: Context, names: Iterable[str], warnings: list[str]) -> None:
    """A warning for each of these versions that was taken back."""
    for name in dict.fromkeys(names):
        for version in context.registry.versions(name.rpartition("@")[0]):
            if version.name == name and version.deprecated:
                warnings.append(f"{name} is deprecated: {version.deprecated}")
