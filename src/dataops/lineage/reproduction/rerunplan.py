"""What has to run again for one artifact, in which order, and what has to lie there before."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dataops.errors import DataOpsError
from dataops.repo.names import Target
from dataops.repo.recorded import Snapshot
from dataops.repo.records import Output, Stage
from dataops.versions.context import Context
from dataops.versions.files import artifact_of


@dataclass(frozen=True)
class Plan:
    """The part of a commit's pipelines that makes one artifact."""

    name: str
    """`dataset@v1.2.0`, `dataset at a1b2c3d`, `data/raw at a1b2c3d`."""
    path: str
    """Of the artifact, relative to the DVC root."""
    commit: str
    snapshot: Snapshot
    stages: tuple[Stage, ...]
    """Those that run, each after what it needs."""
    provided: tuple[Output, ...]
    """Recorded outputs that they read and nothing here makes: fetched."""
    frozen: tuple[str, ...] = ()
    """Names of frozen stages among the makers of what is fetched."""

    def leads_to_it(self, out: Output) -> bool:
        """Is the output the artifact, a part of it, or read by a stage that runs? Else it is a by-product."""
        read = (dep.path for stage in self.stages for dep in stage.deps)
        return any(overlap(out.path, path) for path in (self.path, *read))


def plan(context: Context, target: Target, path: str | None = None, *, from_data: bool = False) -> Plan:
    """What makes the target's artifact, or its output `path`.

    `from_data`: begin at the nearest artifacts upstream, as the dataset that a model was trained on, and not where the
    data came in.

    Raises:
        DataOpsError: nothing makes it, or a stage before it can't be run again on its own.
    """
    snapshot = context.snapshot(target.commit)
    place, name = _place(snapshot, target, path)
    ends = {stage.address: stage for stage in snapshot.makers(place)}
    if not ends:
        raise _nobody(snapshot, place)
    begun = [stage for stage in ends.values() if runs(stage)]
    if not begun:
        asked = target.asked if path is None else f"{target.asked} --path {place}"
        raise _nothing_to_run(next(iter(ends.values())), place, asked)
    stops = [one.path for one in snapshot.artifacts.values() if from_data and not overlap(one.path, place)]
    needed: dict[str, Stage] = {}
    provided: dict[str, tuple[Output, Stage]] = {}
    todo = list(begun)
    while todo:
        stage = todo.pop()
        if stage.address in needed:
            continue
        needed[stage.address] = stage
        _require_repeatable(stage)
        for maker, dep in _makers(snapshot, stage):
            if runs(maker) and not any(_within(dep, stop) for stop in stops):
                todo.append(maker)
            else:
                provided |= {out.path: (out, maker) for out in maker.outs if overlap(out.path, dep)}
    order = {one.address: one for end in begun for one in snapshot.ancestors(end.address)}
    fetched = [(out, maker) for out, maker in provided.values() if maker.address not in needed]
    return Plan(
        name,
        place,
        target.commit,
        snapshot,
        tuple(stage for address, stage in order.items() if address in needed),
        tuple(out for out, _ in fetched),
        tuple(dict.fromkeys(label(maker) for _, maker in fetched if maker.cmd and maker.frozen)),
    )


def runs(stage: Stage) -> bool:
    """Has it a command that DVC would run?"""
    return bool(stage.cmd) and not stage.frozen


def label(stage: Stage) -> str:
    """Its address without the top dvc.yaml."""
    return stage.address.removeprefix("dvc.yaml:")


def overlap(one: str, other: str) -> bool:
    """Is one path the other, or does it lie in it?"""
    return _within(one, other) or _within(other, one)


def _within(path: str, folder: str) -> bool:
    return folder == "." or path == folder or path.startswith(f"{folder}/")


def _place(snapshot: Snapshot, target: Target, path: str | None) -> tuple[str, str]:
    """The path that is meant, and what it is called."""
    at = target.commit[:7]
    if path is not None:
        plain = posixpath.normpath(path.strip("/") or ".")
        version = target.version.name if target.version else at
        return plain, f"{'everything' if plain == '.' else plain} at {version}"
    artifact = artifact_of(snapshot, target)
    return artifact.path, target.version.name if target.version else f"{artifact.name} at {at}"


def _makers(snapshot: Snapshot, stage: Stage) -> Iterator[tuple[Stage, str]]:
    """Who made what the stage reads, with the path that it reads.

    Raises:
        DataOpsError: a stage that dvc.lock doesn't know would make it.
    """
    for dep in stage.deps:
        if maker := next((a for path, a in snapshot.unrecorded.items() if overlap(path, dep.path)), None):
            known = any(snapshot.makers(dep.path))
            if not known:
                message = (
                    f"{label(stage)} reads {dep.path} of {maker}, which dvc.lock at {snapshot.commit[:7]} doesn't know"
                )
                raise DataOpsError(message, "nothing says what it was; a commit after `dvc repro` has it")
        yield from ((found, dep.path) for found in snapshot.makers(dep.path))


def _require_repeatable(stage: Stage) -> None:
    """Running it again touches nothing outside of the folder it is run in."""
    for out in stage.outs:
        if "://" in out.path or out.path.startswith(("/", "../")):
            raise writes_outside(stage, out.path)


def writes_outside(stage: Stage, path: str) -> DataOpsError:
    """Running this stage would touch what the user has."""
    message = f"{label(stage)} writes {path}, outside of the repository: running it would overwrite that"
    return DataOpsError(message, "`--from-data` begins after it, where an artifact lies in between")


def _nobody(snapshot: Snapshot, place: str) -> DataOpsError:
    at = snapshot.commit[:7]
    if place in snapshot.unrecorded:
        reason = f"{snapshot.unrecorded[place]} would make it, but dvc.lock doesn't know that stage"
        return DataOpsError(f"nothing is recorded for {place} at {at}", f"{reason}: there is nothing to compare with")
    made = sorted(out.path for stage in snapshot.stages if stage.cmd for out in stage.outs)
    return DataOpsError(f"no stage at {at} makes {place}", f"stages make: {_some(made) or 'nothing'}")


def _nothing_to_run(stage: Stage, place: str, asked: str) -> DataOpsError:
    if stage.frozen and stage.cmd:
        why = f"the stage {label(stage)}, which makes {place}, is frozen"
    else:
        why = f"{place} came in as it is ({stage.address}): no stage makes it"
    return DataOpsError(f"there is nothing to run: {why}", f"`dataops get {asked}` fetches its bytes and verifies them")


def _some(paths: Sequence[str]) -> str:
    return ", ".join(paths[:5]) + (", …" if len(paths) > 5 else "")
