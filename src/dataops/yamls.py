"""Somebody's YAML, read as DVC reads it (1.2) and with limits: it comes from commits that nobody here has checked."""

from __future__ import annotations

import re
from typing import Any

import yaml

from dataops.errors import DataOpsError

DEEPEST = 100
MOST = 1_000_000  # nodes, aliases followed
LONGEST = 300  # digits of an integer: what a float holds, and what Python prints
CONFLICT = re.compile(rb"^(<{7}|>{7}|={7})( |$)", re.MULTILINE)
Parent: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(Parent):  # type: ignore[misc]
    """YAML 1.2's plain scalars: `yes`, `on` and dates are words, `1e-05` is a number; a key stands once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A dictionary whose keys are all different."""
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"the key {key.value} twice", key.start_mark)
                seen.add(key.value)
        made: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return made


PLAIN = {  # kind -> how it looks, what it begins with
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9][0-9_]*|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    "float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+0123456789."),
    ),
    "merge": ("<<", ["<"]),
}
_Loader.yaml_implicit_resolvers = {}
for _kind, (_form, _first) in PLAIN.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"(?:{_form})\\Z"), _first)
_Loader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: _integer(loader.construct_scalar(node)))


def load(content: bytes, where: str) -> dict[str, Any]:
    """The mapping in a YAML file; {} where it is empty.

    Args:
        where: names the file, as `dvc.lock at a1b2c3d`.

    Raises:
        DataOpsError: it is broken, no mapping, not UTF-8, nested absurdly deep, or made to explode.
    """
    try:
        text = content.decode("utf-8-sig")
        if not _shallow(text):
            _guard(text)
        found = yaml.load(text, _Loader)  # noqa: S506  a safe loader
    except UnicodeDecodeError:
        raise DataOpsError(f"{where} is not UTF-8") from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        if CONFLICT.search(content):
            raise DataOpsError(f"{where} has conflict markers of a merge") from None
        raise DataOpsError(f"{where} is no valid YAML: {_reason(error)}") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise DataOpsError(f"{where}: expected keys and values, found a {type(found).__name__}")
    return {str(key): value for key, value in found.items()}


def _shallow(text: str) -> bool:
    """Can it be seen at a glance that there is neither deep nesting nor an alias?"""
    if "&" in text and "*" in text:
        return False
    flow = text.count("[") + text.count("{")
    widest = max((len(line) - len(line.lstrip(" \t-?:")) for line in text.splitlines()), default=0)
    return flow + widest <= DEEPEST


def _guard(text: str) -> None:
    """Walk the events, which needs no recursion, and count.

    Raises:
        ValueError: too deep, or too much once aliases are followed.
    """
    sizes: dict[str, int] = {}  # what an anchor stands for, in nodes
    stack: list[tuple[str | None, int]] = []
    count = 0
    for event in yaml.parse(text, Loader=Parent):
        if isinstance(event, yaml.CollectionStartEvent):
            count += 1
            stack.append((event.anchor, count))
            if len(stack) > DEEPEST:
                raise ValueError(f"nested deeper than {DEEPEST}")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, start = stack.pop()
            if anchor:
                sizes[anchor] = count - start + 1
        elif isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in stack):
                raise ValueError(f"*{event.anchor} inside &{event.anchor}")
            count += sizes.get(str(event.anchor), 1)
        elif isinstance(event, yaml.ScalarEvent):
            count += 1
        if count > MOST:
            raise ValueError(f"more than {MOST:,} values once its aliases are followed")


def _integer(text: str) -> int:
    """An integer of YAML 1.2: `010` is ten."""
    if len(text) > LONGEST:
        raise ValueError(f"a number of {len(text)} digits")
    digits = text.lstrip("+-").replace("_", "").lower()
    base = 8 if digits.startswith("0o") else 16 if digits.startswith("0x") else 10
    return -int(digits, base) if text.startswith("-") else int(digits, base)


def _reason(error: Exception) -> str:
    """One line of what PyYAML says in five."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem:
        mark = error.problem_mark or error.context_mark
        return error.problem + (f", line {mark.line + 1}" if mark else "")
    if isinstance(error, RecursionError):
        return "nested too deep"
    return str(error).splitlines()[0] if str(error) else type(error).__name__
