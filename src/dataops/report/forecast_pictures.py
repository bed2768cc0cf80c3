"""What a forecaster looks at first: forecast against actual, error by store, error over time and horizon."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import MaxNLocator

from dataops.report.style import ALERT, GRID, INK, MODEL, NAIVE, canvas, legend, save, title

MOST_STORES = 25


class Names(NamedTuple):
    """What things are called in these data."""

    target: str
    store: str  # the first key
    unit: str  # of the horizon: day, week, month


def draw(total: pd.DataFrame, rows: pd.DataFrame, tables: dict[str, pd.DataFrame], names: Names, folder: Path) -> None:
    """Write forecast.png, error_by_store.png and error_over_time.png."""
    forecast(total, names, folder / "forecast.png")
    by_store(tables["store"], names, folder / "error_by_store.png")
    over_time(rows, tables["horizon"], names, folder / "error_over_time.png")


def forecast(total: pd.DataFrame, names: Names, path: Path) -> None:
    """Total of all series by step."""
    figure, axes = canvas()
    axis = axes[0, 0]
    for column, colour, width, label in (
        ("naive", NAIVE, 1.2, "seasonal naive"),
        ("actual", INK, 1.6, "actual"),
        ("forecast", MODEL, 1.8, "forecast"),
    ):
        axis.plot(total["time"], total[column], color=colour, linewidth=width, label=label)
    axis.set_ylim(bottom=min(0, float(total[["actual", "forecast"]].min().min())))
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    _dates(axis, total["time"])
    legend(axis)
    days = f"{total['time'].min():%d %b %Y} to {total['time'].max():%d %b %Y}"
    title(axis, f"Forecast against actual {names.target}", f"test part, all series together, {days}")
    save(figure, path)


def by_store(table: pd.DataFrame, names: Names, path: Path) -> None:
    """WAPE of model and naive as a dumbbell, worst on top."""
    shown = table[table["wape"].notna()].sort_values("rows").tail(MOST_STORES).sort_values("wape")
    figure, axes = canvas(height=1.8 + 0.28 * max(len(shown), 3))
    axis = axes[0, 0]
    places = range(len(shown))
    axis.hlines(places, shown["wape"], shown["naive_wape"], color=GRID, linewidth=3)
    axis.plot(shown["naive_wape"], places, "o", color=NAIVE, label="seasonal naive", markersize=7)
    axis.plot(shown["wape"], places, "o", color=MODEL, label="model", markersize=8)
    axis.set_yticks(list(places), [str(value) for value in shown["store"]])
    axis.set_ylim(-0.7, max(len(shown), 1) - 0.3)
    axis.xaxis.set_major_formatter(_percent)
    axis.grid(axis="y", visible=False)
    axis.grid(axis="x", color=GRID, linewidth=0.8)
    legend(axis)
    more = f", the {MOST_STORES} largest of {len(table)}" if len(table) > MOST_STORES else ""
    title(axis, f"Error by {names.store}", f"WAPE on the test part, worst on top{more}")
    save(figure, path)


def over_time(rows: pd.DataFrame, horizons: pd.DataFrame, names: Names, path: Path) -> None:
    """WAPE by step, and by how far the step lies into the test part."""
    figure, axes = canvas(width=12, columns=2)
    sized = rows.assign(error=(rows["actual"] - rows["forecast"]).abs(), size=rows["actual"].abs())
    sums = sized.groupby("time")[["error", "size"]].sum()
    left, right = axes[0]
    smooth = _share(sums.rolling(7, center=True, min_periods=1).sum())
    left.plot(sums.index, _share(sums), color=MODEL, linewidth=1, alpha=0.45)
    left.plot(sums.index, smooth, color=MODEL, linewidth=2)
    left.axhline(sums["error"].sum() / max(sums["size"].sum(), 1e-12), color=ALERT, linewidth=1, linestyle=":")
    _dates(left, sums.index)
    title(left, "Error over time", "WAPE by step, over 7 steps, and overall (dotted)")
    if smooth.notna().any():  # a step that sold next to nothing has a huge error: it may leave the picture
        left.set_ylim(top=max(1.8 * float(smooth.max()), 0.01))
    for column, colour, label in (("naive_wape", NAIVE, "seasonal naive"), ("wape", MODEL, "model")):
        right.plot(horizons["horizon"], horizons[column], color=colour, marker="o", markersize=4, label=label)
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend(right)
    title(right, "Error by horizon", f"WAPE by {names.unit} into the test part")
    for axis in (left, right):
        axis.set_ylim(bottom=0)
        axis.yaxis.set_major_formatter(_percent)
    save(figure, path)


def _percent(value: float, _: object) -> str:
    return f"{100 * value:.3g}%"


def _share(sums: pd.DataFrame) -> pd.Series:
    return sums["error"] / sums["size"].where(sums["size"] > 0)


def _dates(axis: Any, times: Any) -> None:
    if len(times) < 2:  # no interval to divide
        axis.set_xticks(list(times), [f"{time:%d %b %Y}" for time in times])
        return
    locator: Any = AutoDateLocator(maxticks=8)
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))
