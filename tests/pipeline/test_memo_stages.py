"""With what an earlier run left, without it, or with half of it: the stages write the same bytes and reports."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from workbench import ROOT, Bench, sales

from pipeline import featurize

STAGES = {
    "collect": "raw",
    "validate": "validated",
    "featurize": "features",
    "split": "dataset",
    "feature_store": "feature_store",
}
INDEX = ".dataops/memo"


@pytest.fixture
def repo(bench: Bench) -> Bench:
    """What a stage's results depend on, as dvc.yaml says; a year and a half of four series."""
    for name in ("dvc.yaml", "src", "requirements"):
        (bench.root / name).symlink_to(ROOT / name)
    (bench.root / ".dvc").mkdir()
    bench.set("validate", max_invalid=0.5, max_age_days=None)
    bench.set("featurize", lags=[7, 60], means=[7], trends=[])
    bench.land({"first.csv": year()})
    return bench


def year() -> pd.DataFrame:
    """Rows from 2023 to May of 2024, some of them bad, some missing."""
    frame = sales("2023-01-01", days=500)
    frame = frame[np.arange(len(frame)) % 17 > 0].reset_index(drop=True)
    frame.loc[frame["date"].dt.day == 13, "price"] = 2000.0
    return frame


def run(repo: Bench) -> dict[str, str]:
    """Run all stages as `dvc repro` does: outputs are gone before and in the cache afterwards. What each says."""
    shutil.rmtree(repo.root / "data/quarantine", ignore_errors=True)
    for folder in STAGES.values():
        shutil.rmtree(repo.root / "data" / folder, ignore_errors=True)
    said = {stage: repo.run(stage).out for stage in STAGES}
    for folder in STAGES.values():
        for file in (repo.root / "data" / folder).rglob("*.parquet"):
            digest = hashlib.md5(file.read_bytes()).hexdigest()
            target = repo.root / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    return said


def contents(repo: Bench) -> dict[str, str]:
    """Hashes of everything the stages write."""
    folders = [*(f"data/{folder}" for folder in STAGES.values()), "data/quarantine", "reports"]
    files = [file for folder in folders for file in sorted((repo.root / folder).rglob("*")) if file.is_file()]
    return {str(file.relative_to(repo.root)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def same_from_nothing(repo: Bench) -> dict[str, str]:
    """What the stages said; their results are those of a run that knows of no other."""
    said = run(repo)
    found = contents(repo)
    for left in (INDEX, ".dvc/cache"):
        shutil.move(repo.root / left, repo.root / "aside" / left)
    assert "as before" not in "".join(run(repo).values())
    assert contents(repo) == found
    for left in (INDEX, ".dvc/cache"):
        shutil.rmtree(repo.root / left)
        shutil.move(repo.root / "aside" / left, repo.root / left)
    return said


def month(repo: Bench) -> None:
    """The next month, and some days of the last one that came late."""
    repo.land({"next.csv": sales("2024-05-10", days=50, seed=2)})


def correction(repo: Bench) -> None:
    """Other values for days long gone, one of them of a series that nobody knew."""
    repo.land({"corrected.csv": sales("2023-03-30", days=3, stores=3, seed=3)})


def bad_rows(repo: Bench) -> None:
    """One row of a month can't be, another contradicts it, a third has no time."""
    rows = sales("2023-07-01", days=2, seed=4).astype({"sales": "Int64"})
    rows.loc[0, "sales"] = -1
    text = pd.concat([rows, rows.iloc[1:2].assign(sales=99)]).to_csv(index=False)
    repo.land({"bad.csv": text + ",1,p0,1,1.0,True\n"})


def excluded(repo: Bench) -> None:
    """A customer objects."""
    with (repo.root / "data/exclusions.csv").open("a") as file:
        file.write("2023-09-09,1,,objected\n")


def other_features(repo: Bench) -> None:
    """Parameters of one stage."""
    repo.set("featurize", lags=[7, 30])


def other_contract(repo: Bench) -> None:
    """A parameter of every stage."""
    repo.params["contract"]["columns"]["price"]["max"] = 8
    repo.save()


CHANGES: dict[str, tuple[Callable[[Bench], None], dict[str, str]]] = {  # how many files may stay, by stage
    "month": (month, {"collect": "16 of 18", "featurize": "16 of 18", "feature_store": "16 of 18"}),
    "correction": (correction, {"collect": "15 of 17", "featurize": "13 of 17", "feature_store": "14 of 17"}),
    "bad rows": (bad_rows, {"collect": "16 of 18", "featurize": "14 of 17", "feature_store": "15 of 17"}),
    "exclusion": (excluded, {"collect": "17 of 17", "featurize": "14 of 17", "feature_store": "14 of 17"}),
    "features": (other_features, {"collect": "17 of 17", "featurize": "", "feature_store": ""}),
    "contract": (other_contract, dict.fromkeys(("collect", "featurize", "feature_store"), "")),
}


@pytest.mark.parametrize("name", CHANGES)
def test_after_a_change(repo: Bench, name: str) -> None:
    """Only what depends on the change is made again."""
    change, kept = CHANGES[name]
    run(repo)
    change(repo)
    said = same_from_nothing(repo)
    for stage, files in kept.items():
        assert said[stage].endswith(f" ({files} files as before)\n" if files else said[stage])
        assert bool(files) == ("as before" in said[stage])


def test_many_changes_one_after_the_other(repo: Bench) -> None:
    """Each on top of what the others left."""
    for change, _ in CHANGES.values():
        change(repo)
        same_from_nothing(repo)


@pytest.mark.parametrize("later", ["supersede", "add"])
@pytest.mark.parametrize(("frequency", "partition"), [("D", "day"), ("W", "month"), ("M", "month"), ("D", "none")])
def test_steps_and_partitions(repo: Bench, frequency: str, partition: str, later: str) -> None:
    """Aggregated weeks that begin in the month before, partitions a day long, none at all."""
    how = {"sales": "sum", "price": "mean", "promotion": "max"}
    repo.set("contract", frequency=frequency, partition=partition)
    repo.set("collect", aggregate=how, later_batch=later)
    repo.set("split", validation=1, test=1)
    if partition == "day":  # a file a day, in five folders, time and again: some months around the changes will do
        shutil.rmtree(repo.root / "data/landing")
        repo.land({"first.csv": year()[lambda rows: rows["date"].between("2023-03-01", "2023-07-31")]})
    run(repo)
    for change in (month, correction, bad_rows):
        change(repo)
        said = same_from_nothing(repo)
        assert (partition == "none") == ("as before" not in said["collect"])


@pytest.mark.parametrize("damage", ["index gone", "index cut", "index of another shape", "objects gone", "objects cut"])
def test_what_was_kept_is_damaged(repo: Bench, damage: str) -> None:
    """Then it isn't used, and nobody needs to know."""
    run(repo)
    wanted = contents(repo)
    for index in (repo.root / INDEX).iterdir():
        entries = json.loads(index.read_text())
        cut = index.read_bytes()[: index.stat().st_size // 2]
        texts: dict[str, Any] = {"index cut": cut, "index of another shape": json.dumps(list(entries)).encode()}
        index.write_bytes(texts.get(damage, index.read_bytes()))
        if damage == "index gone":
            index.unlink()
    for file in (repo.root / ".dvc/cache").rglob("*"):
        if damage == "objects gone" and file.is_file():
            file.unlink()
        if damage == "objects cut" and file.is_file():
            file.write_bytes(file.read_bytes()[:-1])
    said = run(repo)
    assert contents(repo) == wanted
    assert "as before" not in "".join(said.values())


def test_half_of_it_is_gone(repo: Bench) -> None:
    """`dvc gc`, or a run that was killed before DVC took what it made."""
    run(repo)
    wanted = contents(repo)
    for file in sorted((repo.root / ".dvc/cache").rglob("*"))[::2]:
        if file.is_file():
            file.unlink()
    assert "files as before" in "".join(run(repo).values())
    assert contents(repo) == wanted


def test_a_feature_that_looks_further_back_than_it_says(repo: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its months can't be had one by one: the proof fails, and all of them are made again, each time."""
    build = featurize.build

    def with_rank(rows: pd.DataFrame, contract: Any, params: Any, asked: Any = None) -> pd.DataFrame:
        share = rows["sales"].rank(pct=True).to_numpy("float64")
        return build(rows, contract, params, asked).assign(share=share if asked is None else share[asked])

    monkeypatch.setattr(featurize, "build", with_rank)
    run(repo)
    for change in (month, correction):
        change(repo)
        assert "as before" not in same_from_nothing(repo)["featurize"]


def test_a_window_that_is_said_to_be_shorter(repo: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first rows of a month see that what they look back at wasn't read: they prove it."""
    repo.set("featurize", lags=[7, 90], means=[7], stds=[7], seasonal_means=[2], trends=[])
    monkeypatch.setattr(featurize, "reach", lambda *_: 60)
    run(repo)
    for change in (month, correction):
        change(repo)
        assert "as before" not in same_from_nothing(repo)["featurize"]


def test_a_stage_of_ones_own(repo: Bench) -> None:
    """Files that no stage of ours named or wrote are read and partitioned all the same."""
    run(repo)
    wanted = contents(repo)
    raw = repo.table("raw")
    for path in (repo.root / "data/raw").iterdir():
        path.unlink()
    for number in range(3):
        raw.iloc[number::3].to_parquet(repo.root / f"data/raw/part-{number}.parquet")
    for stage in ("validate", "featurize", "split", "feature_store"):
        repo.run(stage)
    found = contents(repo)
    assert {name: found[name] for name in found if "raw" not in name} == {
        name: wanted[name] for name in wanted if "raw" not in name
    }


def test_switched_off(repo: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """[tool.dataops.stages] memo = false: nothing is read, nothing is left."""
    (repo.root / "pyproject.toml").write_text("[tool.dataops.stages]\nmemo = false\n")
    run(repo)
    assert "as before" not in "".join(run(repo).values())
    assert not (repo.root / INDEX).exists()
    monkeypatch.setenv("DATAOPS_STAGES__MEMO", "true")
    run(repo)
    assert "as before" in "".join(run(repo).values())
