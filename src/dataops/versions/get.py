"""The verified bytes of a version, beside the working tree and never in it."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataops.errors import DataOpsError, Refused
from dataops.files import write_bytes
from dataops.repo.git import Git
from dataops.repo.names import Target
from dataops.repo.recorded import Snapshot
from dataops.store.objects import Object, Progress, Store, silent
from dataops.store.staging import check_targets, require_plain
from dataops.store.transfer import Fetched, Wanted, fetch
from dataops.versions import context as contexts
from dataops.versions.context import Context
from dataops.versions.files import Listing, artifact_of, listing
from dataops.versions.sources import Sources

THREADS = 8


@dataclass(frozen=True)
class Got:
    """What came, and where it is."""

    version: str | None
    """`dataset@v1.2.0`; None for a revision that is no version."""
    commit: str
    path: str
    out: Path
    files: int
    bytes: int
    from_cache: int
    from_remote: int
    from_git: int
    already: int
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Every field, with paths as text."""
        return {**vars(self), "out": str(self.out), "notes": list(self.notes)}


@dataclass(frozen=True)
class Chosen:
    """What somebody asked for, found."""

    context: Context
    """The DVC repository that it lies in."""
    target: Target
    snapshot: Snapshot
    listing: Listing
    name: str
    """Of the artifact, or of the path."""
    store: Store

    @property
    def version(self) -> str | None:
        """Its full name, where it is a version of what was asked for."""
        return self.target.version.name if self.target.version is not None else None


def get(
    version: str,
    out: str | os.PathLike[str] | None = None,
    *,
    files: Sequence[str] = (),
    path: str | None = None,
    repo: str | None = None,
    remote: str | None = None,
    force: bool = False,
    threads: int = THREADS,
    progress: Progress = silent,
) -> Got:
    """Fetch a version's files into `out` (default: `./dataset-v1.2.0`), verified.

    `files` are names, folders or patterns below the artifact; `path` takes any output of that commit instead of the
    artifact; `repo` is the URL or path of somebody's repository. Objects in the cache are reused, after their hash was
    checked. Run again after an interruption it goes on.

    Raises:
        Refused: an object is damaged or missing, or a file with other content is in the way (unless `force`).
        DataOpsError: there is no such version, or remote, network or disk fail.
    """
    there = contexts.there(repo) if repo else contexts.here()
    chosen = choose(there, version, files=files, path=path, remote=remote)
    there = chosen.context
    target = Path(out) if out is not None else Path(default_folder(chosen))
    if target.exists() and not target.is_dir():
        raise DataOpsError(f"{target} is a file", "--out names a folder")
    found = chosen.listing
    check_targets(target, found.names)
    if not files and not force:
        _require_own(target, found.names, chosen)
    taken = _from_git(there.git, chosen.snapshot.commit, found.in_git)
    already = _compare(taken, target, force=force)
    done = fetch(
        wanted(found.objects),
        chosen.store,
        there.cache,
        target,
        threads=threads,
        progress=progress,
        force=force,
        expected=found.size,
    )
    for name, content in taken.items():
        if name not in already:
            require_plain(target, target / name)
            write_bytes(target / name, content)
    return _got(chosen, target, done, {name: len(text) for name, text in taken.items() if name not in already})


def choose(
    there: Context, asked: str, *, files: Sequence[str] = (), path: str | None = None, remote: str | None = None
) -> Chosen:
    """The files that `asked` means; of its artifact, or of `path` at its commit.

    Raises:
        DataOpsError: there is no such version, artifact, path or file.
    """
    target = there.taken(asked)
    there, path = there.focused(target, path)
    snapshot = there.snapshot(target.commit)
    if path is None:
        artifact = artifact_of(snapshot, target)
        place, name = artifact.path, artifact.name.rpartition(":")[2]
    else:
        place, name = path, posixpath.basename(posixpath.normpath(path)) or "files"
    store = Sources(there, remote)
    found = listing(there.git, there.prefix, snapshot, place, store, there.cache)
    return Chosen(there, target, snapshot, found.only(files), name, store)


def default_folder(chosen: Chosen) -> str:
    """`dataset-v1.2.0`, or `dataset-a1b2c3d` where the commit is no version; for another path `raw-v1.2.0`."""
    version = chosen.target.version
    return f"{chosen.name}-{version.number if version is not None else chosen.target.commit[:7]}"


def _require_own(target: Path, names: Sequence[str], chosen: Chosen) -> None:
    """Two versions in one folder would be read as one.

    Raises:
        Refused: the folder holds files that this one has not.
    """
    known = set(names)
    found = (path.relative_to(target).as_posix() for path in sorted(target.rglob("*")) if not path.is_dir())
    others = [name for name in found if name not in known]
    if others:
        many = f"{len(others)} files" if len(others) > 1 else "a file"
        name = chosen.version or chosen.name
        raise Refused(
            f"{target} holds {many} that {name} has not, as {others[0]}", "--out goes elsewhere; --force mixes them"
        )


def wanted(objects: Mapping[str, Object]) -> list[Wanted]:
    """Each object once, with every name it has."""
    names: dict[Object, list[str]] = {}
    for name, obj in objects.items():
        names.setdefault(obj, []).append(name)
    return [Wanted(obj, tuple(places)) for obj, places in names.items()]


def _from_git(git: Git, commit: str, paths: Mapping[str, str]) -> dict[str, bytes]:
    """The content of files that git tracks."""
    found = git.batch([f"{commit}:{path}" for path in paths.values()])
    return {name: blob.content for name, blob in zip(paths, found, strict=True) if blob is not None}


def _compare(taken: Mapping[str, bytes], out: Path, *, force: bool) -> set[str]:
    """The files of git that are there already.

    Raises:
        Refused: one is there with other content.
    """
    right = set()
    for name, content in taken.items():
        path = out / name
        if path.is_file() and not path.is_symlink() and path.read_bytes() == content:
            right.add(name)
        elif (path.exists() or path.is_symlink()) and not force:
            raise Refused(f"{path} is there with other content", "--force replaces it; --out goes elsewhere")
    return right


def _got(chosen: Chosen, out: Path, done: Fetched, from_git: Mapping[str, int]) -> Got:
    return Got(
        version=chosen.version,
        commit=chosen.target.commit,
        path=chosen.listing.path,
        out=out,
        files=len(chosen.listing.names),
        bytes=done.bytes + sum(from_git.values()),
        from_cache=done.from_cache,
        from_remote=done.from_remote,
        from_git=len(from_git),
        already=len(chosen.listing.names) - done.files + done.already - len(from_git),
        notes=(
            *done.notes,
            *(
                f"{path} was never downloaded where it was recorded, and is left out"
                for path in chosen.listing.left_out
            ),
        ),
    )
