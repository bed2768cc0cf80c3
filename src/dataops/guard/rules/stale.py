"""DATA101: stages whose code, parameters or command are others than those that made their outputs."""

from __future__ import annotations

from collections.abc import Iterator

from dataops.guard.commit import HASHED, Commit, lock_of, outside
from dataops.guard.findings import Finding, quoted
from dataops.guard.rules.changed import differences
from dataops.repo.records import Dependency, Output, Stage

SHOWN = 4  # reasons of one stage


def find(commit: Commit) -> Iterator[Finding]:
    """One finding a stage. A stage after it will run again, too, but for another reason than these: it isn't named."""
    snapshot = commit.records.snapshot
    for stage in snapshot.stages:
        if ":" not in stage.address or stage.frozen:
            continue
        reasons = [*commit.records.moved.get(stage.address, ()), *_read(commit, stage)]
        if reasons:
            more = f" and {len(reasons) - SHOWN} more" if len(reasons) > SHOWN else ""
            yield Finding(name(stage.address), "; ".join(reasons[:SHOWN]) + more, _again(commit, stage.address))
    if snapshot.stages and any(":" in stage.address for stage in snapshot.stages):
        for address in dict.fromkeys(snapshot.unrecorded.values()):
            yield Finding(name(address), "has never run", _again(commit, address))


def name(address: str) -> str:
    """A stage as DVC's commands take it."""
    return address.removeprefix("dvc.yaml:")


def _again(commit: Commit, address: str) -> tuple[str, ...]:
    """Run all that is out of date, and stage what git has of it; with all the data, as DVC takes what lies there."""
    absent = any(not commit.complete(one.out) for one in differences(commit))
    pull = (quoted("dvc", "pull"),) if absent else ()
    file = address.partition(":")[0]
    return (*pull, quoted("dvc", "repro", *([file] if "/" in file else [])), commit.staging(lock_of(address)))


def _read(commit: Commit, stage: Stage) -> Iterator[str]:
    """What the stage read that is another now."""
    for dep in stage.deps:
        if outside(dep.path) or "#" in dep.path or not dep.digest or dep.algorithm not in HASHED:
            continue
        made = [out for out, maker in commit.records.snapshot.feeding(dep.path) if maker.address != stage.address]
        if not made:
            yield from _code(commit, dep)
        elif len(made) == 1 and made[0].digest and not _agree(commit, made[0], dep):
            yield f"{dep.path} was made anew since"


def _agree(commit: Commit, out: Output, dep: Dependency) -> bool:
    """Did the stage read what is recorded of its maker, as far as can be told? Remembered: a list may be long."""
    if out.path == dep.path or out.algorithm != dep.algorithm:
        return out.digest == dep.digest or out.algorithm != dep.algorithm
    name, key = f"agrees {dep.path}", f"{out.digest} {dep.digest}"
    kept = commit.memory.get(name, key)
    if kept is None:
        from dataops.store.agreement import Agreement

        kept = Agreement(commit.cache)(out, dep)
        if kept is not None:
            commit.memory.put(name, key, kept)
    return kept is not False


def _code(commit: Commit, dep: Dependency) -> Iterator[str]:
    """A file or folder that no stage makes."""
    try:
        content = commit.stats.content(dep.path, commit.hidden, dep.algorithm)
    except (OSError, ValueError) as error:
        yield f"{dep.path} can't be read: {getattr(error, 'strerror', None) or error}"
        return
    if content is None:
        yield f"{dep.path} is missing"
    elif dep.digest not in content.digests:
        yield f"{dep.path} changed"
