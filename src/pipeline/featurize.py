"""data/validated -> data/features: what a forecast made `horizon` steps ahead may know of each row.

Nothing of the target younger than the horizon is used, nor of any column that isn't listed as known ahead. Lags and
windows count dates, not rows, so gaps shift nothing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from dataops.checked import Checked
from dataops.errors import DataOpsError, run
from dataops.files import write_json
from dataops.params import section
from dataops.tables import parquet
from dataops.tables.contract import Contract, Frequency
from dataops.tables.features import Floats, History, mean_of, series_ids
from dataops.tables.period import SEASON, YEAR, steps

VALIDATED = Path("data/validated")
FEATURES = Path("data/features")
REPORT = Path("reports/features.json")
METRICS = Path("reports/metrics/featurize.json")
HOLIDAY = 'write "12-25" or "2024-11-29"'
CALENDAR: dict[Frequency, list[str]] = {
    "h": ["hour", "day_of_week", "day_of_year"],
    "D": ["day_of_week", "day_of_month", "day_of_year", "month"],
    "W": ["day_of_month", "day_of_year", "month"],
    "M": ["month"],
}


class Featurize(Checked):
    """The section `featurize` of params.yaml; every number counts steps of the contract's frequency."""

    horizon: int
    lags: list[int]
    means: list[int]
    stds: list[int]
    seasonal_means: list[int]
    trends: list[int] = []
    known_ahead: list[str] = []
    holidays: list[str] = []


def main() -> None:
    """Run the stage."""
    contract, params = section(Contract, "contract"), section(Featurize, "featurize")
    check_params(contract, params)
    rows = parquet.read(VALIDATED)
    features = build(rows, contract, params)
    form = parquet.schema(contract, {name: pa.float64() for name in features.columns})
    table = pd.concat([rows, features], axis=1)
    parquet.write(table, FEATURES, form, contract.index, contract.time, contract.partition)
    report = summary(features)
    write_json(REPORT, report)
    write_json(METRICS, {name: report[name] for name in ("count", "coverage", "null_ratio")})
    print(f"built {features.shape[1]} features for {len(rows):,} rows, horizon {params.horizon}")


def check_params(contract: Contract, params: Featurize) -> None:
    """Refuse a lag that would look into the future, and columns that don't exist."""
    if params.horizon < 1:
        raise DataOpsError("params.yaml: featurize.horizon must be at least 1")
    early = [lag for lag in params.lags if lag < params.horizon]
    if early:
        raise DataOpsError(
            f"params.yaml: featurize.lags: {early[0]} is younger than the horizon of {params.horizon}",
            "a forecast that far ahead can't know it; use lags of at least the horizon",
        )
    if any(length < 1 for length in (*params.means, *params.stds, *params.seasonal_means, *params.trends)):
        raise DataOpsError("params.yaml: featurize: a window must be at least 1 step long")
    unknown = [name for name in params.known_ahead if name not in contract.others]
    if unknown:
        raise DataOpsError(
            f"params.yaml: featurize.known_ahead: {unknown[0]} is no column besides keys, time and target",
            f"there are: {', '.join(contract.others) or 'none'}",
        )
    odd = [day for day in params.holidays if not re.fullmatch(r"(\d{4}-)?\d{2}-\d{2}", day)]
    if odd:
        raise DataOpsError(f"params.yaml: featurize.holidays: {odd[0]!r} is no day", HOLIDAY)


def build(rows: pd.DataFrame, contract: Contract, params: Featurize) -> pd.DataFrame:
    """All features, (n, k) float64, in the order of `rows`."""
    series, step = series_ids(rows, contract.keys), steps(rows[contract.time], contract.frequency)
    order = np.lexsort((step, series))
    series, step = series[order], step[order]

    def numbers(name: str) -> Floats:
        return rows[name].to_numpy("float64", na_value=np.nan)[order]

    found: dict[str, Floats] = dict(calendar(rows[contract.time].iloc[order], contract.frequency, params.holidays))
    found |= of_target(History(series, step, numbers(contract.target)), contract, params)
    numeric = [name for name in contract.others if contract.columns[name].type in ("integer", "number", "boolean")]
    for name in numeric:
        history = History(series, step, numbers(name))
        usual = history.rolling_mean(SEASON[contract.frequency] * 4, params.horizon)
        if name in params.known_ahead:  # itself is a column already; against its usual level it says more
            found[f"{name}_change"] = numbers(name) - usual
        else:
            found[f"{name}_mean"] = usual
            found[f"{name}_lag_{params.horizon}"] = history.lag(params.horizon)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    # one column after the other, so that they aren't there twice
    features = {free(name, rows.columns): found.pop(name)[back] for name in list(found)}
    return pd.DataFrame(features, index=rows.index, copy=False)


def free(name: str, taken: pd.Index) -> str:
    """A feature's name that no column has: a source may have one called month, too."""
    while name in taken:
        name += "_feature"
    return name


def of_target(history: History, contract: Contract, params: Featurize) -> dict[str, Floats]:
    """Lags, rolling statistics and same-season means of the target, none younger than the horizon."""
    horizon, season = params.horizon, SEASON[contract.frequency]
    first = -(-horizon // season) * season  # the youngest whole season that is old enough
    found = {f"lag_{by}": history.lag(by) for by in params.lags}
    found |= {f"mean_{n}": history.rolling_mean(n, horizon) for n in params.means}
    found |= {f"std_{n}": history.rolling_std(n, horizon) for n in params.stds}
    for count in params.seasonal_means:
        lags = [history.lag(first + season * i) for i in range(count)]
        found[f"seasonal_mean_{count}"] = mean_of(lags)
    for length in params.trends:  # growth against the same weeks a year before, which trees can't divide out
        now, then = (history.rolling_mean(length, horizon + back) for back in (0, YEAR[contract.frequency]))
        found[f"trend_{length}"] = np.divide(now, then, out=np.full_like(now, np.nan), where=then > 0)
    return found


def calendar(times: pd.Series, frequency: Frequency, holidays: list[str]) -> dict[str, Floats]:
    """Where in the day, week and year a row stands, and how many days the next holiday ("MM-DD") is away."""
    values = {
        "hour": times.dt.hour,
        "day_of_week": times.dt.day_of_week,
        "day_of_month": times.dt.day,
        "day_of_year": times.dt.day_of_year,
        "month": times.dt.month,
    }
    found = {name: values[name].to_numpy("float64") for name in CALENDAR[frequency]}
    if holidays:
        days = times.to_numpy("datetime64[D]")
        dates = holiday_dates(holidays, times)
        never = np.datetime64("NaT", "D")  # before the first or after the last that is listed
        after, before = np.append(dates, never), np.append(never, dates)
        to, since = after[np.searchsorted(dates, days)] - days, days - before[np.searchsorted(dates, days, "right")]
        found["days_to_holiday"] = np.where(np.isnat(to), np.nan, to.astype("float64"))
        found["days_since_holiday"] = np.where(np.isnat(since), np.nan, since.astype("float64"))
    return found


def holiday_dates(holidays: list[str], times: pd.Series) -> np.ndarray[Any, np.dtype[np.datetime64]]:
    """The holidays as sorted days: "MM-DD" in every year from one before to one after the data, "YYYY-MM-DD" once."""
    years = range(times.dt.year.min() - 1, times.dt.year.max() + 2)
    dates = [day for day in holidays if len(day) > 5]
    dates += [f"{year:04d}-{day}" for year in years for day in holidays if len(day) == 5]
    try:
        return np.unique(np.array(dates, dtype="datetime64[D]"))
    except ValueError as error:
        raise DataOpsError(f"params.yaml: featurize.holidays: {error}", HOLIDAY) from None


def summary(features: pd.DataFrame) -> dict[str, Any]:
    """Count, coverage (share of values there) and null ratio, overall and by feature."""
    nulls = features.isna().mean()
    ratio = float(nulls.mean())
    return {
        "count": features.shape[1],
        "rows": len(features),
        "coverage": round(1 - ratio, 6),
        "null_ratio": round(ratio, 6),
        "features": {name: {"coverage": round(1 - float(share), 6), "null_ratio": round(float(share), 6)}
                     for name, share in nulls.items()},
    }  # fmt: skip


if __name__ == "__main__":
    run(main)
