"""The drift reference: the profile of one version, kept where the pipeline's stage reads it as an ordinary file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataops.errors import DataOpsError
from dataops.files import to_json, write_text
from dataops.versions.context import Context
from dataops.versions.files import artifact_of
from dataops.versions.profiles import profile_of

REFERENCE = "reports/drift_reference.json"


@dataclass(frozen=True)
class Pinned:
    """What was pinned."""

    name: str
    path: Path
    rows: int
    changed: bool
    """Whether the file was another one before."""

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {"version": self.name, "path": REFERENCE, "rows": self.rows, "changed": self.changed}


def pin(context: Context, asked: str) -> Pinned:
    """Write reports/drift_reference.json: the version, its commit and hash, and its profile. No data is fetched.

    Raises:
        DataOpsError: there is no such version, it has no profile, or this is no work tree.
    """
    if context.root is None:
        raise DataOpsError("only your own clone has a drift reference to pin", "leave out --repo")
    target = context.taken(asked)
    snapshot = context.snapshot(target.commit)
    artifact = artifact_of(snapshot, target)
    found = profile_of(context, snapshot, target.commit, artifact.name)
    output = snapshot.output(artifact.path)
    name = target.version.name if target.version is not None else f"{artifact.name} at {target.commit[:7]}"
    if found is None:
        raise DataOpsError(f"{name} has no profile that can be read", "pin another version")
    digest = output.digest if output is not None else None
    text = to_json({"version": name, "commit": target.commit, "hash": digest, "profile": found})
    path = context.root / REFERENCE
    before = path.read_text(errors="replace") if path.is_file() else ""
    if text != before:
        write_text(path, text)
    return Pinned(name, path, int(found["rows"]), text != before)
