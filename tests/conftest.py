"""What tests of several folders share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from workbench import Bench

# As dataops.training.local has it, for fits in this process and in the training host's containers: OpenMP reads it when
# LightGBM is loaded. Beside other tests, threads that keep their core busy while they wait took twenty times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """An empty repository as the stages see it, which is the current folder."""
    monkeypatch.chdir(tmp_path)
    return Bench(tmp_path)
