"""Two people each ingest a month on a branch of their own with the template's pipeline, and the branches are merged."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pandas as pd
import pytest
import yaml
from checkout import SMALL, Repo

pytestmark = pytest.mark.e2e


def month(path: Path, first: str, days: int) -> Path:
    """A month of the small shop as CSV, as a till would export it."""
    start = dt.date.fromisoformat(first)
    rows = [
        f"{start + dt.timedelta(day)},{store},{product},{(store + product + day) % 9},2.50,0"
        for store in range(1, 1 + int(SMALL[1]))
        for product in range(1, 1 + int(SMALL[3]))
        for day in range(days)
    ]
    path.write_text("\n".join(["date,store_id,product_id,sales,price,promotion", *rows]) + "\n")
    return path


def on_branch(repo: Repo, name: str, file: Path, received: str) -> None:
    """Branch off main, ingest, run the pipeline, commit, and go back."""
    repo.run("git", "switch", "-qc", name, "main")
    repo.run("dataops", "ingest", str(file), "--mix", "--received", received)
    repo.run("dvc", "repro", "-q")
    repo.commit(name)
    repo.run("git", "switch", "-q", "main")


def test_two_months(clone: Repo, tmp_path: Path) -> None:
    """What git's merge leaves can be run at once, and the run has both months."""
    clone.run("dvc", "pull", "-q")
    params = clone.path / "params.yaml"
    params.write_text(params.read_text().replace("rounds: 500 ", "rounds: 20 "))
    clone.run("dvc", "repro", "-q")
    clone.commit("quick")
    said = clone.out("dataops", "hook", "install")
    assert "pre-push: installed" in said or "pre-push.legacy: installed" in said
    on_branch(clone, "december", month(tmp_path / "december.csv", "2024-12-01", 31), "2025-01-01")
    on_branch(clone, "january", month(tmp_path / "january.csv", "2025-01-01", 31), "2025-02-01")

    done = clone.run("git", "merge", "-q", "december")
    assert "data checked out: data/landing" in done.stderr
    assert (clone.path / "data/raw/2024-12.parquet").is_file()  # checked out by the hook
    done = clone.run("git", "merge", "january", status=1)
    assert "data/landing.dvc: the files of both sides are in data/landing now" in done.stderr
    assert "dvc.lock: changed on both sides: collect, validate, featurize, split" in done.stderr
    unmerged = clone.out("git", "diff", "--name-only", "--diff-filter=U").splitlines()
    assert "dvc.lock" in unmerged
    assert "data/landing.dvc" not in unmerged
    lock = yaml.safe_load((clone.path / "dvc.lock").read_text())
    assert lock == yaml.safe_load(clone.out("git", "show", "december:dvc.lock"))

    assert len(list((clone.path / "data/landing").rglob("batch.json"))) == 3
    assert {path.split("/")[0] for path in unmerged} == {"dvc.lock", "reports"}  # which the run writes anew
    clone.run("dvc", "repro", "-q")
    clone.commit("both months")
    assert clone.out("dvc", "status") == "Data and pipelines are up to date."
    assert clone.out("git", "status", "--porcelain") == ""
    dates = pd.concat(pd.read_parquet(path, columns=["date"]) for path in (clone.path / "data/raw").glob("202[45]-*"))
    assert dates["date"].max() == dt.date(2025, 1, 31)
    assert {"2024-12.parquet", "2025-01.parquet"} <= {path.name for path in (clone.path / "data/raw").iterdir()}
    assert json.loads((clone.path / "reports/collection.json").read_text())["batches"] == 3
    clone.run("git", "init", "-q", "--bare", str(tmp_path / "bare.git"))
    assert clone.run("git", "push", "-q", str(tmp_path / "bare.git"), "main", status=1).stderr.count("DATA201") == 1
    clone.run("dvc", "push", "-q", "--all-commits")
    clone.run("git", "push", "-q", str(tmp_path / "bare.git"), "main")
