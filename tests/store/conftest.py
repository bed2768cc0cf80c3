"""Clones of the template in temporary folders; every server they start is killed at the end, whatever happened."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers import kill, make

from dataops.store import embedded

Clone = Callable[..., Path]


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A person without AWS settings, proxies or DVC configuration of their own."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "DVC_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    """Makes clones."""
    yield lambda name="clone": make(tmp_path / name)
    for root in tmp_path.iterdir():  # by folder, because a test may have renamed its clone
        kill(root)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One running server for the tests that leave it as it is."""
    root = make(tmp_path_factory.mktemp("shared") / "clone")
    try:
        embedded.up(root)
        yield root
    finally:
        kill(root)
