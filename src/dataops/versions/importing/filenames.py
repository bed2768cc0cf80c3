"""`data_registry.json`: copies of files with the version in their names, kept by a script, become versions.

The shape, as the script wrote it; in brackets what is taken for the same:

    {
      "files": {                                             [or the names at the top]
        "movies": {
          "versions": [                                      [or the list itself, or {"v1.0": {…}}]
            {
              "version": "v1.0",                             [VERSIONS]
              "path": "data/versions/movies_v1.0.csv",       [PATHS; from the registry's folder, or from here]
              "checksum": "9f86d08…",                        [metadata.DIGESTS; md5 or SHA-256, by its length]
              "size": 1234,                                  [metadata.SIZES]
              "description": "With ratings",                 [metadata.MESSAGES]
              "created_at": "2024-01-15T10:30:00"            [metadata.TIMES]
            }
          ],
          "latest": "v1.0"                                   [passed over]
        }
      }
    }
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dataops.errors import DataOpsError, Refused
from dataops.repo import cardtext, tags
from dataops.store.objects import Progress
from dataops.versions.context import Context
from dataops.versions.importing import metadata, run
from dataops.versions.importing.bucket import MOVING, name_problems
from dataops.versions.importing.carry import sums_of
from dataops.versions.importing.datasets import working
from dataops.versions.importing.metadata import digest_of, first, text
from dataops.versions.importing.old import Old, OldFile
from dataops.versions.importing.plan import Plan, plan
from dataops.versions.importing.run import Done, Reached, silent

BRANCH = "imported/registry"
VERSIONS = ("version", "version_id", "tag", "id", "name")
PATHS = ("path", "versioned_path", "file_path", "version_path", "file", "filename", "location", "versioned_file")
LISTS = ("files", "datasets", "registry", "data")


class Files:
    """The registry's files, on this machine."""

    def copy(self, file: OldFile, target: Path) -> None:
        """Copy one.

        Raises:
            Refused: it can't be read any more.
        """
        try:
            shutil.copyfile(file.place, target)
        except OSError as error:
            if error.filename == file.place:
                raise Refused(f"{file.place} can't be read: {error.strerror}") from None
            raise


def look(context: Context, path: Path, names: Sequence[str], allow: frozenset[str]) -> Plan:
    """What importing the registry would do. Writes nothing.

    Raises:
        DataOpsError: it can't be read, or has no such name.
    """
    olds, notes = versions(path, context.root or Path(), names)
    return plan(context, olds, str(path), BRANCH, allow, notes)


def bring(
    context: Context,
    path: Path,
    names: Sequence[str] = (),
    *,
    allow: frozenset[str] = frozenset(),
    push: bool = True,
    remote: str | None = None,
    reached: Reached = silent,
    progress: Progress = silent,
) -> Done:
    """Import it, or go on with it.

    Raises:
        Refused: another import runs, or somebody else's names are in the way.
        DataOpsError: the registry, git, the disk or the remote.
    """
    with working(context):
        artifacts = sorted({artifact_name(name) for name in _listed(path)})
        git_remote = run.prepare(context, artifacts, BRANCH, push=push)
        planned = look(context, path, names, allow)
        return run.run(
            context,
            planned,
            Files(),
            git_remote=git_remote,
            remote=remote,
            allow=allow,
            reached=reached,
            progress=progress,
        )


def versions(path: Path, root: Path, names: Sequence[str] = ()) -> tuple[list[Old], list[str]]:
    """Every version of every name, or of these, oldest first; and notes. The files are read, to compare checksums.

    Raises:
        DataOpsError: it is no such registry, or has no such name.
    """
    listed = _listed(path)
    wanted = {artifact_name(name) for name in names}
    called: dict[str, str] = {}
    found, notes = [], []
    for given, entry in listed.items():
        artifact = artifact_name(given)
        if called.setdefault(artifact, given) != given:
            raise DataOpsError(f"{called[artifact]} and {given} would be one artifact", "rename one in the registry")
        if wanted and artifact not in wanted:
            continue
        made = [_version(path, root, artifact, *one) for one in _entries(entry)]
        olds = [old for old in made if old is not None]
        if not olds:
            notes.append(f"{given} has no versions")
        found += olds
    if unknown := wanted - called.keys():
        raise DataOpsError(f"{path} has no {min(unknown)}", f"it has {', '.join(sorted(called)[:10])}")
    if not found:
        raise DataOpsError(f"{path} lists no versions", '{"files": {NAME: {"versions": [{"version": …, "path": …}]}}}')
    return sorted(found, key=lambda old: (old.time, old.artifact, old.name)), notes


def _listed(path: Path) -> Mapping[str, Any]:
    """The registry's names.

    Raises:
        DataOpsError: it is none.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataOpsError(f"{path} can't be read: {error.strerror}", "name the data_registry.json") from None
    document = cardtext.report(content)
    if document is None:
        raise DataOpsError(f"{path} is no JSON object of at most {metadata.LARGEST:,} bytes", "is it the registry?")
    return next((document[name] for name in LISTS if isinstance(document.get(name), Mapping)), document)


def _entries(entry: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and facts of each version in one of the three shapes."""
    if isinstance(entry, Mapping) and isinstance(entry.get("versions"), list | Mapping):
        entry = entry["versions"]
    if isinstance(entry, Mapping):
        for name, one in entry.items():
            if isinstance(one, Mapping) and name.lower() not in MOVING:
                yield text(one, VERSIONS) or name, one
    elif isinstance(entry, list):
        for one in entry:
            if isinstance(one, Mapping) and (name := text(one, VERSIONS)):
                yield name, one


def _version(registry: Path, root: Path, artifact: str, name: str, entry: Mapping[str, Any]) -> Old | None:
    """One version of one file; None where the entry names none."""
    where = text(entry, PATHS)
    if not where:
        return None
    path = next((found for base in (registry.parent, root, Path()) if (found := base / where).is_file()), None)
    damage, hopeless = [*name_problems(name)], ""
    files: tuple[OldFile, ...] = ()
    time = metadata.moment(first(entry, metadata.TIMES))
    if path is None:
        hopeless = f"its file {where} is missing"
    elif not any(path.resolve().is_relative_to(base.resolve()) for base in (registry.parent, root)):
        hopeless = f"its file {where} lies outside the repository and the registry's folder"
    else:
        try:
            sums = sums_of(path)
        except OSError as error:
            return _old(registry, artifact, name, entry, time, hopeless=f"{where} can't be read: {error.strerror}")
        said = digest_of(entry)
        if said and said not in (sums.md5, sums.sha256):
            damage.append(f"{where} was changed since: its checksum is no longer {said[:12]}…")
        time = time or dt.datetime.fromtimestamp(int(path.stat().st_mtime), dt.UTC)
        files = (OldFile(f"{artifact}{path.suffix}", sums.size, str(path), sums.md5),)
    return _old(registry, artifact, name, entry, time, files, tuple(damage), hopeless)


def _old(
    registry: Path,
    artifact: str,
    name: str,
    entry: Mapping[str, Any],
    time: dt.datetime | None,
    files: tuple[OldFile, ...] = (),
    damage: tuple[str, ...] = (),
    hopeless: str = "",
) -> Old:
    return Old(
        artifact,
        "dataset",
        name,
        time or dt.datetime.fromtimestamp(0, dt.UTC),
        f"{text(entry, PATHS)} of {registry.name}",
        files,
        single=True,
        author=text(entry, metadata.AUTHORS),
        message=text(entry, metadata.MESSAGES),
        document=entry,
        damage=damage,
        hopeless=hopeless,
    )


def artifact_name(name: str) -> str:
    """What tags call it: `movies` of `movies.csv` or `data/movies.csv`; other signs become hyphens.

    Raises:
        DataOpsError: nothing is left.
    """
    plain = re.sub(r"[^a-zA-Z0-9_-]+", "-", re.sub(r"\.[A-Za-z0-9]{1,8}$", "", name.rpartition("/")[2])).strip("-_")
    if not tags.is_artifact_name(plain):
        raise DataOpsError(f"{name[:60]!r} can't name an artifact", "letters, digits, - and _")
    return plain
