"""What the doctor says of DVC's remote: a real S3 server, moto where that lacks something, servers gone wrong."""

from __future__ import annotations

import datetime as dt
import http.server
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer
from servers import contents, kill, make
from servers import remote as remote_at

from dataops.guard.doctor import bucket
from dataops.guard.doctor.examine import examine
from dataops.guard.doctor.finding import Finding
from dataops.store import command, embedded, s3
from dataops.store.dvcconfig import Remote
from dataops.store.state import State

READER = {"accessKey": "READER", "secretKey": "reader-secret"}


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A person without settings of their own."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "DVC_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An embedded server with a second account, which may only read."""
    plain = command.identities

    def both(state: State) -> dict[str, object]:
        accounts = plain(state)["identities"]
        assert isinstance(accounts, list)
        return {"identities": [*accounts, {"name": "reader", "credentials": [READER], "actions": ["Read", "List"]}]}

    root = make(tmp_path_factory.mktemp("doctor") / "clone")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "identities", both)
        try:
            embedded.up(root)
            yield root
        finally:
            kill(root)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """moto's S3, which knows KMS."""
    there = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    there.start()
    host, port = there.get_host_and_port()
    yield f"http://{host}:{port}"
    there.stop()


def asked(remote: Remote, **options: str) -> dict[str, Finding]:
    """What the bucket says."""
    return {one.name: one for one in bucket.bucket(remote, options)}


def team(root: Path, there: Remote, keys: bool = True) -> Path:
    """A clone whose own remote is at that server."""
    lines = [
        "[core]",
        "    remote = storage",
        "['remote \"storage\"']",
        f"    url = s3://{there.bucket}/team",
        f"    endpointurl = {there.endpoint_url}",
        "    region = us-east-1",
    ]
    (root / ".dvc/config").write_text("\n".join(lines) + "\n")
    if keys:
        secret = [
            lines[2],
            f"    access_key_id = {there.access_key_id}",
            f"    secret_access_key = {there.secret_access_key}",
        ]
        (root / ".dvc/config.local").write_text("\n".join(secret) + "\n")
    return root


def answers(root: Path) -> dict[str, Finding]:
    """Every finding by its name."""
    return {one.name: one for one in examine(root)}


def test_owner(server: Path) -> None:
    """All of it works, and no probe stays behind."""
    before = contents(server)
    found = asked(replace(remote_at(server), name="storage"))
    assert {name: one.state for name, one in found.items()} == {
        "reachable": "ok",
        "clock": "ok",
        "writable": "ok",
        "encryption": "warn",
        "versioning": "warn",
    }
    assert contents(server) == before


def test_reader(server: Path) -> None:
    """Is told that it is one."""
    there = remote_at(server)
    reader = Remote(
        name="storage",
        url=there.url,
        endpoint_url=there.endpoint_url,
        region=there.region,
        access_key_id=READER["accessKey"],
        secret_access_key=READER["secretKey"],
    )
    found = asked(reader)
    assert found["reachable"].state == "ok"
    assert (found["writable"].state, found["writable"].found.startswith("read only")) == ("warn", True)


def test_wrong_keys(server: Path) -> None:
    """One line that fails, without the keys."""
    there = remote_at(server)
    found = asked(
        Remote(
            name="storage",
            url=there.url,
            endpoint_url=there.endpoint_url,
            region=there.region,
            access_key_id=str(there.access_key_id),
            secret_access_key="wrong",
        )
    )
    assert found["reachable"].state == "fail"
    assert "credentials were refused" in found["reachable"].found
    assert "writable" not in found


def test_versioned_and_encrypted(server: Path) -> None:
    """As the embedded server does it; not even a version of the probe stays behind."""
    there = remote_at(server)
    client = s3.client(there)
    client.create_bucket(Bucket="versioned")
    client.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    client.put_bucket_encryption(Bucket="versioned", ServerSideEncryptionConfiguration={"Rules": [rule]})
    remote = Remote(
        name="storage",
        url="s3://versioned/dvc",
        endpoint_url=there.endpoint_url,
        region=there.region,
        access_key_id=there.access_key_id,
        secret_access_key=there.secret_access_key,
    )
    found = asked(remote)
    assert {one.state for one in found.values()} == {"ok"}
    assert found["encryption"].found == "SSE-S3 (AES256)"
    left = client.list_object_versions(Bucket="versioned")
    assert not left.get("Versions")
    assert not left.get("DeleteMarkers")


def test_kms(moto: str) -> None:
    """The bucket's key, and the remote's own choice of one."""
    there = Remote(
        name="storage",
        url="s3://kms/dvc",
        endpoint_url=moto,
        region="us-east-1",
        access_key_id="a",
        secret_access_key="b",
    )
    client = s3.client(there)
    client.create_bucket(Bucket="kms")
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/retail"}}
    client.put_bucket_encryption(Bucket="kms", ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert asked(there)["encryption"].found == "SSE-KMS, key alias/retail"
    client.delete_bucket_encryption(Bucket="kms")
    found = asked(there, sse="aws:kms", sse_kms_key_id="alias/other")["encryption"]
    assert (found.state, found.found) == ("ok", "SSE-KMS, key alias/other")


def test_command_that_is_printed(server: Path) -> None:
    """Names the endpoint and the bucket."""
    fix = asked(replace(remote_at(server), name="storage"))["versioning"].fix
    assert fix.startswith("aws s3api put-bucket-versioning --endpoint-url http://127.0.0.1:")
    assert " --bucket dataops " in fix


def test_embedded(server: Path, tmp_path: Path) -> None:
    """In use it is a warning, stopped a failure."""
    found = answers(server)
    assert (found["dvc remote"].state, "embedded store" in found["dvc remote"].found) == ("warn", True)
    assert found["writable"].state == "ok"
    assert not {"encryption", "versioning"} & set(found)
    assert found["credentials"].found == ".dvc/config.local"
    stopped = make(tmp_path / "stopped")
    embedded.up(stopped)
    embedded.down(stopped)
    found = answers(stopped)
    assert (found["reachable"].state, "`dataops store up`" in found["reachable"].fix) == ("fail", True)


def test_credentials(server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they come from, and until when; never what they are."""
    there = remote_at(server)
    root = team(make(tmp_path / "clone"), there)
    assert answers(root)["credentials"].found == ".dvc/config.local"
    (root / ".dvc/config.local").unlink()
    found = answers(root)
    assert (found["credentials"].state, found["credentials"].found) == ("fail", "found no AWS credentials")
    assert "reachable" not in found  # it would say the same
    home = tmp_path / "home/.aws"
    home.mkdir(parents=True)
    keys = f"aws_access_key_id = {there.access_key_id}\naws_secret_access_key = {there.secret_access_key}\n"
    (home / "credentials").write_text(f"[default]\n{keys}")
    found = answers(root)
    assert (found["credentials"].found, found["writable"].state) == ("~/.aws/credentials", "ok")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", str(there.access_key_id))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", str(there.secret_access_key))
    assert answers(root)["credentials"].found == "the environment (AWS_ACCESS_KEY_ID)"
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    assert answers(root)["credentials"].found.endswith("temporary: until when nobody knows")
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z")
    found = answers(root)
    assert (found["credentials"].state, found["reachable"].state) == ("fail", "fail")
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", (dt.datetime.now(dt.UTC) + dt.timedelta(minutes=20)).isoformat())
    assert answers(root)["credentials"].state == "ok"
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", (dt.datetime.now(dt.UTC) + dt.timedelta(minutes=14)).isoformat())
    assert answers(root)["credentials"].state == "warn"
    text = repr(found)
    assert str(there.secret_access_key) not in text
    assert str(there.access_key_id) not in text


def test_committed_keys(server: Path, tmp_path: Path) -> None:
    """Are a failure wherever they work."""
    root = team(make(tmp_path / "clone"), remote_at(server))
    local = root / ".dvc/config.local"
    (root / ".dvc/config").write_text(
        (root / ".dvc/config").read_text() + "\n".join(local.read_text().splitlines()[1:])
    )
    local.unlink()
    found = answers(root)
    assert found["credentials"].state == "fail"
    assert ".dvc/config, which is committed" in found["credentials"].found


def test_nobody_there(tmp_path: Path) -> None:
    """A port that is closed; one that takes calls and never answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    there = Remote(
        name="storage",
        url="s3://bucket/x",
        endpoint_url=f"http://127.0.0.1:{port}",
        access_key_id="a",
        secret_access_key="b",
    )
    root = team(make(tmp_path / "clone"), there)
    found = answers(root)
    assert (found["reachable"].state, found["reachable"].found.startswith("can't reach")) == ("fail", True)
    with socket.socket() as server:
        server.bind(("127.0.0.1", port))
        server.listen()
        late = {one.name: one for one in examine(root, seconds=2.0)}
    assert (late["reachable"].state, late["reachable"].found) == ("fail", "no answer in time")
    assert "tags kept" not in late


class Late(http.server.BaseHTTPRequestHandler):
    """An S3 server whose clock is wrong by `seconds`."""

    seconds = 0.0

    def do_GET(self) -> None:
        """An empty listing."""
        body = b'<?xml version="1.0"?><ListBucketResult><Name>b</Name><KeyCount>0</KeyCount></ListBucketResult>'
        self.answer(200, body)

    def do_PUT(self) -> None:
        """Read only."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.answer(403, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>")

    def answer(self, status: int, body: bytes) -> None:
        """With a date of its own."""
        self.send_response_only(status)
        self.send_header("Date", formatdate(time.time() + self.seconds, usegmt=True))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    ("seconds", "state", "word"),
    [
        (0, "ok", "within"),
        (60, "warn", "behind"),
        (-60, "warn", "ahead of"),
        (3600, "fail", "behind"),
        (-3600, "fail", "ahead of"),
    ],
)
def test_clock(seconds: float, state: str, word: str) -> None:
    """By the Date of the server's answer."""
    handler = type("Handler", (Late,), {"seconds": seconds})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        found = asked(
            Remote(
                name="storage",
                url="s3://b/x",
                endpoint_url=f"http://127.0.0.1:{server.server_port}",
                region="us-east-1",
                access_key_id="a",
                secret_access_key="b",
            )
        )
    finally:
        server.shutdown()
        server.server_close()
    assert (found["clock"].state, word in found["clock"].found) == (state, True)
    assert found["writable"].state == "warn"
