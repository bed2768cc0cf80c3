"""The generated shop: the same everywhere, in any order, and like retail."""

from __future__ import annotations

import datetime as dt
import hashlib
import io

import numpy as np
import pandas as pd
import pytest

from dataops.errors import DataOpsError
from dataops.ingest import demand
from dataops.ingest.batches import LANDING, batches
from dataops.ingest.poisson import poisson
from dataops.ingest.run import Options, ingest
from dataops.ingest.sample import START, UNTIL, Sample, months

EASTERS = {2021: "2021-04-04", 2022: "2022-04-17", 2023: "2023-04-09", 2024: "2024-03-31", 2025: "2025-04-20"}


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """All of the default sample."""
    return dict(months(START, UNTIL, 10, 50))


@pytest.fixture(scope="module")
def frame(texts) -> pd.DataFrame:
    return pd.concat(
        [pd.read_csv(io.StringIO(text), parse_dates=["date"]) for text in texts.values()], ignore_index=True
    )


def test_the_same_bytes_everywhere(texts):
    """This hash was made on x86-64; whoever gets another has found a machine that decides a stored value."""
    assert len(texts) == 36
    assert sum(map(len, texts.values())) < 20_000_000
    digest = hashlib.sha256("".join(texts.values()).encode()).hexdigest()
    assert digest == "b038fa49e9276ac29ea073d793043609f46631306a082fbbcaca68ac3925819f"


def test_any_period_alone(texts):
    """Two days in the middle are the same days of the whole."""
    first, last = dt.date(2023, 2, 28), dt.date(2023, 3, 1)
    alone = dict(months(first, last, 10, 50))
    assert list(alone) == ["sales-2023-02.csv", "sales-2023-03.csv"]
    whole = texts["sales-2023-02.csv"].splitlines() + texts["sales-2023-03.csv"].splitlines()[1:]
    for text in alone.values():
        assert text.endswith("\n")
        for line in text.splitlines()[1:]:
            assert line in whole
    assert sum(len(text.splitlines()) - 1 for text in alone.values()) == sum(
        line.startswith(("2023-02-28", "2023-03-01")) for line in whole
    )


def test_it_looks_like_retail(frame):
    """Keys are unique and sorted, weeks and seasons show, promotions and low prices sell, products come and go."""
    assert not frame.duplicated(["date", "store_id", "product_id"]).any()
    assert frame[["date", "store_id", "product_id"]].apply(tuple, axis=1).head(2000).is_monotonic_increasing
    assert frame["sales"].dtype == np.int64
    assert frame["sales"].min() == 0
    assert 0.005 < (frame["sales"] == 0).mean() < 0.05
    assert frame["price"].between(0.25, 60).all()
    weekly = frame.groupby(frame["date"].dt.day_of_week)["sales"].mean()
    assert weekly[5] > 1.25 * weekly[1]
    ice = frame[frame["product_id"] % 5 == 0].groupby(frame["date"].dt.month)["sales"].mean()
    assert ice[7] > 1.7 * ice[1]
    series = frame.groupby(["store_id", "product_id"])
    relative = frame["sales"] / series["sales"].transform("mean")
    assert relative[frame["promotion"]].mean() > 1.3 * relative[~frame["promotion"]].mean()
    first, last = series["date"].min(), series["date"].max()
    assert 10 < (first > "2022-01-01").sum() < 150
    assert 5 < (last < "2024-12-31").sum() < 150
    level = frame.groupby("store_id")["sales"].mean()
    assert level.max() > 1.5 * level.min()


def test_there_is_something_to_learn(frame):
    """Levels times calendar times promotion, fitted by ratios, beats the same weekday a year ago by a third."""
    frame = frame.sort_values(["store_id", "product_id", "date"])
    keys = ["store_id", "product_id"]
    old = frame.assign(date=frame["date"] + pd.Timedelta(days=364))[[*keys, "date", "sales"]]
    test = frame[frame["date"] >= "2024-10-01"].merge(old.rename(columns={"sales": "naive"}), on=[*keys, "date"])
    train = frame[(frame["date"] < "2024-10-01")].copy()
    train["relative"] = train["sales"] / train.groupby(keys)["sales"].transform("mean")
    recent = train[train["date"] >= "2024-07-01"].groupby(keys)["relative"].mean()
    train["kind"] = train["product_id"] % 5
    test["kind"] = test["product_id"] % 5
    cells = {}
    for name in ("day_of_week", "month"):
        cells[name] = train.groupby(["kind", getattr(train["date"].dt, name).rename(name)])["relative"].mean()
    promo = train[train["promotion"]]["relative"].mean() / train[~train["promotion"]]["relative"].mean()
    guess = test.merge(train.groupby(keys)["sales"].mean().rename("level").reset_index(), on=keys)
    assert len(guess) == len(test)
    for name, cell in cells.items():
        guess[name] = getattr(guess["date"].dt, name)
        guess = guess.merge(cell.rename(f"f_{name}").reset_index(), on=["kind", name])
    guess = guess.merge(recent.rename("recent").reset_index(), on=keys)
    summer = train[train["date"] >= "2024-07-01"].groupby("kind")["relative"].mean()
    guess["value"] = guess["level"] * guess["f_day_of_week"] * guess["f_month"] * np.where(guess["promotion"], promo, 1)
    guess["value"] *= guess["recent"] / guess["kind"].map(summer)

    def smape(forecast: pd.Series) -> float:
        total = guess["sales"] + forecast
        return float((200 * (guess["sales"] - forecast).abs() / total.where(total > 0)).mean())

    print("naive", smape(guess["naive"]), "model", smape(guess["value"]))
    assert smape(guess["value"]) < 0.8 * smape(guess["naive"])


def test_it_grows_batch_by_batch(repo, tmp_path):
    """A later --until brings only later days, under times that don't depend on the clock; again brings nothing."""
    small = {"stores": 2, "products": 3}
    first = ingest(repo, Sample(until=dt.date(2022, 2, 10), **small))
    assert first.batch.startswith("data/landing/2022/02/11/0001-")
    assert [file.name for file in first.files] == ["sales-2022-01.csv", "sales-2022-02.csv"]
    second = ingest(repo, Sample(until=dt.date(2022, 3, 1)))
    assert second.batch.startswith("data/landing/2022/03/02/0002-")
    assert second.rows == 19 * 6
    assert batches(repo / LANDING)[1].manifest.ingested_at == "2022-03-02T06:00:00Z"
    assert ingest(repo, Sample(until=dt.date(2022, 2, 20))).batch is None
    with pytest.raises(DataOpsError, match="has stores 2, not 9"):
        ingest(repo, Sample(until=dt.date(2022, 4, 1), stores=9))
    text = "".join(path.read_text() for batch in batches(repo / LANDING) for path in batch.paths)
    lines = [line for line in text.splitlines() if not line.startswith("date")]
    at_once = "".join(text for _, text in months(dt.date(2022, 1, 1), dt.date(2022, 3, 1), 2, 3))
    assert lines == [line for line in at_once.splitlines() if not line.startswith("date")]
    recorded = (repo / "data/landing.dvc").read_text()
    again = ingest(repo, Sample(until=dt.date(2022, 2, 10), **small), Options(replace=True))
    assert again.batch == first.batch
    ingest(repo, Sample(until=dt.date(2022, 3, 1)))
    assert (repo / "data/landing.dvc").read_text() == recorded


def test_impossible_samples(tmp_path):
    """Wrong numbers are one line."""
    from dataops.ingest.source import Context

    for wrong in (Sample(stores=0), Sample(until=dt.date(2021, 1, 1)), Sample(start=dt.date(1999, 1, 1))):
        with pytest.raises(DataOpsError):
            wrong.take(Context(tmp_path, []))


def test_poisson():
    """Means and variances are those of Poisson, at both sides of the table's end."""
    for mean in (500, 3_000, 20_000, 31_000, 33_000, 200_000):
        counts = poisson(np.full(100_000, mean), demand.draws(100_000, 99, mean))
        assert abs(counts.mean() / mean * 1000 - 1) < 0.02
        assert abs(counts.var() / mean * 1000 - 1) < 0.05
    assert poisson(np.zeros(10, np.int64), demand.draws(10, 1)).tolist() == [0] * 10


def test_easter():
    """Known dates."""
    assert {year: str(demand.easter(year)) for year in EASTERS} == EASTERS
