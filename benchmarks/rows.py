"""The contract's check and the features of 913,000 rows, against Great Expectations, polars and pandas.

python benchmarks/rows.py

Great Expectations and polars run in a process and an environment of their own, made here, turn by turn with ours; all
are warm. What they are asked for is what ours does, but for two things: polars and pandas count rows, not dates, and
add up with running sums. Types are no part of either check: here they are the Parquet files' schema.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.demand import CONTRACT, demand
from benchmarks.peers import LAGS, WINDOWS, Peers, seconds
from dataops.tables.contract import Contract
from dataops.tables.features import History, series_ids
from dataops.tables.period import steps
from dataops.tables.validation import broken_rules

ROUNDS = 15


def run() -> Iterator[str]:
    """Both comparisons, with the median, the least and the greatest time of fifteen runs."""
    frame, contract = demand(), Contract.model_validate(CONTRACT)
    same(frame)
    with Peers() as peers:
        yield from compared(
            "contract check",
            {
                "Great Expectations": lambda: peers.seconds("great_expectations"),
                "dataops": timed(lambda: broken_rules(frame, contract)),
            },
        )
        yield from compared(
            "4 lags, 2 means, 2 deviations",
            {
                "pandas groupby.transform": timed(lambda: by_transform(frame)),
                "pandas groupby.rolling": timed(lambda: by_rolling(frame)),
                "polars": lambda: peers.seconds("polars"),
                "dataops": timed(lambda: features(frame)),
            },
        )


def compared(what: str, runs: dict[str, Callable[[], float]]) -> Iterator[str]:
    """One after the other, again and again; the last is ours."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(ROUNDS + 1):
        for name, one in runs.items():
            taken = one()
            if turn:  # the first is to get warm
                times[name].append(taken)
    *_, ours = (statistics.median(found) for found in times.values())
    for name, found in times.items():
        middle = statistics.median(found)
        ratio = "" if found is times["dataops"] else f"  ours {middle / ours:.2f} times as fast"
        span = f"{1000 * min(found):.0f}-{1000 * max(found):.0f}"
        yield f"{name:26} {what:32} {1000 * middle:5.0f} ms  ({span}){ratio}"


def timed(function: Callable[[], Any]) -> Callable[[], float]:
    """A function that says how long `function` takes."""
    return lambda: seconds(function)


def features(frame: pd.DataFrame) -> dict[str, Any]:
    """As the stage `featurize` does."""
    series, step = series_ids(frame, ["store", "item"]), steps(frame["date"], "D")
    history = History(series, step, frame["sales"].to_numpy("float64"))
    found = {f"lag_{lag}": history.lag(lag) for lag in LAGS}
    for length in WINDOWS:
        found[f"mean_{length}"] = history.rolling_mean(length, 1)
        found[f"std_{length}"] = history.rolling_std(length, 1)
    return found


def by_rolling(frame: pd.DataFrame) -> dict[str, Any]:
    """pandas' own windows by group, the quickest there is in it."""
    sales = frame.groupby(["store", "item"])["sales"]
    found: dict[str, Any] = {f"lag_{lag}": sales.shift(lag).to_numpy() for lag in LAGS}
    for length in WINDOWS:
        window = sales.rolling(length, closed="left", min_periods=1)
        found[f"mean_{length}"] = window.mean().to_numpy()
        found[f"std_{length}"] = window.std().to_numpy()
    return found


def by_transform(frame: pd.DataFrame) -> dict[str, Any]:
    """As it is mostly written."""
    sales = frame.groupby(["store", "item"])["sales"]
    found: dict[str, Any] = {f"lag_{lag}": sales.shift(lag) for lag in LAGS}
    for length in WINDOWS:
        found[f"mean_{length}"] = sales.transform(lambda one, n=length: one.shift(1).rolling(n).mean())
        found[f"std_{length}"] = sales.transform(lambda one, n=length: one.shift(1).rolling(n).std())
    return found


def same(frame: pd.DataFrame) -> None:
    """Ours and pandas' agree, or there is nothing to compare."""
    ours, theirs = features(frame), by_rolling(frame)
    for name, values in ours.items():
        np.testing.assert_allclose(values, theirs[name], rtol=1e-6, atol=1e-6, err_msg=name)


if __name__ == "__main__":
    for line in run():
        print(line)
