"""Versions in print: a table of them, and one in full. Whatever somebody wrote into a tag is made harmless first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dataops.cli import cardlines, terminal

if TYPE_CHECKING:
    from dataops.repo.registry import Version

WIDEST = 60
ALIAS = 40


def table(name: str, versions: list[Version]) -> str:
    """One artifact's versions for people."""
    imported = any(version.aliases for version in versions)
    was = ("was",) if imported else ()
    rows: list[tuple[str, ...]] = [("version", *was, "date", "author", "rows", "size", "bump", "stages", "reason")]
    for version in versions:
        card = version.read_card() or {}
        reason = version.deprecated and f"deprecated by {version.deprecated}"
        past = "PAST A GATE: " if card.get("overrides") else ""
        rows.append(
            (
                str(version.number),
                *((line(", ".join(version.aliases), ALIAS),) if imported else ()),
                f"{version.time:%Y-%m-%d}",
                line(version.author, 20),
                count(card.get("rows")),
                size(card.get("bytes")),
                line(card.get("bump") or ""),
                ", ".join(version.stages),
                line(past + str(reason or card.get("reason") or version.subject), WIDEST),
            )
        )
    return f"{name}\n" + terminal.table(rows, indent="  ")


def line(value: object, width: int = 0) -> str:
    """Somebody's text as one line that does nothing to a terminal."""
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in str(value)).split())
    return text[: width - 1] + "…" if width and len(text) > width else text


def count(value: object) -> str:
    """Rows or files; "" where nobody counted."""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else ""


def size(value: object) -> str:
    """Bytes; "" where nobody counted."""
    return terminal.size(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def text(facts: Mapping[str, Any]) -> str:
    """The facts for people: a name, then a line a fact."""
    if facts["version"] is None:
        name = f"commit {facts['commit'][:12]}, no version of {facts['artifact']}"
    else:
        name = f"{facts['artifact']}@{facts['version']}"
    pairs = [(line(label), line(value)) for label, value in _lines(facts) if value]
    width = max((len(label) for label, _ in pairs), default=0)
    lines = [f"  {label:{width}}  {value}" for label, value in pairs]
    return "\n".join([name, *lines, *(f"warning: {line(warning)}" for warning in facts["warnings"])])


def _lines(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    card = facts.get("card") or {}
    recorded = facts["recorded"] or {}
    if facts["version"] is not None:
        yield (
            "released",
            f"{facts['date'][:16].replace('T', ' ')} UTC by {line(facts['author'])} <{line(facts['email'])}>",
        )
        yield from cardlines.overrides(card)
        yield "stages", ", ".join(facts["stages"])
        yield "deprecated", line(facts["deprecated"] or "")
        if not card:
            yield "subject", line(facts["subject"])
        yield "message", line(facts["message"] or "")
        yield "change", line(": ".join(filter(None, [card.get("bump"), card.get("reason")])) if card else "")
        yield "previous", line(_named(card.get("previous")))
        yield from cardlines.imported(card)
    else:
        yield "versions", ", ".join(facts["versions_here"])
        yield "same as", ", ".join(facts["same_content_as"])
    yield "commit", facts["commit"]
    yield "path", line(recorded.get("path") or card.get("path") or "")
    rows, files = count(card.get("rows")), card.get("files", recorded.get("files"))
    parts = [f"{rows} rows" if rows else "", f"{count(files)} file{'s' * (files != 1)}" if count(files) else ""]
    yield "data", ", ".join(filter(None, [*parts, size(card.get("bytes", recorded.get("bytes")))]))
    yield from cardlines.schema(card)
    yield from cardlines.reports(card)
    for source in card.get("sources") or []:
        yield "source", _named(source)
    for data in card.get("data") or []:
        yield "trained on", _named(data)
    yield "hash", facts["hash"] or card.get("hash") or ""
    yield "sha256", card.get("sha256") or ""
    yield "row hash", card.get("row_hash") or ""


def _named(value: object) -> str:
    """`{path, hash}` or `{version, hash}` in a few words."""
    if not isinstance(value, Mapping):
        return "" if value is None else str(value)
    return "  ".join(str(item) for item in value.values() if item is not None)
