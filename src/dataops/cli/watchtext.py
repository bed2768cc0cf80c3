"""What the monitor tells, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dataops.cli import terminal
from dataops.cli.versiontext import line, size

if TYPE_CHECKING:
    from dataops.guard.watch.summary import Group, Summary


def told(change: Mapping[str, Any]) -> str:
    """One line of the log on a terminal."""
    from dataops.guard.watch.lines import standing

    path = line(change["path"])
    if change.get("from"):
        path = f"{line(change['from'])} -> {path}"
    amount = "" if change["event"] == "deleted" else size(change.get("size"))
    facts = [amount, line(change.get("artifact") or ""), standing(change)]
    facts.append("while nobody watched" if change.get("while_stopped") else "")
    return f"{change['time'][11:19]}  {change['event']:8}  {path}  ({', '.join(filter(None, facts))})".replace(
        "  ()", ""
    )


def summary(found: Summary) -> str:
    """What changed since when."""
    since = f"since {found.since}" if found.since else "since the log begins"
    if not found.groups:
        text = f"nothing changed {since}"
    else:
        columns = ("output", "artifact", "created", "modified", "moved", "deleted", "size", "not recorded")
        text = f"changed {since}, as seen from {found.first} to {found.last}\n"
        text += terminal.table([columns, *map(_row, found.groups)], indent="  ")
        if any(group.unrecorded and group.tracked for group in found.groups):
            text += "\n hint: `dvc status` shows it; `dvc repro` or `dvc add` records it"
        if any(not group.tracked for group in found.groups):
            text += "\n hint: `dvc add` tracks what DVC doesn't know at all"
    if not found.running:
        text += "\nnobody watches now: `dataops watch` finds what has changed since"
    return text


def _row(group: Group) -> tuple[str, ...]:
    counts = (group.created, group.modified, group.moved, group.deleted)
    unsure = f"{group.unknown:,} unknown" if group.unknown else ""
    unrecorded = ", ".join(filter(None, [f"{group.unrecorded:,}" if group.unrecorded else "", unsure]))
    name = line(group.name) + ("" if group.tracked else "/ (untracked)")
    return (name, line(group.artifact or ""), *map("{:,}".format, counts), size(group.bytes), unrecorded or "-")
