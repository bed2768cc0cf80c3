"""What bears on the result of a rerun, told before it runs: where the commit is not what ran, and what else is odd."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dataops.errors import DataOpsError
from dataops.lineage.reproduction import installed, rerunplan
from dataops.lineage.reproduction.rerunplan import Plan, label
from dataops.repo.records import Stage
from dataops.versions.context import Context

Looked = Mapping[str, Mapping[str, Any]]
"""By the stage's address: `inputs` (path: state), `cmd` (whether it changed), `outside` (outputs), `notes`."""
SHOWN = 4


def changed(plan: Plan, looked: Looked) -> list[str]:
    """Lines on what dvc.lock doesn't record as it is at the commit: usually why something else comes out.

    Raises:
        DataOpsError: an input is nowhere; an output would be written outside of the worktree.
    """
    readers: dict[str, list[str]] = {}
    for stage in plan.stages:
        for line in _of(plan, stage, looked[stage.address]):
            readers.setdefault(line, []).append(label(stage))
    return [f"not what ran: {line} {_some(names)} recorded" for line, names in readers.items()]


def _of(plan: Plan, stage: Stage, looked: Mapping[str, Any]) -> Iterator[str]:
    """What differs for one stage, but for what the stages before it will make."""
    at = plan.commit[:7]
    addresses = {one.address for one in plan.stages}
    for path in looked["outside"]:
        raise rerunplan.writes_outside(stage, path)
    if looked["cmd"]:
        yield f"the command in dvc.yaml at {at} is another than"
    for path, state in looked["inputs"].items():
        if any(maker.address in addresses for maker in plan.snapshot.makers(path)):
            continue
        if isinstance(state, dict):
            yield f"{', '.join(list(state)[:SHOWN])} of {path} at {at} differs from what"
        elif state == "deleted" and "://" not in path:
            message = f"{label(stage)} reads {path}, which neither git nor DVC has at {at}"
            raise DataOpsError(message, "it was never committed: the version can't be made from what is recorded")
        elif state in ("modified", "deleted"):
            yield f"{path} at {at} is not what"
        elif state == "new":
            yield f"{path} is an input at {at}, and not one that"


def notes(context: Context, plan: Plan, looked: Looked) -> list[str]:
    """Other lines."""
    found = [f"{name} is frozen: its recorded output is taken" for name in plan.frozen]
    found += [f"{label(stage)} {note}" for stage in plan.stages for note in looked[stage.address]["notes"]]
    if context.git.blob(plan.commit, ".gitmodules") is not None:
        found.append("the commit has submodules, which are not checked out")
    return found + installed.differing(context.git, plan.commit, context.prefix)


def _some(names: list[str]) -> str:
    """`a, b and 3 more`."""
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
