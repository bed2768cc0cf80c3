"""How every picture looks; and the same data is the same PNG."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import matplotlib as mpl

from dataops.files import write_bytes

mpl.use("agg")

from matplotlib import pyplot as plt  # the backend has to be chosen first

mpl.rcParams["text.parse_math"] = False  # a store may be called "$5 & $10"

INK, MUTED, GRID = "#1b1f24", "#6e7781", "#e4e7eb"
MODEL, NAIVE, ALERT = "#0969da", "#b1a6a6", "#cf222e"


def canvas(width: float = 10, height: float = 4.2, rows: int = 1, columns: int = 1) -> tuple[Any, Any]:
    """A figure and its axes, bare of everything that isn't data."""
    figure, axes = plt.subplots(rows, columns, figsize=(width, height), squeeze=False, layout="constrained")
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.spines[["left", "bottom"]].set_color(GRID)
        axis.tick_params(colors=MUTED, labelsize=9, length=0)
        axis.grid(axis="y", color=GRID, linewidth=0.8)
        axis.set_axisbelow(True)
    return figure, axes


def title(axis: Any, text: str, detail: str = "") -> None:
    """What the picture says, and below it how to read it."""
    axis.set_title(text, loc="left", color=INK, fontsize=12, fontweight="bold", pad=22 if detail else 8)
    if detail:
        axis.annotate(detail, (0, 1), (0, 7), "axes fraction", "offset points", color=MUTED, fontsize=9)


def legend(axis: Any) -> None:
    """Names of the lines, above the axes on the right, where no line runs."""
    axis.legend(
        frameon=False, fontsize=9, ncols=3, loc="lower right", bbox_to_anchor=(1, 0.99), labelcolor=MUTED, borderpad=0.2
    )


def save(figure: Any, path: Path) -> None:
    """Write a PNG without time stamps or versions in it."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110, metadata={"Software": None})
    plt.close(figure)
    write_bytes(path, content.getvalue())
