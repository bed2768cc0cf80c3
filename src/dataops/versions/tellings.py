"""Changes in words: what a person reads in `versions`, in the tag and in a pull request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from dataops.versions.filemap import FileChanges
from dataops.versions.matching import Days
from dataops.versions.schemas import SchemaChange
from dataops.versions.wording import clean, shortened

Kind = Literal["major", "minor", "patch", "re-encoded"]
WEIGHT: Mapping[str, int] = {"major": 3, "minor": 2, "patch": 1, "re-encoded": 0}
LONGEST = 200  # characters of a reason
SHOWN = 3  # names before "and 5 more"
STEPS: Mapping[str, tuple[str, str]] = {"M": ("M", "month"), "W": ("D", "week")}  # days for the others
MONDAY = 3  # 1970 began on a Thursday


class Clause(NamedTuple):
    """One thing that happened."""

    kind: Kind
    text: str


def told(clauses: Sequence[Clause]) -> tuple[Kind, str]:
    """The greatest kind, and a line that begins with it."""
    ordered = sorted(clauses, key=lambda clause: -WEIGHT[clause.kind])
    first, *rest = (clean(clause.text) for clause in ordered)
    line = first + (f"; also {'; '.join(rest)}" if rest else "")
    return ordered[0].kind, shortened(line, LONGEST)


def number(count: int, what: str) -> str:
    """`1 row`, `15,500 rows`."""
    return f"{count:,} {what}{'s' * (count != 1)}"


def names(found: Sequence[str], shown: int = SHOWN) -> str:
    """`a, b, c and 2 more`."""
    more = f" and {len(found) - shown:,} more" if len(found) > shown else ""
    return ", ".join(found[:shown]) + more


def files(changes: FileChanges, what: str = "file") -> list[Clause]:
    """Files that are no table: one more or less is minor, another content or name a patch."""
    renamed = [*changes.moved, *changes.renamed]
    found: list[tuple[Kind, str, Sequence[str]]] = [
        ("minor", "added", changes.added),
        ("minor", "removed", changes.removed),
        ("patch", "changed", changes.changed),
        ("patch", "renamed", [f"{a} to {b}" for a, b in renamed]),
    ]
    return [Clause(kind, f"{number(len(paths), what)} {how} ({names(paths)})") for kind, how, paths in found if paths]


def columns(schema: SchemaChange) -> list[Clause]:
    """A column less or of another type is major, one more is minor."""

    def listed(found: Sequence[str]) -> str:
        return f"column{'s' * (len(found) != 1)} {names(found)}"

    clauses = []
    if schema.removed:
        clauses.append(Clause("major", f"{listed(schema.removed)} removed"))
    if schema.renamed:
        clauses.append(Clause("major", "column " + names([f"{a} renamed to {b}" for a, b in schema.renamed])))
    if schema.retyped:
        changes = [f"{name} retyped from {a} to {b}" for name, (a, b) in schema.retyped.items()]
        clauses.append(Clause("major", "column " + names(changes)))
    if schema.added:
        clauses.append(Clause("minor", f"{listed(schema.added)} added"))
    return clauses


def grown(how: str, days: Days, other: list[Days] | None, frequency: str, facts: dict[str, Any]) -> list[Clause]:
    """Rows that one side has alone: in periods that the other has not, and among those that it has.

    `other`: the days of the other side; None where they aren't known.
    """
    if not len(days):
        return []
    unit, word = STEPS.get(frequency, ("D", "day"))
    known = _steps(days[~np.isnat(days)], unit, word)
    if other is None or not len(known):
        return [Clause("minor", f"{number(len(days), 'row')} {how}{_between(known)}")]
    there = np.unique(np.concatenate([_steps(one[~np.isnat(one)], unit, word) for one in other]))
    fresh = known[~np.isin(known, there)]
    clauses = []
    if len(fresh):
        periods = np.unique(fresh)
        first, last = str(periods[0]), str(periods[-1])
        facts.setdefault("periods", {})[how] = {
            "unit": word, "count": len(periods), "first": first, "last": last, "rows": len(fresh),
        }  # fmt: skip
        where = _range(periods, word)
        clauses.append(Clause("minor", f"{number(len(periods), word)} {how}, {where}: {number(len(fresh), 'row')}"))
    if rest := len(days) - len(fresh):
        inside = known[np.isin(known, there)]
        clauses.append(Clause("minor", f"{number(rest, 'row')} {how}{_between(inside)}"))
    return clauses


def _steps(days: Days, unit: str, word: str) -> Days:
    """The start of each day's period."""
    if word == "week":
        return ((days.astype(np.int64) + MONDAY) // 7 * 7 - MONDAY).astype("datetime64[D]")
    return days.astype(f"datetime64[{unit}]")


def _range(periods: Days, word: str) -> str:
    """`2025-01-01 to 2025-01-31`, or `between …` where some of them are not there."""
    first, last = periods[0], periods[-1]
    if first == last:
        return str(first)
    whole = (last - first).astype(np.int64) // (7 if word == "week" else 1) + 1 == len(periods)
    return f"{first} to {last}" if whole else f"between {first} and {last}"


def _between(periods: Days) -> str:
    if not len(periods):
        return ""
    first, last = periods.min(), periods.max()
    return f" in {first}" if first == last else f" between {first} and {last}"


def corrected(rows: int, followed: int, own: Sequence[str], derived: Sequence[str]) -> Clause:
    """Rows of the same key with other values, and derived values that follow from them."""
    if not rows:
        where = f" in {names(derived)}" if derived else ""
        return Clause("patch", f"{number(followed, 'row')} changed{where}, none of the contract's columns")
    where = f" in {names(own)}" if own else ""
    more = f"; {number(followed, 'row')} of features follow{'s' * (followed == 1)}" if followed else ""
    return Clause("patch", f"{number(rows, 'row')} corrected{where}{more}")


def moved(routes: Mapping[tuple[str, str], int], what: str = "row") -> Clause:
    """Rows that are in another part than before."""
    total = number(sum(routes.values()), what)
    ways = [f"{a or 'the top'} to {b or 'the top'}" for a, b in sorted(routes)]
    return Clause("minor", f"{total} moved from {names(ways)}")


def recoded(tables: FileChanges, rows: int | None) -> Clause:
    """The same rows."""
    same = "the same rows" if rows is None else f"the same {number(rows, 'row')}"
    count = len({*tables.added, *tables.removed, *tables.changed})
    other = f"in other bytes ({number(count, 'file')})" if count else ""
    renamed = f"{number(len(tables.renamed), 'file')} renamed" if tables.renamed else ""
    return Clause("re-encoded", ", ".join(filter(None, [f"{same} {other}".strip(), renamed])))
