"""Which stages are out of date, and why: what `dvc status` says, without the data that merely aren't here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dataops.repo.recorded import Snapshot
from dataops.repo.records import Dependency, Output

MISSING = ("deleted", "not in cache")
Reasons = dict[str, list[str]]  # stage: what changed, a line each
Agrees = Callable[[Output, Dependency], bool | None]


def short(address: str) -> str:
    """A stage as `dvc status` and `dvc repro` call it."""
    return address.removeprefix("dvc.yaml:")


def stages(snapshot: Snapshot) -> list[str]:
    """Every stage of dvc.yaml, each after what it needs; those that never ran come last."""
    known = [short(stage.address) for stage in snapshot.ordered if stage.cmd]
    return list(dict.fromkeys([*known, *(short(address) for address in snapshot.unrecorded.values())]))


def stale(status: Mapping[str, Any], snapshot: Snapshot, params: Mapping[str, Any]) -> Reasons:
    """The stages that are out of date by themselves, in order, each with what changed.

    Args:
        status: what `dvc status --json` prints.
        params: the parameter files as they are now, by path.
    """
    new = {short(address) for address in snapshot.unrecorded.values()}
    recorded = {short(stage.address): stage.params for stage in snapshot.stages}
    found = {}
    for name in stages(snapshot):
        lines = _changes(status.get(name), snapshot, recorded.get(name, {}), params)
        lines = ["it never ran"] if name in new else lines
        if lines:
            found[name] = lines
    return found


def _changes(
    entries: Any, snapshot: Snapshot, recorded: Mapping[str, Mapping[str, Any]], params: Mapping[str, Any]
) -> list[str]:
    lines = []
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, str):
            lines.append(entry)
            continue
        for what, paths in entry.items():
            if not isinstance(paths, Mapping):
                lines.append(str(what))
                continue
            for path, how in paths.items():
                if isinstance(how, Mapping):  # parameters
                    for key in how:
                        lines += differences(key, recorded.get(path, {}).get(key), _value(params.get(path), key))
                elif how not in MISSING or (what == "changed deps" and snapshot.covering(path) is None):
                    lines.append(f"{path} {how}")
    return lines


def differences(key: str, old: Any, new: Any) -> list[str]:
    """What changed of a parameter: of a section, its own keys."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        names = [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]
        return [line for name in names for line in differences(f"{key}.{name}", old.get(name), new.get(name))]
    return [f"{key}: {old} → {new}"]


def _value(values: Any, key: str) -> Any:
    for part in key.split("."):
        values = values.get(part) if isinstance(values, Mapping) else None
    return values


def disagreeing(snapshot: Snapshot, agrees: Agrees) -> Reasons:
    """Stages that read something else than its maker recorded: `dvc status` doesn't see that where data aren't here."""
    found: Reasons = {}
    for stage in snapshot.ordered:
        for dep in stage.deps if stage.cmd else ():
            if any(agrees(out, dep) is False for out, _ in snapshot.feeding(dep.path)):
                found.setdefault(short(stage.address), []).append(f"{dep.path} modified")
    return found


def behind(names: Sequence[str], snapshot: Snapshot) -> list[str]:
    """These stages and all that read, directly or not, what they make; in order."""
    found = set(names)
    for stage in snapshot.ordered:
        if any(short(maker.address) in found for dep in stage.deps for maker in snapshot.makers(dep.path)):
            found.add(short(stage.address))
    return [name for name in stages(snapshot) if name in found]


def needed(names: Sequence[str], snapshot: Snapshot) -> dict[str, list[str]]:
    """What these stages and all behind them read of others: the stage or .dvc file, and its outputs of DVC's."""
    run = set(behind(names, snapshot))
    read = [dep.path for stage in snapshot.ordered if short(stage.address) in run for dep in stage.deps]
    found: dict[str, list[str]] = {}
    for path in dict.fromkeys(read):
        for out, maker in snapshot.feeding(path):
            if out.cached and short(maker.address) not in run:
                found.setdefault(short(maker.address), []).append(out.path)
    return found


def missing(status: Mapping[str, Any]) -> set[str]:
    """Outputs that aren't here, or not whole."""
    found = set()
    for entries in status.values():
        for entry in entries if isinstance(entries, list) else ():
            outs = entry.get("changed outs") if isinstance(entry, Mapping) else None
            found |= set(outs) if isinstance(outs, Mapping) else set()
    return found


def unrecorded(status: Mapping[str, Any]) -> list[str]:
    """Data that somebody changed and no .dvc file knows of."""
    return [
        path
        for name, entries in status.items()
        if name.endswith(".dvc")
        for entry in entries
        if isinstance(entry, Mapping)
        for path, how in (entry.get("changed outs") or {}).items()
        if how not in MISSING
    ]
