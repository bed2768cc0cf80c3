"""The store as compose runs it, without compose: the same server in the foreground, and a clone with its `.env`."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers import kill

from dataops.errors import DataOpsError, Refused
from dataops.store import composed, dvcconfig, embedded, local, ports, s3, state
from dataops.store.connect import connect, connect_compose
from dataops.store.serve import settled
from dataops.store.state import Place

KEYS = {composed.ACCESS_KEY: "ACCESS0123", composed.SECRET_KEY: "secret0123456789"}
Serve = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where volumes and logs are."""
    return tmp_path_factory.mktemp("compose")


@pytest.fixture
def serve(place: Path) -> Iterator[Serve]:
    """Start servers in the foreground; those that still run are killed at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(port: int, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dataops", "store", "serve", str(place / "volume"), "--port", str(port)]
        with (place / "log").open("ab") as log:
            started.append(subprocess.Popen(command, env=os.environ | KEYS | environment, stdout=log, stderr=log))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
    kill(place / "volume")


def settings(root: Path, port: int, **changes: str) -> None:
    """The clone's `.env`."""
    lines = {composed.PORT: str(port), **KEYS, **changes}
    (root / ".env").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))


def up(root: Path) -> None:
    """Wait until it answers and stores."""
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(DataOpsError):
            composed.require(composed.read(root))
            break
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_clone_uses_it_and_goes_back(clone, serve: Serve):
    """It becomes the default remote; another clone may use it through this one; its own server is a command away."""
    root, port = clone("first"), ports.choose().s3
    settings(root, port)
    serve(port)
    up(root)
    status = connect_compose(root)
    assert (status.running, status.compose, status.default, status.pid) == (True, True, True, None)
    assert status.endpoint == f"http://127.0.0.1:{port}"
    assert embedded.up(root).compose
    local = dvcconfig.read(root / dvcconfig.LOCAL)
    assert dvcconfig.get(local, 'remote "embedded"', "endpointurl") == status.endpoint
    assert (root / dvcconfig.LOCAL).stat().st_mode & 0o777 == 0o600
    with pytest.raises(Refused, match="compose runs the server"):
        embedded.down(root)

    second = clone("second")
    assert connect(second, root).connected_to == root
    assert embedded.status(second).compose

    own = connect(root, root)
    assert (own.compose, own.running) == (False, True)
    assert own.endpoint != status.endpoint
    back = connect_compose(root)
    assert back.compose
    assert any("stays as it is" in note for note in back.notes)


def test_what_it_stored_is_there_after_a_kill(clone, serve: Serve):
    """Started again, with other keys even: the data are the volume's."""
    root, port = clone("clone"), ports.choose().s3
    settings(root, port)
    first = serve(port)
    up(root)
    s3.client(local.remote_of(composed.read(root))).put_object(Bucket="dataops", Key="a", Body=b"kept")
    first.send_signal(signal.SIGKILL)
    first.wait()
    settings(root, port, **{composed.SECRET_KEY: "another"})
    serve(port, **{composed.SECRET_KEY: "another"})
    up(root)
    answer = s3.client(local.remote_of(composed.read(root))).get_object(Bucket="dataops", Key="a")
    assert answer["Body"].read() == b"kept"


def test_two_servers_never_share_a_folder(clone, serve: Serve, place: Path):
    """The second says so and leaves it alone."""
    root, port = clone("clone"), ports.choose().s3
    settings(root, port)
    serve(port)
    up(root)
    second = serve(ports.choose().s3)
    assert second.wait(60) == 2
    assert b"another process already serves" in (place / "log").read_bytes()


def test_it_does_not_run(clone):
    """One line with the address, and both ways on; nothing is changed."""
    root = clone("clone")
    settings(root, ports.choose().s3)
    with pytest.raises(DataOpsError, match=r"doesn't answer at http://127\.0\.0\.1:\d+") as refused:
        connect_compose(root)
    assert "make up" in (refused.value.hint or "")
    assert not (root / dvcconfig.LOCAL).exists()
    assert not Place(root).link.exists()


def test_other_keys(clone, serve: Serve):
    """A `.env` that was made anew beside a server of before."""
    root, port = clone("clone"), ports.choose().s3
    settings(root, port)
    serve(port)
    up(root)
    settings(root, port, **{composed.SECRET_KEY: "another"})
    with pytest.raises(DataOpsError, match=r"refuses the keys of \.env"):
        connect_compose(root)


def test_half_a_pair_of_keys():
    """Neither a server without a secret nor one whose keys nobody knows."""
    with pytest.raises(DataOpsError, match=f"{composed.ACCESS_KEY} is set without {composed.SECRET_KEY}"):
        settled(state.new(), 8334, {composed.ACCESS_KEY: "a"})
    with pytest.raises(DataOpsError, match=f"{composed.SECRET_KEY} is set without {composed.ACCESS_KEY}"):
        settled(state.new(), 8334, {composed.SECRET_KEY: "a"})
    own = state.new()
    assert settled(own, 8334, {}).access_key_id == own.access_key_id
    assert settled(own, 8334, {}).ports.s3 == 8334
