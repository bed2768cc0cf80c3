"""Several clones and one server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from servers import commit, contents, kill, put, remote

from dataops.errors import DataOpsError, Refused
from dataops.store import dvcconfig, embedded, s3, state
from dataops.store import remote as remotes
from dataops.store.connect import connect
from dataops.store.ports import GRPC
from dataops.store.state import Place

DVC = str(Path(sys.executable).with_name("dvc"))


def dvc(root: Path, *arguments: str) -> None:
    """Real dvc, in an environment that points it elsewhere as far as an environment can."""
    junk = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "JUNK",
        "AWS_SECRET_ACCESS_KEY": "junk",
        "AWS_SESSION_TOKEN": "junk",
        "AWS_REGION": "mars-north-1",
    }
    done = subprocess.run([DVC, *arguments], cwd=root, env=os.environ | junk, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_push_here_pull_there_then_move_to_the_teams_bucket(clone, tmp_path, shared, monkeypatch):
    """The first hours of a team: a push, a colleague's clone that pulls, and the bucket that comes later."""
    first, second = clone("first"), tmp_path / "second"
    connect(first, shared)
    (first / "sales.csv").write_text("store,sales\n1,2\n")
    dvc(first, "add", "-q", "sales.csv")
    commit(first, "data")
    dvc(first, "push", "-q")

    subprocess.run(["git", "clone", "-q", str(first), str(second)], check=True)
    status = connect(second, first / ".dvc")  # any folder of a clone, whose server may be yet another's
    assert (status.connected_to, status.default, status.running) == (shared, True, True)
    assert (second / ".dvc/config.local").stat().st_mode & 0o777 == 0o600
    dvc(second, "pull", "-q")
    assert (second / "sales.csv").read_bytes() == (first / "sales.csv").read_bytes()

    shutil.rmtree(first / ".dvc/cache")  # what only the store holds must come along too
    (first / "sales.csv").unlink()
    team = remote(shared)
    s3.client(team).create_bucket(Bucket="team")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", team.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", team.secret_access_key)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    used = remotes.use(first, "s3://team/forecasting", endpoint_url=team.endpoint_url)
    done = subprocess.run(" && ".join(used.bring), shell=True, cwd=first, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = s3.client(team).list_objects_v2(Bucket="team", Prefix="forecasting/files/md5/")
    assert found["KeyCount"] == 1
    assert remotes.default(first).remote.url == "s3://team/forecasting"
    assert "bring" not in (first / ".dvc/config.local").read_text()


def test_a_connected_clone_follows_its_server(clone, shared):
    """`up` here starts the other clone's server and learns its new port; `down` here needs to say that it is meant.

    Meanwhile another program has taken the port, and yet another the pid: both are said, the data is there.
    """
    first, second = clone("first"), clone("second")
    before = embedded.up(first)
    put(first, {"dvc/a": b"1"})
    connect(second, first)
    with pytest.raises(Refused, match="belongs to") as caught:
        embedded.down(second)
    assert "--shared" in caught.value.hint
    assert embedded.status(first).running
    with pytest.raises(DataOpsError, match="own server is running"):
        connect(first, shared)  # nobody could stop it any more

    kill(first)
    current = state.load(Place(first))
    state.save(Place(first), current.model_copy(update={"pid": os.getpid()}))
    assert not embedded.status(first).running
    with socket.socket() as intruder:
        intruder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        intruder.bind(("127.0.0.1", current.ports.filer + GRPC))
        intruder.listen()
        status = embedded.up(second)
    assert f"pid {os.getpid()} belongs to another program" in status.notes[0]
    assert f"port {current.ports.filer + GRPC} is taken" in status.notes[1]
    assert (status.running, status.connected_to) == (True, first)
    assert status.endpoint != before.endpoint
    for root in (first, second):
        assert dvcconfig.merged(dvcconfig.levels(root), "embedded").endpoint_url == status.endpoint
    assert contents(first) == {"dvc/a": b"1"}
    assert not (second / ".dataops/store/state.json").exists()

    assert "stopped" in embedded.down(second, shared=True).notes[0]
    assert not embedded.status(first).running
    assert not embedded.status(second).running


def test_what_cannot_be_connected_to(clone, tmp_path, shared):
    """Each in one line, and the clone stays as it was."""
    root, bare = clone("root"), clone("bare")
    stopped = clone("stopped")
    Place(stopped).create()
    state.save(Place(stopped), state.new())
    plain = tmp_path / "plain"
    plain.mkdir()
    for path, message in [
        (tmp_path / "nowhere", "there is no folder"),
        (plain, "not inside a DVC repository"),
        (bare, "has no embedded store"),
        (stopped, "is not running"),
        (root, "leads to this clone itself"),
    ]:
        with pytest.raises(DataOpsError, match=message) as caught:
            connect(root, path)
        assert caught.value.status == 2
        assert "\n" not in caught.value.message
        assert caught.value.hint
    assert not (root / ".dataops").exists()
    assert not (root / ".dvc/config.local").exists()


def test_chains_and_loops(clone, shared):
    """Connecting to a connected clone means its server; its server can't be connected back to itself."""
    near, far = clone("near"), clone("far")
    connect(near, shared)
    assert connect(far, near).connected_to == shared
    with pytest.raises(DataOpsError, match="leads to this clone itself"):
        connect(shared, near)


def test_the_other_clone_is_gone(clone, tmp_path, shared):
    """Deleted since: the line names it and what to do."""
    root, gone = clone("root"), tmp_path / "gone"
    state.link(root, gone)
    for call in (embedded.up, embedded.status, embedded.down):
        with pytest.raises(DataOpsError, match="which is gone") as caught:
            call(root)
        assert "connected.json" in caught.value.hint
