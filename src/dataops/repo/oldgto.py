"""Artifacts as GTO declared them before dvc.yaml could: in an artifacts.yaml beside it."""

from __future__ import annotations

import posixpath

from dataops import yamls
from dataops.errors import DataOpsError
from dataops.repo.records import Artifact

FILE = "artifacts.yaml"


def artifacts(content: bytes) -> dict[str, Artifact]:
    """What an artifacts.yaml of GTO's declares; none where it is a file of somebody else's of that name."""
    try:
        entries = yamls.load(content, FILE)
    except DataOpsError:
        return {}
    found = {}
    for name, entry in entries.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
            continue
        kind, labels = entry.get("type"), entry.get("labels")
        found[name] = Artifact(
            name,
            posixpath.normpath(entry["path"]),
            str(kind) if kind is not None else None,
            str(entry.get("description") or ""),
            tuple(map(str, labels)) if isinstance(labels, list) else (),
            {},
            FILE,
        )
    return found
