"""`${…}` in dvc.yaml, `foreach` and `matrix`: as much of DVC's templating as dvc.lock leaves open.

dvc.lock has the expanded stages, but neither their working directory nor which outputs are cached.
"""

from __future__ import annotations

import ast
import contextlib
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

HOLE = re.compile(r"(?<!\\)\$\{(.*?)\}")
MOST = 100_000  # combinations of a matrix that are worth trying
Reader = Callable[[str], Mapping[str, Any] | None]
"""A file of variables, by its path below the DVC root; None where there is none, or none that can be read."""


class UnknownNameError(Exception):
    """A template names what no variable holds."""


def fill(value: Any, variables: Mapping[str, Any]) -> Any:
    """`value` with every `${…}` in its strings replaced; a string that is one hole alone becomes what it names.

    Raises:
        UnknownNameError: a name is not known.
    """
    if isinstance(value, str):
        whole = HOLE.fullmatch(value)
        if whole and value.count("${") == 1:
            return select(whole[1], variables)
        return HOLE.sub(lambda hole: text(select(hole[1], variables)), value).replace(r"\${", "${")
    if isinstance(value, Mapping):
        return {fill(key, variables): fill(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, variables) for item in value]
    return value


def select(expression: str, variables: Mapping[str, Any]) -> Any:
    """What `a.b[0]` means."""
    found: Any = variables
    for part in expression.strip().replace("[", ".").replace("]", "").split("."):
        try:
            found = found[int(part)] if isinstance(found, list) else found[part]
        except (KeyError, IndexError, ValueError, TypeError):
            raise UnknownNameError(expression) from None
    return found


def text(value: Any) -> str:
    """A value as it stands in a path or a stage's name."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def pattern(template: str) -> re.Pattern[str]:
    """Everything that a template may have become."""
    parts = HOLE.split(template)
    return re.compile(".*".join(re.escape(part.replace(r"\${", "${")) for part in parts[::2]), re.DOTALL)


def variables(declared: Any, folder: str, read: Reader, default: bool = True) -> dict[str, Any]:
    """What `vars:` of dvc.yaml or of a stage adds up to; params.yaml counts even unnamed.

    A file that is missing or can't be read adds nothing: DVC lets none override another, so the rest stays right.
    """
    made: dict[str, Any] = {}
    base = f"{folder}/" if folder else ""
    items = declared if isinstance(declared, list) else []
    if default:
        _merge(made, read(f"{base}params.yaml") or {})
    for item in items:
        if isinstance(item, Mapping):
            _merge(made, item)
        elif isinstance(item, str):
            name, _, keys = item.partition(":")
            content = read(base + name) or {}
            _merge(made, {key: content[key] for key in keys.split(",") if key in content} if keys else content)
    return made


def expansions(definition: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Of a `foreach` or `matrix` stage: what follows the `@` in each name, and the variables that go with it.

    Raises:
        UnknownNameError: its items can't be known.
    """
    if "matrix" in definition:
        axes = fill(definition["matrix"], known)
        if not isinstance(axes, Mapping) or not all(isinstance(axis, list) for axis in axes.values()):
            raise UnknownNameError("matrix")
        for place, combination in enumerate(itertools.product(*(enumerate(axis) for axis in axes.values()))):
            if place >= MOST:
                raise UnknownNameError("matrix")
            named = list(zip(axes, combination, strict=True))
            key = "-".join(f"{axis}{i}" if isinstance(v, Mapping | list) else text(v) for axis, (i, v) in named)
            yield key, {"key": key, "item": {axis: value for axis, (_, value) in named}}
        return
    items = fill(definition.get("foreach"), known)
    if isinstance(items, Mapping):
        yield from ((text(key), {"key": text(key), "item": value}) for key, value in items.items())
    elif isinstance(items, list):
        nested = any(isinstance(item, Mapping | list) for item in items)
        yield from ((str(place) if nested else text(item), {"item": item}) for place, item in enumerate(items))
    else:
        raise UnknownNameError("foreach")


def parsed(path: str, content: bytes, where: str) -> Mapping[str, Any] | None:
    """A file of variables: TOML, Python or YAML by its name; None where TOML or Python can't be read.

    Raises:
        DataOpsError: it is broken YAML; `where` is what the error calls it.
    """
    import tomllib

    from dataops import yamls

    try:
        if path.endswith(".toml"):
            return tomllib.loads(content.decode())
        if path.endswith(".py"):
            return constants(content)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    return yamls.load(content, where)


def constants(content: bytes) -> dict[str, Any]:
    """The names that a Python file assigns plain values to, as DVC reads parameters from one; nothing is run.

    Raises:
        SyntaxError, ValueError: it is no Python.
    """
    return _assigned(ast.parse(content).body)


def _assigned(body: Sequence[ast.stmt], own: str = "") -> dict[str, Any]:
    """Names with literal values; a class is a dictionary, of its `__init__` what that assigns to `self`."""
    found: dict[str, Any] = {}
    for line in body:
        if isinstance(line, ast.ClassDef):
            found[line.name] = _assigned(line.body)
        elif isinstance(line, ast.FunctionDef) and line.name == "__init__":
            found |= _assigned(line.body, "self")
        elif isinstance(line, ast.Assign | ast.AnnAssign) and line.value is not None:
            target = line.targets[0] if isinstance(line, ast.Assign) else line.target
            name = target.id if isinstance(target, ast.Name) and not own else ""
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
                name = target.attr
            with contextlib.suppress(ValueError, TypeError, RecursionError):
                found |= {name: ast.literal_eval(line.value)} if name else {}
    return found


def _merge(into: dict[str, Any], update: Mapping[str, Any]) -> None:
    for key, value in update.items():
        if isinstance(into.get(key), dict) and isinstance(value, Mapping):
            _merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, Mapping) else value
