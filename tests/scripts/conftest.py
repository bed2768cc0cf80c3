"""What the tests of the predecessors' commands share: a small repository on an S3 server, and one that trains."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import toy as toys
from host.fixtures import guard_file, host, loopback_only, offences, running_host
from jobworld import built, ready
from oldcalls import Old
from servers import kill, make, remote
from toy import month

from dataops.store import embedded
from dataops.store.dvcconfig import Remote

__all__ = ["built", "guard_file", "host", "loopback_only", "offences", "ready", "running_host"]
NUMBER = itertools.count(1)
MONTHS = {"train": "2024-01", "validation": "2024-02", "test": "2024-03"}


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
def first(tmp_path_factory: pytest.TempPathFactory, server: Remote) -> Old:
    """Made once; nobody changes it. Its pipeline ran, and nothing is released."""
    options = {
        "endpointurl": str(server.endpoint_url),
        "region": str(server.region),
        "access_key_id": str(server.access_key_id),
        "secret_access_key": str(server.secret_access_key),
    }
    made = toys.make(tmp_path_factory.mktemp("old") / "first", f"s3://{server.bucket}/old-0", options)
    (made.path / ".gitignore").write_text(".dataops/\n")
    made.commit("ignored")
    return Old(made.path, server.bucket)


@pytest.fixture
def old(first: Old, server: Remote, tmp_path: Path) -> Old:
    """A repository of its own, and three files made elsewhere."""
    number = next(NUMBER)
    copied = toys.copy(first, tmp_path / "toy", f"s3://{server.bucket}/old-{number}")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name, text in MONTHS.items():
        (elsewhere / f"{name}.csv").write_text(month(text))
    return Old(copied.path, server.bucket)


@pytest.fixture(scope="session")
def twice(first: Old, server: Remote, tmp_path_factory: pytest.TempPathFactory) -> Old:
    """Two uploads, a dataset and a model released; for tests that only read."""
    folder = tmp_path_factory.mktemp("twice")
    copied = toys.copy(first, folder / "toy", f"s3://{server.bucket}/old-twice")
    made = Old(copied.path, server.bucket)
    made.files(**{name: month(text) for name, text in MONTHS.items()})
    made.script("upload_data.py", "--files", *made.given, "--bucket", made.bucket, "--version-id", "v1.1")
    made.files(train=month("2024-01", sales=50))
    made.script("upload_data.py", "--files", *made.given)
    made.dataops("release")
    made.dataops("release", "model")
    return made
