"""params.yaml: what changes results. One section a stage, each checked by the stage that owns it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from dataops.checked import Model, check
from dataops.errors import DataOpsError

PARAMS = Path("params.yaml")
LARGEST = 1 << 18  # bytes


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, as DVC does: taking the last would hide the first.

    Not the C loader: it ends the process (SIGSEGV) where brackets are nested too deeply, and this file is small.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A section, each key once."""
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"{key.value} stands twice", key.start_mark)
                seen.add(key.value)
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


def read(path: Path = PARAMS) -> dict[str, Any]:
    """The whole file.

    Raises:
        DataOpsError: it is missing or is not YAML.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise DataOpsError(f"{path} is larger than {LARGEST >> 10} KiB", "data doesn't belong there")
        values = yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506  it is a SafeLoader
    except FileNotFoundError:
        raise DataOpsError(f"{path} is missing", "run this in the repository's root") from None
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        reason = str(getattr(error, "problem", None) or error).splitlines()[0]
        line = f" (line {place.line + 1})" if place else ""
        raise DataOpsError(f"{path} is not valid YAML{line}: {reason}") from None
    except RecursionError:
        raise DataOpsError(f"{path} is nested too deeply") from None
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
