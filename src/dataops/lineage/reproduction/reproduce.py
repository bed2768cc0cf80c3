"""Running a version's pipeline again, in a worktree of its own, and saying whether the same comes out.

The worktree is on the version's commit. Its roots, the data that came in from outside, are fetched and verified; then
DVC runs every stage up to the artifact, nothing taken from its run-cache and nothing put into the cache. Each output
is compared with what dvc.lock recorded.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from dataops.errors import DataOpsError
from dataops.lineage.reproduction import before, rerunplan
from dataops.lineage.reproduction.outcomes import Judge, Outcome, worst
from dataops.lineage.reproduction.provided import provide
from dataops.lineage.reproduction.rerunplan import Plan, label
from dataops.lineage.reproduction.running import Running, environment, last_lines, running
from dataops.lineage.reproduction.scratchtree import scratch
from dataops.lineage.reproduction.tally import TOLERANCE, Verdict
from dataops.store.carried import carry
from dataops.store.objects import Progress, silent
from dataops.versions.context import Context
from dataops.versions.sources import Sources

FULL = 1 << 20  # bytes free on a disk that is full


@dataclass(frozen=True)
class Ran:
    """One stage."""

    name: str
    seconds: float
    outcomes: tuple[Outcome, ...] = ()
    failed: str = ""
    """Why, of one that failed."""
    last: tuple[str, ...] = ()
    """How its log ends, of one that failed."""

    @property
    def verdict(self) -> Verdict | Literal["failed"]:
        """Of its outputs, by-products left out."""
        leading = [one for one in self.outcomes if one.leads]
        return "failed" if self.failed else worst([one.likeness.verdict for one in leading])

    def as_json(self) -> dict[str, Any]:
        """Every field."""
        return {"stage": self.name, "verdict": self.verdict, "seconds": round(self.seconds, 3),
                "outputs": [one.as_json() for one in self.outcomes], "failed": self.failed or None,
                "last_lines": list(self.last)}  # fmt: skip


@dataclass
class Reproduced:
    """What came of it."""

    name: str
    commit: str
    path: str
    tolerance: float
    ran: list[Ran] = field(default_factory=list)
    fetched: tuple[str, ...] = ()
    """Outputs that were fetched, not made."""
    changed: tuple[str, ...] = ()
    """Where the commit is not what ran."""
    notes: list[str] = field(default_factory=list)
    kept: Path | None = None
    """The worktree, where it was to be kept."""

    @property
    def verdict(self) -> Verdict | Literal["failed"]:
        """Of everything that the artifact is made of, and itself."""
        if self.broken is not None:
            return "failed"
        return worst([one.likeness.verdict for stage in self.ran for one in stage.outcomes if one.leads])

    @property
    def first(self) -> Ran | None:
        """The first stage that made something different."""
        return next((stage for stage in self.ran if stage.verdict == "different"), None)

    @property
    def broken(self) -> Ran | None:
        """The stage that failed: the last one."""
        return self.ran[-1] if self.ran and self.ran[-1].failed else None

    @property
    def largest(self) -> float:
        """The largest relative difference of two numbers in what leads to the artifact."""
        return max((one.likeness.largest for stage in self.ran for one in stage.outcomes if one.leads), default=0.0)

    @property
    def artifact(self) -> Verdict:
        """Of the artifact alone."""
        own = [one for stage in self.ran for one in stage.outcomes if rerunplan.overlap(one.path, self.path)]
        return worst([one.likeness.verdict for one in own])

    def as_json(self) -> dict[str, Any]:
        """Every field."""
        first = self.first
        return {
            "version": self.name, "commit": self.commit, "path": self.path, "verdict": self.verdict,
            "artifact": self.artifact if self.verdict != "failed" else None,
            "first_different": first.name if first else None, "failed": self.broken.name if self.broken else None,
            "tolerance": self.tolerance,
            "largest_relative_difference": self.largest if self.largest != float("inf") else None,
            "fetched": list(self.fetched), "not_what_ran": list(self.changed), "notes": self.notes,
            "stages": [stage.as_json() for stage in self.ran],
            "worktree": str(self.kept) if self.kept else None,
        }  # fmt: skip


class Watcher:
    """Is told what happens while it happens; this one says nothing."""

    def planned(self, made: Reproduced, plan: Plan) -> None:
        """What will be fetched and run."""

    def noted(self, line: str) -> None:
        """What is good to know before anything runs."""

    def running(self, name: str) -> None:
        """A stage has begun."""

    def ran(self, stage: Ran) -> None:
        """A stage has ended, and its outputs are compared."""


def reproduce(
    context: Context,
    asked: str,
    *,
    path: str | None = None,
    from_data: bool = False,
    keep: bool = False,
    out: Path | None = None,
    tolerance: float = TOLERANCE,
    remote: str | None = None,
    watcher: Watcher | None = None,
    progress: Progress = silent,
) -> Reproduced:
    """Run what made a version again, and compare.

    Args:
        path: an output of that commit instead of the version's artifact; "." for everything.
        from_data: begin at the nearest artifacts upstream.
        keep: leave the worktree there; `out` is where (a new folder), and implies it.
        tolerance: the relative difference up to which two numbers count as equivalent.

    Raises:
        DataOpsError: there is no such version; no stage makes it; its roots can't be had; DVC can't read the commit.
    """
    watcher = watcher or Watcher()
    target = context.taken(asked)
    context, path = context.focused(target, path)
    if context.root is None or context.cache is None:
        raise DataOpsError("reproduce works in a clone of your own", "`git clone` it first")
    plan = rerunplan.plan(context, target, path, from_data=from_data)
    made = Reproduced(plan.name, plan.commit, plan.path, tolerance)
    made.fetched = tuple(out.path for out in plan.provided if out.cached)
    watcher.planned(made, plan)
    with scratch(context.git, context.root, plan.commit, plan.name, out) as where:
        root = where.top / context.prefix
        carry(context.root, context.cache, root)
        store = Sources(context, remote)
        provide(context, plan, store, root, remote, progress)
        targets = [stage.address for stage in plan.stages]
        with running(where, root, targets, environment(where, context.git.folder)) as work:
            _look(context, plan, work, made, watcher)
            judge = Judge(context, plan.snapshot, store, root, where.folder / "recorded", tolerance)
            _run(plan, work, judge, made, watcher)
        if keep or out is not None:
            where.keep, made.kept = True, where.top
    return made


def _look(context: Context, plan: Plan, work: Running, made: Reproduced, watcher: Watcher) -> None:
    """Say where the commit is not what ran, and what else bears on the result."""
    looked = work.looked()
    made.changed = tuple(before.changed(plan, looked))
    made.notes += before.notes(context, plan, looked)
    for line in (*made.changed, *made.notes):
        watcher.noted(line)


def _run(plan: Plan, work: Running, judge: Judge, made: Reproduced, watcher: Watcher) -> None:
    """Every stage, until one fails."""
    logs = {stage.address: log for stage, log in zip(plan.stages, work.logs, strict=True)}
    events = work.said()
    for stage in plan.stages:
        work.go()
        watcher.running(label(stage))
        event = next((one for one in events if one["event"] != "started"), None)
        if event is None or event["event"] == "failed":
            _require_room(judge.root)
            why = str(event["message"]) if event else "it was killed, and dvc with it"
            ran = Ran(label(stage), event["seconds"] if event else 0.0, (), why, last_lines(logs[stage.address]))
        else:
            hashes = event["outs"]
            outcomes = (judge.outcome(out, hashes.get(out.path, ""), plan.leads_to_it(out)) for out in stage.outs)
            ran = Ran(label(stage), event["seconds"], tuple(outcomes))
        made.ran.append(ran)
        watcher.ran(ran)
        if ran.failed:
            return


def _require_room(place: Path) -> None:
    """A stage that failed on a full disk says nothing about the version.

    Raises:
        DataOpsError: the disk is full.
    """
    if shutil.disk_usage(place).free < FULL:
        raise DataOpsError(f"the disk of {place} is full", "make room there, or --out a folder on another one")
