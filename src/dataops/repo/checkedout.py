"""What the work tree's own dvc.yaml, dvc.lock and .dvc files record: what was made last, committed or not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataops import yamls
from dataops.repo import lockfile, templates
from dataops.repo.records import Output

LOCK = "dvc.lock"


def outputs(root: Path) -> tuple[Output, ...]:
    """What the stages of the DVC root's dvc.yaml have recorded in dvc.lock; nothing where there is none.

    Raises:
        DataOpsError: either file is broken.
    """
    pipeline = lockfile.Pipeline("", _load(root, "dvc.yaml"), "dvc.yaml", lambda path: _variables(root, path))
    stages = lockfile.stages(pipeline, _load(root, LOCK), LOCK)
    return tuple(out for stage in stages for out in stage.outs)


def output(root: Path, path: str) -> Output | None:
    """What dvc.lock, else `path`.dvc, records of `path` (POSIX, below the DVC root); None where neither does.

    Raises:
        DataOpsError: one of the files is broken.
    """
    alone = lockfile.single(f"{path}.dvc", _load(root, f"{path}.dvc"), f"{path}.dvc").outs
    return next((out for out in (*outputs(root), *alone) if out.path == path), None)


def _load(root: Path, name: str) -> dict[str, Any]:
    """A file of DVC's; {} where there is none."""
    try:
        return yamls.load((root / name).read_bytes(), name)
    except FileNotFoundError:
        return {}


def _variables(root: Path, path: str) -> Mapping[str, Any] | None:
    """A file of variables for templates; None where there is none."""
    try:
        return templates.parsed(path, (root / path).read_bytes(), path)
    except OSError:
        return None
