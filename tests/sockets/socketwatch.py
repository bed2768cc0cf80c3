"""pytest fixtures of the socket guard, for tests whose processes must not leave this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import socketguard

SITE = Path(__file__).parent / "site"


def guarded(environ: Mapping[str, str], path: Path) -> dict[str, str]:
    """An environment whose Python processes, and theirs, are under guard."""
    search = os.pathsep.join([*filter(None, [environ.get("PYTHONPATH")]), str(SITE)])
    return {**environ, "SOCKET_GUARD": str(path), "SOCKET_GUARD_SITE": str(SITE), "PYTHONPATH": search}


@pytest.fixture(scope="session")
def guard_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where offences are noted, one a line."""
    return tmp_path_factory.mktemp("guard") / "offences.txt"


@pytest.fixture
def offences(guard_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The guard, on in this process and in its children until the test ends; the file, emptied."""
    guard_file.write_text("")
    for name, value in guarded(os.environ, guard_file).items():
        monkeypatch.setenv(name, value)
    socketguard.guard(str(guard_file))
    yield guard_file
    socketguard.guard(None)


@pytest.fixture
def loopback_only(offences: Path) -> Iterator[Path]:
    """The guard, and at the end nobody has asked for another machine."""
    yield offences
    assert offences.read_text() == ""
