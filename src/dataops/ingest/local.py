"""The source `files`: paths, folders, patterns and archives on this machine."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dataops.errors import DataOpsError
from dataops.ingest.source import Context, Incoming, Taken
from dataops.tables.archives import expand, is_archive
from dataops.tables.sources import FORMATS, is_source


@dataclass(frozen=True)
class Files:
    """What the arguments name, relative to `folder`."""

    arguments: list[str]
    folder: Path = Path()
    kind = "files"

    def take(self, context: Context) -> Taken:
        """Find the data files; archives are expanded into the work folder.

        Raises:
            DataOpsError: an argument names nothing, or names a single file that is no data.
        """
        named = ", ".join(Path(argument).name or argument for argument in self.arguments)
        taken = Taken(description=named if len(named) <= 200 else f"{named[:200]} … ({len(self.arguments)} arguments)")
        for number, path in enumerate(self.paths()):
            if path.is_dir():
                self._folder(path, context, taken, f"{number}")
            elif is_archive(path.name):
                self._archive(path, context, taken, f"{number}")
            elif is_source(path.name):
                taken.files.append(Incoming(path.name, path))
            else:
                taken.skipped.append(path.name)
        if not taken.files:
            raise DataOpsError(
                f"no data files in {named}" + (f" (skipped: {', '.join(taken.skipped[:3])})" if taken.skipped else ""),
                f"known: {' '.join(FORMATS)}, also compressed or in .tar and .zip archives",
            )
        return taken

    def paths(self) -> Iterator[Path]:
        """What the arguments name, each once. A file called `a[1].csv` comes before the pattern."""
        seen = set()
        for argument in self.arguments:
            plain = self.folder / Path(argument).expanduser()
            if os.path.lexists(plain):
                matches = [plain]
            elif glob.has_magic(argument):
                matches = self._matches(argument)
            else:
                raise DataOpsError(f"{argument}: there is no such file or folder", _scheme_hint(argument))
            if not matches:
                raise DataOpsError(f"{argument} matches no file")
            for match in matches:
                if not match.exists():
                    raise DataOpsError(f"{match} is a link that leads nowhere")
                if match.resolve() not in seen:
                    seen.add(match.resolve())
                    yield match

    def _matches(self, pattern: str) -> list[Path]:
        found = glob.glob(os.path.expanduser(pattern), root_dir=self.folder, recursive=True)  # noqa: PTH111, PTH207
        return [self.folder / match for match in sorted(found)]  # the folder's own name is no pattern

    def _folder(self, folder: Path, context: Context, taken: Taken, number: str) -> None:
        inside = folder.resolve()
        for where, folders, files in os.walk(folder, onerror=_unreadable):
            taken.skipped.extend(f"{name}/" for name in folders if name.startswith("."))
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(files):
                path = Path(where, name)
                relative = path.relative_to(folder).as_posix()
                if name.startswith(".") or not path.is_file() or not path.resolve().is_relative_to(inside):
                    taken.skipped.append(relative)
                elif is_archive(name):
                    self._archive(path, context, taken, f"{number}-{len(taken.files)}-{len(taken.skipped)}")
                elif is_source(name):
                    taken.files.append(Incoming(relative, path))
                else:
                    taken.skipped.append(relative)

    def _archive(self, path: Path, context: Context, taken: Taken, number: str) -> None:
        target = context.work / f"archive-{number}"
        names, left = expand(path, target)
        taken.files.extend(Incoming(name, target / name) for name in sorted(names))
        taken.skipped.extend(f"{path.name}: {name}" for name in left)


def _unreadable(error: OSError) -> None:
    raise error


def _scheme_hint(argument: str) -> str:
    if argument.startswith("s3:"):
        return "an S3 source is written s3://bucket/prefix"
    return "other sources: sample, s3://bucket/prefix, http URL"
