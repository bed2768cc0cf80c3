"""Peers that are no dependency of this project: each is asked for one run at a time, in an environment of its own.

Run by that environment's Python it reads names from standard input and answers each with the seconds of one run.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

PINS = ("great_expectations==1.24.1", "polars==2.1.0")
ROOT = Path(__file__).parents[1]
LAGS, WINDOWS = (7, 14, 28, 364), (7, 28)


class Peers:
    """The peers' process; `seconds(name)` is one run, warm after the first."""

    def __init__(self) -> None:
        python = environment()
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.peers"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(python.parents[1] / "log").open("w"),  # progress bars
            text=True,
        )

    def seconds(self, name: str) -> float:
        """One run."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{name}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def environment() -> Path:
    """The Python of an environment with the peers and this one's numpy and pandas, made if it isn't there."""
    import numpy
    import pandas

    pins = [*PINS, f"numpy=={numpy.__version__}", f"pandas=={pandas.__version__}"]
    name = hashlib.sha256(" ".join([sys.version, *pins]).encode()).hexdigest()[:8]
    folder = ROOT / ".dataops" / f"peers-{name}"
    python = folder / "bin" / "python"
    if not (folder / "made").exists():
        print(f"installing {', '.join(PINS)} into {folder.relative_to(ROOT)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        command = [sys.executable, "-m", "uv", "pip", "install", "-q", "--python", str(python), *pins]
        subprocess.run(command, check=True, env={**os.environ, "UV_SYSTEM_CERTS": "1"})
        (folder / "made").touch()
    return python


def seconds(function: Callable[[], Any]) -> float:
    """How long it takes, without what it takes to throw the result away."""
    begun = time.perf_counter()
    found = function()
    taken = time.perf_counter() - begun
    del found  # now, not beside whoever is next
    return taken


def polars() -> Callable[[], Any]:
    """Lags and rolling mean and standard deviation of each series."""
    from benchmarks.demand import demand

    pl = importlib.import_module("polars")  # known in that environment alone
    frame = demand()
    table = pl.DataFrame({name: frame[name].to_numpy() for name in frame})
    sales, series = pl.col("sales").cast(pl.Float64), ["store", "item"]
    columns = [sales.shift(lag).over(series).alias(f"lag_{lag}") for lag in LAGS]
    for length in WINDOWS:
        columns.append(sales.shift(1).rolling_mean(length).over(series).alias(f"mean_{length}"))
        columns.append(sales.shift(1).rolling_std(length).over(series).alias(f"std_{length}"))
    return lambda: table.with_columns(columns)


def great_expectations() -> Callable[[], Any]:
    """No nulls, ranges and a composite key."""
    from benchmarks.demand import demand

    gx = importlib.import_module("great_expectations")
    frame = demand()
    context = gx.get_context(mode="ephemeral")
    whole = context.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
    of = gx.expectations
    rules = [of.ExpectColumnValuesToNotBeNull(column=name) for name in frame]
    rules += [of.ExpectColumnValuesToBeBetween(column=name, min_value=1) for name in ("store", "item")]
    rules += [of.ExpectColumnValuesToBeBetween(column="sales", min_value=0)]
    rules += [of.ExpectCompoundColumnsToBeUnique(column_list=["store", "item", "date"])]
    suite = gx.ExpectationSuite(name="s", expectations=rules)

    def check() -> None:
        if not whole.get_batch(batch_parameters={"dataframe": frame}).validate(suite).success:
            raise AssertionError("it found something")

    return check


def serve() -> None:
    """Answer until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the peers print is no answer
    ready: dict[str, Callable[[], Any]] = {}
    for line in sys.stdin:
        name = line.strip()
        if name not in ready:
            ready[name] = {"polars": polars, "great_expectations": great_expectations}[name]()
        print(seconds(ready[name]), file=answers, flush=True)


if __name__ == "__main__":
    serve()
