"""What tests of several folders share."""

from __future__ import annotations

from pathlib import Path

import pytest
from workbench import Bench


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """An empty repository as the stages see it, which is the current folder."""
    monkeypatch.chdir(tmp_path)
    return Bench(tmp_path)
