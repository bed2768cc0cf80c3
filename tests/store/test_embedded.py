"""The embedded server: a real one, started, killed and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import requests
from servers import contents, put

from dataops.errors import DataOpsError
from dataops.processes import lives
from dataops.store import dvcconfig, embedded, state, weed
from dataops.store.ports import GRPC
from dataops.store.state import Place

DATAOPS = [sys.executable, "-m", "dataops"]


def listening(pid: int) -> list[tuple[str, int]]:
    """Every internet address that a process accepts connections at."""
    return [
        (connection.laddr.ip, connection.laddr.port)
        for connection in psutil.Process(pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]


def test_listens_on_loopback_only(shared):
    """Nothing is reachable from another machine, gRPC included, and no port is used that wasn't chosen."""
    current = state.load(Place(shared))
    found = listening(current.pid)
    assert {address for address, _ in found} == {"127.0.0.1"}
    assert {port for _, port in found} == set(current.ports.every())
    assert max(current.ports.every()) < 32768


def test_only_the_keys_open_it(shared):
    """S3 without keys and the inner HTTP ports without weed's own tokens give nothing away."""
    current = state.load(Place(shared))
    put(shared, {"dvc/secret": b"x"})
    for url in (
        f"{current.endpoint}/dataops/dvc/secret",
        f"http://127.0.0.1:{current.ports.filer}/buckets/dataops/dvc/secret",
        *(f"http://127.0.0.1:{current.ports.volume}/{volume},01637037d6" for volume in range(1, 8)),
    ):
        answer = requests.get(url, timeout=5)
        assert answer.status_code in (401, 403, 404), url
        assert answer.content != b"x"
    written = requests.post(f"http://127.0.0.1:{current.ports.volume}/1,01637037d6", data=b"x", timeout=5)
    assert written.status_code == 401


def test_secrets_are_the_owners_alone(shared):
    """Folder 0700, secrets 0600, and git sees none of it."""
    folder = shared / ".dataops/store"
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in (folder / "state.json", folder / "s3.json", folder / "weed.log", shared / ".dvc/config.local"):
        assert path.stat().st_mode & 0o777 == 0o600, path
    status = subprocess.run(["git", "status", "--short"], cwd=shared, capture_output=True, text=True, check=True)
    assert status.stdout == ""


def test_no_telemetry_and_nothing_of_the_users_environment(shared):
    """An AWS key in the environment would become an administrator."""
    process = psutil.Process(state.load(Place(shared)).pid)
    assert "-master.telemetry=false" in process.cmdline()
    assert {name for name in process.environ() if not name.startswith("WEED_")} == {"HOME", "PATH"}
    secret = state.load(Place(shared)).secret_access_key
    assert not any(secret in argument for argument in process.cmdline())


def test_up_twice_is_one_server(shared):
    """The second call finds the first one's server and says so."""
    before = embedded.status(shared)
    after = embedded.up(shared)
    assert after.running
    assert (after.pid, after.endpoint) == (before.pid, before.endpoint)
    assert after.notes == (f"already running (pid {before.pid})",)


def test_up_ignores_what_the_environment_says_of_aws(shared, monkeypatch):
    """A profile that doesn't exist, another endpoint, a foreign session token, a proxy: none of it matters here."""
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "stale")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    status = embedded.up(shared)
    assert status.running
    assert "NO_PROXY" in " ".join(status.notes)  # our calls pass it by, dvc's would not
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    assert "NO_PROXY" not in " ".join(embedded.up(shared).notes)


def test_status_tells_no_secrets(shared):
    """Not in JSON, not in its representation."""
    current = state.load(Place(shared))
    status = embedded.status(shared)
    shown = json.dumps(status.as_json()) + repr(status)
    assert current.secret_access_key not in shown
    assert current.kek not in shown
    assert status.default
    assert status.bytes_used > 0


def test_config_local_keeps_what_else_it_holds(clone, shared):
    """Your own remotes, comments and default stay."""
    from dataops.store import local

    root = clone()
    mine = "# mine\n[cache]\n    dir = /c  # big\n['remote \"lab\"']\n    url = /mnt/lab\n[core]\n    remote = lab\n"
    (root / ".dvc/config.local").write_text(mine)
    notes = local.attach(root, state.load(Place(shared)))
    text = (root / ".dvc/config.local").read_text()
    assert "# mine" in text
    assert "# big" in text
    assert "remote = lab" in text
    assert "embedded" in text
    assert "stays lab" in notes[-1]
    assert not local.is_default(root)


def test_a_real_remote_stays_the_default(clone, shared):
    """Once the team has a bucket the embedded store is a remote among others, and stops being the default."""
    from dataops.store import local

    root = clone()
    current = state.load(Place(shared))
    assert local.attach(root, current) == []
    assert local.is_default(root)
    config = root / ".dvc/config"
    config.write_text(config.read_text().replace("s3://replace-me/dvc", "s3://team/dvc"))  # as `git pull` would
    notes = local.attach(root, current)
    assert not local.is_default(root)
    assert "stays the one in .dvc/config" in notes[-1]
    assert dvcconfig.merged(dvcconfig.levels(root), "embedded").url == "s3://dataops/dvc"


def test_kill_nine_loses_nothing(clone):
    """Killed in mid-flight and started again: every acknowledged object is there, at the same address."""
    root = clone()
    first = embedded.up(root)
    objects = {f"dvc/{number}": os.urandom(1000 + number) for number in range(60)} | {"dvc/big": os.urandom(9_000_000)}
    put(root, objects)
    os.kill(first.pid, signal.SIGKILL)
    second = embedded.up(root)
    assert f"(pid {first.pid} is gone)" in second.notes[0]
    assert second.endpoint == first.endpoint
    assert contents(root) == objects


def test_concurrent_ups_are_one_server_that_survives_its_shell(clone):
    """Two at once; a pid nobody wrote down; a folder renamed while it runs. `down` stops it, and again is fine."""
    root = clone()
    both = [
        subprocess.Popen([*DATAOPS, "store", "up"], cwd=root, stdout=subprocess.PIPE, text=True, start_new_session=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("already running" in output for output in outputs) == 1
    ours = [pid for pid in psutil.pids() if weed.is_ours(pid, Place(root))]
    assert len(ours) == 1

    current = state.load(Place(root))
    state.save(Place(root), current.model_copy(update={"pid": None}))  # as if `up` had been killed half-way
    assert embedded.up(root).pid == ours[0]

    moved = root.rename(root.with_name("renamed"))
    status = embedded.status(moved)
    assert (status.running, status.pid) == (True, ours[0])
    assert "stopped" in embedded.down(moved).notes[0]
    assert not lives(ours[0])
    assert not list(Path("/tmp").glob(f"seaweedfs-*-{state.load(Place(moved)).ports.s3 + GRPC}.sock"))
    assert embedded.down(moved).notes == ("it was not running",)


def test_full_disk(clone):
    """One line before anything starts, not a failed push later."""
    root = clone()
    with pytest.raises(DataOpsError, match="is full") as caught:
        embedded.up(root, minimum_free=1 << 60)
    assert caught.value.status == 2
    assert weed.find(Place(root)) is None
    assert not (root / ".dvc/config.local").exists()


def test_weed_dies_at_start(clone):
    """Its own last words are in the error, and the log is named."""
    root = clone()
    place = Place(root)
    place.create()
    (place.data / "filerldb2").write_text("not a folder")
    with pytest.raises(DataOpsError, match=r"stopped at its start: .*(filer|leveldb|mkdir|folder|directory)") as caught:
        embedded.up(root)
    assert str(place.log) in caught.value.hint
    assert not embedded.status(root).running
    assert state.load(place).pid is None


def test_data_that_something_unseen_serves(clone, monkeypatch):
    """A weed in a container has no pid here, but it holds the lock: never two on the same data."""
    monkeypatch.setattr(weed, "LET_GO_SECONDS", 0.1)
    root = clone()
    Place(root).create()
    with weed.hold(Place(root)), pytest.raises(DataOpsError, match="another process already serves"):
        embedded.up(root)


def test_damaged_state_is_not_overwritten(clone):
    """New keys would be easy to make; whether to give up the old ones is the owner's decision."""
    root = clone()
    place = Place(root)
    place.create()
    place.state.write_text("{half")
    for call in (embedded.up, embedded.status, embedded.down):
        with pytest.raises(DataOpsError, match="is damaged"):
            call(root)
    assert place.state.read_text() == "{half"


def test_down_where_nothing_ever_ran(clone):
    """Nothing to stop is no error, and leaves nothing behind."""
    root = clone()
    assert embedded.down(root).notes == ("it was not running",)
    assert not (root / ".dataops").exists()


def test_last_words(tmp_path):
    """A fatal line wins over later chatter and the goroutines' stacks."""
    log = tmp_path / "log"
    log.write_text(
        "I1121 20:52:19.844087 master.go:400 starting\nF1121 20:52:20.1 a.go:9 disk on fire\ngoroutine 1\n\tmain()\n"
    )
    assert weed.last_words(log) == "disk on fire"
    assert weed.last_words(tmp_path / "none") == "it left no message"


def test_no_stranger_can_delete_it(shared):
    """The master's HTTP, which takes orders without a key, is off: its calls find nothing, and the data stay."""
    current = state.load(Place(shared))
    put(shared, {"dvc/precious": b"x"})
    for path in ("/col/delete?collection=dataops", "/dir/assign", "/vol/vacuum", "/dir/status"):
        answer = requests.get(f"http://127.0.0.1:{current.ports.master}{path}", timeout=10)
        assert answer.status_code == 404, path
    assert contents(shared)["dvc/precious"] == b"x"
