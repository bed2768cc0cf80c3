"""models/model.tar.gz on the test part, against seasonal naive: overall, by store, by horizon, over time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from dataops.archive import member
from dataops.checked import Checked
from dataops.errors import DataOpsError, run
from dataops.files import new_folder, write_json
from dataops.params import section
from dataops.report import forecast_pictures
from dataops.report.forecast_pictures import Names
from dataops.tables import metrics, parquet
from dataops.tables.contract import Contract
from dataops.tables.features import History, series_ids
from dataops.tables.period import HORIZON, SEASON, floor, steps
from pipeline.boosting import predict
from pipeline.featurize import Featurize

DATASET = Path("data/dataset")
MODEL = Path("models/model.tar.gz")
REPORT = Path("reports/evaluation.json")
METRICS = Path("reports/metrics/evaluate.json")
PLOTS = Path("reports/evaluation")
DECIMALS = 6
COVERED = 0.9  # share of what was sold from which on a total of the naive forecast is shown


class Evaluate(Checked):
    """The section `evaluate` of params.yaml."""

    naive_lag: int  # steps; the naive forecast is the value that many steps earlier


def _not_passed(ours: float | None, theirs: float | None, lag: int) -> str:
    if ours is None or theirs is None:
        return f"seasonal naive has no WAPE to be below: no row has a value {lag} steps before, or all are zero"
    return f"WAPE {ours} is not below seasonal naive's {theirs}"


def main() -> None:
    """Run the stage."""
    contract, params = section(Contract, "contract"), section(Evaluate, "evaluate")
    spec = json.loads(member(MODEL, "model.json"))
    booster = lgb.Booster(model_str=member(MODEL, "model.txt").decode())
    test = parquet.read(DATASET / "test")
    missing = [name for name in spec["features"] if name not in test.columns]
    if missing:
        raise DataOpsError(f"the model wants {missing[0]}, which data/dataset has not", "run `dvc repro`")
    horizon = section(Featurize, "featurize").horizon
    if params.naive_lag < horizon:
        raise DataOpsError(
            f"params.yaml: evaluate.naive_lag: {params.naive_lag} is younger than the horizon of {horizon}",
            "the baseline would know what the model may not",
        )
    if test[contract.target].isna().all():
        raise DataOpsError(f"no row of {DATASET / 'test'} has a {contract.target}: there is nothing to score against")
    rows = forecasts(test, predict(booster, test, spec), contract, params.naive_lag)
    report: dict[str, Any] = {"rows": len(rows), "naive_lag": params.naive_lag, "model": scores(rows, "forecast")}
    known = rows[rows["naive"].notna()]
    report["naive"] = {"rows": len(known), **scores(known, "naive")}
    report["model_where_naive"] = scores(known, "forecast")
    ours, theirs = report["model_where_naive"]["wape"], report["naive"]["wape"]
    report["beats_naive"] = ours < theirs if ours is not None and theirs is not None else None
    report["passed"] = report["beats_naive"] is True  # the gate of `dataops release model`
    report["problems"] = [] if report["passed"] else [_not_passed(ours, theirs, params.naive_lag)]
    write_json(REPORT, report)
    write_json(METRICS, report["model"] | {"wape_where_naive": ours, "naive_wape": theirs})
    tables = {name: by(rows, name) for name in ("store", "horizon", "period")}
    with new_folder(PLOTS) as folder:
        total = totals(rows)
        total.to_csv(folder / "forecast.csv", index=False, float_format="%.6g", date_format="%Y-%m-%d %H:%M")
        for name, table in tables.items():
            table.to_csv(folder / f"error_by_{name}.csv", index=False, float_format="%.6g")
        names = Names(contract.target, next(iter(contract.keys), "series"), HORIZON[contract.frequency][1])
        forecast_pictures.draw(total, rows, tables, names, folder)
    said = [f"{name} {'-' if value is None else f'{value:.4g}'}" for name, value in report["model"].items()]
    naive = [f"{name} {'-' if (value := report['naive'][name]) is None else value}" for name in ("wape", "smape")]
    print(f"test: {', '.join(said)} (seasonal naive: {', '.join(naive)})")
    for problem in report["problems"]:
        print(f"not good enough to be released: {problem}")


def totals(rows: pd.DataFrame) -> pd.DataFrame:
    """Sums over all series by step; naive only where it is known for nearly all that was sold: else it looks low."""
    sums = rows.groupby("time")[["actual", "forecast", "naive"]].sum(min_count=1)
    covered = rows["actual"].abs().where(rows["naive"].notna(), 0.0).groupby(rows["time"]).sum()
    sold = rows["actual"].abs().groupby(rows["time"]).sum()
    sums["naive"] = sums["naive"].where(covered >= COVERED * sold)
    sums = sums.reset_index()
    sums.insert(0, "step", range(1, len(sums) + 1))  # DVC's line plots take numbers on the x axis, not dates
    return sums


def forecasts(test: pd.DataFrame, forecast: Any, contract: Contract, naive_lag: int) -> pd.DataFrame:
    """One row a test row: time, store (the first key), horizon, actual, forecast, naive and MASE's scale.

    `horizon` counts days (of hourly data), weeks (of daily and weekly data) or months into the test part.
    """
    needed = [*contract.index, contract.target]
    parts = [parquet.read(DATASET / "train", needed), parquet.read(DATASET / "validation", needed), test[needed]]
    past = pd.concat(parts, ignore_index=True)
    trained, tested = np.arange(len(past)) < len(parts[0]), np.arange(len(past)) >= len(past) - len(test)
    series, step = series_ids(past, contract.keys), steps(past[contract.time], contract.frequency)
    values = past[contract.target].to_numpy("float64", na_value=np.nan)
    order = np.lexsort((step, series))
    history = History(series[order], step[order], values[order])
    before, naive = np.empty(len(past)), np.empty(len(past))
    before[order], naive[order] = history.lag(SEASON[contract.frequency]), history.lag(naive_lag)
    season = np.abs(values - before)
    scale = pd.Series(np.where(trained, season, np.nan)).groupby(series).transform("mean").to_numpy()
    times = test[contract.time]
    rows = pd.DataFrame(
        {
            "time": (floor(times, contract.frequency) if contract.frequency in ("h", "D") else times).to_numpy(),
            "horizon": (step[tested] - step[tested].min()) // HORIZON[contract.frequency][0] + 1,
            "period": times.dt.strftime("%Y-%m").to_numpy(),
            "actual": values[tested],
            "forecast": forecast,
            "naive": naive[tested],
            "scale": scale[tested],
        }
    )
    rows.insert(0, "store", test[contract.keys[0]].to_numpy() if contract.keys else "all")
    return rows[rows["actual"].notna()].reset_index(drop=True)


def scores(rows: pd.DataFrame, column: str) -> dict[str, float | None]:
    """The five errors of one forecast; None where there is nothing to score."""
    actual, forecast = rows["actual"].to_numpy(), rows[column].to_numpy()
    found = {
        "wape": metrics.wape(actual, forecast),
        "smape": metrics.smape(actual, forecast),
        "rmse": metrics.rmse(actual, forecast),
        "mase": metrics.mase(actual, forecast, rows["scale"].to_numpy()),
        "bias": metrics.bias(actual, forecast),
    }
    return {name: round(value, DECIMALS) if np.isfinite(value) else None for name, value in found.items()}


def by(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Rows, WAPE and bias of the model and WAPE of seasonal naive (where it is known) for each value of a column."""
    table = []
    for value, group in rows.groupby(name, sort=True):
        actual, forecast = group["actual"].to_numpy(), group["forecast"].to_numpy()
        known = group["naive"].notna().to_numpy()
        naive = metrics.wape(actual[known], group["naive"].to_numpy()[known]) if known.any() else float("nan")
        table.append({name: value, "rows": len(group), "wape": metrics.wape(actual, forecast),
                      "naive_wape": naive, "bias": metrics.bias(actual, forecast)})  # fmt: skip
    return pd.DataFrame(table)


if __name__ == "__main__":
    run(main)
