"""The same on a real S3 server: objects replaced by damaged ones, and bits flipped in the server's own files."""

from __future__ import annotations

import itertools
import os
import random
from pathlib import Path

import depot as depots
import pytest
from depot import Depot
from servers import kill, remote
from servers import make as make_clone

from dataops.repo import git
from dataops.store import embedded, proof
from dataops.store.dvcconfig import Remote
from dataops.store.objects import Object, Store
from dataops.store.s3objects import S3Store
from dataops.versions.context import Context
from dataops.versions.verify import Options, Sample, verify

STRUCTURE = Options(every=True)
READ = Options(every=True, read=Sample())
REPAIR = Options(every=True, read=Sample(), repair=True)
NUMBER = itertools.count(1)


def options(there: Remote) -> dict[str, str]:
    """How DVC's configuration spells them."""
    assert there.endpoint_url
    assert there.access_key_id
    assert there.secret_access_key
    return {
        "endpointurl": there.endpoint_url,
        "region": "us-east-1",
        "access_key_id": there.access_key_id,
        "secret_access_key": there.secret_access_key,
    }


@pytest.fixture
def depot(server: Remote, tmp_path: Path) -> Depot:
    """Two releases on S3."""
    made = depots.make(tmp_path / "clone", f"s3://{server.bucket}/verify-{next(NUMBER)}", options(server))
    made.release("v1.0.0", {"train/a.csv": b"a" * 900, "test/b.csv": b"b" * 300})
    made.release("v1.1.0", {"train/a.csv": b"a" * 900, "test/c.csv": b"c" * 200}, {"rows.csv": b"more"})
    return made


class One(Context):
    """Signs in once, not two hundred times."""

    def __init__(self, store: Store, depot: Depot) -> None:
        super().__init__(git.of(depot.path), depot.path)
        object.__setattr__(self, "one", store)

    def store(self, remote: str | None = None) -> Store:
        """Always the same."""
        del remote
        one: Store = self.__dict__["one"]
        return one


def s3(depot: Depot) -> S3Store:
    """Its remote."""
    store = depot.store
    assert isinstance(store, S3Store)
    return store


def test_checksums_prove_without_reading(depot: Depot) -> None:
    """S3's own ETags say that all is well: only the lists were fetched."""
    report = verify(depot.context, None, STRUCTURE)
    assert report.sound
    assert (report.objects, report.read, report.unknown) == (9, 4, 0)


def test_a_hundred_flipped_bits(depot: Depot) -> None:
    """An object replaced by one that differs in a bit: found by its checksum and by reading, and repaired."""
    source = random.Random(11)
    store = s3(depot)
    context = One(store, depot)
    objects = [obj for obj, _ in store.listing()]
    found = repaired = 0
    for turn in range(100):
        obj = source.choice(objects)
        content = bytearray(b"".join(store.read(obj)))
        before = bytes(content)
        content[source.randrange(len(content))] ^= 1 << source.randrange(8)
        store.client.put_object(Bucket=store.bucket, Key=store.key(obj), Body=bytes(content))
        report = verify(context, None, STRUCTURE if turn % 2 else READ)
        found += not report.sound and [one.obj.digest for one in report.findings] == [obj.digest]
        report = verify(context, None, REPAIR)
        repaired += report.sound and b"".join(store.read(obj)) == before
    assert (found, repaired) == (100, 100)


def test_missing_and_truncated(depot: Depot) -> None:
    """Each named, each restored."""
    store = s3(depot)
    gone, short = Object(depots.md5(b"a" * 900)), Object(depots.md5(b"more"))
    store.delete([gone])
    store.client.put_object(Bucket=store.bucket, Key=store.key(short), Body=b"mo")
    report = verify(depot.context, None, STRUCTURE)
    assert {(one.obj, one.state) for one in report.findings} == {(gone, "missing"), (short, "damaged")}
    assert verify(depot.context, None, Options(every=True, repair=True)).sound
    assert verify(depot.context, None, READ).sound


@pytest.mark.e2e
def test_bits_flipped_on_the_servers_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What rots below the server keeps its ETag: reading finds it, and a sound copy takes its place."""
    monkeypatch.setattr(proof, "ATTEMPTS", 1)  # the server thinks for 13 s before it gives up on one
    root = make_clone(tmp_path / "server")
    source = random.Random(5)
    try:
        embedded.up(root)
        depot = depots.make(tmp_path / "clone", "s3://dataops/rot", options(remote(root)))
        payload = {f"train/{number}.csv": source.randbytes(3000) for number in range(6)}
        depot.release("v1.0.0", payload)
        victims = source.sample(sorted(payload), 3)
        embedded.down(root)
        for name in victims:
            rot(root, payload[name], source)
        embedded.up(root)
        assert verify(depot.context, None, STRUCTURE).sound  # the server doesn't know
        report = verify(depot.context, None, REPAIR)
        assert sorted(use.path for one in report.findings for use in one.uses) == sorted(
            f"data/dataset/{name}" for name in victims
        )
        assert report.sound
        assert verify(depot.context, None, READ).sound
    finally:
        kill(root)


def rot(root: Path, content: bytes, source: random.Random) -> None:
    """Flip a bit of every place where the server's volumes hold `content`."""
    flipped = 0
    for path in (root / ".dataops/store/data").rglob("*.dat"):
        volume = path.read_bytes()
        place = volume.find(content)
        while place >= 0:
            at = place + source.randrange(len(content))
            with path.open("r+b") as file:
                file.seek(at)
                file.write(bytes([volume[at] ^ 1 << source.randrange(8)]))
                os.fsync(file.fileno())
            flipped += 1
            place = volume.find(content, place + 1)
    assert flipped
