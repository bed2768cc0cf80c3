"""Repositories that several tests of the guards start from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from guardrepo import Repo, copied, planted


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
