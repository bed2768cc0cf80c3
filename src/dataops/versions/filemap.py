"""What changed between two maps of files, by name and digest alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dataops.versions.tablefiles import kind, part


@dataclass(frozen=True)
class FileChanges:
    """Paths, sorted. Of a file that moved the old and the new one."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    moved: tuple[tuple[str, str], ...]
    """The same content in another part (the first folder)."""
    renamed: tuple[tuple[str, str], ...]
    """The same content under another name in the same part."""

    @property
    def any(self) -> bool:
        """Whether there is a difference."""
        return bool(self.added or self.removed or self.changed or self.moved or self.renamed)

    @property
    def old(self) -> list[str]:
        """Paths of the old side whose content the new one has not, or less often."""
        return [*self.removed, *self.changed]

    @property
    def new(self) -> list[str]:
        """Paths of the new side whose content the old one has not, or less often."""
        return [*self.added, *self.changed]

    def counts(self) -> dict[str, Any]:
        """How many of each."""
        return {name: len(getattr(self, name)) for name in ("added", "removed", "changed", "moved", "renamed")}


def compare(old: Mapping[str, str], new: Mapping[str, str]) -> FileChanges:
    """Digests by path, as sets of contents: one that two files have and then three is one file more."""
    here = {path for path in old if new.get(path) != old[path]}
    there = {path for path in new if old.get(path) != new[path]}
    pairs = _same_content(old, new, here, there)
    here -= {a for a, _ in pairs}
    there -= {b for _, b in pairs}
    return FileChanges(
        added=tuple(sorted(there - here)),
        removed=tuple(sorted(here - there)),
        changed=tuple(sorted(here & there)),
        moved=tuple((a, b) for a, b in pairs if part(a) != part(b)),
        renamed=tuple((a, b) for a, b in pairs if part(a) == part(b)),
    )


def _same_content(
    old: Mapping[str, str], new: Mapping[str, str], here: set[str], there: set[str]
) -> list[tuple[str, str]]:
    """Paths that hold the same content under different names, each once; those in the same part first.

    A table that gets a name which hides it from readers is not the same any more.
    """
    waiting: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path in sorted(there):
        waiting[new[path], str(kind(path)), part(path)].append(path)
    pairs, left = [], []
    for path in sorted(here):
        same = waiting[old[path], str(kind(path)), part(path)]
        if same:
            pairs.append((path, same.pop(0)))
        else:
            left.append(path)
    elsewhere: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for (digest, its, _), paths in sorted(waiting.items()):
        elsewhere[digest, its] += [other for other in paths if other not in old]
    for path in left:
        if path in new:  # another file stands there now: its rows say better what moved
            continue
        if same := elsewhere[old[path], str(kind(path))]:
            pairs.append((path, same.pop(0)))
    return sorted(pairs)
