"""Which columns moved, and how far."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dataops.report.drift_verdict import verdict
from dataops.report.style import ALERT, GRID, INK, MODEL, MUTED, canvas, save, title

MOST = 30


def draw(report: dict[str, Any], threshold: float, path: Path) -> None:
    """A bar a column, the largest on top, those that drifted in red."""
    measured = [(name, entry) for name, entry in report["columns"].items() if entry["effect"] is not None]
    shown = sorted(measured, key=lambda item: item[1]["effect"])[-MOST:]
    figure, axes = canvas(height=1.6 + 0.34 * max(len(shown), 2))
    axis = axes[0, 0]
    names = [name for name, _ in shown]
    effects = [entry["effect"] for _, entry in shown]
    axis.barh(names, effects, color=[ALERT if entry["drifted"] else MODEL for _, entry in shown], height=0.6)
    for place, (_, entry) in enumerate(shown):
        weak = f"not significant, q = {entry['q_value']:.2g}" if entry["effect"] >= threshold else ""
        note = ", ".join(entry["reasons"]) or weak
        axis.text(entry["effect"], place, f"  {entry['effect']:.2f}  {note}", va="center", color=INK, fontsize=9)
    axis.axvline(threshold, color=MUTED, linewidth=1, linestyle=":")
    axis.set_xlim(0, max([*effects, threshold]) * 1.35)
    axis.grid(axis="y", visible=False)
    axis.grid(axis="x", color=GRID, linewidth=0.8)
    moved = f"{len(report['columns_drifted'])} of {report['columns_checked']} columns"
    detail = f"{report['compared']}; share of the distribution that moved, the threshold dotted"
    title(axis, verdict(report, moved).capitalize(), detail)
    save(figure, path)
