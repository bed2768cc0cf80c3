"""dvc.yaml, dvc.lock (1.x, 2.0) and .dvc files, parsed already, as stages."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from dataops.errors import DataOpsError
from dataops.repo import templates
from dataops.repo.entries import HINT, dependency, output, path_of, source_of
from dataops.repo.records import Artifact, Stage
from dataops.repo.templates import Reader, UnknownNameError

LISTED = ("outs", "metrics", "plots")
FILLED = ("cmd", "deps", "params", "wdir", "frozen")


class Declared:
    """What dvc.yaml says of a stage and dvc.lock doesn't: where it runs, and how its outputs are kept."""

    def __init__(self, definition: Mapping[str, Any], known: Mapping[str, Any] | None) -> None:
        self.frozen = definition.get("frozen") is True
        self.wdir = _filled(str(definition.get("wdir") or ""), known) or ""
        self.exact: dict[str, Mapping[str, Any]] = {}
        self.patterns: list[tuple[re.Pattern[str], Mapping[str, Any]]] = []
        for template, flags in _listed(definition):
            path = _filled(template, known)
            if path is None:
                self.patterns.append((templates.pattern(template), flags))
            else:
                self.exact[posixpath.normpath(path)] = flags

    def flags(self, path: str) -> Mapping[str, Any]:
        """`cache`, `remote` and `push` of an output of dvc.lock."""
        found = self.exact.get(posixpath.normpath(path))
        if found is not None:
            return found
        return next((flags for form, flags in self.patterns if form.fullmatch(path)), {})


class Pipeline:
    """One dvc.yaml."""

    def __init__(self, folder: str, content: Mapping[str, Any], where: str, read: Reader) -> None:
        self.folder, self.content, self.where, self.read = folder, content, where, read
        self.definitions = _mapping(content.get("stages"), f"{where}: stages")
        self._expanded: dict[str, dict[str, dict[str, Any]] | None] = {}  # once, however many stages they are
        for name, definition in self.definitions.items():
            _mapping(definition, f"{where}: stages.{name}")

    @property
    def path(self) -> str:
        """Of the file, below the DVC root."""
        return posixpath.join(self.folder, "dvc.yaml")

    @cached_property
    def known(self) -> dict[str, Any]:
        """The variables that templates may name, as far as they can be read."""
        return templates.variables(self.content.get("vars"), self.folder, self.read)

    def declared(self, name: str) -> Declared | None:
        """What it says of a stage of dvc.lock; None where it has no such stage any more."""
        found = self._defined(name)
        return Declared(*found) if found else None

    def definition(self, name: str) -> dict[str, Any] | None:
        """The stage with its templates filled; None where it has no such stage, or that can't be known.

        DVC makes command line options of a dictionary or list that a command names, which is not done here: a command
        with one is left out.
        """
        definition, known = self._defined(name) or ({}, None)
        if known is None:
            return None
        try:
            made = {key: templates.fill(value, known) for key, value in definition.items() if key in FILLED}
            for hole in templates.HOLE.finditer(repr(definition.get("cmd"))):
                if isinstance(templates.select(hole[1], known), Mapping | list):
                    made.pop("cmd", None)
        except UnknownNameError:
            return None
        return made

    def _defined(self, name: str) -> tuple[dict[str, Any], dict[str, Any] | None] | None:
        """A stage's template and the variables that fill it, None where these can't be known."""
        group, _, key = name.partition("@")
        definition = self.definitions.get(name)
        if definition is not None and not {"foreach", "matrix"} & set(definition):
            return definition, self._with(definition) if "${" in repr(definition) else {}
        definition = self.definitions.get(group)
        if definition is None or not key or not {"foreach", "matrix"} & set(definition):
            return None
        template = _mapping(definition.get("do"), f"{self.where}: stages.{group}.do") or definition
        if group not in self._expanded:
            self._expanded[group] = self._expansions(definition)
        expanded = self._expanded[group]
        if expanded is None:
            return template, None
        return (template, self._with(template, expanded[key])) if key in expanded else None

    def _expansions(self, definition: Mapping[str, Any]) -> dict[str, dict[str, Any]] | None:
        """The variables of each stage of a `foreach` or `matrix`; None where its items can't be known."""
        try:
            return dict(templates.expansions(definition, self.known))
        except UnknownNameError:
            return None

    def _with(self, definition: Mapping[str, Any], extra: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """The variables of one stage."""
        known = {**self.known, **(extra or {})}
        if "vars" not in definition:
            return known
        try:
            wdir = posixpath.join(self.folder, str(templates.fill(definition.get("wdir") or "", known)))
            return {**known, **templates.variables(definition["vars"], posixpath.normpath(wdir), self.read, False)}
        except UnknownNameError:
            return None

    def metrics(self) -> list[str]:
        """The files of `metrics:` at top level, below the DVC root."""
        listed = self.content.get("metrics")
        paths = [next(iter(item), "") if isinstance(item, dict) else item for item in _plain_list(listed)]
        return [path_of(self.folder, "", str(_deep(path, self))) for path in paths if path]

    def artifacts(self) -> dict[str, Artifact]:
        """What `artifacts:` declares.

        Raises:
            DataOpsError: an entry has no path.
        """
        section = _mapping(self.content.get("artifacts"), f"{self.where}: artifacts")
        made = {}
        for key, entry in section.items():
            entry = _deep(entry, self)
            name = f"{self.folder}:{_deep(key, self)}" if self.folder else str(_deep(key, self))
            if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
                raise DataOpsError(f"{self.where}: artifacts.{key} has no path", "as path: data/dataset")
            labels, meta = entry.get("labels"), entry.get("meta")
            made[name] = Artifact(
                name,
                path_of(self.folder, "", entry["path"]),
                str(entry["type"]) if entry.get("type") is not None else None,
                str(entry.get("desc") or ""),
                tuple(map(str, labels)) if isinstance(labels, list) else (),
                meta if isinstance(meta, dict) else {},
                self.path,
            )
        return made


def stages(pipeline: Pipeline, lock: Mapping[str, Any], where: str) -> list[Stage]:
    """The stages that dvc.lock records and dvc.yaml still declares."""
    recorded = lock.get("stages") if "schema" in lock else lock  # DVC 1: stages at top level
    made = []
    for name, entry in _mapping(recorded, f"{where}: stages").items():
        entry = _mapping(entry, f"{where}: {name}")
        declared = pipeline.declared(name)
        if declared is None:
            continue
        address = f"{pipeline.path}:{name}"
        folder = pipeline.folder
        made.append(
            Stage(
                address,
                command(entry.get("cmd")),
                tuple(dependency(item, folder, declared.wdir, where) for item in _list(entry, "deps", where)),
                {
                    path_of(folder, declared.wdir, path): _mapping(values, f"{where}: {name}.params")
                    for path, values in _mapping(entry.get("params"), f"{where}: {name}.params").items()
                },
                tuple(
                    output(item, declared.flags(str(item.get("path"))), folder, declared.wdir, address, where)
                    for item in _list(entry, "outs", where)
                ),
                declared.frozen,
            )
        )
    return made


def unrecorded(pipeline: Pipeline, made: Sequence[Stage]) -> dict[str, str]:
    """The outputs of the stages that dvc.lock doesn't record: their stage. Of `foreach` and `matrix`: none."""
    done = {stage.address for stage in made}
    found: dict[str, str] = {}
    for name in pipeline.definitions:
        address = f"{pipeline.path}:{name}"
        declared = pipeline.declared(name) if address not in done else None
        for path in declared.exact if declared else ():
            found[path_of(pipeline.folder, declared.wdir if declared else "", path)] = address
    return found


def single(path: str, content: Mapping[str, Any], where: str) -> Stage:
    """A .dvc file: one stage without a name."""
    folder, wdir = posixpath.dirname(path), str(content.get("wdir") or "")
    deps = _list(content, "deps", where)
    outs = tuple(output(item, item, folder, wdir, path, where) for item in _list(content, "outs", where))
    if not content.get("cmd"):
        url, source = next((found for found in map(source_of, deps) if found[0]), (None, None))
        outs = tuple(replace(out, url=url, source=source) for out in outs)
    return Stage(
        path,
        command(content.get("cmd")),
        tuple(dependency(item, folder, wdir, where) for item in deps),
        {},
        outs,
        content.get("frozen") is True or content.get("locked") is True,
    )


def _listed(definition: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The outputs of a stage in dvc.yaml with what is said of each."""
    found: list[tuple[str, Mapping[str, Any]]] = []
    for section in LISTED:
        items = definition.get(section)
        for item in items if isinstance(items, list) else []:
            entries = item.items() if isinstance(item, dict) else [(item, {})]
            for path, flags in entries:
                said = flags if isinstance(flags, dict) else {}
                found.append((str(path), {**said, "metric": True} if section == "metrics" else said))
    return found


def _filled(template: str, known: Mapping[str, Any] | None) -> str | None:
    """A template as text; None where it can't be known."""
    if "${" not in template:
        return template
    try:
        return templates.text(templates.fill(template, known)) if known is not None else None
    except UnknownNameError:
        return None


def _deep(value: Any, pipeline: Pipeline) -> Any:
    """A section with its templates filled, as far as they can be."""
    if "${" not in repr(value):
        return value
    try:
        return templates.fill(value, pipeline.known)
    except UnknownNameError:
        return value


def command(value: Any) -> str:
    """A stage's command as one text, however many it lists."""
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value) if value is not None else ""


def _plain_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise DataOpsError(f"{where}: expected keys and values, found {type(value).__name__}", HINT)
    return value


def _list(entry: Mapping[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    value = entry.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise DataOpsError(f"{where}: expected a list of entries under {key}", HINT)
    return value
