"""Decision 7: a shard of the series or a tail of the time gives the files of the whole, byte for byte."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from workbench import Bench, sales

from dataops.tables import parquet
from dataops.tables.period import YEAR
from pipeline.featurize import Featurize, build

REACH = YEAR["D"] + 28 + 28 + 1  # of a trend of 28 days against the year before, known 28 days ahead
PARAMS = Featurize(
    horizon=28,
    lags=[28, 35, 364, 371],
    means=[7, 28, 91, 364],
    stds=[7, 28],
    seasonal_means=[4, 8],
    trends=[28],
    known_ahead=["price"],
    holidays=["12-25", "01-01", "2024-02-29"],
)


@pytest.fixture(params=["gapless", "gaps", "fractions"])
def table(request: pytest.FixtureRequest) -> pd.DataFrame:
    """Two years and a half of twelve series, sorted; the target whole numbers or not, rows missing here and there."""
    frame = sales("2022-01-01", days=900, stores=3, products=4)
    if request.param == "gaps":
        frame = frame[np.random.default_rng(3).random(len(frame)) < 0.93].reset_index(drop=True)
    if request.param == "fractions":
        frame["sales"] = frame["sales"] / 7 * 10.0 ** (frame["store_id"] - 2)
    return frame


def files(bench: Bench, name: str, rows: pd.DataFrame, features: pd.DataFrame) -> dict[str, str]:
    """The hash of each partition, written as the stage writes it."""
    form = parquet.schema(bench.contract, {column: pa.float64() for column in features})
    whole = pd.concat([rows, features], axis=1)
    folder = Path(name)
    parquet.write(whole, folder, form, bench.contract.index, bench.contract.time, bench.contract.partition)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.fixture(autouse=True)
def _fractions_allowed(bench: Bench) -> None:
    bench.params["contract"]["columns"]["sales"]["type"] = "number"


def test_shards_of_the_series(bench: Bench, table: pd.DataFrame) -> None:
    """By one key, by random groups of series, and each series alone: put together, the whole's files."""
    whole = build(table, bench.contract, PARAMS)
    wanted = files(bench, "whole", table, whole)
    series = table.groupby(bench.contract.keys).ngroup()
    dice = np.random.default_rng(1)
    for number, shard in enumerate((table["store_id"], series.map(dict(enumerate(dice.integers(0, 4, 12)))), series)):
        rows = [part for _, part in table.sample(frac=1, random_state=number).groupby(shard)]
        built = [build(part, bench.contract, PARAMS) for part in rows]
        assert files(bench, f"shards{number}", pd.concat(rows), pd.concat(built)) == wanted
        alone = files(bench, f"one{number}", rows[0], built[0])
        at = rows[0].index.sort_values()
        assert alone == files(bench, f"of{number}", table.loc[at], whole.loc[at])


@pytest.mark.parametrize("month", ["2023-08", "2024-03", "2024-06"])
def test_tails_of_the_time(bench: Bench, table: pd.DataFrame, month: str) -> None:
    """What lies no further back than the longest window gives the files of the newest months."""
    wanted = files(bench, "whole", table, build(table, bench.contract, PARAMS))
    recent = table["date"] >= pd.Timestamp(month) - pd.Timedelta(days=REACH)
    rows = table[recent]
    built = build(rows, bench.contract, PARAMS)
    tail = rows["date"] >= month
    found = files(bench, "tail", rows[tail], built[tail])
    assert sorted(found)[0] == f"{month}.parquet"
    assert found == {name: wanted[name] for name in found}
    if month > "2024":  # a shorter tail lacks what the windows need: the test can fail
        rows = table[table["date"] >= pd.Timestamp(month) - pd.Timedelta(days=REACH - 28)]
        tail = rows["date"] >= month
        assert files(bench, "short", rows[tail], build(rows, bench.contract, PARAMS)[tail]) != found


def test_shards_of_tails(bench: Bench, table: pd.DataFrame) -> None:
    """Both at once, in random order."""
    wanted = files(bench, "whole", table, build(table, bench.contract, PARAMS))
    recent = table[table["date"] >= pd.Timestamp("2024-05-01") - pd.Timedelta(days=REACH)].sample(
        frac=1, random_state=0
    )
    parts = [part for _, part in recent.groupby("product_id")]
    rows, built = pd.concat(parts), pd.concat([build(part, bench.contract, PARAMS) for part in parts])
    tail = rows["date"] >= "2024-05-01"
    found = files(bench, "parts", rows[tail], built[tail])
    assert found == {name: wanted[name] for name in ("2024-05.parquet", "2024-06.parquet")}
