"""An import in print: its plan, and what it did. Whatever stands in somebody's bucket is made harmless first."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from dataops.cli.terminal import size, table
from dataops.cli.versiontext import line

if TYPE_CHECKING:
    from dataops.versions.importing.plan import Left, Plan, Step, Stored
    from dataops.versions.importing.run import Done

WIDEST = 200
NAME = 50


def plan(planned: Plan, there: Stored, *, as_json: bool) -> int:
    """Print what would be done; the exit status."""
    if as_json:
        _print({**_json(planned, [(one, None) for one in planned.steps], planned.left), "stored": _stored(there)})
        return int(bool(planned.left))
    more = ("on the remote",) if there.bytes else ()
    rows: list[tuple[str, ...]] = [("old name", "version", "time", "files", "size", *more)]
    for one in planned.steps:
        found = sum(file.size for file in one.old.files if file.place in there.places)
        rows.append((*_row(one), *((size(found) if found else "",) if more else ())))
    if planned.steps:
        print(table(rows))
    _said(planned, planned.left)
    count = len(planned.steps)
    if count:
        saved = size(planned.bytes - planned.distinct)
        print(
            f"{_many(count, 'version')} to import: {size(planned.bytes)} in {line(planned.source, WIDEST)}, "
            f"{size(planned.distinct)} with identical files once ({saved} saved)"
            + (f"; {size(there.bytes)} of that on the remote already" if there.bytes else "")
        )
        print(f"nothing was written; without --dry-run they go to the branch {planned.branch}, with a tag each")
    else:
        print(_nothing(planned))
    return int(bool(planned.left))


def done(made: Done, *, as_json: bool) -> int:
    """Print what was done; the exit status."""
    planned = made.plan
    if as_json:
        facts = _json(planned, made.made, made.left)
        _print({**facts, "tip": made.tip, "fetched": made.fetched, "stored": made.stored, "pushed": made.pushed})
        return int(bool(made.left))
    if made.made:
        rows = [("old name", "version", "time", "files", "size", "commit")]
        print(table([*rows, *((*_row(one), sha[:7]) for one, sha in made.made)]))
    _said(planned, made.left)
    if made.made:
        total = sum(one.old.bytes for one, _ in made.made)
        print(
            f"{_many(len(made.made), 'version')} imported: {size(total)} in {line(planned.source, WIDEST)}, "
            f"{size(made.stored)} stored, each content once; every object is proven on the remote"
        )
    else:
        print(_nothing(planned))
    if made.pushed and made.refs:
        print(f"pushed to {made.pushed}: the branch {planned.branch} and its tags")
    elif made.made and not made.pushed:
        print(f"the branch {planned.branch} and its tags are in this clone only: run it without --no-push later")
    if made.made:
        print(f"next: git merge -s ours --allow-unrelated-histories {planned.branch}")
        print("      changes no file; then the next `dataops release` numbers after them")
    return int(bool(made.left))


def _nothing(planned: Plan) -> str:
    count = len(planned.there)
    return f"nothing new: {_many(count, 'version')} imported before" if count else "there is nothing to import"


def _row(one: Step) -> tuple[str, ...]:
    old = one.old
    return (line(old.name, NAME), one.name, f"{old.time:%Y-%m-%d %H:%M}", f"{len(old.files):,}", size(old.bytes))


def _said(planned: Plan, left: Sequence[Left]) -> None:
    """What is not imported, and why."""
    for note in planned.notes:
        print(f"note: {line(note, WIDEST)}")
    for one in left:
        reasons = "; ".join(line(reason, WIDEST) for reason in one.reasons[:3])
        more = f" (and {len(one.reasons) - 3} more)" if len(one.reasons) > 3 else ""
        print(
            f"left out: {line(one.old.full_name, NAME)}: {reasons}{more}"
            + (f"\n   hint: {line(one.hint)}" if one.hint else "")
        )


def _json(planned: Plan, made: Iterable[tuple[Step, str | None]], left: Sequence[Left]) -> dict[str, Any]:
    return {
        "source": planned.source,
        "branch": planned.branch,
        "versions": [
            {
                "old_name": one.old.name,
                "version": one.name,
                "tag": one.tag,
                "time": f"{one.old.time:%Y-%m-%dT%H:%M:%SZ}",
                "files": len(one.old.files),
                "bytes": one.old.bytes,
                "commit": sha,
            }
            for one, sha in made
        ],
        "before": [{"old_name": old.name, "version": version.name} for old, version in planned.there],
        "left_out": [
            {
                "artifact": one.old.artifact,
                "old_name": one.old.name,
                "reasons": list(one.reasons),
                "hint": one.hint,
            }
            for one in left
        ],
        "notes": list(planned.notes),
        "bytes": planned.bytes,
        "distinct_bytes": planned.distinct,
    }


def _stored(there: Stored) -> dict[str, Any]:
    return {"bytes": there.bytes, "files": there.files} if there.known else {"bytes": None, "files": None}


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def _print(value: Any) -> None:
    from dataops.files import to_json

    sys.stdout.write(to_json(value))
