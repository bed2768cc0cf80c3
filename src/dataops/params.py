"""params.yaml: what changes results. One section a stage, checked by the stage that owns it; read as DVC reads it."""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

from dataops.checked import Model, check
from dataops.errors import DataOpsError

PARAMS = Path("params.yaml")
LARGEST = 1 << 18  # bytes


def read(path: Path = PARAMS) -> dict[str, Any]:
    """The whole file.

    Raises:
        DataOpsError: it is missing or is not YAML.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise DataOpsError(f"{path} is larger than {LARGEST >> 10} KiB", "data doesn't belong there")
        values = deepcopy(_parsed(path.read_bytes(), str(path)))
    except FileNotFoundError:
        raise DataOpsError(f"{path} is missing", "run this in the repository's root") from None
    if not values:
        raise DataOpsError(f"{path} holds no sections")
    return values


@lru_cache(maxsize=2)
def _parsed(content: bytes, where: str) -> dict[str, Any]:
    """A stage asks for several sections, and YAML is slow."""
    from dataops import yamls

    return yamls.load(content, where)


def section(model: type[Model], name: str, path: Path = PARAMS) -> Model:
    """One section of params.yaml as its stage's model.

    Raises:
        DataOpsError: the file, the section or a key is wrong.
    """
    values = read(path)
    if name not in values:
        raise DataOpsError(f"{path}: the section {name} is missing")
    return check(model, values[name] or {}, f"{path}: {name}")
