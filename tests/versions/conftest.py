"""Small repositories for the tests of releases, on one S3 server."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import toy as toys
from servers import kill, make, remote
from toy import Toy

from dataops.store import embedded
from dataops.store.dvcconfig import Remote

NUMBER = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    """One S3 server for all; every repository has a prefix of its own."""
    root = make(tmp_path_factory.mktemp("server") / "clone")
    try:
        embedded.up(root)
        yield remote(root)
    finally:
        kill(root)


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory, server: Remote) -> Toy:
    """Made once; nobody changes it."""
    options = {
        "endpointurl": str(server.endpoint_url),
        "region": str(server.region),
        "access_key_id": str(server.access_key_id),
        "secret_access_key": str(server.secret_access_key),
    }
    return toys.make(tmp_path_factory.mktemp("toy") / "first", f"s3://{server.bucket}/toy-0", options)


@pytest.fixture
def toy(first: Toy, server: Remote, tmp_path: Path) -> Toy:
    """A repository after its first commit, nothing released, nothing on its DVC remote."""
    return toys.copy(first, tmp_path / "toy", f"s3://{server.bucket}/toy-{next(NUMBER)}")


@pytest.fixture
def colleague(toy: Toy, tmp_path: Path) -> Callable[[], Toy]:
    """Makes another clone of the same remotes, with the data checked out."""

    def make_clone() -> Toy:
        other = toy.clone(tmp_path / "colleague")
        toy.dvc("push", "-q")
        other.dvc("pull", "-q")
        return other

    return make_clone
