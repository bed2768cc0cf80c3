"""pipeline.featurize: nothing younger than the horizon, by date, the same bits in any company."""

from __future__ import annotations

import hashlib
import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workbench import Bench, sales

from dataops.tables.contract import Contract
from dataops.tables.period import SEASON, YEAR, steps
from pipeline.channels import contents, survey
from pipeline.featurize import Featurize, build, calendar
from pipeline.train import DEFAULTS, specification

CONTRACT = {
    "time": "when",
    "target": "sold",
    "keys": ["shop", "item"],
    "columns": {
        "when": {"type": "datetime"},
        "shop": {"type": "integer"},
        "item": {"type": "string"},
        "sold": {"type": "number"},
        "price": {"type": "number", "nullable": True},
        "visitors": {"type": "integer", "nullable": True},
        "open": {"type": "boolean"},
        "note": {"type": "string", "nullable": True},
    },
}
PARAMS = Featurize(
    horizon=5, lags=[5, 8, 13], means=[3, 30], stds=[6], seasonal_means=[3], trends=[4], known_ahead=["price", "open"],
    holidays=["12-25", "01-01", "2024-02-29"],
)  # fmt: skip
UNIT = {"h": "h", "D": "D", "W": "7D", "M": None}


def contract(frequency="D", **changes):
    """The contract above in another frequency."""
    return Contract.model_validate(CONTRACT | {"frequency": frequency} | changes)


def times(numbers, frequency, start):
    """The moment of each step."""
    if frequency == "M":
        return pd.DatetimeIndex([pd.Timestamp(start) + pd.DateOffset(months=int(n)) for n in numbers])
    return pd.DatetimeIndex(
        pd.Timestamp(start) + pd.to_timedelta(numbers, UNIT[frequency][-1]) * (7 if frequency == "W" else 1)
    )


def table(seed, frequency="D", start="2024-01-04", series=4, span=90, whole=False):
    """Series of different length with gaps, in no order; `whole` numbers make sums exact."""
    rng = np.random.default_rng(seed)
    parts = []
    for number in range(series):
        first = int(rng.integers(-20, 20))
        numbers = np.arange(first, first + int(rng.integers(1, span)))
        numbers = numbers[rng.random(len(numbers)) < rng.choice([0.5, 0.9, 1.0])]
        n = len(numbers)
        sold = rng.integers(0, 50, n).astype(float) if whole else rng.gamma(1, 9, n) * 10.0 ** rng.integers(-3, 4, n)
        parts.append(pd.DataFrame({
            "when": times(numbers, frequency, start), "shop": number % 2, "item": f"i{number // 2}", "sold": sold,
            "price": np.where(rng.random(n) < 0.1, np.nan, rng.integers(1, 100, n) / 4),
            "visitors": pd.array(rng.integers(0, 999, n), dtype="Int64"), "open": rng.random(n) < 0.8,
            "note": rng.choice(["a", "b"], n),
        }))  # fmt: skip
    frame = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    frame.loc[rng.random(len(frame)) < 0.1, "visitors"] = pd.NA
    frame["when"] = frame["when"].astype("datetime64[us]")
    return frame.sample(frac=1, random_state=seed).reset_index(drop=True)


def slow(frame, rules, params, asked):
    """Every feature of the rows asked for, by looking the dates up one by one."""
    frequency = rules.frequency
    season, step = SEASON[frequency], steps(frame["when"], frequency)
    known = {name: {} for name in ("sold", "price", "visitors", "open")}
    for n, row in enumerate(frame.itertuples()):
        for name, values in known.items():
            value = getattr(row, name)
            if not pd.isna(value):
                values[row.shop, row.item, step[n]] = float(value)

    def at(name, n, back):
        return known[name].get((frame["shop"][n], frame["item"][n], step[n] - back))

    def mean(name, n, length, until):
        there = [v for back in range(until, until + length) if (v := at(name, n, back)) is not None]
        return statistics.fmean(there) if there else None

    found = []
    for n in asked:
        row = {f"lag_{lag}": at("sold", n, lag) for lag in params.lags}
        row |= {f"mean_{length}": mean("sold", n, length, params.horizon) for length in params.means}
        for length in params.stds:
            there = [v for back in range(length) if (v := at("sold", n, params.horizon + back)) is not None]
            row[f"std_{length}"] = statistics.stdev(there) if len(there) > 1 else None
        first = next(k * season for k in range(1, 99) if k * season >= params.horizon)
        for count in params.seasonal_means:
            there = [v for k in range(count) if (v := at("sold", n, first + k * season)) is not None]
            row[f"seasonal_mean_{count}"] = statistics.fmean(there) if there else None
        for length in params.trends:
            now = mean("sold", n, length, params.horizon)
            then = mean("sold", n, length, params.horizon + YEAR[frequency])
            row[f"trend_{length}"] = now / then if now is not None and then else None
        for name in ("price", "open"):
            usual = mean(name, n, 4 * season, params.horizon)
            own = at(name, n, 0)
            row[f"{name}_change"] = own - usual if own is not None and usual is not None else None
        row["visitors_mean"] = mean("visitors", n, 4 * season, params.horizon)
        row[f"visitors_lag_{params.horizon}"] = at("visitors", n, params.horizon)
        found.append(row)
    return pd.DataFrame(found, dtype="float64")


@pytest.mark.parametrize("start", ["2024-01-04", "1969-11-20"])
@pytest.mark.parametrize("frequency", ["h", "D", "W", "M"])
@settings(max_examples=6, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6))
def test_equals_the_slow_way(frequency, start, seed):
    """Gaps, series of different length, rows in no order, dates before 1970: all as looked up date by date."""
    rules, frame = contract(frequency), table(seed, frequency, start, whole=True)
    features = build(frame, rules, PARAMS)
    asked = range(0, len(frame), 1 + len(frame) // 15)
    wanted = slow(frame, rules, PARAMS, asked)
    assert features.index.equals(frame.index)
    assert (features.dtypes == "float64").all()
    for name in wanted:
        np.testing.assert_allclose(features[name].iloc[list(asked)], wanted[name], rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("frequency", ["h", "D", "W", "M"])
@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), data=st.data())
def test_the_future_changes_nothing(frequency, seed, data):
    """Target, visitors and note younger than the horizon may be anything: what the model sees stays, bit for bit."""
    rules, frame = contract(frequency), table(seed, frequency)
    row = data.draw(st.integers(0, len(frame) - 1))
    step = steps(frame["when"], frequency)
    young = step > step[row] - PARAMS.horizon
    rng = np.random.default_rng(seed)
    changed = frame.assign(
        sold=frame["sold"].where(~young, rng.normal(0, 1e6, len(frame))),
        visitors=frame["visitors"].where(~young, pd.Series(rng.integers(0, 10**6, len(frame)), dtype="Int64")),
        note=frame["note"].where(~young, "changed"),
    )
    for name in ("sold", "visitors"):  # a value may also be unknown, or be known where it wasn't
        changed[name] = changed[name].mask(young & (rng.random(len(frame)) < 0.2))
    before, after = build(frame, rules, PARAMS), build(changed, rules, PARAMS)
    np.testing.assert_array_equal(before.loc[row].to_numpy(), after.loc[row].to_numpy())
    dropped = ~young | (rng.random(len(frame)) < 0.5) | (frame.index == row)  # nor does it matter whether rows exist
    without = build(frame[dropped].reset_index(drop=True), rules, PARAMS)
    np.testing.assert_array_equal(before.loc[row].to_numpy(), without.iloc[int(dropped[:row].sum())].to_numpy())


def test_the_model_sees_nothing_else(bench: Bench):
    """Of the table's own columns a model gets those known ahead and the keys, whatever else is in data/features."""
    bench.set("featurize", known_ahead=["promotion"])
    bench.put("validated", sales())
    bench.run("featurize")
    from dataops.training.launch import hyperparameters

    hyper = DEFAULTS | hyperparameters()
    channel = contents(bench.root / "data/features")
    seen = specification(survey(channel, hyper["time"], hyper["target"], hyper["categories"]), hyper)["features"]
    assert "price" in bench.table("features")
    assert {"store_id", "product_id", "promotion"} == set(seen) & set(bench.contract.columns)
    assert {"price_mean", "price_lag_7"} <= set(seen)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6))
def test_parts_give_the_bits_of_the_whole(seed):
    """A shard of the series, a tail of the dates and a row with its past alone have the whole's bits."""
    rules, frame = contract(), table(seed, start="2023-12-10", series=6)
    params = PARAMS.model_copy(update={"seasonal_means": [9], "holidays": ["2024-01-20"]})
    whole = build(frame, rules, params)
    shard = frame["shop"] == 1
    if shard.any():
        np.testing.assert_array_equal(build(frame[shard], rules, params), whole[shard])
    reach = params.horizon + max(YEAR["D"] + 4, 30, 13 * 7)
    last = frame["when"].max()
    tail, recent = frame["when"] > last - pd.Timedelta(days=9), frame["when"] > last - pd.Timedelta(days=9 + reach)
    np.testing.assert_array_equal(build(frame[recent], rules, params)[tail[recent]], whole[tail])
    one = frame.index[[seed % len(frame)]]
    same = (frame[["shop", "item"]] == frame.loc[one[0], ["shop", "item"]]).all(axis=1)
    np.testing.assert_array_equal(build(frame[same], rules, params).loc[one], whole.loc[one])


def test_a_single_row():
    """One row has a calendar and no past."""
    features = build(table(1).iloc[[0]], contract(), PARAMS)
    assert features[["lag_5", "mean_3", "std_6", "seasonal_mean_3", "trend_4"]].isna().all(axis=None)
    assert features["day_of_week"].notna().all()


def test_no_keys():
    """A table without keys is one series."""
    frame = table(3, series=1, whole=True)
    columns = {name: entry for name, entry in CONTRACT["columns"].items() if name not in ("shop", "item")}
    alone = build(frame[list(columns)], contract(keys=[], columns=columns), PARAMS)
    pd.testing.assert_frame_equal(alone, build(frame, contract(), PARAMS))


def test_columns_called_like_features():
    """A source's own `month`, and its `month_feature`, collide with nothing."""
    extra = {name: {"type": "number"} for name in ("month", "month_feature", "lag_5")}
    rules = contract(columns=CONTRACT["columns"] | extra)
    frame = table(1).assign(month=7.0, month_feature=8.0, lag_5=9.0)
    features = build(frame, rules, PARAMS)
    assert features.columns.is_unique
    assert not set(features.columns) & set(frame.columns)
    assert {"month_feature_feature", "lag_5_feature"} <= set(features.columns)


def test_calendar():
    """Days to and since the next and last holiday, yearly ones in every year; unknown beyond those listed."""
    frame = table(1).iloc[[0] * 4].reset_index(drop=True)
    frame["when"] = pd.to_datetime(["2023-12-24", "2023-12-25", "2024-01-03", "2031-07-01"]).astype("datetime64[us]")
    features = build(frame.assign(item=list("abcd")), contract(), PARAMS)
    assert features["days_to_holiday"].tolist() == [1, 0, 57, 177]
    assert features["days_since_holiday"].tolist() == [357, 0, 2, 181]
    assert features["day_of_week"].tolist() == [6, 0, 2, 1]
    once = PARAMS.model_copy(update={"holidays": ["2023-12-25"]})
    features = build(frame.assign(item=list("abcd")), contract(), once)
    np.testing.assert_array_equal(features["days_to_holiday"], [1, 0, np.nan, np.nan])
    np.testing.assert_array_equal(features["days_since_holiday"], [np.nan, 0, 9, 2745])


def test_stage(bench: Bench):
    """The stage writes rows and features by month, the same bytes again, and the report's numbers are the table's."""
    bench.put("validated", sales())
    bench.run("featurize")
    files = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (bench.root / "data/features").iterdir()}
    assert sorted(files) == [f"2024-0{month}.parquet" for month in range(1, 5)]
    table_, report = bench.table("features"), bench.report("features")
    built = table_.drop(columns=list(bench.contract.columns))
    assert report["count"] == built.shape[1] == len(report["features"])
    assert report["null_ratio"] == pytest.approx(built.isna().mean().mean(), abs=1e-6)
    assert report["features"]["lag_14"]["null_ratio"] == pytest.approx(14 / 121, abs=1e-6)
    bench.run("featurize")
    assert files == {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (bench.root / "data/features").iterdir()
    }


def test_a_new_month_leaves_old_files(bench: Bench):
    """A month appended, even of a new year, changes no file of before."""
    bench.set("featurize", holidays=["2023-10-03", "12-25"])
    frame = sales("2023-09-01", days=150)
    bench.put("validated", frame[frame["date"] < "2024-01-01"])
    bench.run("featurize")
    before = {p.name: p.read_bytes() for p in (bench.root / "data/features").iterdir()}
    bench.put("validated", frame)
    bench.run("featurize")
    after = {p.name: p.read_bytes() for p in (bench.root / "data/features").iterdir()}
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"lags": [3, 7]}, "featurize.lags: 3 is younger than the horizon of 7"),
        ({"horizon": 0}, "featurize.horizon must be at least 1"),
        ({"means": [0]}, "a window must be at least 1 step long"),
        ({"known_ahead": ["weather"]}, "featurize.known_ahead: weather is no column besides keys, time and target"),
        ({"known_ahead": ["sales"]}, "sales is no column besides"),
        ({"holidays": ["1-1"]}, "featurize.holidays: '1-1' is no day"),
        ({"holidays": ["20241225"]}, "featurize.holidays: '20241225' is no day"),
        ({"holidays": ["13-01"]}, "featurize.holidays: "),
        ({"horizn": 7}, "featurize: unknown key horizn"),
        ({"lags": ["7"]}, "featurize: lags.0: input should be a valid integer"),
    ],
)
def test_wrong_params(bench: Bench, values, words):
    """A lag that looks into the future and everything else that can't be meant is one line."""
    bench.put("validated", sales(days=40))
    bench.set("featurize", **values)
    assert words in bench.run("featurize", status=2).err


def test_a_holiday_that_most_years_have_not():
    """29 February is one in leap years; how far away it is doesn't depend on which rows are there."""
    dates = pd.Series(pd.to_datetime(["1897-06-01", "2018-02-28", "2023-12-25", "2024-02-29"]).astype("datetime64[us]"))
    whole = calendar(dates, "D", ["02-29"])
    assert whole["days_to_holiday"].tolist() == [2463, 731, 66, 0]
    assert whole["days_since_holiday"].tolist() == [458, 730, 1395, 0]
    for place in range(len(dates)):
        alone = calendar(dates.iloc[[place]], "D", ["02-29"])
        assert [alone[name][0] for name in alone] == [whole[name][place] for name in whole]
