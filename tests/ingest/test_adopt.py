"""`dataops adopt`: somebody's own file becomes a params.yaml that every stage understands."""

from __future__ import annotations

import calendar
import importlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from workbench import ROOT, SHARED, ended, sales

from dataops import cli
from dataops.checked import check
from dataops.ingest.adopt import rewritten
from dataops.params import section
from dataops.tables.contract import Contract

STAGES = {"collect": "Collect", "validate": "Validate", "featurize": "Featurize", "split": "Split", "drift": "Drift",
          "evaluate": "Evaluate"}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The template's params.yaml in a repository that has nothing else."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").touch()
    for name in ("params.yaml", "dvc.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def adopt(*words: str, status: int = 0):
    """Run the command."""
    return ended(lambda: cli.main(["adopt", *words]), status)


def valid(path: Path = Path("params.yaml")) -> dict:
    """params.yaml, once every stage has found its section right and agrees with the contract."""
    contract = section(Contract, "contract", path)
    models = {name: importlib.import_module(f"pipeline.{name}") for name in STAGES}
    for name, model in STAGES.items():
        params = section(getattr(models[name], model), name, path)
        if hasattr(models[name], "check_params"):
            models[name].check_params(contract, params)
    assert set(yaml.safe_load(path.read_text())["train"]) <= set(importlib.import_module("pipeline.train").DEFAULTS)
    return yaml.safe_load(path.read_text())


def comments(text: str) -> list[str]:
    """Every comment, in order."""
    return re.findall(r"#.*", text)


def write(name: str, frame: pd.DataFrame) -> str:
    """A CSV file."""
    Path(name).parent.mkdir(exist_ok=True)
    frame.to_csv(name, index=False)
    return name


SALES = ("--time", "date", "--target", "sales", "--keys", "store_id,product_id")


def test_contract_is_written(home: Path):
    """Types, ranges and what follows from them; every stage understands it, comments stay where they were."""
    before = (home / "params.yaml").read_text()
    done = adopt(write("mine.csv", sales(days=400)), *SALES, "--known-ahead", "price")
    params = valid()
    assert params["contract"]["columns"]["sales"] == {"type": "integer", "min": 0}
    assert params["contract"]["columns"]["promotion"] == {"type": "boolean"}
    assert params["featurize"]["known_ahead"] == ["price"]
    assert params["featurize"]["horizon"] == 28
    assert min(params["featurize"]["lags"]) >= 28
    after = (home / "params.yaml").read_text()
    kept = comments(after)
    assert [c for c in comments(before) if c in kept] == kept
    lost = [c for c in comments(before) if c not in kept]
    assert lost == []
    assert [line for line in after.splitlines() if line.startswith("#")] == [
        line for line in before.splitlines() if line.startswith("#")
    ]
    assert "1,600 rows of 1 file(s), 4 series in days" in done.out
    assert "params.yaml is written" in done.out


def test_again_changes_nothing(home: Path):
    """The same file adopted again leaves params.yaml as it is, byte for byte."""
    name = write("mine.csv", sales(days=400))
    adopt(name, *SALES)
    once = (home / "params.yaml").read_bytes()
    adopt(name, *SALES)
    assert (home / "params.yaml").read_bytes() == once


def test_the_template_survives_its_own_round_trip():
    """Writing back what is there is a no-op."""
    text = (ROOT / "params.yaml").read_text()
    assert rewritten(text, {}) == text
    params = yaml.safe_load(text)
    assert rewritten(text, {name: params[name] for name in ("contract", "collect", "featurize")}) == text


def test_dry_run_writes_nothing(home: Path):
    """It says what would be written, in words or JSON, and that is all."""
    name = write("mine.csv", sales(days=400))
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert "params.yaml would be written" in adopt(name, *SALES, "--dry-run").out
    told = json.loads(adopt(name, *SALES, "--dry-run", "--json").out)
    assert told["rows"] == 1600
    check(Contract, told["params"]["contract"], "told")
    after = {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and ".dataops" not in path.parts}
    assert after == before


def test_ours_and_theirs(home: Path):
    """OURS=THEIRS renames; what is not a name for a column is made one."""
    frame = sales(days=200).rename(columns={"date": "Sold On", "store_id": "Shop", "sales": "No", "price": "on"})
    adopt(write("mine.csv", frame), "--time", "day=Sold On", "--target", "No", "--keys", "store=Shop,product_id")
    params = valid()
    assert params["collect"]["columns"] == {
        "day": "Sold On", "store": "Shop", "product_id": "product_id", "No": "No", "on": "on",
        "promotion": "promotion"}  # fmt: skip
    assert params["contract"]["target"] == "No"


def test_german_file(home: Path):
    """Dates, decimals and thousands as written are stated in collect.read."""
    frame = sales(days=200).assign(
        date=lambda f: f["date"].dt.strftime("%d.%m.%Y"),
        price=lambda f: [f"{v * 999:,.2f}".translate(str.maketrans(",.", ".,")) for v in f["price"]],
    )
    frame.to_csv("mine.csv", index=False, sep=";", encoding="cp1252")
    adopt("mine.csv", *SALES, "--delimiter", ";", "--encoding", "cp1252")
    read = valid()["collect"]["read"]
    assert (read["decimal"], read["thousands"], read["date_format"]) == (",", ".", "%d.%m.%Y")
    assert (read["delimiter"], read["encoding"]) == (";", "cp1252")


@pytest.mark.parametrize(
    ("freq", "periods", "expected", "partition"),
    [("h", 24 * 200, "h", "month"), ("D", 800, "D", "month"), ("W-MON", 160, "W", "month"), ("MS", 60, "M", "month"),
     ("h", 24 * 20, "h", "day"), ("D", 45, "D", "day")],
)  # fmt: skip
def test_frequencies(home: Path, freq, periods, expected, partition):
    """Lags, windows and parts fit the data's own step; two months of data are split by day."""
    times = pd.date_range("2021-01-04", periods=periods, freq=freq)
    frame = pd.DataFrame({"when": times.astype(str), "units": np.arange(periods) % 9})
    horizon = ("--horizon", "7") if periods == 45 else ()
    adopt(write("mine.csv", frame), "--time", "when", "--target", "units", *horizon)
    params = valid()
    assert (params["contract"]["frequency"], params["contract"]["partition"]) == (expected, partition)
    assert params["contract"]["keys"] == []
    parts = len({str(time)[: 7 if partition == "month" else 10] for time in times})
    assert params["split"]["validation"] + params["split"]["test"] < parts
    assert max(params["featurize"]["lags"]) < periods


def test_negative_target_is_learnt_with_l2(home: Path):
    """Returns that are common leave no minimum, and an objective that can learn them."""
    adopt(write("mine.csv", sales(days=200).assign(sales=lambda f: f["sales"] - 12)), *SALES)
    params = valid()
    assert "min" not in params["contract"]["columns"]["sales"]
    assert params["train"]["objective"] == "l2"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--time", "date", "--target", "sails"), "the file has no column sails"),
        (("--time", "date", "--target", "product_id"), "the target product_id is not numeric"),
        (("--time", "price", "--target", "sales"), "price is not written in a date format known here"),
        ((*SALES, "--horizon", "9999"), "a horizon of 9999 steps doesn't fit data of 200"),
        ((*SALES, "--horizon", "0"), "a horizon of 0 steps doesn't fit"),
        ((*SALES, "--known-ahead", "weather"), "--known-ahead: weather is no column"),
        ((*SALES, "--known-ahead", "date"), "--known-ahead: date is no column"),
        (("--time", "date", "--target", "sales,price"), "--target takes one column"),
        (("--time", "date", "--target", "sales", "--keys", "store_id,store_id"), "--keys names store_id twice"),
        ((*SALES, "--encoding", "klingon"), "'klingon' is no encoding that Python knows"),
    ],
)
def test_one_line(home: Path, words, said):
    """What doesn't fit is one line and status 2, and params.yaml stays."""
    before = (home / "params.yaml").read_bytes()
    done = adopt(write("mine.csv", sales(days=200)), *words, status=2)
    assert said in done.err
    assert (home / "params.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content"),
    [("gone.csv", None), ("empty.csv", b""), ("header.csv", b"date,sales\n"), ("binary.csv", b"\x00\x01\x02"),
     ("text.csv", b"date,sales\nsoon,many\n"), ("three.csv", b"date,sales\n2024-01-01,1\n2024-01-02,2\n")],
)  # fmt: skip
def test_files_that_suggest_nothing(home: Path, name, content):
    """Missing, empty, binary, too short: status 2 and no traceback."""
    if content is not None:
        Path(name).write_bytes(content)
    done = adopt(name, "--time", "date", "--target", "sales", "--horizon", "1", status=2)
    assert done.err.startswith("error: ")


def test_dates_that_can_be_read_in_two_ways(home: Path):
    """Both readings are named, and --date-format decides."""
    frame = sales(days=200)
    frame = frame[frame["date"].dt.day <= 12].assign(date=lambda f: f["date"].dt.strftime("%d/%m/%Y"))
    done = adopt(write("mine.csv", frame), *SALES, status=2)
    assert "can be read in two ways" in done.err
    assert "--date-format '%d/%m/%Y' or --date-format '%m/%d/%Y' says which" in done.err
    adopt("mine.csv", *SALES, "--date-format", "%d/%m/%Y")
    assert valid()["collect"]["read"]["date_format"] == "%d/%m/%Y"


@pytest.mark.parametrize("text", [None, "a: [", "other: {}\n", "contract:\n"])
def test_params_that_cannot_be_edited(home: Path, text):
    """A params.yaml that is missing, broken or lacks its sections is one line."""
    path = home / "params.yaml"
    path.unlink() if text is None else path.write_text(text)
    done = adopt(write("mine.csv", sales(days=200)), *SALES, status=2)
    assert "params.yaml" in done.err


@pytest.fixture(scope="session")
def shared() -> Path:
    """The real data beside the repository."""
    if not SHARED.is_dir():
        pytest.skip(f"no real data: {SHARED} is not there")
    return SHARED


def test_store_item_demand(home: Path, shared: Path):
    """913,000 rows of 500 series: a plain contract, nothing dropped."""
    source = shared / "retail/store_item_demand.csv.xz"
    adopt(str(source), "--time", "date", "--target", "sales", "--keys", "store,item", "--horizon", "90")
    params = valid()
    assert list(params["contract"]["columns"]) == ["date", "store", "item", "sales"]
    assert params["featurize"]["horizon"] == 90
    assert min(params["featurize"]["lags"]) >= 90
    assert params["split"] == {"validation": 3, "test": 3}


def test_online_retail(home: Path, shared: Path):
    """Invoices: added up by day, returns are for the contract to find, ids left out."""
    source = shared / "retail/uci_online_retail_by_day.tar.xz"
    done = adopt(str(source), "--time", "date=InvoiceDate", "--target", "sales=Quantity",
                 "--keys", "store_id=Country,product_id=StockCode", "--columns", "price=UnitPrice")  # fmt: skip
    params = valid()
    assert params["collect"]["aggregate"] == {"sales": "sum", "price": "mean"}
    assert params["contract"]["columns"]["product_id"] == {"type": "string"}
    assert params["contract"]["columns"]["price"]["type"] == "number"
    assert "541,909 rows of 305 file(s)" in done.out


def test_bike_sharing(home: Path, shared: Path):
    """A day and an hour in columns of their own are days; what is no date isn't taken for one."""
    source = shared / "drift/bike_sharing_hour.csv"
    header = source.read_text().splitlines()[0].split(",")
    adopt(str(source), "--time", "dteday", "--target", "cnt")
    params = valid()
    assert params["contract"]["frequency"] == "D"
    assert set(params["contract"]["columns"]) <= set(header)
    assert "instant" not in params["contract"]["columns"]


def test_movies(home: Path, shared: Path):
    """A JSON list with nested values."""
    source = shared / "movies/tmdb_movies.json"
    adopt(str(source), "--time", "release_date", "--target", "popularity")
    assert valid()["contract"]["target"] == "popularity"


def test_without_roles_it_says_what_could_be(home: Path):
    """A first call with nothing but the file ends in a call that would do."""
    table = sales(days=60)
    told = adopt(write("mine.csv", table), status=2).err
    assert "times: date" in told
    assert "--time date --target" in told
    (home / "iris.csv").write_text("width,kind\n" + "".join(f"{n}.5,k{n % 3}\n" for n in range(50)))
    assert "no column of width, kind reads as a time" in adopt("iris.csv", status=2).err
    days = ",".join(f"1/{day}/20" for day in range(1, 29))
    (home / "wide.csv").write_text(f"country,{days}\nItaly{',5' * 28}\n")
    assert "28 columns are called as dates are (1/1/20, 1/2/20, …)" in adopt("wide.csv", status=2).err


def test_a_key_that_makes_a_time_occur_once(home: Path):
    """It is offered as what a series is, also where it is a number."""
    days = pd.date_range("2024-01-01", periods=60).astype(str)
    rows = [(day, store, n % 9, n % 2) for n, day in enumerate(days) for store in (1, 2, 3)]
    file = write("mine.csv", pd.DataFrame(rows, columns=["day", "store", "units", "promo"]))
    assert f"as `dataops adopt {file} --time day --target COLUMN --keys store`" in adopt(file, status=2).err


def test_semicolons_and_marks_are_found(home: Path):
    """What the header and the values show is written down and told; nothing has to be said."""
    days = pd.date_range("2024-01-01", periods=90)
    lines = [f"{day:%d.%m.%Y};{n % 7},{n % 10}5;{'-' if n % 30 == 5 else n}" for n, day in enumerate(days)]
    (home / "mine.csv").write_text("Tag;Preis;Menge\n" + "\n".join(lines) + "\n")
    told = adopt("mine.csv", "--time", "Tag", "--target", "Menge").out
    read = valid()["collect"]["read"]
    assert (read["delimiter"], read["decimal"], read["null_values"][-1]) == (";", ",", "-")
    assert "taken for missing values: '-'" in told
    assert "the delimiter is ';'" in told


def test_days_are_held_out_where_months_are_too_much(home: Path):
    """Two hourly months and a bit are not split 277 rows to 678."""
    times = pd.date_range("2022-03-20", periods=1000, freq="h")
    file = write("mine.csv", pd.DataFrame({"when": times.astype(str), "flow": np.arange(1000) % 24}))
    adopt(file, "--time", "when", "--target", "flow")
    params = valid()
    assert params["contract"]["partition"] == "day"
    assert params["split"]["validation"] + params["split"]["test"] <= 4


@pytest.mark.parametrize(("rows", "leaf"), [(60, 3), (144, 4), (700, 20)])
def test_few_rows_make_small_leaves(home: Path, rows, leaf):
    """Twelve years of months have a season that leaves of twenty rows can't tell."""
    times = pd.date_range("1900-01-01", periods=rows, freq="MS")
    file = write("mine.csv", pd.DataFrame({"month": times.strftime("%Y-%m"), "passengers": 100 + np.arange(rows)}))
    adopt(file, "--time", "month", "--target", "passengers")
    assert valid()["train"]["min_data_in_leaf"] == leaf


def test_an_hour_of_seconds_is_too_short(home: Path):
    """It says that the finest step is an hour."""
    times = pd.date_range("2024-01-01 18:22", periods=600, freq="5s")
    file = write("mine.csv", pd.DataFrame({"time": times.astype(str), "pace": np.arange(600) % 9 + 0.5}))
    assert "too few for a forecast" in adopt(file, "--time", "time", "--target", "pace", status=2).err


@pytest.mark.parametrize(
    ("freq", "periods", "told"),
    [
        ("QS", 200, "a series has a row every 3 months: lags and windows are multiples of that"),
        ("YS", 45, "a series has a row every 12 months: lags"),
        ("YS", 45, "45 rows are too few"),
        ("MS", 40, "40 rows are too few"),
    ],
)
def test_what_there_is_too_little_of_is_told(home: Path, freq, periods, told):
    """Quarters count as every third month; forty rows make no model."""
    times = pd.date_range("1970-01-01", periods=periods, freq=freq)
    file = write("mine.csv", pd.DataFrame({"when": times.astype(str), "units": np.arange(periods) % 9}))
    assert told in adopt(file, "--time", "when", "--target", "units").out


@pytest.mark.parametrize("years", [1, 5])
def test_years_have_lags_and_windows_of_years(home: Path, years):
    """What is measured once in so many years has neither a lag nor a window in which nothing can lie."""
    times = pd.date_range("1700-01-01", periods=60, freq=f"{years}YS")
    file = write("mine.csv", pd.DataFrame({"year": times.strftime("%Y"), "spots": np.arange(60) % 11}))
    adopt(file, "--time", "year", "--target", "spots")
    chosen, gap = valid()["featurize"], 12 * years
    assert chosen["horizon"] == gap
    assert chosen["lags"] == [gap, 2 * gap, 3 * gap]
    assert chosen["means"] == [3 * gap, 6 * gap, 12 * gap]
    assert valid()["evaluate"]["naive_lag"] == gap


def test_every_tenth_day(home: Path):
    """The next row is ten days on, the same weekday seventy; no window is shorter."""
    times = pd.date_range("2010-01-01", periods=300, freq="10D")
    file = write("mine.csv", pd.DataFrame({"day": times.astype(str), "level": np.arange(300) % 9}))
    adopt(file, "--time", "day", "--target", "level", "--horizon", "25")
    chosen = valid()["featurize"]
    assert chosen["lags"] == [30, 70, 140, 210]
    assert chosen["means"] == [28, 91, 364]
    assert valid()["evaluate"]["naive_lag"] == 70


def test_weeks_have_the_newest_value_that_is_known(home: Path):
    """Beside the same week of a year ago."""
    times = pd.date_range("2000-01-03", periods=400, freq="7D")
    file = write("mine.csv", pd.DataFrame({"week": times.astype(str), "level": np.arange(400) % 9}))
    adopt(file, "--time", "week", "--target", "level")
    assert valid()["featurize"]["lags"] == [4, 52, 104, 156]


def test_parts_of_the_time_are_left_out(home: Path):
    """A month as a number would be drift for ever; what only looks like a part is kept."""
    times = pd.Series(pd.date_range("2023-03-01", periods=500))
    parts = {"year": times.dt.year, "month": times.dt.month_name(), "wd": times.dt.day_name().str[:3].str.upper()}
    parts |= {"dow": times.dt.day_of_week + 1, "yr": times.dt.year - 2023, "quarter": times.dt.quarter.astype("str")}
    kept = {"promotion": times.dt.month % 2, "size": times.dt.month.where(times.dt.day != 30, 1)}
    file = write("mine.csv", pd.DataFrame({"day": times.astype(str), "sold": np.arange(500) % 9} | parts | kept))
    told = adopt(file, "--time", "day", "--target", "sold").out
    assert f"left out as parts of the time, which the features have: {', '.join(parts)}\n" in told
    assert list(valid()["contract"]["columns"]) == ["day", "sold", *kept]
    adopt(file, "--time", "day", "--target", "sold", "--columns", "month,promotion")
    assert list(valid()["contract"]["columns"]) == ["day", "sold", "month", "promotion"]


def test_rows_without_a_key_are_not_added_up(home: Path):
    """They are counted one by one, as `validate` finds them, and only what is missing is named."""
    days = pd.date_range("2024-01-01", periods=100).astype(str)
    frame = pd.DataFrame({"day": np.repeat(days, 3), "shop": ["a", "a", None] * 100, "sold": 2})
    told = adopt(write("mine.csv", frame), "--time", "day", "--target", "sold", "--keys", "shop").out
    assert "  - 100 rows have no shop: `validate`" in told
    assert valid()["validate"]["max_invalid"] == 0.75


@pytest.mark.parametrize("length", [3, None])
def test_a_column_a_month_is_no_target(home: Path, length):
    """Named or not: such a table has to be turned."""
    months = [name[:length] for name in calendar.month_name[1:]]
    frame = pd.DataFrame({"YEAR": range(1950, 2010)} | {name: np.arange(60) / 7 for name in months})
    file = write("mine.csv", frame)
    for words in ((), ("--time", "YEAR", "--target", months[0])):
        said = adopt(file, *words, status=2).err
        assert f"12 columns are called as dates are ({months[0]}, {months[1]}, …)" in said
        assert "melt" in said


def test_an_index_as_pandas_writes_it(home: Path):
    """The call that is shown does."""
    frame = pd.DataFrame({"co2": np.arange(200) % 9 + 300.5}, index=pd.date_range("2020-01-01", periods=200))
    frame.to_csv("mine.csv")
    said = adopt("mine.csv", status=2).err
    assert "times: (the one without a name); numbers: co2" in said
    call = said.split("as `")[1].split("`")[0]
    assert call == "dataops adopt mine.csv --time date= --target co2"
    adopt(*call.split()[2:])
    assert valid()["collect"]["columns"] == {"date": "", "co2": "co2"}
