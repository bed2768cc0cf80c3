"""pytest fixtures: one process a session, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from host.client import TrainingHost


@pytest.fixture(scope="session")
def running_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingHost]:
    """The process."""
    with TrainingHost(tmp_path_factory.mktemp("host")) as started:
        yield started


@pytest.fixture
def host(running_host: TrainingHost) -> TrainingHost:
    """A training host with nothing in it but its bucket and role."""
    running_host.reset()
    return running_host
