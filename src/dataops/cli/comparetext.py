"""A comparison for people: as a table on a terminal, as Markdown in a pull request."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dataops.cli import terminal
from dataops.tables.figures import figure
from dataops.versions.wording import clean

LISTED = 10  # files on a terminal
MOST = 500  # files in Markdown
STATISTICS = ("missing", "mean", "std", "min", "median", "max")
MARKS = "\\`*[]<|~&#!"
OUTER = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")  # Markdown takes the others for themselves
Row = Sequence[str]
Facts = Mapping[str, Any]


def summary(facts: Facts) -> list[Row]:
    """What the two versions are: one row a property, the first the head."""
    old, new = facts["old"], facts["new"]
    rows: list[Row] = [("", old["name"], new["name"], "")]
    rows.append(("commit", old["commit"][:7], new["commit"][:7], ""))
    rows.append(("time", _time(old["time"]), _time(new["time"]), duration(facts["seconds_between"])))
    for name, show in (("rows", _count), ("bytes", size), ("files", _count)):
        if old[name] is not None or new[name] is not None:
            rows.append((name, show(old[name]), show(new[name]), _difference(old[name], new[name], show)))
    if facts["schema"] is not None:
        a, b = facts["schema"]["columns"]
        rows.append(
            (
                "contract columns" if facts["schema"]["from"] == "profile" else "columns",
                _count(a),
                _count(b),
                _difference(a, b, _count),
            )
        )
    for name, sides in (facts["keys"] or {}).items():
        shown = [_range(sides[side]) for side in ("old", "new")]
        rows.append((clean(name), *shown, "" if shown[0] == shown[1] else "changed"))
    return rows


def remarks(facts: Facts) -> list[str]:
    """What has to be said in words."""
    lines = []
    change = facts["change"]
    if facts["same"]:
        lines.append("the same content")
    elif change is not None:
        lines.append(clean(f"{change['kind']}: {change['reason']}"))
    schema = facts["schema"] or {}
    for what in ("removed", "added"):
        lines += [clean(f"column {name} {what} ({kind})") for name, kind in schema.get(what, {}).items()]
    lines += [clean(f"column {name} retyped, {a} to {b}") for name, (a, b) in schema.get("retyped", {}).items()]
    if not facts["files"]["known"]:
        lines.append(clean(f"which files differ isn't known: {facts['files']['why']}"))
    if facts["columns"] is None:
        lines.append("no statistics: not both commits have a profile; --rows reads the data")
    return lines


def changed_files(facts: Facts) -> list[Row]:
    """One row a file: what happened, its path, its bytes."""
    found = facts["files"]
    rows: list[Row] = []
    for what in ("added", "removed", "modified", "moved") if found["known"] else ():
        for entry in found[what]:
            path = clean(f"{entry['from']} to {entry['path']}" if what == "moved" else entry["path"])
            before = f"{size(entry['bytes_before'])} -> " if what == "modified" else ""
            rows.append((what, path, before + size(entry["bytes"])))
    return rows


def numeric(facts: Facts) -> list[Row]:
    """One row a column of numbers, the first the head."""
    rows: list[Row] = [("column", *STATISTICS)]
    for name, entry in (facts["columns"] or {}).items():
        if entry["kind"] == "numeric":
            old, new = entry["old"] or {}, entry["new"] or {}
            rows.append((clean(name), *(_pair(old.get(what), new.get(what)) for what in STATISTICS)))
    return rows if len(rows) > 1 else []


def categorical(facts: Facts) -> list[Row]:
    """One row a column of categories or times, the first the head."""
    rows: list[Row] = [("column", "missing", "distinct", "new", "vanished")]
    for name, entry in (facts["columns"] or {}).items():
        if entry["kind"] == "categorical":
            old, new = entry["old"] or {}, entry["new"] or {}
            fresh, gone = (_names(entry.get(what, [])) for what in ("appeared", "vanished"))
            pairs = (_pair(old.get(what), new.get(what)) for what in ("missing", "distinct"))
            rows.append((clean(name), *pairs, fresh, gone))
    return rows if len(rows) > 1 else []


def table(facts: Facts) -> str:
    """For a terminal."""
    blocks = ["\n".join([terminal.table(summary(facts)), *remarks(facts)])]
    files = changed_files(facts)
    if files:
        more = [f"… and {len(files) - LISTED:,} more: --json lists all"] if len(files) > LISTED else []
        blocks.append("\n".join([terminal.table(files[:LISTED]), *more]))
    blocks += [terminal.table(rows) for rows in (numeric(facts), categorical(facts)) if rows]
    return "\n\n".join(blocks) + "\n"


def markdown(facts: Facts) -> str:
    """For a pull request: the summary, and what is long folded away."""
    old, new = (escaped(facts[side]["name"]) for side in ("old", "new"))
    blocks = [f"### {old} → {new}"]
    said = remarks(facts)
    if said:
        blocks.append("\n".join(f"- {escaped(line)}" for line in said))
    blocks.append(_markdown(summary(facts)))
    files = changed_files(facts)
    if files:
        more = f"\n\n… and {len(files) - MOST:,} more" if len(files) > MOST else ""
        listed = _markdown([("", "file", "bytes"), *files[:MOST]]) + more
        counts = [f"{len(facts['files'][what]):,} {what}" for what in ("added", "removed", "modified", "moved")
                  if facts["files"][what]]  # fmt: skip
        blocks.append(_folded(f"Files: {', '.join(counts)}", listed))
    for title, rows in (("Numbers", numeric(facts)), ("Categories", categorical(facts))):
        if rows:
            blocks.append(_folded(f"{title}: {len(rows) - 1:,} column{'s' * (len(rows) > 2)}", _markdown(rows)))
    return "\n\n".join(blocks) + "\n"


def _folded(title: str, body: str) -> str:
    return f"<details>\n<summary>{title}</summary>\n\n{body}\n\n</details>"


def _markdown(rows: Sequence[Row]) -> str:
    head, *rest = [f"| {' | '.join(escaped(cell) for cell in row)} |" for row in rows]
    return "\n".join([head, "|" + " --- |" * len(rows[0]), *rest])


def escaped(text: str) -> str:
    """Text that Markdown takes for nothing else, whatever a column or a file is called."""
    return OUTER.sub("&#95;", "".join(f"&#{ord(mark)};" if mark in MARKS else mark for mark in text))


def size(count: float | None) -> str:
    """Bytes for people; a question mark where they aren't known."""
    return "?" if count is None else terminal.size(count)


def duration(seconds: int) -> str:
    """Time between, in its greatest unit."""
    total = abs(seconds)
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        if total >= length:
            return f"{total // length:,} {unit}{'s' * (total // length != 1)} {'later' if seconds > 0 else 'earlier'}"
    return "at once"


def _time(text: str) -> str:
    return text[:16].replace("T", " ")


def _count(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"


def _difference(old: Any, new: Any, show: Any) -> str:
    if old is None or new is None or old == new:
        return ""
    sign = "+" if new > old else "-"
    share = f" ({100 * (new - old) / old:+.1f}%)" if old else ""
    return f"{sign}{show(abs(new - old))}{share}"


def _range(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return ""
    if "distinct" in entry:
        return "?" if entry["distinct"] is None else f"{entry['distinct']:,} values"
    return clean(f"{_day(entry['first'])} to {_day(entry['last'])}")


def _day(text: Any) -> str:
    return str(text).removesuffix("T00:00:00")


def _pair(old: Any, new: Any) -> str:
    """`9.01 -> 9.1 (+1.0%)`, or one of them where they are equal."""
    a, b = (
        ("-" if value is None else figure(value) if isinstance(value, float) else f"{value:,}") for value in (old, new)
    )
    if a == b:
        return a
    share = f" ({100 * (new - old) / abs(old):+.1f}%)" if old and new is not None else ""
    share = "" if share.strip(" (+-%)") == "0.0" else share
    return f"{a} -> {b}{share}"


def _names(found: Sequence[str], shown: int = 5) -> str:
    more = f" and {len(found) - shown} more" if len(found) > shown else ""
    return clean(", ".join(found[:shown]) + more)
