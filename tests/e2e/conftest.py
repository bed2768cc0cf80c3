"""A repository as a user has it after the first hour: this tree, its store, its data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

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
