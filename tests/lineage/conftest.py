"""Repositories that are built once for all tests of lineage; nobody changes them."""

from __future__ import annotations

import pytest
import worlds
from worlds import World


@pytest.fixture(scope="session")
def monorepo(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two teams in one DVC root."""
    return worlds.monorepo(tmp_path_factory.mktemp("mono") / "repo")


@pytest.fixture(scope="session")
def importing(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Data from another repository."""
    return worlds.imported(tmp_path_factory.mktemp("importing"))
