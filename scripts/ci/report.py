"""The report as Markdown, for a pull request, a job's summary or a file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ci.told import Failure, Told
from dataops.cli import comparetext
from dataops.errors import NO
from dataops.files import write_text
from dataops.versions.wording import clean

MARK = "<!-- ci_data -->"  # by which a comment of an earlier run is found again
LONGEST = 60_000  # characters; GitHub takes comments of 65,536
CALL = re.compile(r"(?<![A-Za-z0-9])@")
JOINER = "\u2060"  # between @ and a name: nobody is called
Rows = Sequence[Sequence[str]]


def write(told: Told, path: Path, environment: Mapping[str, str], *, released: bool) -> None:
    """Write the report, and append it to the summary that GitHub Actions shows."""
    server, repository = environment.get("GITHUB_SERVER_URL"), environment.get("GITHUB_REPOSITORY")
    text = markdown(told, released=released, home=f"{server}/{repository}" if server and repository else "")
    write_text(path, text)
    if summary := environment.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(text)


def markdown(told: Told, *, released: bool = True, home: str = "") -> str:
    """Everything that a run has to tell; `home` is the repository's page, for links."""
    blocks = [MARK, f"## Data: {escaped(headline(told, released=released))}"]
    if told.failure is not None:
        blocks += _failure(told.failure)
    if told.steps:
        blocks.append(table([("step", "outcome", ""), *told.steps]))
    if told.tags:
        blocks.append("Tags: " + ", ".join(link(tag, home) for tag in told.tags))
    if told.comparison is not None:
        blocks.append(comparetext.markdown(told.comparison).rstrip())
    if told.drift is not None:
        blocks += _drift(told.drift)
    if told.metrics:
        blocks += _metrics(told)
    text = "\n\n".join(blocks)
    if len(text) > LONGEST:
        text = text[:LONGEST].rpartition("\n")[0] + "\n\n… and more: `dataops compare` has all of it"
    return text + "\n"


def headline(told: Told, *, released: bool) -> str:
    """The outcome in a line."""
    if told.failure is not None:
        return "refused" if told.failure.status == NO else "failed"
    if not told.finished:
        return "broke off"
    if told.tags:
        return f"{', '.join(told.tags)} released"
    done = [name for name, outcome, _ in told.steps if outcome == "done"]
    if not done:
        return "nothing to do"
    return f"{', '.join(done)} done" + ("" if released else "; nothing is released")


def _failure(failure: Failure) -> list[str]:
    blocks = [
        f"**{escaped(failure.stage)}**: {escaped(failure.message)}" if failure.stage else escaped(failure.message)
    ]
    if failure.hint:
        blocks.append(f"Hint: {escaped(failure.hint)}")
    if failure.rows:
        blocks.append(table(failure.rows))
    if failure.words:
        lines = "\n".join(f"    {clean(line)}" for line in failure.words)
        blocks.append(lines)
    return blocks


def _drift(report: Mapping[str, Any]) -> list[str]:
    columns = report.get("columns")
    rows = [("column", "effect", "p", "severity", "decision")]
    for name, entry in columns.items() if isinstance(columns, Mapping) else ():
        decision = ", ".join(map(str, entry.get("reasons") or ())) or "no drift"
        rows.append(
            (str(name), number(entry.get("effect")), number(entry.get("p_value")), str(entry.get("severity")), decision)
        )
    verdict = "drift" if report.get("drifted") else "no drift"
    schema = report.get("schema") if isinstance(report.get("schema"), Mapping) else {}
    changed = [f"{what}: {', '.join(map(str, names))}" for what, names in (schema or {}).items() if names]
    said = f"{verdict} ({report.get('compared', '')})" + (f"; columns {'; '.join(changed)}" if changed else "")
    return ["### Drift", escaped(said), *([table(rows)] if len(rows) > 1 else [])]


def _metrics(told: Told) -> list[str]:
    rows = [("metric", told.before or "before", "now", "difference")]
    for name, old, new in told.metrics:
        difference = f"{new - old:+.4g}" if old is not None and new is not None and old != new else ""
        rows.append((name, number(old), number(new), difference))
    return ["### Model", table(rows)]


def number(value: Any) -> str:
    """Four digits; a dash where there is none."""
    return f"{value:.4g}" if isinstance(value, int | float) else "-"


def table(rows: Rows) -> str:
    """A table, the first row its head."""
    head, *rest = [f"| {' | '.join(escaped(cell) for cell in row)} |" for row in rows]
    return "\n".join([head, "|" + " --- |" * len(rows[0]), *rest])


def link(tag: str, home: str) -> str:
    """A tag in fixed width, and where it is."""
    name = f"<code>{escaped(tag)}</code>"
    return f"[{name}]({home}/tree/{quote(tag, safe='')})" if home else name


def escaped(text: str) -> str:
    """One line that Markdown takes for nothing but text: no markup, no link, nobody called."""
    return CALL.sub(f"@{JOINER}", comparetext.escaped(clean(text))).replace("://", "&#58;//")
