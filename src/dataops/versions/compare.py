"""What differs between two versions: from git alone, and from the lists of files where these can be had.

Rows, columns and statistics come from the cards and profiles that lie in git. With `rows` the data of both are fetched,
read and compared row by row.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataops.errors import DataOpsError
from dataops.store.cache import Cache
from dataops.store.objects import Object, Progress, Store, silent
from dataops.versions import filemap
from dataops.versions.context import Context
from dataops.versions.profiles import profile_of
from dataops.versions.schemas import schema_change
from dataops.versions.sides import Side, objects, pair
from dataops.versions.sources import Sources

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
    a, b = pair(context, old, new, remote)
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
    profiles = [profile_of(context, side.snapshot, side.target.commit, side.artifact.name) for side in (a, b)]
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
