"""How often drift alarms where there is none, and the smallest change that it finds: tables by simulation.

A finding is *significant* where its q-value is below alpha = 0.01, and *drift* where its size reaches the threshold as
well (0.1 of the distribution). Significance alone would alarm at ten million rows for what nobody would notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from dataops.tables.drift import Thresholds, compare_frames

CERTAIN = Thresholds(effect=1e-9, missing=1e-9, new_categories=1e-9, outside=1e-9, volume=1e-9)
DRIFT = Thresholds()
NONE = ((100, 1000), (1_000, 1000), (10_000, 300), (100_000, 100))  # rows a side, pairs of tables
POWER = ((1_000, 60), (100_000, 12), (10_000_000, 2))  # rows a side, runs at each step
STEPS = 9
FOUND = 0.9  # of the runs
Floats = npt.NDArray[np.float64]


def run() -> Iterator[str]:
    """The lines of the report."""
    yield f"{'no drift, tables of 6 columns':34} {'pairs':>6} {'significant':>12} {'drift':>8}"
    for rows, pairs in NONE:
        certain, drift = false_alarms(rows, pairs)
        yield f"  {f'2 x {rows:,} rows':32} {pairs:6,} {certain:12.2%} {drift:8.2%}"
    yield ""
    yield f"{'smallest change found in 9 of 10':34} {'rows':>12} {'significant':>12} {'drift':>8}"
    for told, changed in CHANGES.items():
        for rows, runs in POWER:
            least = [smallest(partial(share_found, changed, rows, runs, limits)) for limits in (CERTAIN, DRIFT)]
            yield f"  {told:32} {f'2 x {rows:,}':>12} {least[0]:12.4f} {least[1]:8.3f}"


def table(rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Normal, skewed, counts, zeros and more, categories with a long tail, flags; with some values missing."""
    frame = pd.DataFrame(
        {
            "normal": rng.normal(size=rows),
            "skewed": rng.lognormal(0, 1, rows),
            "counts": rng.poisson(3, rows),
            "zeros": rng.gamma(1, 10, rows) * (rng.random(rows) > 0.6),
            "category": np.minimum(rng.zipf(1.8, rows), 10_000).astype(str),
            "flag": rng.random(rows) > 0.9,
        }
    )
    return frame.assign(normal=frame["normal"].where(rng.random(rows) > 0.05))


def false_alarms(rows: int, pairs: int) -> tuple[float, float]:
    """The share of pairs of tables of one origin with a significant finding, and with drift."""
    rng = np.random.default_rng(rows)
    found = np.zeros(2)
    for _ in range(pairs):
        a, b = table(rows, rng), table(rows, rng)
        certain = bool(compare_frames(a, b, CERTAIN)["drifted"])
        found += certain, certain and bool(compare_frames(a, b, DRIFT)["drifted"])
    return float(found[0] / pairs), float(found[1] / pairs)


CHANGES: dict[str, Callable[[Floats, float], Floats]] = {
    "mean, in std": lambda values, size: values + size,
    "std, times 1 + x": lambda values, size: values * (1 + size),
    "two peaks x std from the mean": lambda values, size: two_peaks(values, min(size, 0.999)),
}


def two_peaks(values: Floats, distance: float) -> Floats:
    """Normal values in two peaks, with the mean (0) and the deviation (1) that one had."""
    sides: Floats = np.where(np.random.default_rng(len(values)).random(len(values)) < 0.5, -1.0, 1.0)
    moved: Floats = values * (1 - distance**2) ** 0.5 + sides * distance
    return moved


def share_found(
    changed: Callable[[Floats, float], Floats], rows: int, runs: int, limits: Thresholds, size: float
) -> float:
    """In how many runs the change is found, by whatever measure."""
    found = 0
    for seed in range(runs):
        rng = np.random.default_rng([rows, seed])
        a = pd.DataFrame({"x": rng.normal(size=rows)})
        b = pd.DataFrame({"x": changed(rng.normal(size=rows), size)})
        found += bool(compare_frames(a, b, limits)["drifted"])
    return found / runs


def smallest(found: Callable[[float], float], low: float = 0.0, high: float = 1.0) -> float:
    """The least change, up to 1, that is found in FOUND of the runs, by halving; 1 where none is."""
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if found(middle) >= FOUND else (middle, high)
    return high


if __name__ == "__main__":
    for line in run():
        print(line, flush=True)
