"""What tests of several folders share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from workbench import Bench

# OpenMP reads it when LightGBM is loaded, here and in what is started from here. By default a thread that waits for
# the other keeps its core busy: where tests run side by side, each fit took twenty times the processor time.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """An empty repository as the stages see it, which is the current folder."""
    monkeypatch.chdir(tmp_path)
    return Bench(tmp_path)
