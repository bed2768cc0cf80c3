"""The profile that travels with a version: what its own stage wrote beside it."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING

from dataops.errors import DataOpsError
from dataops.repo.recorded import Snapshot
from dataops.versions.context import Context

if TYPE_CHECKING:
    from dataops.tables.profile import Profile

NAME = "profile.json"


def profile_text(context: Context, snapshot: Snapshot, commit: str, artifact: str) -> bytes | None:
    """profile.json among the outputs of the stage that makes `artifact` at `commit`; None where there is none."""
    found = snapshot.artifact(artifact)
    stage = snapshot.stage_of(found.path) if found is not None else None
    path = next((out.path for out in (stage.outs if stage else ()) if posixpath.basename(out.path) == NAME), None)
    return context.git.blob(commit, posixpath.join(context.prefix, path)) if path else None


def profile_of(context: Context, snapshot: Snapshot, commit: str, artifact: str) -> Profile | None:
    """The profile, merged over its parts; None where there is none that can be read."""
    from dataops.versions.statistics import merged

    text = profile_text(context, snapshot, commit, artifact)
    try:
        return merged(json.loads(text)) if text is not None else None
    except (DataOpsError, ValueError, RecursionError):
        return None
