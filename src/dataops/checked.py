"""Typed, frozen settings out of plain dictionaries; an unknown key or a wrong type is one clear line."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from dataops.errors import DataOpsError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


class Checked(BaseModel):
    """Base of everything read from params.yaml and pyproject.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, protected_namespaces=(), allow_inf_nan=False)


HINT = "`git diff` shows what changed since it worked"
HINTS = {  # by the beginning of pydantic's error type
    "int": "write a whole number, as 28",
    "float": "write a number, as 0.01",
    "bool": "write true or false",
    "list": "write a list, as [7, 28]",
    "string": "write a text, in quotes where it looks like a number",
}
Model = TypeVar("Model", bound=Checked)


def check(model: type[Model], values: Any, where: str) -> Model:
    """`values` as a `model`; `where` names their place (`params.yaml: collect`) in the error.

    Raises:
        DataOpsError: a key is unknown or missing, or a value has the wrong type.
    """
    if not isinstance(values, dict):
        raise DataOpsError(f"{where}: expected a section of keys, found {type(values).__name__}")
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _one_line(model, values, error, where) from None


def _one_line(model: type[Checked], values: Any, error: ValidationError, where: str) -> DataOpsError:
    """The first problem as a message, the rest counted."""
    problems = error.errors(include_url=False, include_context=False)
    # a misspelt key is unknown and its right spelling missing: the first is what the person did
    first, *rest = sorted(problems, key=lambda entry: entry["type"] != "extra_forbidden")
    path = _path(values, first)
    misspelt = first["type"] == "extra_forbidden"
    others = {_path(values, entry) for entry in rest if not (misspelt and entry["type"] == "missing")} - {path}
    more = f" (and {len(others)} more)" if others else ""
    if first["type"] == "extra_forbidden":
        known = _fields_at(model, first["loc"][:-1])
        close = difflib.get_close_matches(str(first["loc"][-1]), known, 1)
        hint = f"did you mean {close[0]}?" if close else f"known keys: {', '.join(known)}"
        return DataOpsError(f"{where}: unknown key {path}{more}", hint)
    if first["type"] == "missing":
        return DataOpsError(f"{where}: {path} is missing{more}", "params.yaml in git history has an example")
    reason = first["msg"].removeprefix("Value error, ")
    reason = reason[:1].lower() + reason[1:]
    found = f" (found {first['input']!r})" if first["type"] != "value_error" else ""
    hint = next((text for kind, text in HINTS.items() if first["type"].startswith(kind)), HINT)
    return DataOpsError(f"{where}: {path + ': ' if path else ''}{reason}{found}{more}", hint)


def _path(values: Any, entry: ErrorDetails) -> str:
    """Where a problem is, as keys of the file; pydantic also names the branch of a union that it tried."""
    parts: list[int | str] = []
    for place, part in enumerate(entry["loc"], 1):
        if entry["type"] == "missing" and place == len(entry["loc"]):
            parts.append(part)
        elif part in (values if isinstance(values, dict) else range(len(values)) if isinstance(values, list) else ()):
            parts.append(part)
            values = values[part]
    return ".".join(str(part) for part in parts)


def _fields_at(model: type[Checked], loc: tuple[int | str, ...]) -> list[str]:
    """Names of the fields of the section that `loc` leads to."""
    fields: Any = model
    for part in loc:
        field = getattr(fields, "model_fields", {}).get(str(part))
        annotation = field.annotation if field else None
        candidates = [annotation, *getattr(annotation, "__args__", ())] if annotation else []
        inner = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
        fields = inner[0] if inner else fields
    return list(getattr(fields, "model_fields", {}))
