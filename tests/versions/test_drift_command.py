"""dataops.versions.drift and pin, and `dataops drift`: from git alone, exactly, and what a user gets wrong."""

from __future__ import annotations

import io
import json
import re
import shutil
from pathlib import Path

import depot
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from depot import Depot
from workbench import PARAMS, Done, ended, sales

from dataops.cli import main
from dataops.files import to_json
from dataops.tables.contract import Contract
from dataops.tables.drift import Thresholds, compare
from dataops.tables.profile import profile
from dataops.versions.drift import drift
from dataops.versions.pin import REFERENCE

CONTRACT = Contract.model_validate(PARAMS["contract"])
STAGES = """\
stages:
  split:
    cmd: split
    outs:
      - data/dataset
      - reports/profile.json: {cache: false}
artifacts:
  dataset: {path: data/dataset, type: dataset}
"""
OLD = sales(days=120)
DEAR = OLD.assign(price=OLD["price"] * 3)


def release(home: Depot, number: str, frame: pd.DataFrame, **params: object) -> None:
    """What `dvc repro` and `dataops release` would leave."""
    files = {}
    for month, rows in frame.groupby(frame["date"].dt.strftime("%Y-%m")):
        buffer = io.BytesIO()
        rows.to_parquet(buffer, index=False)
        files[f"train/{month}.parquet"] = buffer.getvalue()
    digest = home.hold(files)
    outs = [{"path": "data/dataset", "hash": "md5", "md5": digest}, {"path": "reports/profile.json", "md5": "0" * 32}]
    (home.path / "dvc.yaml").write_text(STAGES)
    stage = {"cmd": "split", "params": {"params.yaml": {"contract": PARAMS["contract"]}}, "outs": outs}
    (home.path / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": {"split": stage}}))
    (home.path / "params.yaml").write_text(yaml.safe_dump({"contract": PARAMS["contract"], "drift": params}))
    (home.path / "reports").mkdir(exist_ok=True)
    (home.path / "reports/profile.json").write_text(to_json({"parts": {"train": profile(frame, CONTRACT)}}))
    home.commit(number)
    home.git("tag", "-a", f"dataset@{number}", "-m", number)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Depot:
    """v1.0.0; v1.1.0, another draw of the same; v1.2.0 with prices three times as high."""
    (tmp_path / "remote").mkdir()
    found = depot.make(tmp_path / "home", str(tmp_path / "remote"))
    found.git("init", "-qb", "main")
    release(found, "v1.0.0", OLD)
    release(found, "v1.1.0", sales(days=120, seed=2))
    release(found, "v1.2.0", DEAR, effect=0.2, on_drift="warn", alpha=0.001)
    monkeypatch.chdir(found.path)
    return found


def said(*words: str, status: int = 0) -> Done:
    """How the command ends."""
    return ended(lambda: main(["drift", *words]), status)


def test_from_git_alone(home: Depot) -> None:
    """Without data and remote: 0 where nothing moved, 1 where something did, and which; thresholds are the newer's."""
    shutil.rmtree(home.path / ".dvc/cache")
    shutil.rmtree(home.path.parent / "remote")
    assert said("v1.0.0", "v1.1").out.startswith("no drift: dataset@v1.1.0 against dataset@v1.0.0\n")
    done = said("v1.0.0", "latest", status=1)
    assert done.out.startswith("drift in price (high): dataset@v1.2.0 against dataset@v1.0.0\n")
    assert re.search(r"price +high +0\.\d+ +\S+ +mean \d", done.out)
    report = json.loads(said("v1.0.0", "HEAD", "--json", status=1).out, parse_constant=pytest.fail)
    assert (report["method"]["name"], report["columns_drifted"]) == ("profiles", ["price"])
    assert (report["thresholds"]["effect"], report["thresholds"]["alpha"]) == (0.2, 0.001)
    assert report["versions"] == {"reference": "dataset@v1.0.0", "current": "dataset@v1.2.0"}


def test_exactly(home: Depot) -> None:
    """Every value of both, fetched where it isn't here, has the same verdict; and the effect is exact."""
    shutil.rmtree(home.path / ".dvc/cache")
    report = json.loads(said("v1.0.0", "v1.2.0", "--exact", "--json", status=1).out)
    assert (report["method"], report["columns_drifted"]) == (
        {"name": "exact", "bound": 0.0, "said": "every value was read"},
        ["price"],
    )
    rough = drift(home.context, "v1.0.0", "v1.2.0")
    gap = abs(rough["columns"]["price"]["effect"] - report["columns"]["price"]["effect"])
    assert gap <= rough["method"]["bound"]
    assert list(rough) == list(report)


def test_only_what_came_after(home: Depot) -> None:
    """One bad month behind five good years: of all rows nothing moved, of those that came after A prices have.

    The profile of A, the file in which it ends and those after it are all that is needed.
    """
    years, month = sales("2019-01-01", days=5 * 365 + 1), sales("2024-01-01", days=31, seed=5)
    release(home, "v2.0.0", years)
    release(home, "v2.1.0", pd.concat([years, month.assign(price=month["price"] * 3)]))
    assert said("v2.0.0", "v2.1.0").out.startswith("no drift")
    swapped = "dataset@v2.1.0 is the later one; `dataops drift dataset@v2.0.0 dataset@v2.1.0 --new`?"
    assert swapped in said("v2.1.0", "v2.0.0", "--new").out
    exact = json.loads(said("v2.0.0", "v2.1.0", "--new", "--exact", "--json", status=1).out)
    shutil.rmtree(home.path / ".dvc/cache")
    there = {path for path in (home.path.parent / "remote").rglob("*") if path.is_file()}
    for path in there:
        content = path.read_bytes()
        first = pq.read_table(io.BytesIO(content))["date"][0].as_py() if content.startswith(b"PAR1") else None
        if first is not None and first.isoformat() < "2023-12":
            path.unlink()
    done = said("v2.0.0", "v2.1.0", "--new", "--json", status=1)
    assert not done.err
    report = json.loads(done.out)
    for found in (report, exact):
        assert found["compared"] == "what dataset@v2.1.0 has after 2023-12-31 against dataset@v2.0.0"
        assert found["rows"] == {"reference": len(years), "current": len(month)}
        assert found["columns_drifted"] == ["price"]
    assert "has no object" in said("v2.0.0", "v2.1.0", "--exact", status=1).err  # the years are gone indeed
    assert "nothing came after 2024-01-31T00:00:00\n" in said("v2.1.0", "v2.1.0", "--new").out


def test_nothing_can_be_later_without_a_time(home: Depot) -> None:
    """Where no contract names it, or no row has one, one line says so."""
    release(home, "v2.0.0", OLD.iloc[:0].assign(date=OLD["date"].iloc[:0]))
    assert "has no row with a time" in said("v2.0.0", "v2.0.0", "--new", status=2).err
    (home.path / "params.yaml").write_text("other: 1\n")
    home.commit("no contract")
    assert "has no contract that names the time" in said("HEAD", "HEAD", "--new", status=2).err


def test_threshold_and_columns(home: Depot) -> None:
    """A higher threshold lets more pass; other columns aren't looked at."""
    assert said("v1.0.0", "v1.2.0", "--threshold", "0.99", "--columns", "sales,promotion").out.startswith("no drift")
    report = json.loads(
        said("v1.0.0", "v1.2.0", "--threshold", "0.9", "--columns", "price,sales", "--json", status=1).out
    )
    assert list(report["columns"]) == ["sales", "price"]
    assert report["thresholds"]["effect"] == 0.9


@pytest.mark.parametrize("form", ["json", "md", "html"])
def test_output(home: Depot, form: str) -> None:
    """Written whole; a page has nothing from anywhere."""
    said("v1.0.0", "v1.2.0", "--output", f"drift.{form}", status=1)
    text = (home.path / f"drift.{form}").read_text()
    assert "price" in text
    if form == "json":
        assert json.loads(text)["drifted"] is True
    if form == "md":
        assert text.startswith("### drift in price (high): dataset@v1.2.0 against dataset@v1.0.0\n\n| column |")
    if form == "html":
        assert text.index("<h2>price") < text.index("<h2>sales")
        assert not re.search(r"<script|src=|href=|url\(|@import|http", text)


def test_pin(home: Depot) -> None:
    """The reference has the version, its commit, hash and profile, as the stage reads it; again changes nothing."""
    assert said("pin", "v1.1.0").out.startswith("pinned dataset@v1.1.0, 480 rows; commit reports/drift_reference.json")
    found = json.loads((home.path / REFERENCE).read_text(), parse_constant=pytest.fail)
    assert (found["version"], found["commit"]) == ("dataset@v1.1.0", home.git("rev-parse", "dataset@v1.1.0^{}"))
    assert found["hash"].endswith(".dir")
    report = compare(found["profile"], profile(sales(days=120, seed=2), CONTRACT), Thresholds())
    assert {entry["effect"] for entry in report["columns"].values()} == {0.0, None}
    assert said("pin", "dataset@v1.1.0").out == "dataset@v1.1.0 is pinned already\n"
    assert json.loads(said("pin", "v1.0.0", "--json").out)["changed"] is True


def test_what_a_user_gets_wrong(home: Depot) -> None:
    """One line and a hint each, status 2; nothing is written."""
    for words, told in (
        (["v1.0.0", "v7.0.0"], "v7.0.0"),
        (["v1.0.0", "v1.1.0", "--output", "drift.pdf"], "--output drift.pdf"),
        (["v1.0.0", "v1.1.0", "--threshold", "1.5"], "--threshold"),
        (["v1.0.0", "v1.1.0", "--threshold", "nan"], "--threshold"),
        (["v1.0.0", "v1.1.0", "--columns", "weight"], "no column weight"),
        (["v1.0.0", "v1.1.0", "--columns", "weight", "--exact"], "no column weight"),
        (["pin", "v7.0.0"], "v7.0.0"),
    ):
        done = said(*words, status=2)
        assert told in done.err
        assert done.err.count("\n") <= 2
        assert not done.out
    assert not (home.path / REFERENCE).exists()
    assert home.git("status", "--short") == ""


def test_hostile_profiles(home: Depot) -> None:
    """Whatever a commit has for a profile: one line, or a report that does nothing to a terminal."""
    good = profile(OLD, CONTRACT)
    column = good["columns"]["price"]
    bad = {
        "price": [
            {**column, "digest": "AAAA"},
            {**column, "count": "many"},
            {**column, "std": "x"},
            {**column, "min": None},
        ],
        "promotion": [{"kind": "categorical", "missing": 0, "counts": {"a": "b"}, "other": 0, "distinct": 1}, {}, []],
        "date": [{"kind": "time", "missing": 0, "first": "soon", "last": "later"}],
    }
    columns = [{name: one} for name, several in bad.items() for one in several]
    texts = ["[]", "{}", "[" * 99999, "\0", *(to_json({"parts": {"a": {**good, "columns": one}}}) for one in columns)]
    for text in texts:
        (home.path / "reports/profile.json").write_text(text)
        home.commit("hostile")
        done = said("v1.0.0", "HEAD", status=2)
        assert done.err.startswith("error: ")
        assert "--exact reads the data" in done.err
    names = {"\x1b[31m<b>`x`|": column, "price": column}
    (home.path / "reports/profile.json").write_text(to_json({"parts": {"a": {**good, "columns": names}}}))
    home.commit("hostile")
    done = said("HEAD", "v1.0.0", "--output", "x.html", status=1)
    assert "\x1b" not in done.out
    assert "<b>`" not in (home.path / "x.html").read_text()
