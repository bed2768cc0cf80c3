"""A change as a line of the log, and for people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from dataops.guard.watch.changes import Change
from dataops.guard.watch.records import Place
from dataops.store.hashing import Hasher


def line(change: Change, place: Place, hasher: Hasher | None = None) -> dict[str, Any]:
    """What the log says of a change; `agrees` is about the moment of writing."""
    agrees = place.agrees(change.hash, hasher, gone=change.event == "deleted")
    found: dict[str, Any] = {"time": now(), "event": change.event, "path": change.path}
    if change.source is not None:
        found["from"] = change.source
    found |= {"size": change.size, "hash": change.hash}
    if change.event == "modified" or change.was is not None:
        found["was"] = change.was
    found |= {"output": place.output.path if place.output else None, "artifact": place.artifact, "agrees": agrees}
    if change.while_stopped:
        found["while_stopped"] = True
    return found


def now() -> str:
    """UTC, to the millisecond."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def standing(line: Mapping[str, Any]) -> str:
    """What a line says of DVC's record, in words."""
    if line.get("output") is None:
        return "" if line.get("event") == "deleted" else "not tracked by DVC"
    agrees = line.get("agrees")
    return "" if agrees is None else "as recorded" if agrees else "not as recorded"
