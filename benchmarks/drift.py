"""Drift of two tables of numbers, each beside its peer in this process, warm, median of runs; and how it grows.

Peers: sorting the same columns (`numpy.sort`), and what a script does: `scipy.stats.ks_2samp` and pandas' statistics a
column. Drift reads, sorts and measures columns in a thread a core; the peers have one, as they come.
"""

from __future__ import annotations

import math
import os
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from dataops.tables.contract import Column, Contract
from dataops.tables.drift import Thresholds, compare, compare_frames
from dataops.tables.profile import profile

MILLION = 1_000_000
RUNS = 5
TURN = 0.1  # seconds
SIZES = (1, 4, 16)  # million rows
LIMITS = Thresholds()


def run() -> Iterator[str]:
    """The lines of the report."""
    yield from exact(9)
    yield from profiles(20)
    yield from growth(3)


def table(rows: int, columns: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    """Normal numbers, float64, (rows, columns)."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({f"c{i}": rng.normal(shift, 1, rows) for i in range(columns)})


def exact(columns: int) -> Iterator[str]:
    """Against sorting, and against scipy and pandas; three tables, as what has to be looked at depends on the shift."""
    for shift, told in ((0.0, "no shift"), (0.01, "by 0.01 std"), (0.1, "by 0.1 std")):
        a, b = table(MILLION, columns, 1), table(MILLION, columns, 2, shift)
        tasks: list[Callable[[], Any]] = [partial(compare_frames, a, b, LIMITS), partial(sorted_columns, a, b)]
        drift, sort = in_turn(tasks, RUNS)
        script = in_turn([partial(scripted, a, b)], 1)[0]
        what = f"2 x 1M x {columns}, {told}"
        ratios = f"{drift / sort:.2f} times numpy.sort, 1/{script / drift:.1f} of scipy"
        yield f"numpy.sort of the columns               {what:30} {sort:7.3f} s"
        yield f"scipy.stats.ks_2samp and pandas         {what:30} {script:7.3f} s"
        yield f"exact drift, {os.cpu_count()} threads                  {what:30} {drift:7.3f} s  {ratios}"


def profiles(columns: int) -> Iterator[str]:
    """From two profiles, which are in memory as they come out of JSON, against exact."""
    a, b = table(MILLION, columns, 1), table(MILLION, columns, 2, 0.1)
    contract = contract_of(a)
    old, new = profile(a, contract), profile(b, contract)
    rough, whole = in_turn([lambda: compare(old, new, LIMITS), lambda: compare_frames(a, b, LIMITS)], RUNS)
    what = f"2 x 1M rows x {columns} columns"
    yield f"exact drift                             {what:30} {whole:7.3f} s"
    yield f"drift from two profiles                 {what:30} {rough * 1000:7.1f} ms  1/{whole / rough:.0f}"


def growth(columns: int) -> Iterator[str]:
    """Seconds at 1, 4 and 16 million rows a side, and the slope between the logarithms."""
    times = []
    for size in SIZES:
        a, b = table(size * MILLION, columns, 1), table(size * MILLION, columns, 2, 0.1)
        times.append(in_turn([partial(compare_frames, a, b, LIMITS)], 3)[0])
        yield f"exact drift                             {f'2 x {size}M rows x {columns} columns':30} {times[-1]:7.3f} s"
    yield f"  slope in log-log                      {'':30} {slope(SIZES, times):7.2f}"


def contract_of(frame: pd.DataFrame) -> Contract:
    """All columns numbers."""
    columns = {str(name): Column(type="number") for name in frame}
    return Contract.model_construct(time="", target="", keys=[], columns=columns, frequency="D")


def sorted_columns(*frames: pd.DataFrame) -> None:
    """What no exact test can do without."""
    for frame in frames:
        for name in frame:
            np.sort(frame[name].to_numpy())


def scripted(a: pd.DataFrame, b: pd.DataFrame) -> list[Any]:
    """As a script does it, a column after the other."""
    statistics_ = ("mean", "std", "median", "min", "max")
    return [
        (stats.ks_2samp(a[name], b[name]), [getattr(side[name], what)() for side in (a, b) for what in statistics_])
        for name in a
    ]


def in_turn(tasks: list[Callable[[], Any]], runs: int) -> list[float]:
    """Median seconds of each, one after the other in every round, so that a busy minute falls on all; a round warm.

    A turn lasts a tenth of a second at least: what takes milliseconds would else find the caches full of the other's.
    """
    times: list[list[float]] = [[] for _ in tasks]
    for round_ in range(runs + 1):
        for task, found in zip(tasks, times, strict=True):
            until = time.perf_counter() + TURN
            while (begun := time.perf_counter()) < until:
                task()
                if round_:
                    found.append(time.perf_counter() - begun)
    return [statistics.median(found) for found in times]


def slope(sizes: tuple[int, ...], times: list[float]) -> float:
    """Of the line of least squares through the logarithms; 1: twice the rows take twice the time."""
    return float(np.polyfit([math.log(size) for size in sizes], np.log(times), 1)[0])


if __name__ == "__main__":
    for line in run():
        print(line, flush=True)
