"""A repository as a user has it after the first hour: this tree, its store, its data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from checkout import SMALL, Repo, plant


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Repo]]:
    """Make fresh repositories; their stores are stopped at the end."""
    made: list[Repo] = []

    def make(name: str) -> Repo:
        made.append(plant(tmp_path_factory.mktemp("e2e") / name))
        return made[-1]

    yield make
    for repo in made:
        repo.run("dataops", "store", "down", status=None)


@pytest.fixture(scope="session")
def first_hour(planted: Callable[[str], Repo]) -> Repo:
    """A repository after `make repro` on a small sample, committed. Tests leave it as they found it."""
    repo = planted("first")
    repo.run("dataops", "ingest", "sample", *SMALL)
    repo.run("python", "scripts/repro.py")
    repo.commit("Data and model")
    return repo


@pytest.fixture
def clone(first_hour: Repo, tmp_path: Path) -> Repo:
    """A colleague's clone, connected to the first one's store, nothing pulled yet."""
    path = tmp_path / "clone"
    first_hour.run("git", "clone", "-q", str(first_hour.path), str(path))
    repo = Repo(path)
    repo.run("dataops", "store", "connect", str(first_hour.path))
    return repo


def next_commit(repo: Repo, message: str, *stages: str) -> None:
    """What a person does after a change: run the pipeline, commit, push."""
    repo.run("dvc", "repro", "-q", *stages)
    repo.commit(message)
    repo.run("git", "push", "-q", "origin", "main")


def release(repo: Repo, status: int = 0) -> str:
    """Release the dataset, and the model that was trained on it; what was said of the dataset."""
    done = repo.run("dataops", "release", status=status)
    if status == 0:
        repo.run("dataops", "release", "model")
    return done.stdout + done.stderr


@pytest.fixture(scope="session")
def history(planted: Callable[[str], Repo], tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """Four versions of the dataset with a model at each, and a fifth state that is none."""
    repo = planted("history")
    origin = tmp_path_factory.mktemp("origin") / "origin.git"
    repo.run("git", "init", "-q", "--bare", "-b", "main", str(origin))
    repo.run("git", "remote", "add", "origin", str(origin))
    params = repo.path / "params.yaml"
    params.write_text(params.read_text().replace("rounds: 500 ", "rounds: 60 ").replace("threads: 2 ", "threads: 1 "))
    repo.run("dataops", "store", "up")
    repo.run("dataops", "ingest", "sample", *SMALL)
    next_commit(repo, "Data")
    assert "dataset v1.0.0: the first version" in release(repo)

    repo.run("dataops", "ingest", "sample", "--until", "2024-12-31")
    next_commit(repo, "December")
    assert "minor): 31 days added, 2024-12-01 to 2024-12-31" in release(repo)

    rows = pd.read_parquet(repo.path / "data/raw/2024-06.parquet").head(3)
    rows["sales"] += 7
    rows.to_csv(repo.path.parent / "fix.csv", index=False)
    repo.run("dataops", "ingest", str(repo.path.parent / "fix.csv"), "--mix", "--received", "2025-01-02")
    next_commit(repo, "Three corrected rows")
    assert "patch): 3 rows corrected in sales" in release(repo)

    text = params.read_text().replace("    promotion: {type: boolean}\n", "").replace("    promotion: promotion\n", "")
    params.write_text(text.replace("known_ahead: [price, promotion]", "known_ahead: [price]"))
    next_commit(repo, "Promotions leave")
    assert "major): columns promotion, promotion_change removed" in release(repo)

    writer = repo.path / "src/dataops/tables/parquet.py"
    writer.write_text(writer.read_text().replace("compression_level=3", "compression_level=5"))
    next_commit(repo, "Other compression", "split")
    said = release(repo, status=1)
    assert "re-encoded only" in said
    assert "Traceback" not in said
    return repo
