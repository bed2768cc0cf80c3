"""data/validated -> data/features: what a forecast made `horizon` steps ahead may know of each row.

Nothing of the target younger than the horizon is used, nor of any column that isn't listed as known ahead. Lags and
windows count dates, not rows, so gaps shift nothing.
"""

from __future__ import annotations

import re
from calendar import isleap
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from dataops.checked import Checked
from dataops.errors import DataOpsError, run
from dataops.files import new_folder, write_json
from dataops.memo import Memo, as_before
from dataops.params import section
from dataops.tables import parquet
from dataops.tables.contract import Contract, Frequency
from dataops.tables.features import History, mean_of, series_ids
from dataops.tables.period import SEASON, YEAR, steps
from dataops.tables.sums import Floats

VALIDATED = Path("data/validated")
FEATURES = Path("data/features")
REPORT = Path("reports/features.json")
METRICS = Path("reports/metrics/featurize.json")
LEAP = 8  # years at most from one 29 February to the next
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
    """Run the stage. A month is taken from an earlier run where all that its windows see is as it was then."""
    contract, params = section(Contract, "contract"), section(Featurize, "featurize")
    check_params(contract, params)
    paths, memo = parquet.files(VALIDATED), Memo.of("featurize", [VALIDATED])
    digests, seen = {path: memo.digest(path) for path in paths}, windows(paths, contract, params)
    keys = {path.name: memo.key([[at.name, digests[at]] for at in seen[path]]) for path in paths}
    with new_folder(FEATURES) as folder:
        found = memo.restored(keys, folder)
        missing = [path for path in paths if path.name not in found]
        kept = len(found)
        if missing:
            newest = [path for path in paths if path.name in found][-1:]
            made = write(missing, seen, folder, contract, params, *newest)
            if set(found) | set(made) != set(keys):
                for file in folder.iterdir():
                    file.unlink()
                kept, found, made = 0, {}, write(paths, seen, folder, contract, params)
            for name in made.keys() & keys.keys():
                memo.put_file(keys[name], folder / name, **made[name])
            found |= made
    memo.save()
    report = summary(list(found.values()))
    write_json(REPORT, report)
    write_json(METRICS, {name: report[name] for name in ("count", "coverage", "null_ratio")})
    print(
        f"built {report['count']} features for {report['rows']:,} rows, horizon {params.horizon}"
        + as_before(kept, len(paths))
    )


def reach(contract: Contract, params: Featurize) -> int:
    """How many steps back the features of `build` look at most."""
    season, year = SEASON[contract.frequency], YEAR[contract.frequency]
    lengths = [*params.means, *params.stds, *(season * count for count in params.seasonal_means), season * 4]
    return max(
        *params.lags,
        *(params.horizon + length for length in lengths),
        *(params.horizon + year + length for length in params.trends),
    )


def windows(paths: list[Path], contract: Contract, params: Featurize) -> dict[Path, list[Path]]:
    """The partitions that the features of each depend on, itself the last; all where they aren't partitions by time."""
    try:
        first, last = (steps(times, contract.frequency) for times in parquet.spans([path.stem for path in paths]))
    except ValueError:
        return dict.fromkeys(paths, paths)
    begins = np.searchsorted(last, first - reach(contract, params))
    return {path: paths[begin : place + 1] for place, (path, begin) in enumerate(zip(paths, begins, strict=True))}


def write(
    wanted: list[Path],
    seen: dict[Path, list[Path]],
    folder: Path,
    contract: Contract,
    params: Featurize,
    kept: Path | None = None,
) -> dict[str, dict[str, Any]]:
    """Write the partitions with their features into `folder`; how many rows of each, and nulls by feature.

    `kept` is one that lies in `folder` already, and proves that partitions can be had one by one: features of each
    series' first row there, before which the least is read, are made again. Where they differ, nothing is written: {}.
    """
    read = sorted({at for path in (wanted if kept is None else [*wanted, kept]) for at in seen[path]})
    tables = parquet.tables(read)
    holders = np.repeat(np.arange(len(read)), [len(table) for table in tables])
    asked = np.isin(holders, [read.index(path) for path in wanted])
    rows = parquet.to_frame(pa.concat_tables(tables))
    del tables
    if kept is None:
        features = build(rows, contract, params, asked)
    else:
        tried = holders == read.index(kept)
        first = np.diff(series_ids(rows[tried], contract.keys), prepend=-1) != 0
        tried[tried] = first
        features = build(rows, contract, params, asked | tried)
        before = parquet.read([folder / kept.name], list(features.columns))[first]
        if not np.array_equal(features[tried[features.index]], before, equal_nan=True):
            return {}
        features = features[asked[features.index]]
    rows = rows if asked.all() else rows[asked]
    form = parquet.schema(contract, {name: pa.float64() for name in features.columns})
    numbers = parquet.numbers(rows[contract.time], contract.partition)
    nulls = features.isna().groupby(numbers).sum()
    counts = pd.Series(numbers).value_counts()
    table = pd.concat([rows, features], axis=1)
    parquet.write_parts(table, numbers, folder, form, contract.index, contract.partition)
    return {
        f"{parquet.label(number, contract.partition)}.parquet": {
            "rows": int(counts[number]),
            "nulls": {name: int(count) for name, count in found.items()},
        }
        for number, found in zip(nulls.index.tolist(), nulls.to_dict("records"), strict=True)
    }


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


def build(
    rows: pd.DataFrame, contract: Contract, params: Featurize, asked: npt.NDArray[np.bool_] | None = None
) -> pd.DataFrame:
    """All features, (m, k) float64, of the rows asked for, (n,), or all, in the order of `rows`, (n, columns).

    The others are their past. A feature that looks back in another way than by `History`, or further than `reach`,
    can't be had of a part of the rows.
    """
    series, step = series_ids(rows, contract.keys), steps(rows[contract.time], contract.frequency)
    order = np.lexsort((step, series))
    series, step = series[order], step[order]
    asked = np.ones(len(rows), dtype=bool) if asked is None else asked
    seen = asked[order]
    chosen = slice(None) if seen.all() else seen

    def numbers(name: str) -> Floats:
        return rows[name].to_numpy("float64", na_value=np.nan)[order]

    times = rows[contract.time].iloc[order[chosen]]
    found: dict[str, Floats] = dict(calendar(times, contract.frequency, params.holidays))
    found |= of_target(History(series, step, numbers(contract.target), chosen), contract, params)
    numeric = [name for name in contract.others if contract.columns[name].type in ("integer", "number", "boolean")]
    for name in numeric:
        values = numbers(name)
        history = History(series, step, values, chosen)
        usual = history.rolling_mean(SEASON[contract.frequency] * 4, params.horizon)
        if name in params.known_ahead:  # itself is a column already; against its usual level it says more
            found[f"{name}_change"] = values[chosen] - usual
        else:
            found[f"{name}_mean"] = usual
            found[f"{name}_lag_{params.horizon}"] = history.lag(params.horizon)
    back = np.empty(len(times), dtype=np.int64)  # from the order of `rows` to that of series and time
    back[(np.cumsum(asked) - 1)[order[chosen]]] = np.arange(len(times))
    # one column after the other, so that they aren't there twice
    features = {free(name, rows.columns): found.pop(name)[back] for name in list(found)}
    return pd.DataFrame(features, index=rows.index[asked], copy=False)


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
    """The holidays as sorted days: "MM-DD" in every year around the data that has that day, "YYYY-MM-DD" once."""
    around = range(max(times.dt.year.min() - LEAP, 0), times.dt.year.max() + LEAP + 1)
    dates = [day for day in holidays if len(day) > 5]
    dates += [
        f"{year:04d}-{day}" for year in around for day in holidays if len(day) == 5 and (day != "02-29" or isleap(year))
    ]
    try:
        return np.unique(np.array(dates, dtype="datetime64[D]"))
    except ValueError as error:
        raise DataOpsError(f"params.yaml: featurize.holidays: {error}", HOLIDAY) from None


def summary(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Count, coverage (share of values there) and null ratio, overall and by feature, of all partitions together."""
    rows = sum(part["rows"] for part in parts)
    nulls = pd.DataFrame([part["nulls"] for part in parts]).sum() / rows
    ratio = float(nulls.mean())
    return {
        "count": len(nulls),
        "rows": rows,
        "coverage": round(1 - ratio, 6),
        "null_ratio": round(ratio, 6),
        "features": {name: {"coverage": round(1 - float(share), 6), "null_ratio": round(float(share), 6)}
                     for name, share in nulls.items()},
    }  # fmt: skip


if __name__ == "__main__":
    run(main)
