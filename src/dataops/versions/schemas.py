"""What changed between the columns of two versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dataops.versions import hashing, tablefiles
from dataops.versions.hashing import Multiset
from dataops.versions.tablefiles import File

TRIED = 30  # columns on either side that are looked through for renamed ones


@dataclass(frozen=True)
class SchemaChange:
    """Columns, in the order of their tables."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    retyped: Mapping[str, tuple[str, str]]
    """Column to its old and new type."""
    shared: tuple[str, ...]
    """Those that both have with the same type."""
    types: tuple[Mapping[str, str], Mapping[str, str]]
    renamed: tuple[tuple[str, str], ...] = field(default=())

    @property
    def any(self) -> bool:
        """Whether a reader could notice."""
        return bool(self.added or self.removed or self.retyped or self.renamed)

    def facts(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "added": list(self.added),
            "removed": list(self.removed),
            "renamed": [list(pair) for pair in self.renamed],
            "retyped": {name: list(types) for name, types in self.retyped.items()},
        }


def schema_change(old: Mapping[str, str], new: Mapping[str, str]) -> SchemaChange:
    """What is gone, new, or of another type."""
    both = [name for name in new if name in old]
    return SchemaChange(
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        retyped={name: (old[name], new[name]) for name in both if old[name] != new[name]},
        shared=tuple(name for name in both if old[name] == new[name]),
        types=(old, new),
    )


def renames(change: SchemaChange, old: Sequence[File], new: Sequence[File]) -> SchemaChange:
    """A removed and an added column of one type with the same values are one that was renamed: a guess, but a good one.

    `old` and `new` are the files that differ: where a column was renamed, all of them.
    """
    removed = [name for name in change.removed if change.types[0][name] in {change.types[1][n] for n in change.added}]
    added = [name for name in change.added if change.types[1][name] in {change.types[0][n] for n in removed}]
    if not removed or not added or max(len(removed), len(added)) > TRIED:
        return change
    before, after = _values(old, removed), _values(new, added)
    found = []
    for name in removed:
        for other in added:
            same_type = change.types[0][name] == change.types[1][other]
            if same_type and before[name] == after[other] and after[other] not in ("", _values([], [other])[other]):
                found.append((name, other))
                added.remove(other)
                break
    gone, came = {name for name, _ in found}, {other for _, other in found}
    return replace(
        change,
        renamed=tuple(found),
        removed=tuple(name for name in change.removed if name not in gone),
        added=tuple(name for name in change.added if name not in came),
    )


def _values(files: Sequence[File], names: Sequence[str]) -> dict[str, str]:
    """A hash of each column's values, whatever it is called."""
    found = {name: Multiset() for name in names}
    for file in files:
        for batch in tablefiles.batches(file, names):
            for name, values in zip(batch.schema.names, batch.columns, strict=True):
                found[name].add(hashing.rows([("", values)], batch.num_rows))
    return {name: str(total) for name, total in found.items()}
