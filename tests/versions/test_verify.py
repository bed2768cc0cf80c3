"""Damage on a remote is found, named with the versions and files it belongs to, and repaired from a sound copy."""

from __future__ import annotations

import random
from pathlib import Path

import depot as depots
import pytest
from depot import Depot

from dataops.errors import DataOpsError
from dataops.store.folder import FolderStore
from dataops.store.objects import Object
from dataops.versions.verify import Options, Sample, sample, verify

READ = Options(every=True, read=Sample())
REPAIR = Options(every=True, read=Sample(), repair=True)


@pytest.fixture
def depot(tmp_path: Path) -> Depot:
    """Two releases that share a file, on a remote that is a folder."""
    made = depots.make(tmp_path / "clone", str(tmp_path / "remote"))
    made.release("v1.0.0", {"train/a.csv": b"a" * 900, "test/b.csv": b"b" * 300})
    made.release("v1.1.0", {"train/a.csv": b"a" * 900, "test/c.csv": b"c" * 200}, {"rows.csv": b"more"})
    return made


def stored(depot: Depot) -> list[Path]:
    """Every object on the folder remote."""
    store = depot.store
    assert isinstance(store, FolderStore)
    return sorted(path for path in store.folder.rglob("*") if path.is_file())


def write(path: Path, content: bytes) -> None:
    """Over a read-only object, as a failing disk would."""
    path.chmod(0o644)
    path.write_bytes(content)


def flip(path: Path, source: random.Random) -> None:
    """One random bit."""
    content = bytearray(path.read_bytes())
    content[source.randrange(len(content))] ^= 1 << source.randrange(8)
    write(path, bytes(content))


def test_sound(depot: Depot) -> None:
    """What is whole is sound; an object that versions share is asked once."""
    report = verify(depot.context, None, READ)
    assert report.sound
    assert [one.subject.name for one in report.versions] == ["dataset@v1.0.0", "dataset@v1.1.0"]
    assert report.objects == report.read == len(stored(depot)) == 9
    assert (report.versions[0].objects, report.versions[0].inputs) == (3, 2)


def test_latest_is_the_default(depot: Depot) -> None:
    """Without a name it is the newest dataset, by its structure."""
    report = verify(depot.context, None, Options())
    assert [one.subject.name for one in report.versions] == ["dataset@v1.1.0"]
    assert report.sound
    assert report.unknown == 3  # a folder keeps no checksums; lists are always read


def test_a_hundred_flipped_bits(depot: Depot) -> None:
    """One random bit of one random object: found a hundred times, repaired a hundred times."""
    source = random.Random(7)
    found = repaired = 0
    for _ in range(100):
        path = source.choice(stored(depot))
        before = path.read_bytes()
        flip(path, source)
        report = verify(depot.context, None, READ)
        found += not report.sound and len(report.findings) == 1 and report.findings[0].uri == str(path)
        report = verify(depot.context, None, REPAIR)
        repaired += report.sound and path.read_bytes() == before and bool(report.findings[0].repaired)
    assert (found, repaired) == (100, 100)


def test_who_is_hit(depot: Depot) -> None:
    """A finding names every version and file; what is only an input is told apart."""
    shared, raw = Object(depots.md5(b"a" * 900)), Object(depots.md5(b"raw"))
    depot.store.delete([shared, raw])
    report = verify(depot.context, None, READ)
    uses = {one.obj: [(use.version, use.path, use.role) for use in one.uses] for one in report.findings}
    assert uses[shared] == [("dataset@v1.0.0", "data/dataset/train/a.csv", "artifact"),
                            ("dataset@v1.1.0", "data/dataset/train/a.csv", "artifact")]  # fmt: skip
    assert uses[raw] == [("dataset@v1.0.0", "data/raw/rows.csv", "input")]
    assert [(one.bad, one.bad_inputs) for one in report.versions] == [(1, 1), (1, 0)]
    assert {one.state for one in report.findings} == {"missing"}


def test_truncated(depot: Depot) -> None:
    """Half an object is damage, and an empty one."""
    for keep in (450, 0):
        path = Path(depot.store.uri(Object(depots.md5(b"a" * 900))))
        write(path, path.read_bytes()[:keep])
        assert not verify(depot.context, None, READ).sound
        assert verify(depot.context, None, REPAIR).sound


def test_damaged_list(depot: Depot) -> None:
    """A damaged list is found without --read-data; its files are still checked by the cache's copy."""
    digest = depot.release("v2.0.0", {"train/z.csv": b"z"})
    path = Path(depot.store.uri(Object(digest)))
    write(path, path.read_bytes()[:-5])
    depot.store.delete([Object(depots.md5(b"z"))])
    report = verify(depot.context, "v2.0.0", Options())
    assert {(one.obj.digest, one.state) for one in report.findings} == {
        (digest, "damaged"), (depots.md5(b"z"), "missing")}  # fmt: skip
    assert verify(depot.context, "v2.0.0", Options(repair=True)).sound


def test_a_list_waits_for_its_files(depot: Depot) -> None:
    """DVC takes a folder for complete when its list is there: it isn't restored before its files are."""
    digest = depot.release("v2.0.0", {"train/z.csv": b"z"})
    gone = Object(depots.md5(b"z"))
    depot.store.delete([gone, Object(digest)])
    depot.cache.path(gone).unlink()
    report = verify(depot.context, "v2.0.0", Options(repair=True))
    assert not report.sound
    assert depot.store.head(Object(digest)) is None


def test_hostile_list(depot: Depot) -> None:
    """A list that leads out of the folder is refused though its hash is right, and never repaired."""
    content = b'[{"md5": "' + depots.md5(b"a" * 900).encode() + b'", "relpath": "../../etc/passwd"}]'
    digest = depots.md5(content) + ".dir"
    depot.keep(content, digest)
    old = depot.record({"a.csv": b"a"})
    lock = depot.path / "dvc.lock"
    lock.write_text(lock.read_text().replace(old, digest))
    depot.commit()
    report = verify(depot.context, "HEAD", Options(repair=True))
    assert [one.state for one in report.findings] == ["hostile"]
    assert "leaves the folder" in report.findings[0].detail
    assert not report.sound


def test_damaged_cache_is_never_used(depot: Depot) -> None:
    """A copy is hashed before it replaces anything; a damaged one is named and left."""
    obj = Object(depots.md5(b"a" * 900))
    depot.store.delete([obj])
    write(depot.cache.path(obj), b"x" * 900)
    report = verify(depot.context, None, REPAIR)
    assert not report.sound
    assert depot.store.head(obj) is None
    assert "damaged too" in report.findings[0].notes[0]
    assert str(depot.cache.path(obj)) in report.findings[0].notes[0]


def test_second_remote(depot: Depot, tmp_path: Path) -> None:
    """What this clone doesn't have comes from another remote; its copy is hashed first as well."""
    obj, spare = Object(depots.md5(b"a" * 900)), FolderStore(tmp_path / "backup")
    with (depot.path / ".dvc/config").open("a") as config:
        config.write(f"['remote \"backup\"']\n    url = {spare.folder}\n")
    spare.put(obj, depot.cache.path(obj))
    depot.cache.path(obj).unlink()
    depot.store.delete([obj])
    options = Options(every=True, read=Sample(), repair=True, spare="backup")
    flip(spare.path(obj), random.Random(1))
    report = verify(depot.context, None, options)
    assert not report.sound
    assert "damaged too" in report.findings[0].notes[0]
    write(spare.path(obj), b"a" * 900)
    report = verify(depot.context, None, options)
    assert report.sound
    assert report.findings[0].repaired == str(spare.folder)
    assert not list((depot.path / ".dataops/tmp").glob("repair-*"))


def test_card_and_lock_disagree(depot: Depot) -> None:
    """A card that promises other content than its commit holds is a problem of the version."""
    depot.release("v3.0.0", {"a.csv": b"1"}, body='{\n  "format": 1,\n  "hash": "0000.dir"\n}')
    report = verify(depot.context, "v3.0.0", Options())
    assert not report.sound
    assert "its card says 0000" in report.versions[0].problems[0]


def test_broken_lock(depot: Depot) -> None:
    """A version whose dvc.lock can't be read is a problem, and the others are checked."""
    (depot.path / "dvc.lock").write_text("stages: [")
    depot.commit()
    depot.git("tag", "-a", "dataset@v9.0.0", "-m", "broken")
    report = verify(depot.context, None, READ)
    assert [one.sound for one in report.versions] == [True, True, False]
    assert "dvc.lock" in report.versions[2].problems[0]


def test_dvc_2(depot: Depot) -> None:
    """Hashes of text with its line ends made LF, in the old layout and a lock of schema 1: understood, and checked."""
    text, plain = b"id,x\r\n1,2\r\n", depots.md5(b"id,x\n1,2\n")
    listed = depots.manifest.dump({"a.csv": plain})
    digest = depots.md5(listed) + ".dir"
    depot.keep(text, plain, algorithm="md5-dos2unix")
    depot.keep(listed, digest, algorithm="md5-dos2unix")
    (depot.path / "dvc.yaml").write_text(
        "stages:\n  split:\n    cmd: split\n    outs: [data/dataset]\nartifacts:\n  dataset: {path: data/dataset}\n"
    )
    (depot.path / "dvc.lock").write_text(
        f"split:\n  cmd: split\n  outs:\n  - path: data/dataset\n    md5: {digest}\n    size: {len(text)}\n"
    )
    depot.commit()
    depot.git("tag", "-a", "dataset@v0.1.0", "-m", "of old")
    report = verify(depot.context, "v0.1.0", Options(read=Sample()))
    assert report.sound
    assert (report.objects, report.read) == (2, 2)
    path = Path(depot.store.uri(Object(plain, "md5-dos2unix")))
    flip(path, random.Random(3))
    assert not verify(depot.context, "v0.1.0", Options(read=Sample())).sound
    assert verify(depot.context, "v0.1.0", Options(read=Sample(), repair=True)).sound
    assert path.read_bytes() == text


def test_parts_of_the_objects() -> None:
    """10% is a random tenth; the ten tenths are everything, each object in one."""
    objects = [Object(depots.md5(str(number).encode())) for number in range(1000)]
    assert len(sample("10%").of_objects(objects)) == 100
    tenths = [sample(f"{part}/10").of_objects(objects) for part in range(1, 11)]
    assert sorted(obj.digest for tenth in tenths for obj in tenth) == sorted(obj.digest for obj in objects)
    for wrong in ("0%", "101%", "11/10", "0/10", "ten", "10"):
        with pytest.raises(DataOpsError):
            sample(wrong)


def test_subset_reads_as_much_as_it_says(depot: Depot) -> None:
    """Half of the files are fetched; the others are asked for."""
    report = verify(depot.context, None, Options(every=True, read=Sample(share=0.5)))
    lists = 4
    assert report.read == lists + 3
    assert report.unknown == 2


def test_no_remote_is_no_damage(depot: Depot) -> None:
    """A disk that isn't mounted is the environment's fault."""
    store = depot.store
    assert isinstance(store, FolderStore)
    store.folder.rename(store.folder.with_name("unmounted"))
    with pytest.raises(DataOpsError, match="is not there"):
        verify(depot.context, None, READ)
