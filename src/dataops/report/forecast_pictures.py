"""What a forecaster looks at first: forecast against actual, error by store, error over time and horizon."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from dataops.report.style import ALERT, GRID, INK, MODEL, MUTED, NAIVE, canvas, save, title

MOST_STORES = 25


def draw(total: pd.DataFrame, rows: pd.DataFrame, tables: dict[str, pd.DataFrame], target: str, folder: Path) -> None:
    """Write forecast.png, error_by_store.png and error_over_time.png."""
    forecast(total, target, folder / "forecast.png")
    if "store" in tables:
        by_store(tables["store"], folder / "error_by_store.png")
    over_time(rows, tables["horizon"], folder / "error_over_time.png")


def forecast(total: pd.DataFrame, target: str, path: Path) -> None:
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
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axis.legend(frameon=False, fontsize=9, ncols=3, loc="lower right", labelcolor=MUTED)
    days = f"{total['time'].min():%d %b %Y} to {total['time'].max():%d %b %Y}"
    title(axis, f"Forecast against actual {target}", f"test part, all series together, {days}")
    save(figure, path)


def by_store(table: pd.DataFrame, path: Path) -> None:
    """WAPE of model and naive as a dumbbell, worst on top."""
    shown = table[table["wape"].notna()].sort_values("rows").tail(MOST_STORES).sort_values("wape")
    figure, axes = canvas(height=1.6 + 0.28 * len(shown))
    axis = axes[0, 0]
    places = range(len(shown))
    axis.hlines(places, shown["wape"], shown["naive_wape"], color=GRID, linewidth=3)
    axis.plot(shown["naive_wape"], places, "o", color=NAIVE, label="seasonal naive", markersize=7)
    axis.plot(shown["wape"], places, "o", color=MODEL, label="model", markersize=8)
    axis.set_yticks(list(places), [str(value) for value in shown["store"]])
    axis.set_ylim(-0.7, len(shown) - 0.3)
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axis.grid(axis="y", visible=False)
    axis.grid(axis="x", color=GRID, linewidth=0.8)
    axis.legend(frameon=False, fontsize=9, loc="lower right", labelcolor=MUTED)
    more = f", the {MOST_STORES} largest of {len(table)}" if len(table) > MOST_STORES else ""
    title(axis, "Error by store", f"WAPE on the test part, worst on top{more}")
    save(figure, path)


def over_time(rows: pd.DataFrame, horizons: pd.DataFrame, path: Path) -> None:
    """WAPE by step, and by how many seasons the step lies after the last row that could be learnt from."""
    figure, axes = canvas(width=12, columns=2)
    daily = rows.assign(error=(rows["actual"] - rows["forecast"]).abs(), size=rows["actual"].abs())
    sums = daily.groupby("time")[["error", "size"]].sum()
    share = sums["error"] / sums["size"].where(sums["size"] > 0)
    left, right = axes[0]
    left.plot(share.index, share, color=MODEL, linewidth=1, alpha=0.45)
    left.plot(share.index, share.rolling(7, center=True, min_periods=1).mean(), color=MODEL, linewidth=2)
    left.axhline(sums["error"].sum() / max(sums["size"].sum(), 1e-12), color=ALERT, linewidth=1, linestyle=":")
    left.tick_params(axis="x", rotation=30)
    title(left, "Error over time", "WAPE by step, its 7-step mean, and the overall WAPE (dotted)")
    right.plot(
        horizons["horizon"], horizons["naive_wape"], color=NAIVE, marker="o", markersize=4, label="seasonal naive"
    )
    right.plot(horizons["horizon"], horizons["wape"], color=MODEL, marker="o", markersize=4, label="model")
    right.xaxis.get_major_locator().set_params(integer=True)
    right.legend(frameon=False, fontsize=9, labelcolor=MUTED)
    title(right, "Error by horizon", "WAPE by the number of seasons (weeks of daily data) into the test part")
    for axis in (left, right):
        axis.set_ylim(bottom=0)
        axis.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    save(figure, path)
