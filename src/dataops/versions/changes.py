"""What kind of change leads from one version to the next, and why, in a line for people.

A column removed, renamed or retyped, or keys redefined: major. Rows, columns or periods added or removed: minor. The
same keys with other values: patch. The same rows in other bytes: re-encoded. Of several the greatest counts and comes
first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dataops.versions import filemap, matching, tablefiles, tellings
from dataops.versions.filemap import FileChanges
from dataops.versions.matching import Columns, Matched, Rows
from dataops.versions.rows import Described
from dataops.versions.schemas import SchemaChange, renames, schema_change
from dataops.versions.tablefiles import File, NoTable
from dataops.versions.tellings import Clause

Bring = Callable[[Sequence[str]], Mapping[str, Path]]


@dataclass(frozen=True)
class Side:
    """One version, as far as it is known without its bytes."""

    files: Mapping[str, str]
    """Path below the artifact to the digest that DVC has."""
    bring: Bring
    """Local files for some of the paths. Called for what the other side has not, so that growth stays cheap."""
    keys: Sequence[str] | None = None
    """What identifies a row: the contract's keys and time."""
    time: str | None = None
    columns: Sequence[str] | None = None
    """The contract's columns; all others are derived from them. None: there is no contract."""
    described: Described | Mapping[str, Any] | None = None
    """What is known of the content: of this program, or of a card."""
    frequency: str = "D"
    """The contract's step of time, in which periods are counted."""
    local: bool = True
    """Whether bringing costs nothing. Then files that both sides have are looked at, too, to tell new periods."""

    def known(self, name: str, kind: type) -> Any:
        """`rows`, `schema` or `row_hash`, where it is known."""
        described = self.described
        value = described.get(name) if isinstance(described, Mapping) else getattr(described, name, None)
        return value if isinstance(value, kind) else None


@dataclass(frozen=True)
class Change:
    """The step from one version to the next."""

    kind: Literal["first", "major", "minor", "patch", "re-encoded", "none"]
    reason: str
    """One line of at most 200 characters."""
    facts: dict[str, Any]
    """The figures behind it, as JSON can hold them."""


def classify(old: Side | None, new: Side) -> Change:
    """The kind of change from `old` to `new`.

    Raises:
        DataOpsError: a Parquet file is damaged, or `bring` can't get one.
    """
    if old is None:
        return Change("first", "the first version", {})
    files = filemap.compare(old.files, new.files)
    if not files.any:
        return Change("none", "the same files", {"files": files.counts()})
    kinds = [tablefiles.table_kind(side.files) for side in (old, new)]
    facts: dict[str, Any] = {"files": files.counts()}
    clauses: list[Clause]
    try:
        if kinds[0] is None and kinds[1] is None:
            clauses = tellings.files(files)
        elif kinds[0] != kinds[1] and old.files and new.files:
            clauses = [Clause("major", f"now {kinds[1] or 'no table'}, was {kinds[0] or 'no table'}")]
        else:
            clauses = _tables(old, new, files, str(kinds[0] or kinds[1]), facts)
    except NoTable:  # by its name it is one
        clauses = tellings.files(files)
    kind, reason = tellings.told(clauses)
    return Change(kind, reason, facts)


def _tables(old: Side, new: Side, files: FileChanges, kind: str, facts: dict[str, Any]) -> list[Clause]:
    """What happened to columns, rows and other files."""
    tables, others = _split(files, kind)
    clauses = tellings.files(others, "other file")
    hashes = [side.known("row_hash", str) for side in (old, new)]
    schemas = [side.known("schema", dict) for side in (old, new)]
    if None not in (*hashes, *schemas) and hashes[0] == hashes[1] and not schema_change(*schemas).any:
        return clauses or _recoded(tables, new.known("rows", int), facts)
    brought = _bring(old, new, tables, kind, sample=None in schemas)
    schema = schema_change(*(known or found for known, found in zip(schemas, brought.schemas, strict=True)))
    schema = renames(schema, brought.old, brought.new)
    columns = compared(old, new, schema)
    rows = [matching.load(side, columns) for side in (brought.old, brought.new)]
    matched = matching.match(*rows, keyed=bool(columns.keys))
    facts["columns"] = schema.facts()
    clauses += tellings.columns(schema) + _keys(old, new, facts)
    told = _rows(new, tables, columns, rows, matched, kind, facts)
    return clauses + told or _recoded(tables, new.known("rows", int), facts)


def _split(files: FileChanges, kind: str) -> tuple[FileChanges, FileChanges]:
    """Changes of the table's files, and of all else that lies with them."""

    def is_table(entry: str | tuple[str, str]) -> bool:
        paths = (entry,) if isinstance(entry, str) else entry
        return all(tablefiles.kind(path) == kind for path in paths)

    names = ("added", "removed", "changed", "moved", "renamed")
    return tuple(  # type: ignore[return-value]
        FileChanges(**{name: tuple(one for one in getattr(files, name) if is_table(one) == wanted) for name in names})
        for wanted in (True, False)
    )


@dataclass(frozen=True)
class _Brought:
    """What each side has and the other has not, as local files, and the columns of each side."""

    old: list[File]
    new: list[File]
    schemas: tuple[dict[str, str], dict[str, str]]


def _bring(old: Side, new: Side, tables: FileChanges, kind: str, *, sample: bool) -> _Brought:
    """Fetch what differs; with `sample` one file more that both have, if any, for the columns of the rest."""
    differing = set(tables.new)
    shared = sorted(path for path in new.files if tablefiles.kind(path) == kind and path not in differing)
    more = shared[:1] if sample else []
    local = [side.bring(paths) if paths else {} for side, paths in ((old, tables.old), (new, [*tables.new, *more]))]
    found = [
        [File(path, where[path], kind) for path in paths]
        for where, paths in zip(local, (tables.old, tables.new), strict=True)
    ]
    extra = [File(path, local[1][path], kind) for path in more]
    schemas = [tablefiles.union(tablefiles.schema(file) for file in [*one, *extra]) for one in found]
    return _Brought(found[0], found[1], (schemas[0], schemas[1]))


def compared(old: Side, new: Side, schema: SchemaChange) -> Columns:
    """The columns to compare rows by: those that both sides have with the same type."""
    keys = tuple(new.keys or ())
    if not set(keys) <= set(schema.shared):
        keys = ()
    contract = set(schema.shared if new.columns is None else [*new.columns, *(old.columns or ())])
    rest = [name for name in schema.shared if name not in keys]
    return Columns(
        keys,
        tuple(name for name in rest if name in contract),
        tuple(name for name in rest if name not in contract),
        new.time if new.time in schema.shared else None,
    )


def _keys(old: Side, new: Side, facts: dict[str, Any]) -> list[Clause]:
    if not old.keys or not new.keys or set(old.keys) == set(new.keys):
        return []
    facts["keys"] = [list(old.keys), list(new.keys)]
    return [Clause("major", f"keys redefined: {', '.join(new.keys)}; were {', '.join(old.keys)}")]


def _rows(
    new: Side, tables: FileChanges, columns: Columns, rows: Sequence[Rows], matched: Matched, kind: str,
    facts: dict[str, Any],
) -> list[Clause]:  # fmt: skip
    """What happened to rows, with the figures."""
    before, after = rows
    counts = {
        "added": len(matched.added), "removed": len(matched.removed), "corrected": len(matched.corrected.old),
        "followed": len(matched.followed.old), "moved": len(matched.moved.old),
    }  # fmt: skip
    if not columns.keys and counts["added"] == counts["removed"]:  # nobody can say which became which
        counts["corrected"], counts["added"], counts["removed"] = counts["added"], 0, 0
    facts["rows"] = counts
    clauses = []
    if counts["added"] or counts["removed"]:
        shared = _days_of_shared(new, tables, kind, columns)
        for how, side, other, places in (("added", after, before, matched.added),
                                         ("removed", before, after, matched.removed)):  # fmt: skip
            there = None if shared is None else [other.day, *shared]
            clauses += tellings.grown(how, side.day[places], there, new.frequency, facts)
    if counts["corrected"] or counts["followed"]:
        names = matching.differing(before, after, matched.corrected, columns.own) if columns.keys else []
        derived = [] if names else matching.differing(before, after, matched.followed, columns.derived)
        facts["columns"]["corrected"] = names or derived
        clauses.append(tellings.corrected(counts["corrected"], counts["followed"], names, derived))
    routes = _routes(new, tables, rows, matched, kind)
    if tables.moved and not new.local and not (counts["added"] or counts["removed"]):
        ways = Counter((tablefiles.part(a), tablefiles.part(b)) for a, b in tables.moved)
        clauses.append(tellings.moved(ways, "file"))
    if routes:
        facts["moved"] = {f"{a or '.'} to {b or '.'}": count for (a, b), count in routes.items()}
        counts["moved"] = sum(routes.values())
        if not (counts["added"] or counts["removed"]):
            clauses.append(tellings.moved(routes))
    return clauses


def _days_of_shared(new: Side, tables: FileChanges, kind: str, columns: Columns) -> list[matching.Days] | None:
    """The days of what both sides have; None where nobody knows without fetching it."""
    differing = set(tables.new)
    shared = [path for path in new.files if tablefiles.kind(path) == kind and path not in differing]
    if columns.time is None or (shared and not new.local):
        return None
    local = new.bring(shared) if shared else {}
    only_time = Columns((), (), (), columns.time)
    return [matching.load([File(path, local[path], kind)], only_time).day for path in shared]


def _routes(
    new: Side, tables: FileChanges, rows: Sequence[Rows], matched: Matched, kind: str
) -> dict[tuple[str, str], int]:
    """How many rows moved from which part to which, in files that moved as they are and among others."""
    found: dict[tuple[str, str], int] = {}
    if tables.moved and new.local:
        local = new.bring([path for _, path in tables.moved])
        for a, b in tables.moved:
            route = tablefiles.part(a), tablefiles.part(b)
            if rows_there := tablefiles.count(File(b, local[b], kind)):
                found[route] = found.get(route, 0) + rows_there
    parts = rows[0].parts(matched.moved.old), rows[1].parts(matched.moved.new)
    for pair in zip(*parts, strict=True):
        found[pair] = found.get(pair, 0) + 1
    return found


def _recoded(tables: FileChanges, rows: int | None, facts: dict[str, Any]) -> list[Clause]:
    """No row differs."""
    facts.setdefault("rows", dict.fromkeys(("added", "removed", "corrected", "followed", "moved"), 0))
    return [tellings.recoded(tables, rows)]


def classify_model(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> Change:
    """The same for a model: its input columns, then the data it learnt from, then all else.

    Args:
        old: the card of the version before; None: there was none; empty: it has no card.
        new: `features`, the input columns, and `data`, the dataset versions it was trained on, as the card has them:
            `[{"version": "dataset@v1.2.0", "hash": "….dir"}]`.
    """
    if old is None:
        return Change("first", "the first version", {})
    schema, data = old.get("schema"), old.get("data")
    before = list(schema) if isinstance(schema, Mapping) else None
    after = list(new.get("features") or [])
    clauses = []
    facts: dict[str, Any] = {
        "columns": {"added": [], "removed": []},
        "data": [_versions(data), _versions(new.get("data"))],
    }
    if before and after:
        removed, added = [name for name in before if name not in after], [name for name in after if name not in before]
        facts["columns"] = {"added": added, "removed": removed}
        told = [f"{tellings.names(found)} {how}" for found, how in ((removed, "removed"), (added, "added")) if found]
        if told:
            clauses.append(Clause("major", f"input columns changed: {', '.join(told)}"))
    if not data:
        clauses.append(Clause("minor", "what the version before was trained on is not recorded"))
    elif _hashes(data) != _hashes(new.get("data")):
        came, went = (", ".join(_versions(side)) or "data of no version" for side in (new.get("data"), data))
        clauses.append(Clause("minor", f"trained on {came}; before on {went}"))
    kind, reason = tellings.told(clauses or [Clause("patch", "other code or parameters, the same data")])
    return Change(kind, reason, facts)


def _versions(data: Any) -> list[str]:
    """The names of the data versions of a card."""
    return [str(one.get("version")) for one in data or () if isinstance(one, Mapping)]


def _hashes(data: Any) -> set[str]:
    """What identifies them: their hashes, or names where a card has none."""
    return {str(one.get("hash") or one.get("version")) for one in data or () if isinstance(one, Mapping)}
