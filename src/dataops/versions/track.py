"""A file or folder that no stage makes as an artifact of its own: `dvc add`, and an entry under `artifacts:`."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataops import yamls
from dataops.errors import DataOpsError
from dataops.files import write_text
from dataops.repo import lockfile, tags
from dataops.store import dvccommand
from dataops.versions.context import Context

PIPELINE = Path("dvc.yaml")


@dataclass(frozen=True)
class Tracked:
    """What was recorded."""

    name: str
    path: str
    digest: str
    size: int
    trained_on: str | None
    unchanged: bool
    """It was recorded before with the same content."""
    files: tuple[str, ...]
    """What to commit."""


def track(
    context: Context,
    file: str,
    name: str,
    *,
    description: str | None = None,
    kind: str | None = None,
    labels: Sequence[str] | None = None,
    trained_on: str | None = None,
    gates: Sequence[str] = (),
    folder: bool = False,
) -> Tracked:
    """Record `file` with DVC and declare it as artifact `name`; the same call again records its new content.

    Args:
        gates: reports that judge it, for an artifact that is new: none, where nothing is said.
        folder: `file` is a folder.

    Raises:
        DataOpsError: the file is missing, outside, in git or made by a stage; the name is taken or malformed; or
            `trained_on` is no released version.
    """
    if context.root is None:
        raise DataOpsError("there is no work tree to track a file in")
    root = context.root
    path = _inside(root, file, folder=folder)
    require_artifact_name(name)
    try:
        text = (root / PIPELINE).read_text(encoding="utf-8") if (root / PIPELINE).is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise DataOpsError(f"{PIPELINE} can't be read: {error}", "`dvc status` says where it is wrong") from None
    entry, existing = _entry(text, name, path, description)
    _require_free(context, path)
    data = _released(context, trained_on) if trained_on else None

    pointer = path.with_name(path.name + ".dvc")
    before = _digest(root, pointer)
    dvccommand.dvc(root, "add", "-q", path.as_posix())
    now = _digest(root, pointer)
    if now is None:
        raise DataOpsError(f"dvc add {path} recorded nothing", "dvc status")
    entry |= {"path": path.as_posix()}
    if kind or "type" not in entry:
        entry["type"] = kind or ("model" if data else "dataset")
    if description is not None:
        entry["desc"] = description
    if labels:
        entry["labels"] = list(labels)
    meta: dict[str, Any] = {**(entry.get("meta") or {})}
    meta.setdefault("gates", list(gates))
    if data:
        meta["trained_on"] = data
    entry["meta"] = meta
    if entry != existing:
        write_text(root / PIPELINE, _declare(text, name, entry))
    ignored = path.parent / ".gitignore"
    return Tracked(
        name,
        path.as_posix(),
        now,
        _size(root / path),
        meta.get("trained_on"),
        before == now,
        tuple(str(item) for item in (pointer, ignored, PIPELINE) if (root / item).exists()),
    )


def require_artifact_name(name: str) -> str:
    """The name, if an artifact of this repository may have it.

    Raises:
        DataOpsError: it may not.
    """
    if not tags.is_artifact_name(name) or ":" in name:
        raise DataOpsError(
            f"{name!r} can't name an artifact", "letters, digits, - and _; a letter or digit at both ends"
        )
    return name


def _size(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _inside(root: Path, file: str, *, folder: bool) -> Path:
    """The file or folder, relative to the root."""
    path = Path(os.path.abspath(file))  # noqa: PTH100  links stay links: the name counts, not where it leads
    if not path.is_relative_to(root):
        raise DataOpsError(f"{file} is outside the repository", "copy it in first, as data/NAME")
    if path.is_dir() and not folder:
        raise DataOpsError(f"{file} is a folder", "`dvc add` it and declare it under `artifacts:` in dvc.yaml")
    if not (path.is_dir() if folder else path.is_file()):
        raise DataOpsError(f"there is no file {file}")
    return path.relative_to(root)


def _entry(text: str, name: str, path: Path, description: str | None) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The artifact's entry as it is to be changed, and as dvc.yaml has it.

    Raises:
        DataOpsError: the name is another file's, or there is no description yet.
    """
    import yaml

    try:
        document = yaml.safe_load(text) or {}
        artifacts = document.get("artifacts") or {}
        found = artifacts.get(name)
        paths = {key: entry.get("path") for key, entry in artifacts.items()}
        if not isinstance((found or {}).get("meta") or {}, dict):
            raise DataOpsError(f"{PIPELINE}: artifacts.{name}.meta: expected keys and values", "as meta: {gates: []}")
    except (yaml.YAMLError, AttributeError):
        raise DataOpsError(f"{PIPELINE} can't be read", "`dvc status` says where it is wrong") from None
    if found is None and not (description or "").strip():
        raise DataOpsError(f"say what {name} is: --description TEXT", "whoever finds it in two years needs it")
    if found is not None and paths[name] != path.as_posix():
        raise DataOpsError(f"the artifact {name} is {paths[name]}, not {path}", "choose another --name")
    taken = next((key for key, other in paths.items() if key != name and other == path.as_posix()), None)
    if taken:
        raise DataOpsError(f"{path} is the artifact {taken} already", f"dataops track {path} --name {taken}")
    return dict(found or {}), dict(found) if found else None


def _require_free(context: Context, path: Path) -> None:
    """Neither git nor a stage has the file."""
    git, where = context.git, f"{context.prefix}/{path.as_posix()}".lstrip("/")
    if git.out("ls-files", "--", f":(top,literal){where}"):
        hint = f"`git rm --cached {path}`, commit, then again (the history keeps the old ones)"
        raise DataOpsError(f"{path} is in git", hint)
    commit = git.commit_of("HEAD")
    out = context.snapshot(commit).covering(path.as_posix()) if commit else None
    if out is not None and out.stage is not None and not out.stage.endswith(f"{path.name}.dvc"):
        raise DataOpsError(f"{path} is made by {out.stage}", "declare it under `artifacts:` in dvc.yaml instead")


def _digest(root: Path, pointer: Path) -> str | None:
    """What a .dvc file of the work tree records; None where there is none."""
    if not (root / pointer).is_file():
        return None
    stage = lockfile.single(str(pointer), yamls.load((root / pointer).read_bytes(), str(pointer)), str(pointer))
    return stage.outs[0].digest if stage.outs else None


def _released(context: Context, asked: str) -> str:
    """The full name of a version."""
    target = context.taken(asked)
    if target.version is None:
        raise DataOpsError(f"--trained-on {asked}: that commit is no version", "`dataops versions` lists them")
    return target.version.name


def _declare(text: str, name: str, entry: dict[str, Any]) -> str:
    """dvc.yaml with the entry; comments and order stay."""
    from ruamel.yaml import YAML

    editor = YAML()
    editor.preserve_quotes = True
    editor.width = 4096
    editor.indent(mapping=2, sequence=4, offset=2)
    document = editor.load(text) or {}
    if not document.get("artifacts"):
        document["artifacts"] = {}
    document["artifacts"][name] = entry
    buffer = io.StringIO()
    editor.dump(document, buffer)
    return buffer.getvalue()
