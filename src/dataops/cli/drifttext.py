"""A drift report for people: as a table on a terminal, as Markdown in a pull request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dataops.cli import terminal
from dataops.cli.comparetext import escaped
from dataops.report import drift_verdict
from dataops.tables.figures import figure
from dataops.versions.wording import clean

SEVERITIES = ("high", "medium", "low", "none")
Report = Mapping[str, Any]
Entry = Mapping[str, Any]


def text(report: Report) -> str:
    """For a terminal."""
    blocks = [verdict(report), terminal.table(rows(report), indent="  ") if report["columns"] else ""]
    blocks += ["\n".join(remarks(report)), "\n".join(f"  {clean(one['text'])}" for one in report["recommendations"])]
    return "\n\n".join(filter(None, blocks)) + "\n"


def markdown(report: Report) -> str:
    """For a pull request."""
    head, *rest = [f"| {' | '.join(escaped(cell) for cell in row)} |" for row in rows(report)]
    table = "\n".join([head, "|" + " --- |" * len(rows(report)[0]), *rest]) if report["columns"] else ""
    said = [escaped(line) for line in remarks(report)]
    advice = [f"- {escaped(clean(one['text']))}" for one in report["recommendations"]]
    blocks = [f"### {escaped(verdict(report))}", table, "  \n".join(said), "\n".join(advice)]
    return "\n\n".join(filter(None, blocks)) + "\n"


def verdict(report: Report) -> str:
    """The answer in a line."""
    severity = f" ({report['severity']})" if report["drifted"] else ""
    return clean(f"{drift_verdict.verdict(report)}{severity}: {report['compared']}")


def remarks(report: Report) -> list[str]:
    """What has to be said in words: how it was measured, and what wasn't."""
    counts = report["rows"]
    lines = [
        f"{counts['reference']:,} and {counts['current']:,} rows; score {report['score']:.2f}; "
        f"{report['method']['said']}"
    ]
    lines += [f"column {name} {what}" for what, names in report["schema"].items() for name in names]
    lines += [f"{name} was left out: {why}" for name, why in report["left_out"].items()]
    return [clean(line) for line in lines]


def rows(report: Report) -> list[Sequence[str]]:
    """One row a column, the worst first; the first the head."""
    ordered = sorted(report["columns"].items(), key=rank)
    head = ("column", "severity", "effect", "q", "reference", "current", "why")
    return [head, *(_row(name, entry) for name, entry in ordered)]


def rank(item: tuple[str, Entry]) -> tuple[int, float, str]:
    """The worst first."""
    name, entry = item
    return SEVERITIES.index(entry["severity"]), -(entry["effect"] or 0.0), name


def _row(name: str, entry: Entry) -> tuple[str, ...]:
    effect, q_value = entry["effect"], entry["q_value"]
    return (
        clean(name),
        entry["severity"] if entry["drifted"] else "",
        "" if effect is None else f"{effect:.3f}",
        "" if q_value is None else f"{q_value:.2g}",
        *(clean(one) for one in _sides(entry)),
        clean(", ".join(entry["reasons"])) or ("left out" if "left_out" in entry else ""),
    )


def _sides(entry: Entry) -> tuple[str, str]:
    """What each side has, in a few words."""
    if "statistics" in entry:
        mean = entry["statistics"]["mean"]
        return f"mean {figure(mean['reference'])}", f"mean {figure(mean['current'])}"
    if "period" in entry:
        old, new = (
            f"{entry['period'][side]['first'][:10]} to {entry['period'][side]['last'][:10]}"
            for side in ("reference", "current")
        )
        return old, new
    if "shape" in entry and "names" in entry["shape"]:
        shape = entry["shape"]
        place = max(range(len(shape["names"])), key=lambda i: abs(shape["reference"][i] - shape["current"][i]))
        name = shape["names"][place]
        return f"{name} {shape['reference'][place]:.1%}", f"{name} {shape['current'][place]:.1%}"
    return "", ""
