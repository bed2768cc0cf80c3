"""What changed between two versions: data, code, parameters and commands, and which of it lies before which metric.

Two traces are laid side by side, stage by stage. A metric that moved is told together with the changes upstream of the
stage that wrote it, and with nothing else: only those can have moved it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from dataops.lineage import metrics
from dataops.lineage.metrics import Metric
from dataops.lineage.trace import trace
from dataops.lineage.traced import Step, Trace
from dataops.repo import recorded
from dataops.repo.names import Target
from dataops.repo.recorded import Snapshot
from dataops.versions.context import Context

Kind = Literal["data", "code", "params", "command", "stage"]
How = Literal["added", "removed", "changed"]


@dataclass(frozen=True)
class Change:
    """One thing that is not the same on both sides."""

    kind: Kind
    name: str
    """Of data and code the path, of a parameter `train.seed`, of a command or a stage its address."""
    how: How
    old: Any
    """A hash, a value, a command; None where it is added."""
    new: Any
    steps: tuple[str, ...]
    """The addresses of the steps that read it; of a stage itself."""


@dataclass(frozen=True)
class Moved:
    """A metric that is not the same."""

    path: str
    name: str
    old: float | None
    new: float | None
    stage: str | None
    changes: tuple[int, ...]
    """What can have moved it: places in the list of changes."""


@dataclass(frozen=True)
class Difference:
    """Two versions side by side."""

    old: Trace
    new: Trace
    changes: tuple[Change, ...]
    """Roots and code first, in the order of the pipeline."""
    moved: tuple[Moved, ...]
    same: int
    """How many metrics are the same."""


def diff(context: Context, old: tuple[Target, str | None], new: tuple[Target, str | None]) -> Difference:
    """What is not the same.

    Raises:
        DataOpsError: as `trace`.
    """
    sides = [_side(context, *one) for one in (old, new)]
    found = changes(sides[0].judged, sides[1].judged)
    keys = sorted(sides[0].metrics.keys() | sides[1].metrics.keys())
    moved = [_moved(key, sides[0], sides[1], found) for key in keys]
    different = tuple(one for one in moved if one.old != one.new)
    return Difference(sides[0].trace, sides[1].trace, found, different, len(moved) - len(different))


@dataclass(frozen=True)
class _Side:
    """One version: its trace, and the metrics that it, what it is made of, or what judges it wrote."""

    trace: Trace
    """What it was made of; with the warnings of `judged`."""
    judged: Trace
    """With the stages downstream that wrote metrics of it."""
    snapshot: Snapshot
    metrics: Mapping[tuple[str, str], Metric]


def _side(context: Context, target: Target, path: str | None) -> _Side:
    alone = trace(context, target, path)
    inner, _ = context.focused(target, path)
    snapshot = recorded.snapshot(inner.git, target.commit, inner.prefix, [])
    found = metrics.read(inner.git, snapshot, inner.cache)
    own = {step.address for step in alone.steps}
    end = alone.steps[-1].address if alone.steps else ""
    judges = {one.stage for one in found.values() if one.stage and _reads(snapshot, one.stage, end)}
    kept = {key: one for key, one in found.items() if one.stage is None or one.stage in own | judges}
    judged = trace(context, target, path, sorted(judges)) if judges - own else alone
    return _Side(replace(alone, warnings=judged.warnings), judged, snapshot, kept)


def _reads(snapshot: Snapshot, stage: str, end: str) -> bool:
    """Does a stage stand downstream of `end`?"""
    return any(one.address == end for one in snapshot.ancestors(stage))


def changes(old: Trace, new: Trace) -> tuple[Change, ...]:
    """What the steps of two traces read, were told and ran, where it is not the same; data only where it came in.

    What a stage wrote differs because of what it read, so only the roots count as changes of data.
    """
    return (
        *_kind("data", old, new, _roots),
        *_kind("code", old, new, _code),
        *_kind("params", old, new, _params),
        *_kind("command", old, new, _commands),
        *_kind("stage", old, new, _stages),
    )


Facts = dict[str, tuple[Any, list[str]]]  # name -> value, and the steps that it concerns


def _kind(kind: Kind, old: Trace, new: Trace, facts: Callable[[Trace], Facts]) -> Iterator[Change]:
    before, after = facts(old), facts(new)
    common = {step.address for step in old.steps} & {step.address for step in new.steps}
    for name in dict.fromkeys((*before, *after)):
        a, b = before.get(name), after.get(name)
        if kind == "command" and not (a and b):
            continue  # the stage itself came or went
        if a is not None and b is not None and a[0] == b[0]:
            continue
        how: How = "added" if a is None else "removed" if b is None else "changed"
        steps = tuple(dict.fromkeys((*(a[1] if a else ()), *(b[1] if b else ()))))
        if kind in ("params", "code") and not common.intersection(steps):
            continue
        yield Change(kind, name, how, a[0] if a else None, b[0] if b else None, steps)


def _roots(trace: Trace) -> Facts:
    readers: dict[str, list[str]] = {}
    for step in trace.steps:
        for one in step.inputs:
            readers.setdefault(one.path, []).append(step.address)
    return {
        root.path: (root.digest, [*([root.step] if root.step else []), *readers.get(root.path, [])])
        for root in trace.roots
    }


def _code(trace: Trace) -> Facts:
    return _collected((one.path, one.digest, step) for step in trace.steps for one in step.inputs if one.role == "code")


def _params(trace: Trace) -> Facts:
    return _collected((name, value, step) for step in trace.steps for name, value in step.settings)


def _commands(trace: Trace) -> Facts:
    return {step.address: (step.cmd, [step.address]) for step in trace.steps if step.kind == "stage"}


def _stages(trace: Trace) -> Facts:
    return {step.address: (step.kind, [step.address]) for step in trace.steps}


def _collected(found: Iterator[tuple[str, Any, Step]]) -> Facts:
    made: Facts = {}
    for name, value, step in found:
        made.setdefault(name, (value, []))[1].append(step.address)
    return made


def _moved(key: tuple[str, str], old: _Side, new: _Side, found: tuple[Change, ...]) -> Moved:
    a, b = old.metrics.get(key), new.metrics.get(key)
    stage = (b.stage if b else None) or (a.stage if a else None)
    upstream = {one.address for side in (old, new) for one in side.snapshot.ancestors(*filter(None, [stage]))}
    why = tuple(place for place, change in enumerate(found) if upstream.intersection(change.steps))
    return Moved(*key, a.value if a else None, b.value if b else None, stage, why)
