"""The drift report as one HTML file: no script, no font, nothing from anywhere; the worst column first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dataops.report.drift_shapes import drawn
from dataops.report.drift_shapes import plain as _text
from dataops.report.drift_verdict import verdict
from dataops.tables.figures import figure

SEVERITIES = ("high", "medium", "low", "none")
STYLE = """
:root{color-scheme:light;--ink:#1b1f24;--muted:#6e7781;--grid:#e4e7eb;--old:#6e7781;--new:#0969da;--alert:#cf222e}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:0}p{margin:.3rem 0}small,.muted{color:var(--muted)}
section{border-top:1px solid var(--grid);padding:1.2rem 0;display:grid;grid-template-columns:1fr 26rem;gap:0 1.5rem}
section>div{min-width:0;overflow-wrap:anywhere}svg{width:100%;height:auto}svg text{font:12px system-ui,sans-serif;
paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}
.tag{display:inline-block;border-radius:1em;padding:0 .6em;font-size:.8rem;color:#fff;background:var(--muted)}
.high{background:#a40e26}.medium{background:#bc4c00}.low{background:#9a6700}.none{background:#57606a}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.85rem;margin-top:.5rem}
td,th{text-align:right;padding:.1rem .6rem .1rem 0;font-weight:normal}th{color:var(--muted)}
td:first-child,th:first-child{text-align:left}ul{padding-left:1.1rem;margin:.6rem 0}
@media(max-width:45rem){section{grid-template-columns:1fr}}
"""
Report = Mapping[str, Any]
Entry = Mapping[str, Any]


def page(report: Report) -> str:
    """The whole page. Whatever a column or a category is called is text and nothing else."""
    moved = report["columns_drifted"]
    count = f"{len(moved)} of {report['columns_checked']} columns"
    title = verdict(report, count if moved else "").capitalize()
    rows = report["rows"]
    said = f"{rows['reference']:,} rows before, {rows['current']:,} now; {report['method']['said']}"
    limits = report["thresholds"]
    how = (
        f"A column drifted where {limits['effect']:.0%} or more of its distribution moved and chance is ruled out "
        f"(q below {limits['alpha']:g}). Score {report['score']:.2f}: the largest share of a column's rows that moved."
    )
    ordered = sorted(report["columns"].items(), key=_rank)
    compared = report.get("compared", "now against before")
    advice = "".join(f"<li>{_text(one['text'])}</li>" for one in report["recommendations"])
    schema = "".join(
        f"<p>Column <b>{_text(name)}</b> {what}</p>" for what, names in report["schema"].items() for name in names
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{_text(title)}</title><style>{STYLE}</style></head><body>\n"
        f"<h1>{_text(title)} {_tag(report['severity']) if report['drifted'] else ''}</h1>"
        f"<p>{_text(compared)}</p><p class=muted>{_text(said)}</p>{schema}<ul>{advice}</ul>"
        f"<p><small>{_text(how)}</small></p>\n"
        + "\n".join(_section(name, entry, limits["effect"]) for name, entry in ordered)
        + "\n</body></html>\n"
    )


def _rank(item: tuple[str, Entry]) -> tuple[int, float, str]:
    name, entry = item
    return SEVERITIES.index(entry["severity"]), -(entry["effect"] or 0.0), name


def _section(name: str, entry: Entry, threshold: float) -> str:
    reasons = ", ".join(entry["reasons"])
    nothing = f"left out: {entry['left_out']}" if "left_out" in entry else "no drift"
    told = (
        f"{_tag(entry['severity'])} {_text(reasons)}"
        if entry["drifted"]
        else f"<span class=muted>{_text(nothing)}</span>"
    )
    lines = [f"<p class=muted>{_text(line)}</p>" for line in _said(entry, threshold)]
    return (
        f"<section><div><h2>{_text(name)}</h2><p>{told}</p>{''.join(lines)}{_figures(entry)}</div>"
        f"<div>{drawn(entry)}</div></section>"
    )


def _said(entry: Entry, threshold: float) -> list[str]:
    """The measures in words."""
    lines = []
    if "left_out" in entry and entry["drifted"]:
        lines.append(f"left out: {entry['left_out']}")
    if entry["effect"] is not None:
        chance = _chance(entry["q_value"], large=entry["effect"] >= threshold)
        lines.append(f"{entry['effect']:.1%} moved, {chance}; PSI {entry['psi']:.3f}")
    if entry.get("volume"):
        rows = entry["volume"]
        lines.append(f"{rows['unit']}: {rows['reference']:,.1f} before, {rows['current']:,.1f} now")
    if entry.get("calendar"):
        lines.append(f"{entry['calendar']['size']:.1%} of rows on other {entry['calendar']['of']}")
    if "period" in entry:
        for side, told in (("reference", "before"), ("current", "now")):
            ends = entry["period"][side]
            lines.append(f"{told}: {ends['first'][:10]} to {ends['last'][:10]}")
    for key, told in (("missing", "missing"), ("infinite", "infinite")):
        share = entry.get(key)
        if share and (share["reference"] or share["current"]):
            lines.append(f"{told}: {share['reference']:.1%} before, {share['current']:.1%} now")
    if entry.get("new"):
        lines.append(f"new: {', '.join(entry['new'])} ({entry['new_share']:.1%} of rows)")
    if entry.get("vanished"):
        lines.append(f"vanished: {', '.join(entry['vanished'])} ({entry['vanished_share']:.1%} of rows)")
    return lines


def _chance(q_value: float, *, large: bool) -> str:
    if q_value >= 0.01:
        told = "in too few rows to tell from chance" if large else "which may be chance"
        return f"{told} (q {q_value:.2f})"
    return "and not by chance (q < 0.001)" if q_value < 0.001 else f"and hardly by chance (q {q_value:.3f})"


def _figures(entry: Entry) -> str:
    if "statistics" not in entry:
        return ""
    rows = "".join(
        f"<tr><td>{name}</td><td>{figure(pair['reference'])}</td><td>{figure(pair['current'])}</td>"
        f"<td>{'' if pair['change_percent'] is None else format(pair['change_percent'], '+.1f') + '%'}</td></tr>"
        for name, pair in entry["statistics"].items()
    )
    return f"<table><tr><th></th><th>before</th><th>now</th><th>change</th></tr>{rows}</table>"


def _tag(severity: str) -> str:
    return f'<span class="tag {severity}">{severity}</span>'
