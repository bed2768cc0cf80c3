"""How dvc.yaml and the files of parameters have moved on since dvc.lock was written."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from typing import Any

from dataops.errors import DataOpsError
from dataops.repo import lockfile, templates
from dataops.repo.entries import path_of
from dataops.repo.git import Git
from dataops.repo.lockfile import Pipeline
from dataops.repo.recorded import Files, Snapshot, Source
from dataops.repo.records import Stage

PARAMS = "params.yaml"


class Noted(Files):
    """Files of the index that remember what else was read: variables and parameters."""

    def __init__(self, git: Git, tree: Mapping[str, str], prefix: str, over: Mapping[str, bytes]) -> None:
        super().__init__(git, tree, prefix, "")
        self.contents = {**self.contents, **over}
        self.noted: dict[str, str | None] = {}
        self._loaded: dict[str, dict[str, Any]] = {}

    def load(self, path: str) -> dict[str, Any]:
        """A file of DVC's, parsed once."""
        if path not in self._loaded:
            self._loaded[path] = super().load(path)
        return self._loaded[path]

    def content(self, path: str) -> bytes | None:
        """Any other file, noted."""
        self.noted[path] = self.tree.get(path)
        return super().content(path)


def moved(files: Source, snapshot: Snapshot, problems: list[str]) -> dict[str, tuple[str, ...]]:
    """Of every stage that isn't frozen, what dvc.yaml and the files of parameters say otherwise than dvc.lock.

    A file of parameters that can't be read is added to `problems`.
    """
    found: dict[str, tuple[str, ...]] = {}
    stages = {stage.address: stage for stage in snapshot.stages}
    for path in sorted(files.contents):
        if posixpath.basename(path) != "dvc.yaml":
            continue
        folder = posixpath.dirname(path)
        try:
            pipeline = Pipeline(folder, files.load(path), files.where(path), files.variables)
            lock = files.load(posixpath.join(folder, "dvc.lock"))
            for stage in filter(None, (stages.get(f"{path}:{name}") for name in _names(lock))):
                reasons = _reasons(files, pipeline, stage) if not stage.frozen else ()
                if reasons:
                    found[stage.address] = tuple(reasons)
        except DataOpsError as error:
            if error.message not in problems:  # said already where the snapshot has it
                problems.append(error.message)
    return found


def _names(lock: Mapping[str, Any]) -> list[str]:
    stages = lock.get("stages") if "schema" in lock else lock
    return list(stages) if isinstance(stages, dict) else []


def _reasons(files: Source, pipeline: Pipeline, stage: Stage) -> list[str]:
    """Why the stage would run again, but for what it reads."""
    definition = pipeline.definition(stage.address.rpartition(f"{pipeline.path}:")[2])
    if definition is None:
        return []
    wdir = str(definition.get("wdir") or "")
    reasons = []
    if "cmd" in definition and lockfile.command(definition["cmd"]) != stage.cmd:
        reasons.append("another command")
    declared = {path_of(pipeline.folder, wdir, path) for path in _paths(definition.get("deps"))}
    known = {dep.path for dep in stage.deps}
    reasons += [f"{path} is a new dependency" for path in sorted(declared - known) if "://" not in path]
    reasons += [
        f"{path} is a dependency no more" for path in sorted(known - declared) if "#" not in path and "://" not in path
    ]
    for name, keys in _parameters(definition.get("params")).items():
        path = path_of(pipeline.folder, wdir, name)
        reasons += [f"{path}: {key} is new" for key in keys if key not in stage.params.get(path, {})]
    for path, values in stage.params.items():
        current = files.variables(path)
        reasons += [text for key, value in values.items() if (text := _difference(path, key, value, current))]
    return reasons


def _difference(path: str, key: str, value: Any, current: Mapping[str, Any] | None) -> str:
    """What a parameter is now, where it is another than it was."""
    if current is None:
        return f"{path} is missing"
    try:
        now = current[key] if key in current else templates.select(key, current)
    except templates.UnknownNameError:
        return f"{path}: {key} is gone"
    if _text(now) == _text(value):
        return ""
    if isinstance(now, dict) and isinstance(value, dict):
        names = [name for name in {**value, **now} if _text(now.get(name)) != _text(value.get(name))]
        if len(names) == 1:
            return _difference(path, f"{key}.{names[0]}", value.get(names[0]), current)
        return f"{path}: {', '.join(f'{key}.{name}' for name in names[:3])}{' …' if len(names) > 3 else ''}"
    plain = not isinstance(now, dict | list) and not isinstance(value, dict | list)
    return f"{path}: {key} {value} → {now}" if plain else f"{path}: {key}"


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _paths(items: Any) -> list[str]:
    """The paths of a list of dependencies, with or without options."""
    listed = items if isinstance(items, list) else []
    return [str(next(iter(item), "")) if isinstance(item, dict) else str(item) for item in listed]


def _parameters(items: Any) -> dict[str, list[str]]:
    """The keys that dvc.yaml names, by file."""
    found: dict[str, list[str]] = {}
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict):
            for name, keys in item.items():
                found.setdefault(str(name), []).extend(map(str, keys) if isinstance(keys, list) else ())
        else:
            found.setdefault(PARAMS, []).append(str(item))
    return found
