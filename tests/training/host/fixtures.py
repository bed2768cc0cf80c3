"""pytest fixtures: one process a session, emptied before each test, and the guard that nothing leaves this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from socketwatch import guard_file, guarded, loopback_only, offences

from host.client import TrainingHost

__all__ = ["guard_file", "host", "loopback_only", "offences", "running_host"]


@pytest.fixture(scope="session")
def running_host(tmp_path_factory: pytest.TempPathFactory, guard_file: Path) -> Iterator[TrainingHost]:
    """The process; it and its containers are under guard."""
    with TrainingHost(tmp_path_factory.mktemp("host"), guarded(os.environ, guard_file)) as started:
        yield started


@pytest.fixture
def host(running_host: TrainingHost, loopback_only: Path) -> TrainingHost:
    """A training host with nothing in it but its bucket and role."""
    running_host.reset()
    return running_host
