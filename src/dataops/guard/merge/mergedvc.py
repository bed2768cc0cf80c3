"""Merging a .dvc file: of a tracked folder by its files, so that what both sides added is all there afterwards."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataops import yamls
from dataops.errors import DataOpsError
from dataops.guard import lists
from dataops.guard.merge import threeway
from dataops.guard.merge.blocks import plain
from dataops.guard.merge.mergelock import Merged
from dataops.store import cache as caches
from dataops.store import choose, manifest
from dataops.store.cache import Cache
from dataops.store.objects import LEGACY, Object

CONTENT = ("md5", "size", "nfiles")
FILES = 5
Values = dict[str, Any]


@dataclass(frozen=True)
class _Folders:
    """Where the lists of folders are read from and written to."""

    root: Path
    cache: Cache

    def files(self, entry: Values) -> dict[str, str]:
        """A folder's files (path: md5), by its list in the cache, else on the remote.

        Raises:
            DataOpsError: it is in neither, or the remote can't be asked.
        """
        obj = _object(entry)
        found = lists.files(self.cache.content(obj), obj.digest)
        if found is None:
            content = b"".join(choose.for_root(self.root, entry.get("remote")).read(obj))
            found = lists.files(content, obj.digest)
            if found is None:
                raise DataOpsError(f"{obj.digest} on the remote is no list of files", "`dataops verify --all`")
            self.keep(obj, content)
        return found

    def keep(self, obj: Object, content: bytes) -> None:
        """Put a list into the cache."""
        self.cache.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.cache.folder, prefix=".tmp-", delete=False) as file:
            file.write(content)
        self.cache.add(obj, Path(file.name))


def merge(root: Path, ancestor: bytes, our: bytes, their: bytes, path: str, *, virtual: bool = False) -> Merged:
    """One .dvc file of three. The merged folder's list is written into the cache, so that it can be checked out.

    Args:
        root: of the DVC repository.
        virtual: it becomes the merge base of another merge.

    Raises:
        DataOpsError: ours or theirs is broken.
    """
    ours, theirs = (
        yamls.load(plain(content).encode(), f"{path} of {side}") for content, side in ((our, "ours"), (their, "theirs"))
    )
    try:
        base = yamls.load(plain(ancestor).encode(), "the merge base")
    except DataOpsError:
        base = {}
    keys = threeway.choose(*({**side, "outs": None} for side in (base, ours, theirs)))
    by_path = [_outs(side, path) for side in (base, ours, theirs)]
    outs = threeway.choose(*by_path)
    said, notes = [f"changed on both sides: {name}" for name in keys.conflicts], []
    taken = {name: (by_path[1] if side == "ours" else by_path[2])[name] for name, side in outs.sides.items()}
    folders = _Folders(root, caches.of(root))
    for name in outs.conflicts:
        versions = [side.get(name) for side in by_path]
        if _mergeable(versions[1], versions[2]) and not (ours.get("deps") or theirs.get("deps")):
            taken[name], wrong = _folder(folders, versions)
            notes += [] if wrong else [_united(path)]
        else:
            wrong = ["its data changed on both sides"]
        said += wrong
    merged = {name: (ours if side == "ours" else theirs)[name] for name, side in keys.sides.items() if name != "outs"}
    content = _written(our, ours, {**merged, "outs": list(taken.values())})
    if said:
        return Merged(ancestor if virtual else content, True, (*said, _way_on(path)))
    return Merged(content, said=tuple(notes))


def _folder(folders: _Folders, versions: list[Values | None]) -> tuple[Values, list[str]]:
    """One folder's entry of three, and what is wrong with it."""
    base, ours, theirs = versions
    assert ours is not None
    assert theirs is not None
    try:
        was = folders.files(base) if base and _is_folder(base) else {}
        mine, other = folders.files(ours), folders.files(theirs)
    except DataOpsError as error:
        return ours, [
            f"the lists of its files are needed to merge them, and one is not to be had: {error.message}; "
            "`git merge --abort`, `dvc fetch` on the other branch, and merge again"
        ]
    choice = threeway.choose(was, mine, other)
    files = {name: (mine if side == "ours" else other)[name] for name, side in choice.sides.items()}
    if clash := manifest.clash(files):
        return ours, [f"the files of both sides can't be in one folder: {clash}"]
    rest = threeway.choose(
        *({key: value for key, value in (entry or {}).items() if key not in CONTENT} for entry in versions)
    )
    digest = manifest.digest(files)
    entry = {key: (ours if side == "ours" else theirs)[key] for key, side in rest.sides.items()}
    folders.keep(Object(digest, _object(ours).algorithm), manifest.dump(files))
    size = _size(folders.cache, files, _object(ours).algorithm)
    if size is None and not choice.conflicts:
        size = _sum_of_changes([was, mine, other], versions)
    found = {"md5": digest, "size": size, "nfiles": len(files)}
    made = {key: found.get(key, entry.get(key)) for key in dict.fromkeys([*ours, *entry]) if key in {*found, *entry}}
    wrong = [f"changed on both sides: {_named(choice.conflicts)}; HEAD's are kept, everything else is merged"]
    wrong = wrong * bool(choice.conflicts) + [f"changed on both sides: {key}" for key in rest.conflicts]
    return {key: value for key, value in made.items() if value is not None}, wrong


def _size(cache: Cache, files: Mapping[str, str], algorithm: str) -> int | None:
    """The files' bytes, where the cache has all of them."""
    try:
        return sum(cache.path(Object(digest, algorithm)).stat().st_size for digest in files.values())
    except OSError:
        return None


def _sum_of_changes(files: list[dict[str, str]], entries: list[Values | None]) -> int | None:
    """The size by what each side added to that of the base; None where both made one change, or a size is unknown."""
    was, mine, other = files
    changed = [{name for name in {*was, *side} if was.get(name) != side.get(name)} for side in (mine, other)]
    sizes = [entry.get("size") if entry else 0 for entry in entries]
    known = [size for size in sizes if isinstance(size, int)]
    if changed[0] & changed[1] or len(known) != len(sizes):
        return None
    return known[1] + known[2] - known[0]


def _outs(content: Values, where: str) -> dict[str, Values]:
    """The entries by their path.

    Raises:
        DataOpsError: they are none of DVC's.
    """
    outs = content.get("outs") or []
    if not isinstance(outs, list) or not all(
        isinstance(out, dict) and isinstance(out.get("path"), str) for out in outs
    ):
        raise DataOpsError(f"{where}: outs is no list of entries with a path")
    return {out["path"]: out for out in outs}


def _mergeable(ours: Values | None, theirs: Values | None) -> bool:
    return (
        ours is not None
        and theirs is not None
        and all(map(_is_folder, (ours, theirs)))
        and (_object(ours).algorithm == _object(theirs).algorithm)
    )


def _is_folder(entry: Values) -> bool:
    try:
        return _object(entry).is_folder
    except DataOpsError:
        return False


def _object(entry: Values) -> Object:
    """The object of an entry.

    Raises:
        DataOpsError: it records none of DVC's.
    """
    return Object(str(entry.get("md5")), str(entry.get("hash") or LEGACY))


def _written(our: bytes, ours: Values, wanted: Values) -> bytes:
    """Our file with other values: as DVC writes it, comments and order kept."""
    if wanted == ours:
        return our
    from ruamel.yaml import YAML

    writer = YAML()
    writer.default_flow_style = False
    content = writer.load(plain(our)) or {}
    _update(content, wanted)
    out = io.StringIO()
    writer.dump(content, out)
    text = out.getvalue()
    return (text.replace("\n", "\r\n") if b"\r\n" in our else text).encode()


def _update(content: Any, wanted: Values) -> None:
    """Give a mapping read for rewriting these values, leaving alone what has them already."""
    for key in [key for key in content if key not in wanted]:
        del content[key]
    for key, value in wanted.items():
        if key in content and content[key] == value:
            continue
        if key == "outs" and isinstance(content.get(key), list) and len(content[key]) == len(value):
            for old, new in zip(content[key], value, strict=True):
                _update(old, new)
        else:
            content[key] = value


def _named(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:FILES]) + (f" and {len(listed) - FILES} more" if len(listed) > FILES else "")


def _way_on(path: str) -> str:
    data = path.removesuffix(".dvc")
    steps = f"`dvc checkout {path}`, make {data} what it shall be, `dvc add {data}`, `git add {path}`, `git commit`"
    return f"go on with {steps}; or take theirs whole: `git checkout --theirs {path}`"


def _united(path: str) -> str:
    """After a merge that stops at a conflict git runs no hook, and `dvc repro` records whatever lies in the folder."""
    data = path.removesuffix(".dvc")
    return f"the files of both sides are in {data} now; if git stops at a conflict, `dvc checkout {path}` comes first"
