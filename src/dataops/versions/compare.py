"""What differs between two versions: from git alone, and from the lists of files where these can be had.

Rows, columns and statistics come from the cards and profiles that lie in git. With `rows` the data of both are fetched,
read and compared row by row.
"""

from __future__ import annotations

import datetime as dt
import json
import posixpath
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataops.errors import DataOpsError
from dataops.repo.names import Target
from dataops.repo.recorded import Snapshot
from dataops.repo.records import Output
from dataops.store import manifest
from dataops.store.cache import Cache
from dataops.store.objects import Object, Progress, Store, silent
from dataops.versions import filemap
from dataops.versions import files as listings
from dataops.versions.context import DEFAULT, Context
from dataops.versions.schemas import schema_change
from dataops.versions.sides import Side, objects
from dataops.versions.sources import Sources

PROFILE = "profile.json"
SIZED = 2_000  # files whose size is asked of the remote


@dataclass(frozen=True)
class Comparison:
    """What differs."""

    facts: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return self.facts


def compare(
    context: Context, old: str, new: str, *, rows: bool = False, remote: str | None = None, progress: Progress = silent
) -> Comparison:
    """What leads from `old` to `new`, which are names of versions of one artifact, or commits.

    Raises:
        DataOpsError: a name is unknown, or they are of two artifacts; with `rows`: the data can't be had.
    """
    context, _ = context.focused(context.resolve(old))
    a, b = _sides(context, old, new, remote)
    same = a.output.digest == b.output.digest
    facts: dict[str, Any] = {
        "artifact": a.artifact.name,
        "old": _said(a),
        "new": _said(b),
        "same": same,
        "seconds_between": int((b.time - a.time).total_seconds()),
        "change": _from_card(a, b),
        "files": _files(context, a, b, remote),
        "schema": None,
        "keys": None,
        "columns": None,
    }
    profiles = [_profile(context, side) for side in (a, b)]
    schemas = [_schemas(side, profile) for side, profile in zip((a, b), profiles, strict=True)]
    if rows:
        from dataops.versions import compare_rows

        with ExitStack() as stack:
            cache = context.cache or Cache(Path(stack.enter_context(tempfile.TemporaryDirectory())))
            read = compare_rows.read(context, (a, b), cache, remote, progress)
            facts["change"] = read.change
            profiles = read.profiles if None in profiles else profiles
        for place, side in enumerate(("old", "new")):
            schemas[place]["data"] = read.described[place].pop("schema", None) or {}
            facts[side] |= read.described[place]
    for side, profile in zip(("old", "new"), profiles, strict=True):
        if facts[side]["rows"] is None and profile is not None:
            facts[side]["rows"] = profile["rows"]
    facts["schema"] = _schema(schemas[0], schemas[1])
    facts |= _columns(a, b, profiles[0], profiles[1])
    return Comparison(facts)


def _sides(context: Context, old: str, new: str, remote: str | None) -> tuple[Side, Side]:
    """Both versions; a bare second name means the artifact of the first."""
    first = context.taken(old)
    second = context.taken(new, first.artifact or DEFAULT)
    if first.artifact is None and second.artifact not in (None, DEFAULT):
        first = context.resolve(old, second.artifact or DEFAULT)
    named = {target.artifact for target in (first, second) if target.artifact}
    if len(named) > 1:
        hint = "both have to be of one artifact, as dataset@v1.0.0 and dataset@v1.1.0"
        raise DataOpsError(f"{old} is of {first.artifact}, {new} of {second.artifact}", hint)
    name = next(iter(named), DEFAULT)
    return _side(context, first, name, remote), _side(context, second, name, remote)


def _side(context: Context, target: Target, name: str, remote: str | None) -> Side:
    snapshot = context.snapshot(target.commit)
    artifact = listings.artifact_of(snapshot, target, name)
    output = snapshot.output(artifact.path) or _made_up(context, snapshot, artifact.path, remote)
    if output is None:
        raise DataOpsError(
            f"{target.asked}: no dvc.lock or .dvc file records {artifact.path}", "`dvc repro`, and commit"
        )
    version = target.version
    seconds = context.git.out("show", "--no-patch", "--format=%ct", target.commit)
    time = version.time if version is not None else dt.datetime.fromtimestamp(int(seconds), dt.UTC)
    card = (version.card if version is not None else None) or {}
    return Side(target, snapshot, artifact, output, card, context.contract(target.commit), time)


def _made_up(context: Context, snapshot: Snapshot, path: str, remote: str | None) -> Output | None:
    """What `path` would be recorded as, where it is a part of an output or a folder that holds some."""
    if snapshot.covering(path) is None and not any(
        out.path.startswith(f"{path}/") for stage in snapshot.stages for out in stage.outs
    ):
        return None
    found = listings.listing(context.git, context.prefix, snapshot, path, Sources(context, remote), context.cache)
    digests = {name: obj.digest for name, obj in found.objects.items()}
    digest = found.whole.digest if found.whole is not None else manifest.digest(digests)
    stage = snapshot.stage_of(path)
    address = stage.address if stage is not None else None
    return Output(path, digest, "md5", found.size, len(digests), cached=True, stage=address)


def _said(side: Side) -> dict[str, Any]:
    """What one version is, without what isn't known."""
    version, output = side.target.version, side.output
    return {
        "asked": side.target.asked,
        "name": side.name,
        "version": str(version.number) if version is not None else None,
        "commit": side.target.commit,
        "time": side.time.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "hash": output.digest,
        "rows": side.card.get("rows"),
        "bytes": side.card.get("bytes") or output.size,
        "files": side.card.get("files") or output.files or (None if output.digest.endswith(".dir") else 1),
    }


def _from_card(a: Side, b: Side) -> dict[str, Any] | None:
    """The kind of change that was worked out at the release, where the second version follows the first."""
    previous = b.card.get("previous")
    if a.target.version is None or not isinstance(previous, Mapping):
        return None
    if previous.get("version") != str(a.target.version.number) or "bump" not in b.card:
        return None
    return {"kind": b.card["bump"], "reason": b.card.get("reason", ""), "from": "card"}


def _files(context: Context, a: Side, b: Side, remote: str | None) -> dict[str, Any]:
    """Which files differ; where a list can't be had, why."""
    try:
        store = Sources(context, remote)
        sides = [objects(context, side, store) for side in (a, b)]
    except DataOpsError as error:
        return {"known": False, "why": error.message}
    digests = [{path: obj.digest for path, obj in side.items()} for side in sides]
    found = filemap.compare(digests[0], digests[1])
    moved = [*found.moved, *found.renamed]
    old, new = sides
    wanted = [old[path] for path in (*found.removed, *found.changed)]
    wanted += [new[path] for path in (*found.added, *found.changed, *(path for _, path in moved))]
    sizes = _sizes(wanted, store, context.cache)
    return {
        "known": True,
        "unchanged": len(new) - len(found.new) - len(moved),
        "added": [{"path": path, "bytes": sizes[new[path].digest]} for path in found.added],
        "removed": [{"path": path, "bytes": sizes[old[path].digest]} for path in found.removed],
        "modified": [
            {"path": path, "bytes": sizes[new[path].digest], "bytes_before": sizes[old[path].digest]}
            for path in found.changed
        ],
        "moved": [{"path": to, "from": at, "bytes": sizes[new[to].digest]} for at, to in sorted(moved)],
    }


def _sizes(wanted: Sequence[Object], store: Store, cache: Cache | None) -> dict[str, int | None]:
    """Bytes of each object, from the cache, else from the remote; None where neither says."""
    found: dict[str, int | None] = {}
    asked: dict[str, Object] = {}
    for obj in wanted:
        path = cache.path(obj) if cache is not None else None
        if obj.size is not None:
            found[obj.digest] = obj.size
        elif path is not None and path.is_file():
            found[obj.digest] = path.stat().st_size
        else:
            found[obj.digest] = None
            asked[obj.digest] = obj

    def head(obj: Object) -> int | None:
        try:
            there = store.head(obj)
        except DataOpsError:
            return None
        return there.size if there is not None else None

    if asked and head(next(iter(asked.values()))) is not None:  # a remote that doesn't answer is asked once
        some = list(asked.values())[:SIZED]
        with ThreadPoolExecutor(16) as pool:
            found |= dict(zip([obj.digest for obj in some], pool.map(head, some), strict=True))
    return found


def _profile(context: Context, side: Side) -> Any:
    """The profile that the artifact's own stage wrote, merged over its parts; None where there is none."""
    from dataops.versions.statistics import merged

    stage = side.snapshot.stage_of(side.artifact.path)
    path = next((out.path for out in (stage.outs if stage else ()) if posixpath.basename(out.path) == PROFILE), None)
    text = context.git.blob(side.target.commit, posixpath.join(context.prefix, path)) if path else None
    try:
        return merged(json.loads(text)) if text is not None else None
    except (DataOpsError, ValueError, RecursionError):
        return None


def _schemas(side: Side, profile: Any) -> dict[str, Mapping[str, str]]:
    """The columns by who says so: the card; the profile, which knows the contract's columns and their kinds alone."""
    found: dict[str, Mapping[str, str]] = {}
    if isinstance(side.card.get("schema"), Mapping):
        found["card"] = side.card["schema"]
    if profile is not None:
        found["profile"] = {name: column["kind"] for name, column in profile["columns"].items()}
    return found


def _schema(old: Mapping[str, Mapping[str, str]], new: Mapping[str, Mapping[str, str]]) -> dict[str, Any] | None:
    """What changed between the columns, by the best source that both sides have."""
    source = next((name for name in ("data", "card", "profile") if old.get(name) and new.get(name)), None)
    if source is None:
        return None
    change = schema_change(old[source], new[source])
    return {
        "from": source,
        "columns": [len(old[source]), len(new[source])],
        "added": {name: change.types[1][name] for name in change.added},
        "removed": {name: change.types[0][name] for name in change.removed},
        "retyped": {name: list(types) for name, types in change.retyped.items()},
    }


def _columns(a: Side, b: Side, old: Any, new: Any) -> dict[str, Any]:
    """What the keys cover, and statistics, where both sides have a profile."""
    from dataops.versions import statistics

    if old is None or new is None:
        return {}
    keys = [statistics.ranges(profile, side.keys) for profile, side in ((old, a), (new, b))]
    names = dict.fromkeys([*keys[0], *keys[1]])
    return {
        "keys": {name: {"old": keys[0].get(name), "new": keys[1].get(name)} for name in names},
        "columns": statistics.compared(old, new),
    }
