"""Repositories that several tests of the guards start from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import hookworld
import pytest
from guardrepo import Repo, copied, planted
from toy import Toy


@pytest.fixture(scope="session")
def plants(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Repo]:
    """One repository for each `cache.type`, made once."""
    made: dict[str, Repo] = {}

    def plant(cache_type: str) -> Repo:
        if cache_type not in made:
            made[cache_type] = planted(tmp_path_factory.mktemp(cache_type) / "repo", cache_type)
        return made[cache_type]

    return plant


@pytest.fixture
def plant(plants: Callable[[str], Repo], tmp_path: Path) -> Callable[[str], Repo]:
    """A copy of such a repository, to be broken."""
    return lambda cache_type: copied(plants(cache_type), tmp_path / "repo")


@pytest.fixture
def repo(plant: Callable[[str], Repo]) -> Repo:
    """A copy with DVC's default, copies."""
    return plant("copy")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """Made once; nobody changes it. Nothing is pushed yet, neither by git nor by dvc."""
    return hookworld.make(tmp_path_factory.mktemp("hooks") / "world")


@pytest.fixture
def clone(made: Toy, tmp_path: Path) -> Toy:
    """A clone with one commit, which no remote has, nor its data."""
    return hookworld.copy(made, tmp_path / "world")


@pytest.fixture
def pushed(clone: Toy) -> Toy:
    """The same after `dvc push` and `git push`."""
    clone.dvc("push", "-q")
    hookworld.push(clone, "origin", "main")
    return clone
