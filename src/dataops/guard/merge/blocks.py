"""dvc.lock as text in pieces, a stage each, so that what a merge doesn't touch stays byte for byte as DVC wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from dataops import yamls
from dataops.errors import DataOpsError

STAGES, DATASETS, SCHEMA = "stages", "datasets", "schema"
KINDS: dict[str, type] = {STAGES: dict, DATASETS: list}
HEAD = {SCHEMA: "schema: '2.0'\n", STAGES: "stages:\n"}


@dataclass(frozen=True)
class Entry:
    """A stage, a dataset of `dvc ds`, or any other key."""

    value: Any
    text: str
    """Its lines, with the newline at their end."""


@dataclass
class Lock:
    """One dvc.lock. What stands in a section is kept by name, in the file's order."""

    schema: bool
    """False before DVC 2: then the stages stand at top level."""
    before: str = ""
    """What precedes the first key."""
    keys: dict[str, Entry] = field(default_factory=dict)
    """Top-level keys; of a section only its own line."""
    sections: dict[str, dict[str, Entry]] = field(default_factory=dict)

    @property
    def stages(self) -> dict[str, Entry]:
        """By name."""
        return self.sections.get(STAGES, {})


def plain(content: bytes) -> str:
    """Text with LF at the end of its lines.

    Raises:
        DataOpsError: it is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise DataOpsError("it is not UTF-8") from None


def parse(content: bytes, where: str) -> Lock:
    """The pieces of a dvc.lock; an empty one has none.

    Raises:
        DataOpsError: it is no valid YAML, or none that DVC writes: its pieces can't be told apart.
    """
    text = plain(content)
    values = yamls.load(text.encode(), where)
    lock = Lock(schema=SCHEMA in values or not values)
    node = yaml.compose(text, Loader=yamls.Parent)
    if node is None:
        return lock
    top = _pieces(node, text, len(text), values, where)
    lock.before = text[: _start(node.value[0][0])] if node.value else ""
    if not lock.schema:
        lock.sections[STAGES] = top
        return lock
    ends = {key.value: value for key, value in node.value}
    place = len(lock.before)
    for name, entry in top.items():
        end = place + len(entry.text)
        if name in KINDS and entry.value:
            if not isinstance(entry.value, KINDS[name]):
                raise DataOpsError(f"{where} is not laid out as DVC does: {name}")
            inner = _pieces(ends[name], text, end, entry.value, where)
            lock.sections[name] = inner
            entry = Entry(None, entry.text[: len(entry.text) - sum(len(piece.text) for piece in inner.values())])
        elif name in KINDS:
            lock.sections[name] = {}
            entry = Entry(None, f"{name}:\n")
        lock.keys[name] = entry
        place = end
    return lock


def upgraded(lock: Lock) -> Lock:
    """A lock of DVC 1 in the form of today."""
    if lock.schema:
        return lock
    stages = {name: Entry(entry.value, _indented(entry.text)) for name, entry in lock.stages.items()}
    keys = {SCHEMA: Entry("2.0", HEAD[SCHEMA]), STAGES: Entry(None, HEAD[STAGES])}
    return Lock(True, lock.before, keys, {STAGES: stages})


def text_of(lock: Lock) -> str:
    """The file."""
    if not lock.schema:
        return lock.before + "".join(entry.text for entry in lock.stages.values())
    parts = [lock.before]
    for name, entry in lock.keys.items():
        inner = lock.sections.get(name)
        if inner is None:
            parts.append(entry.text)
        elif inner:
            parts += [entry.text, *(piece.text for piece in inner.values())]
        else:
            parts.append(f"{name}: {'[]' if name == DATASETS else '{}'}\n")
    return "".join(parts)


def value_of(lock: Lock) -> dict[str, Any]:
    """What the file means."""
    inner: dict[str, Any] = {}
    for name, section in lock.sections.items():
        values = {key: entry.value for key, entry in section.items()}
        inner[name] = list(values.values()) if name == DATASETS else values
    if not lock.schema:
        return dict(inner.get(STAGES, {}))
    return {name: inner.get(name, entry.value) for name, entry in lock.keys.items()}


def _pieces(node: Any, text: str, end: int, values: Any, where: str) -> dict[str, Entry]:
    """The keys of a mapping, or the items of a list by their name, each with its lines; they end at `end`.

    Raises:
        DataOpsError: two stand on one line, or a list's item has no name.
    """
    if isinstance(node, yaml.SequenceNode):
        items = [item for item in values if isinstance(item, Mapping) and isinstance(item.get("name"), str)]
        names = [item["name"] for item in items]
        inner = dict(zip(names, items, strict=True))
        places = [_start(item) for item in node.value]
    else:
        inner, names = {str(key): value for key, value in values.items()}, list(values)
        places = [_start(key) for key, _ in node.value]
    wanted = len(node.value)
    if node.flow_style or len(set(places)) != wanted or len(inner) != wanted or sorted(places) != places:
        raise DataOpsError(f"{where} is not laid out as DVC does")
    stops = [*places[1:], end]
    pieces = [text[place:stop] for place, stop in zip(places, stops, strict=True)]
    return {
        str(name): Entry(inner[str(name)], piece if piece.endswith("\n") else f"{piece}\n")
        for name, piece in zip(names, pieces, strict=True)
    }


def _start(node: Any) -> int:
    """Where the line begins that a node stands on."""
    return int(node.start_mark.index - node.start_mark.column)


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" if line else "\n" for line in text.split("\n")[:-1])
