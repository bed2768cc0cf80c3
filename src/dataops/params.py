"""params.yaml: what changes results. One section a stage, each checked by the stage that owns it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from dataops.checked import Model, check
from dataops.errors import DataOpsError

PARAMS = Path("params.yaml")


def read(path: Path = PARAMS) -> dict[str, Any]:
    """The whole file.

    Raises:
        DataOpsError: it is missing or is not YAML.
    """
    try:
        values = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except FileNotFoundError:
        raise DataOpsError(f"{path} is missing", "run this in the repository's root") from None
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        reason = str(getattr(error, "problem", None) or error).splitlines()[0]
        line = f" (line {place.line + 1})" if place else ""
        raise DataOpsError(f"{path} is not valid YAML{line}: {reason}") from None
    if not isinstance(values, dict):
        raise DataOpsError(f"{path} holds no sections")
    return values


def section(model: type[Model], name: str, path: Path = PARAMS) -> Model:
    """One section of params.yaml as its stage's model.

    Raises:
        DataOpsError: the file, the section or a key is wrong.
    """
    values = read(path)
    if name not in values:
        raise DataOpsError(f"{path}: the section {name} is missing")
    return check(model, values[name] or {}, f"{path}: {name}")
