"""Every object is proven by what the store says of it, or by its bytes; damage is found."""

from __future__ import annotations

import hashlib
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from remotes import MIB, flipped, named, noise, put, put_in_parts, store_of

from dataops.errors import DataOpsError
from dataops.store.cache import Cache
from dataops.store.dvcconfig import Remote
from dataops.store.folder import FolderStore
from dataops.store.objects import Object
from dataops.store.proof import Proof, prove, reread
from dataops.store.s3objects import S3Store


def states(proofs: list[Proof]) -> list[tuple[str, str]]:
    """State and reason."""
    return [(proof.state, proof.how) for proof in proofs]


def cached(cache: Cache, content: bytes, obj: Object | None = None) -> Object:
    """Put bytes in the cache, under another object's name to damage that."""
    obj = obj or named(content)
    path = cache.folder / obj.keys[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return obj


def test_small_objects_by_their_etag(shared: Path) -> None:
    """In the order of the question, nothing read."""
    store = store_of(shared)
    objects = [put(store, noise(100, seed)) for seed in range(20)]
    gone = named(b"nobody has it")
    assert states(prove([*objects, gone], store, None, read_back=False)) == [("proven", "etag")] * 20 + [
        ("missing", "")
    ]


def test_damage_is_found(shared: Path) -> None:
    """A flipped bit, a truncation, other content of the same length, an empty object: 50 random ones, all found."""
    store = store_of(shared)
    rng = random.Random(5)
    for seed in range(50):
        content = noise(rng.randrange(2, 5000), seed)
        obj = named(content, size=seed % 2 == 0)
        ways = [flipped(content, seed), content[: rng.randrange(len(content))], noise(len(content), -seed - 1), b""]
        put(store, ways[seed % 4], obj)
        (proof,) = prove([obj], store, None)
        assert proof.state == "damaged", seed
        assert reread([obj], store)[0].state == "damaged"


def test_without_reading_a_contradicting_etag_convicts_only_where_etags_are_md5s(shared: Path) -> None:
    """Beside a proven one it is damage; alone it might be a server that counts otherwise."""
    store = store_of(shared)
    good = put(store, b"good")
    bad = put(store, b"bad", named(b"was good"))
    assert prove([bad], store, None, read_back=False)[0].state == "unknown"
    assert [proof.state for proof in prove([good, bad], store, None, read_back=False)] == ["proven", "damaged"]


@pytest.mark.parametrize(("part", "checksum"), [(50 * MIB, None), (8 * MIB, "CRC32"), (7 * MIB, "SHA256")])
def test_objects_in_parts_by_a_local_copy(shared: Path, tmp_path: Path, part: int, checksum: str | None) -> None:
    """As DVC and boto3 upload them; without a copy, or with a damaged one, they are read."""
    store, cache = store_of(shared), Cache(tmp_path / "cache")
    content = noise(part * 2 + 12345)
    obj = named(content, size=True)
    (tmp_path / "file").write_bytes(content)
    put_in_parts(store, tmp_path / "file", part, obj, checksum)
    assert states(prove([obj], store, cache, read_back=False)) == [("unknown", "")]
    assert states(prove([obj], store, cache)) == [("proven", "read back")]
    cached(cache, flipped(content), obj)
    assert states(prove([obj], store, cache, read_back=False)) == [("unknown", "")]
    cached(cache, content, obj)
    assert states(prove([obj], store, cache, read_back=False)) == [("proven", "multipart etag")]
    (tmp_path / "file").write_bytes(flipped(content))
    put_in_parts(store, tmp_path / "file", part, obj, checksum)
    assert states(prove([obj], store, cache)) == [("damaged", "read back")]


def test_text_of_dvc_2(shared: Path, tmp_path: Path) -> None:
    """Its hash is of the text with LF; the object keeps its CRLF, in either layout."""
    store, cache = store_of(shared), Cache(tmp_path / "cache")
    content = b"a,b\r\n1,2\r\n"
    obj = Object(hashlib.md5(content.replace(b"\r\n", b"\n")).hexdigest(), "md5-dos2unix")
    assert prove([obj], store, cache)[0].state == "missing"
    store.client.put_object(Bucket=store.bucket, Key=f"{store.prefix}/{obj.keys[1]}", Body=content)
    assert states(prove([obj], store, cache)) == [("proven", "read back")]
    store.client.put_object(Bucket=store.bucket, Key=f"{store.prefix}/{obj.keys[0]}", Body=content)
    cached(cache, content, obj)
    assert states(prove([obj], store, cache, read_back=False)) == [("proven", "etag")]
    put(store, b"a,b\r\n1,3\r\n", obj)
    assert prove([obj], store, cache)[0].state == "damaged"


def test_a_folder_is_always_read(tmp_path: Path) -> None:
    """It says nothing of its files' content."""
    store = FolderStore(tmp_path / "remote")
    store.folder.mkdir()
    (tmp_path / "file").write_bytes(b"content")
    obj = named(b"content", size=True)
    store.put(obj, tmp_path / "file")
    assert [proof.state for proof in prove([obj], store, read_back=False)] == ["unknown"]
    assert states(prove([obj, named(b"other")], store)) == [("proven", "read back"), ("missing", "")]
    store.path(obj).chmod(0o644)
    store.path(obj).write_bytes(b"damaged")
    assert states(prove([obj], store)) == [("damaged", "read back")]
    assert [found.digest for found, _ in store.listing()] == [obj.digest]
    store.delete([obj])
    assert prove([obj], store)[0].state == "missing"
    with pytest.raises(DataOpsError, match="is not there"):
        prove([obj], FolderStore(tmp_path / "not mounted"))


def test_who_cannot_ask_gets_one_line(shared: Path) -> None:
    """No bucket, wrong keys, no server: no proof, no traceback."""
    there = store_of(shared).remote
    wrong = {
        "there is no bucket": {"url": "s3://no-such-bucket/x"},
        "credentials were refused|access denied": {"secret_access_key": "wrong"},
        "can't reach": {"endpoint_url": "http://127.0.0.1:9"},
    }
    for said, change in wrong.items():
        with pytest.raises(DataOpsError, match=said) as error:
            prove([named(b"x")], S3Store(Remote(**{**vars(there), **change})), None)
        assert "\n" not in error.value.message


def test_the_listing_and_deletion_keep_layouts_apart(shared: Path) -> None:
    """Cleaning DVC 2's copy leaves DVC 3's of the same name."""
    store = store_of(shared)
    new = put(store, b"content")
    old = put(store, b"content", Object(new.digest, "md5-dos2unix"))
    put(store, b"[]", Object(hashlib.md5(b"[]").hexdigest() + ".dir"))
    store.client.put_object(Bucket=store.bucket, Key=f"{store.prefix}/runs/ab/cd", Body=b"no object")
    assert len(list(store.listing())) == 3
    store.delete([old])
    assert {obj.algorithm for obj, _ in store.listing()} == {"md5"}
    assert prove([new], store)[0].state == "proven"


@pytest.fixture
def kms() -> Iterator[S3Store]:
    """moto, as the embedded server has no SSE-KMS: there an ETag is no md5."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    there = Remote("kms", "s3://kms/dvc", f"http://127.0.0.1:{port}", "us-east-1", None, "key", "secret")
    client = boto3.client("s3", endpoint_url=there.endpoint_url, region_name="us-east-1",
                          aws_access_key_id="key", aws_secret_access_key="secret")  # fmt: skip
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                client.create_bucket(Bucket="kms")
                break
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        yield S3Store(there, {"sse": "aws:kms", "sse_kms_key_id": "alias/data"})
    finally:
        server.kill()
        server.wait()


def test_under_kms_the_etag_is_not_believed(kms: S3Store, tmp_path: Path) -> None:
    """The checksum with a local copy, else the bytes."""
    obj = named(b"content")
    (tmp_path / "file").write_bytes(b"content")
    kms.put(obj, tmp_path / "file")
    head = kms.head(obj)
    assert head is not None
    assert head.encryption == "aws:kms"
    cache = Cache(tmp_path / "cache")
    assert states(prove([obj], kms, cache, read_back=False))[0][0] in ("proven", "unknown")
    assert states(prove([obj], kms, cache)) == [("proven", "read back")]
    cached(cache, b"content", obj)
    assert states(prove([obj], kms, cache, read_back=False)) == [("proven", "checksum")]
