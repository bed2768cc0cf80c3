"""The source `s3` against moto's server (which checks no credentials; that error is botocore's own)."""

from __future__ import annotations

import socket

import boto3
import pytest
from botocore.exceptions import ClientError
from ingest_repo import sales
from moto.server import ThreadedMotoServer

from dataops.errors import DataOpsError
from dataops.ingest import s3
from dataops.ingest.batches import LANDING, batches
from dataops.ingest.run import Options, ingest
from dataops.ingest.s3 import S3
from dataops.ingest.source import Context


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def credentials(monkeypatch, tmp_path):
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))


@pytest.fixture
def bucket(endpoint, request):
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    name = "b-" + request.node.name.replace("_", "-").replace("[", "-").replace("]", "")[:40]
    client.create_bucket(Bucket=name)
    return client, name


def test_only_what_is_new_is_fetched(repo, tmp_path, endpoint, bucket, monkeypatch):
    """Keys give the names, large objects are whole, and the second time only the changed object is downloaded."""
    client, name = bucket
    data = ["sales/2024/a.csv", "sales/2024/b.csv", "sales/.hidden/x.csv", "salesman.csv", "other/c.csv"]
    for day, key in enumerate(["sales/readme.txt", *data], 1):
        sales(tmp_path / "x.csv", f"2024-01-{day:02d}")
        client.upload_file(str(tmp_path / "x.csv"), name, key)
    big = sales(tmp_path / "big.csv", rows=500_000)  # two parts
    client.upload_file(str(big), name, "sales/big.csv")
    client.put_object(Bucket=name, Key="sales/2024/", Body=b"")
    source = S3(f"s3://{name}/sales/", endpoint)
    planned = ingest(repo, source, Options(dry_run=True))
    done = ingest(repo, source)
    assert (
        [file.name for file in done.files]
        == [file.name for file in planned.files]
        == ["2024/a.csv", "2024/b.csv", "big.csv"]
    )
    assert [file.bytes for file in done.files] == [file.bytes for file in planned.files]
    assert done.skipped == [".hidden/x.csv", "readme.txt"]
    batch = batches(repo / LANDING)[0]
    assert (batch.folder / "big.csv").read_bytes() == big.read_bytes()
    assert all(file.etag for file in batch.manifest.files)
    assert batch.manifest.source.description == f"s3://{name}/sales/"
    sales(tmp_path / "x.csv", "2024-03-01")
    client.upload_file(str(tmp_path / "x.csv"), name, "sales/2024/b.csv")
    fetched: list[str] = []
    fetch = s3._fetch
    monkeypatch.setattr(
        s3, "_fetch", lambda c, b, new, x: fetched.extend(one.key for one in new) or fetch(c, b, new, x)
    )
    again = ingest(repo, source)
    assert fetched == ["sales/2024/b.csv"]
    assert (len(again.files), again.known) == (1, 2)
    assert ingest(repo, source).batch is None
    assert [one.name for one in S3(f"s3://{name}/sales", endpoint).take(Context(tmp_path, [], dry_run=True)).files] == [
        "sales/2024/a.csv", "sales/2024/b.csv", "sales/big.csv", "salesman.csv",
    ]  # fmt: skip


def refused(tmp_path, source: S3) -> str:
    with pytest.raises(DataOpsError) as caught:
        source.take(Context(tmp_path, []))
    assert "hush" not in str(caught.value)
    assert caught.value.hint
    return str(caught.value)


def test_what_can_be_wrong(tmp_path, endpoint, bucket, monkeypatch):
    """Bucket, prefix, key names, network, profile, credentials: one line and a hint each."""
    client, name = bucket
    assert "no such bucket" in refused(tmp_path, S3("s3://no-such-bucket-here/x", endpoint))
    assert "holds no data files" in refused(tmp_path, S3(f"s3://{name}/nothing/", endpoint))
    assert "Invalid bucket name" in refused(tmp_path, S3("s3:///x", endpoint))
    assert "Invalid endpoint" in refused(tmp_path, S3(f"s3://{name}/", "nonsense"))
    client.put_object(Bucket=name, Key="a/../../x.csv", Body=b"a\n1\n")
    assert "leads elsewhere" in refused(tmp_path, S3(f"s3://{name}/a/", endpoint))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        plain = s3.Config
        monkeypatch.setattr(s3, "Config", lambda **_: plain(retries={"total_max_attempts": 1}))
        assert "cannot be reached" in refused(
            tmp_path, S3(f"s3://{name}/", f"http://127.0.0.1:{free.getsockname()[1]}")
        )
    assert "missing" in refused(tmp_path, S3(f"s3://{name}/", endpoint, profile="missing"))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "no credentials" in refused(tmp_path, S3(f"s3://{name}/", endpoint))


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"])
def test_refusals_of_the_server(code):
    """moto allows everything: these answers are made by hand."""
    error = s3._explained(ClientError({"Error": {"Code": code, "Message": "no"}}, "ListObjectsV2"), "s3://b/p")
    assert error.hint
    assert "\n" not in error.message


def test_a_changed_size_is_noticed(tmp_path, endpoint, bucket, monkeypatch):
    """An object that changed between the listing and the download isn't taken."""
    client, name = bucket
    client.put_object(Bucket=name, Key="a.csv", Body=b"a\n1\n")
    fetch = s3._fetch

    def late(*arguments: object) -> None:
        client.put_object(Bucket=name, Key="a.csv", Body=b"a\n1\n2\n")
        fetch(*arguments)

    monkeypatch.setattr(s3, "_fetch", late)
    assert "were listed" in refused(tmp_path, S3(f"s3://{name}/", endpoint))
