"""What tests of `dataops.repo` share."""

from __future__ import annotations

from pathlib import Path

import pytest
import tagrepo
from tagrepo import TagRepo


@pytest.fixture
def repo(tmp_path: Path) -> TagRepo:
    """An empty git repository."""
    return tagrepo.plant(tmp_path / "repo")
