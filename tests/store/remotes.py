"""What the tests of objects do with remotes: put, damage, upload in parts."""

from __future__ import annotations

import hashlib
import itertools
import random
from pathlib import Path

from boto3.s3.transfer import TransferConfig
from servers import remote

from dataops.store.dvcconfig import Remote
from dataops.store.objects import Object
from dataops.store.s3objects import S3Store

MIB = 1 << 20
NUMBER = itertools.count()


def store_of(root: Path) -> S3Store:
    """A prefix of its own on the embedded server."""
    there = remote(root)
    options = {name: getattr(there, name) for name in ("endpoint_url", "region", "access_key_id", "secret_access_key")}
    return S3Store(Remote(name="storage", url=f"s3://{there.bucket}/objects-{next(NUMBER)}", **options))


def named(content: bytes, size: bool = False) -> Object:
    """The object that these bytes are."""
    return Object(hashlib.md5(content).hexdigest(), size=len(content) if size else None)


def put(store: S3Store, content: bytes, obj: Object | None = None) -> Object:
    """Store bytes, under another object's name to damage that."""
    obj = obj or named(content)
    store.client.put_object(Bucket=store.bucket, Key=store.key(obj), Body=content)
    return obj


def put_in_parts(store: S3Store, path: Path, part: int, obj: Object, checksum: str | None = None) -> None:
    """Upload as s3fs (50 MiB, no checksum) or boto3 (8 MiB, CRC32) do."""
    extra = {"ChecksumAlgorithm": checksum} if checksum else {}
    config = TransferConfig(multipart_threshold=part, multipart_chunksize=part)
    store.client.upload_file(str(path), store.bucket, store.key(obj), ExtraArgs=extra, Config=config)


def noise(length: int, seed: int = 0) -> bytes:
    """Bytes that no compression or deduplication helps with."""
    return random.Random(seed).randbytes(length)


def flipped(content: bytes, seed: int = 0) -> bytes:
    """One bit changed."""
    damaged = bytearray(content)
    place = random.Random(seed).randrange(len(content) * 8)
    damaged[place // 8] ^= 1 << place % 8
    return bytes(damaged)
