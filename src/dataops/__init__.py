"""The tools: versions, gates, lineage, drift and guards for a repository whose data DVC tracks.

`dataops.load("dataset@latest", part="train")` gives a frame; `get` and `uri` are the commands of that name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataops.versions.get import get
    from dataops.versions.load import load
    from dataops.versions.uri import uri

__all__ = ["get", "load", "uri"]


def __getattr__(name: str) -> Any:
    """What is imported only when it is used, so that `import dataops` costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'dataops' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"dataops.versions.{name}"), name)
