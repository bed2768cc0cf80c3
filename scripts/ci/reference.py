"""The drift reference: the profile of the dataset version that the newest released model was trained on.

It is pinned when a model was released, and left alone when somebody pinned another one since.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from typing import Any

from dataops.repo import registry
from dataops.repo.recorded import Snapshot, outside
from dataops.repo.registry import Version
from dataops.versions.context import Context
from dataops.versions.pin import REFERENCE
from dataops.versions.profiles import profile_text

DATASET, MODEL = "dataset", "model"


def wanted(context: Context, snapshot: Snapshot) -> Version | None:
    """The version that should be pinned; None where it is, or where that is somebody's own decision."""
    model, dataset = newest_model(context), outside(DATASET, context.prefix)
    if model is None or not readers(snapshot):
        return None
    named = _data(model.card, dataset)
    version = next((one for one in context.registry.versions(dataset) if one.name == named), None)
    place = posixpath.join(context.prefix, REFERENCE)
    now, then = (context.git.blob(commit, place) for commit in ("HEAD", model.commit))
    if version is None or version.deprecated or now != then or _name(now) == named:
        return None
    found = context.snapshot(version.commit)
    return version if profile_text(context, found, version.commit, DATASET) is not None else None


def newest_model(context: Context, commit: str = "HEAD") -> Version | None:
    """The newest version of the model that `commit` is, or descends from."""
    name = outside(MODEL, context.prefix)
    found = registry.read(context.git, name, merged=commit).versions(name)
    return found[-1] if found else None


def readers(snapshot: Snapshot) -> list[str]:
    """The stages that compare with the reference."""
    return [one.address for one in snapshot.ordered if one.cmd and any(dep.path == REFERENCE for dep in one.deps)]


def _data(card: Mapping[str, Any] | None, dataset: str) -> str:
    """The dataset version that a model's card names; "" where it names none."""
    entries = (card or {}).get("data")
    names = (
        [str(one.get("version")) for one in entries if isinstance(one, Mapping)] if isinstance(entries, list) else []
    )
    return next((name for name in names if name.startswith(f"{dataset}@")), "")


def _name(text: bytes | None) -> str | None:
    try:
        found = json.loads(text or b"{}")
    except (ValueError, RecursionError):
        return None
    return found.get("version") if isinstance(found, dict) else None
