"""Readable copies inside S3: complete or unmistakably not, never replaced, and gone on with after a kill."""

from __future__ import annotations

import io
import itertools
import json
import os
from pathlib import Path
from typing import Any

import depot as depots
import pandas as pd
import pytest
from depot import Depot
from test_verify_s3 import options

from dataops.cli import main
from dataops.errors import DataOpsError, Refused
from dataops.repo.records import Artifact
from dataops.store import copy
from dataops.store.copy import Destination
from dataops.store.dvcconfig import Remote
from dataops.store.objects import Object
from dataops.store.s3objects import S3Store
from dataops.versions.publish import Options, folder, plan, publish

NUMBER = itertools.count(1)
CARD = '{\n  "format": 1,\n  "artifact": "dataset",\n  "version": "v1.0.0",\n  "hash": "HASH",\n  "rows": 4\n}'


def parquet(*dates: str, store: str = "a") -> bytes:
    """A month of rows, with a category, a null and a time."""
    rows = pd.DataFrame({"date": pd.to_datetime(list(dates)), "store": pd.Categorical([store] * len(dates)),
                         "sales": pd.array([None, *range(1, len(dates))], dtype="Int64"),
                         "seen": pd.to_datetime([f"{date} 10:30" for date in dates])})  # fmt: skip
    buffer = io.BytesIO()
    rows.to_parquet(buffer, index=False)
    return buffer.getvalue()


FILES = {
    "train/2024-01.parquet": parquet("2024-01-01", "2024-01-02"),
    "train/2024-02.parquet": parquet("2024-02-01", "2024-02-02", store="b, c"),
    "validation/2024-03.parquet": parquet("2024-03-01"),
    "test/2024-04.parquet": parquet("2024-04-01"),
}


@pytest.fixture
def bucket(server: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Depot:
    """One release with a card, on S3; the current folder is the clone."""
    name = f"s3://{server.bucket}/publish-{next(NUMBER)}"
    depot = depots.make(tmp_path / "clone", f"{name}/dvc", options(server))
    (depot.path / "pyproject.toml").write_text(f'[tool.dataops.publish]\nurl = "{name}/out"\n')
    digest, _ = depots.folder(FILES)
    depot.release("v1.0.0", FILES, body=CARD.replace("HASH", digest))
    monkeypatch.chdir(depot.path)
    return depot


def contents(depot: Depot) -> dict[str, bytes]:
    """Everything below the published root."""
    store = depot.store
    assert isinstance(store, S3Store)
    prefix = store.prefix.removesuffix("dvc") + "out/"
    pages = store.client.get_paginator("list_objects_v2").paginate(Bucket=store.bucket, Prefix=prefix)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    return {
        key.removeprefix(prefix): store.client.get_object(Bucket=store.bucket, Key=key)["Body"].read() for key in keys
    }


def head(depot: Depot, name: str) -> dict[str, Any]:
    """What S3 says of one published object."""
    store = depot.store
    assert isinstance(store, S3Store)
    key = store.prefix.removesuffix("dvc") + "out/" + name
    found: dict[str, Any] = store.client.head_object(Bucket=store.bucket, Key=key)
    return found


def run(depot: Depot, asked: str = "v1.0.0", **given: Any) -> Any:
    """Publish."""
    return publish(depot.context, plan(depot.context, asked, Options(**given)))


def test_the_copy_is_the_version(bucket: Depot) -> None:
    """Every file under its own name, the card as metadata.json, the reports; with metadata that says what it is."""
    done = run(bucket)
    found = contents(bucket)
    base = "datasets/v1.0.0/"
    assert {name: found[base + name] for name in FILES} == FILES
    card = json.loads(found[base + "metadata.json"])
    assert (card["rows"], card["version"], card["author"]) == (4, "v1.0.0", "Tess Ter")
    assert (
        card["published"]["files"]["test/2024-04.parquet"]["hash"] == f"md5:{depots.md5(FILES['test/2024-04.parquet'])}"
    )
    assert found[base + "reports/validation.json"] == b'{"passed": true}'
    assert (done.files, done.written, len(found)) == (6, 5, 6)
    noted = head(bucket, base + "train/2024-01.parquet")["Metadata"]
    assert noted["version-id"] == "dataset@v1.0.0"
    assert noted["file-hash"] == f"md5:{depots.md5(FILES['train/2024-01.parquet'])}"
    assert noted["upload-timestamp"].endswith("Z")


def test_no_bytes_through_the_client(bucket: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are copied inside S3: reading one here would fail the test."""
    monkeypatch.setattr(S3Store, "read", lambda *_: pytest.fail("an object was read"))
    assert run(bucket).written == 5


def test_twice_is_once(bucket: Depot) -> None:
    """What is complete is left alone, and says so."""
    run(bucket)
    before = head(bucket, "datasets/v1.0.0/metadata.json")["LastModified"]
    done = run(bucket)
    assert done.already
    assert (done.files, done.written) == (6, 0)
    assert head(bucket, "datasets/v1.0.0/metadata.json")["LastModified"] == before


@pytest.mark.parametrize("after", range(6))
def test_killed_after_any_write(bucket: Depot, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Without metadata.json it isn't complete; the next call goes on, and the result is the same."""
    writes = itertools.count()
    real = Destination._once

    def once(self: Destination, *words: Any, **more: Any) -> Any:
        if next(writes) >= after:
            raise KeyboardInterrupt
        return real(self, *words, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Destination, "_once", once)
        with pytest.raises(KeyboardInterrupt):
            run(bucket)
    found = contents(bucket)
    assert len(found) == after
    assert "datasets/v1.0.0/metadata.json" not in found
    assert run(bucket).written == 5 - after
    assert len(contents(bucket)) == 6


def test_other_content_is_never_replaced(bucket: Depot) -> None:
    """A file that differs is refused and stays; nothing is marked complete."""
    store = bucket.store
    assert isinstance(store, S3Store)
    name = "datasets/v1.0.0/train/2024-01.parquet"
    store.client.put_object(Bucket=store.bucket, Key=store.prefix.removesuffix("dvc") + "out/" + name, Body=b"mine")
    with pytest.raises(Refused, match=r"train/2024-01\.parquet is there with other content"):
        run(bucket)
    found = contents(bucket)
    assert found[name] == b"mine"
    assert "datasets/v1.0.0/metadata.json" not in found


def test_damage_is_not_published(bucket: Depot) -> None:
    """An object that is missing or replaced is found before anything is written."""
    bucket.store.delete([Object(depots.md5(FILES["test/2024-04.parquet"]))])
    with pytest.raises(Refused, match="is missing"):
        run(bucket)
    assert not contents(bucket)


def test_csv(bucket: Depot) -> None:
    """One text a part: ISO dates, line feeds, no index, empty where nothing is known; sha256 beside it."""
    run(bucket, form="csv")
    found = contents(bucket)
    train = found["datasets/v1.0.0/train.csv"].decode()
    assert train.splitlines() == [
        '"date","store","sales","seen"',
        '2024-01-01,"a",,2024-01-01 10:30:00.000000',
        '2024-01-02,"a",1,2024-01-02 10:30:00.000000',
        '2024-02-01,"b, c",,2024-02-01 10:30:00.000000',
        '2024-02-02,"b, c",1,2024-02-02 10:30:00.000000',
    ]
    assert sorted(name for name in found if name.endswith(".csv")) == [
        f"datasets/v1.0.0/{part}.csv" for part in ("test", "train", "validation")]  # fmt: skip
    published = json.loads(found["datasets/v1.0.0/metadata.json"])["published"]
    assert published["files"]["train.csv"]["rows"] == 4
    noted = head(bucket, "datasets/v1.0.0/train.csv")["Metadata"]["file-hash"]
    assert noted == published["files"]["train.csv"]["hash"]
    with pytest.raises(Refused, match="as csv"):  # the other form would mix with it
        run(bucket)
    assert run(bucket, form="csv").already


def test_large_text_in_parts(bucket: Depot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An upload in parts is conditional as well, and the same content is skipped."""
    monkeypatch.setattr(copy, "BLOCK", 5 << 20)
    there = plan(bucket.context, "v1.0.0", Options()).destination
    path = tmp_path / "large.csv"
    path.write_bytes(os.urandom(6 << 20))
    assert [there.upload(path, "large.csv", "aa") for _ in range(2)] == ["written", "there"]
    assert contents(bucket)["datasets/v1.0.0/large.csv"] == path.read_bytes()
    with pytest.raises(Refused):
        there.upload(path, "large.csv", "bb")


def test_large_object_in_parts(bucket: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond one CopyObject's limit it is a multipart copy: conditional, byte for byte."""
    monkeypatch.setattr(copy, "LARGEST_COPY", 1 << 20)
    monkeypatch.setattr(copy, "PART", 5 << 20)
    content = os.urandom((11 << 20) + 7)
    bucket.release("v2.0.0", {"train/big.bin": content})
    assert run(bucket, "v2.0.0").written == 2
    assert contents(bucket)["datasets/v2.0.0/train/big.bin"] == content
    there = plan(bucket.context, "v2.0.0", Options()).destination
    obj = Object(depots.md5(content))
    seen = there.store.head(obj)
    assert seen
    assert there.copy(obj, seen, "train/big.bin") == "there"
    uploads = there.store.client.list_multipart_uploads(Bucket=there.bucket, Prefix=there.prefix)
    assert not uploads.get("Uploads")


def test_under_another_name(bucket: Depot) -> None:
    """Names that stay are folders as well; one that moves on, or means another version, is refused."""
    commit = bucket.git("rev-parse", "dataset@v1.0.0^{commit}")
    planned = plan(bucket.context, "latest", Options(name=f"commit-{commit[:7]}"))
    assert planned.destination.uri().endswith(f"/out/datasets/commit-{commit[:7]}/")
    bucket.release("v1.1.0", {**FILES, "train/x.parquet": b"x"})
    for name in ("latest", "v1.1.0", "main", "../v1.0.0"):
        with pytest.raises(DataOpsError, match="--as"):
            plan(bucket.context, "v1.0.0", Options(name=name))


def test_no_such_bucket(bucket: Depot) -> None:
    """The bucket that is missing is named, not the remote's."""
    with pytest.raises(DataOpsError, match="there is no bucket nowhere-to-be-found"):
        run(bucket, to="s3://nowhere-to-be-found/x")


def test_only_versions(bucket: Depot) -> None:
    """A commit that nobody released has no name to publish under."""
    bucket.record({"a.csv": b"new"})
    bucket.commit()
    with pytest.raises(DataOpsError, match="is no released version"):
        plan(bucket.context, "HEAD", Options())


def test_dry_run_and_words(bucket: Depot, capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run writes nothing; addresses end in a slash, as an S3 prefix matches all that starts with it."""
    with pytest.raises(SystemExit) as ended:
        main(["publish", "v1.0.0", "--dry-run"])
    assert ended.value.code == 0
    assert not contents(bucket)
    assert "/out/datasets/v1.0.0/; nothing was" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["publish", "v1.0.0"])
    assert "is published: s3://" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["publish", "v1.0.0"])
    assert ended.value.code == 0
    assert "is published already" in capsys.readouterr().out


def test_folders() -> None:
    """The old layout's names for the dataset and the model; every other artifact by its own."""
    names = [("dataset", "dataset"), ("features", "dataset"), ("model", "model"), ("tuned", "model"), ("eu:shop", None)]
    made = [folder(Artifact(name, "x", kind, "", (), {}, "dvc.yaml")) for name, kind in names]
    assert made == ["datasets", "features", "models", "models/tuned", "eu/shop"]


def test_folder_remote(tmp_path: Path) -> None:
    """A folder can't copy inside S3."""
    depot = depots.make(tmp_path / "clone", str(tmp_path / "remote"))
    depot.release("v1.0.0", FILES)
    with pytest.raises(Refused, match="publish copies inside S3"):
        plan(depot.context, "v1.0.0", Options())


def test_kms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every write names the key. moto stands in here: the embedded server has no KMS."""
    from moto.server import ThreadedMotoServer

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        given = {"endpointurl": f"http://{host}:{port}", "region": "us-east-1", "access_key_id": "testing",
                 "secret_access_key": "testing"}  # fmt: skip
        depot = depots.make(tmp_path / "clone", "s3://team/dvc", given)
        (depot.path / "pyproject.toml").write_text('[tool.dataops.publish]\nkms_key_alias = "retail"\n')
        store = depot.store
        assert isinstance(store, S3Store)
        store.client.create_bucket(Bucket="team")
        depot.release("v1.0.0", FILES)
        run(depot)
        pages = store.client.get_paginator("list_objects_v2").paginate(Bucket="team", Prefix="datasets/")
        keys = [entry["Key"] for page in pages for entry in page["Contents"]]
        assert len(keys) == 6
        for key in keys:
            found = store.client.head_object(Bucket="team", Key=key)
            assert found["ServerSideEncryption"] == "aws:kms"
            assert found["SSEKMSKeyId"] == "alias/retail"
    finally:
        server.stop()
