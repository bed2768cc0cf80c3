"""A bucket of the scripts' becomes versions: real git, real DVC, a real S3 server."""

from __future__ import annotations

import hashlib
import json
import sys

from oldbucket import EXPECTED, OldBucket, archive, metadata, objects, record, rows, twelve
from toy import Toy, month

LEFT = {"v1.3", "v1.4", "2024-06-01"}


def test_twelve_versions(toy: Toy, bucket: OldBucket) -> None:
    """Nine become versions with their names and times, three are named with what is wrong; nothing else changes."""
    twelve(bucket)
    head, status = toy.out("git", "rev-parse", "HEAD"), toy.out("git", "status", "--porcelain")
    dry = toy.dataops("import", "datasets", bucket.url, "--dry-run", status=1).stdout
    assert toy.tags() == []
    done = toy.dataops("import", "datasets", bucket.url, status=1)
    for name in LEFT:
        assert f"left out: dataset@{name}: " in done.stdout
    assert "test.csv is missing" in dry
    assert (toy.out("git", "rev-parse", "HEAD"), toy.out("git", "status", "--porcelain")) == (head, status)
    assert toy.tags() == toy.tags(remote=True) == sorted(f"dataset@{number}" for number in EXPECTED.values())
    listed = json.loads(toy.dataops("versions", "dataset", "--json").stdout)
    assert {one["aliases"][0]: one["version"] for one in listed} == EXPECTED
    assert {one["aliases"][0]: one["date"] for one in listed}["20240120-103000"] == "2024-01-20T09:30:00Z"
    again = toy.dataops("import", "datasets", bucket.url, status=1)
    assert "nothing new: 9 versions imported before" in again.stdout


def test_everything_that_reads_versions(toy: Toy, bucket: OldBucket) -> None:
    """get, uri, compare, trace, `dvc get` and `gto show` know the imported ones by their old names or tags."""
    twelve(bucket)
    toy.dataops("import", "datasets", bucket.url, status=1)
    toy.run("rm", "-rf", ".dvc/cache")
    for name, files in (("v1.0", rows(6)), ("2024-01-15", rows(7)), ("hash-abc1234567", rows(10, column="units"))):
        toy.dataops("get", name, "--out", "got", "--force")
        assert {path.name: path.read_bytes() for path in (toy.path / "got").iterdir()} == files
    assert "major: column sales renamed to units" in toy.dataops("compare", "commit-a1b2c3d", "hash-abc1234567").stdout
    assert toy.dataops("uri", "v1.0").stdout.strip().endswith(".dir")
    assert toy.json("show", "v1.2-2024-03-10-a1b2c3d")["version"] == "v1.2.0"
    card = toy.json("show", "v1.1")["card"]
    assert isinstance(card, dict)
    said = metadata("v1.1", rows(9), "2024-02-01T00:00:00Z", description="With September")
    assert card["imported"]["metadata"] == said
    assert (card["message"], card["author"], card["rows"]) == ("With September", "jane@example.com", 3780)
    assert "dataset@v1.1.0" in toy.dataops("lineage", "trace", "dataset@v1.1").stdout
    toy.run(
        sys.executable, "-m", "dvc", "get", str(toy.path), "data/dataset", "--rev", "dataset@v1.0.1", "-o", "by-dvc"
    )
    assert (toy.path / "by-dvc/validation.csv").read_bytes() == rows(7)["validation.csv"]
    assert "v2.1.0" in toy.run("gto", "show", "dataset", "--json").stdout
    toy.run("git", "fsck", "--strict", "--no-dangling")


def test_what_identical_files_save(toy: Toy, bucket: OldBucket) -> None:
    """The plan's figures are those of the bucket and, afterwards, of the remote."""
    twelve(bucket)
    dry = toy.run(sys.executable, "-m", "dataops", "import", "datasets", bucket.url, "--dry-run", "--json", status=1)
    planned = json.loads(dry.stdout)
    assert {one["old_name"]: one["version"] for one in planned["versions"]}.items() >= {
        ("v1.0", "dataset@v1.0.0"),
        ("2024-01-15", "dataset@v1.0.1"),
    }
    ten = [one for one in planned["versions"] if one["old_name"] != "v1.4"]
    assert planned["distinct_bytes"] < planned["bytes"] < bucket.bytes()
    assert objects(toy, bucket) == set()
    done = json.loads(toy.dataops("import", "datasets", bucket.url, "--json", status=1).stdout)
    assert [one["old_name"] for one in done["versions"]] == [one["old_name"] for one in ten]
    assert done["stored"] < sum(one["bytes"] for one in ten)
    assert all("metadata" not in key for key in objects(toy, bucket))


def test_a_release_afterwards(toy: Toy, bucket: OldBucket) -> None:
    """Without the merge its number would be taken, and the hint says to merge; with it, it numbers after them."""
    bucket.version("v1.0", rows(3), "2024-01-01T00:00:00Z")
    bucket.version("v1.1", rows(8), "2024-02-01T00:00:00Z")
    toy.dataops("import", "datasets", bucket.url)
    refused = toy.dataops("release", status=1)
    assert "git merge -s ours --allow-unrelated-histories dataset@v1.1.0" in refused.stderr
    tree = toy.out("git", "rev-parse", "HEAD^{tree}")
    toy.run("git", "merge", "-q", "-s", "ours", "--allow-unrelated-histories", "-m", "join", "imported/datasets")
    assert toy.out("git", "rev-parse", "HEAD^{tree}") == tree
    toy.run("git", "push", "-q", "origin", "HEAD:main")
    assert "dataset@v2.0.0 is released" in toy.dataops("release").stdout
    toy.put(m2024_04=month("2024-04"))
    toy.commit("April")
    assert "dataset@v2.1.0 is released" in toy.dataops("release").stdout
    bucket.version("2024-03-01", rows(9), "2024-03-01T00:00:00Z")
    assert "dataset@v1.2.0" in toy.dataops("import", "datasets", bucket.url).stdout


def test_models_and_their_data(toy: Toy, bucket: OldBucket) -> None:
    """A record binds its model to the version; one whose file is gone, or whose data is left out, is named."""
    bucket.version("v1.0", rows(3), "2024-01-01T00:00:00Z")
    bucket.version("2024-02-01", rows(8), "2024-02-01T00:00:00Z")
    first = bucket.put("models/one/model.tar.gz", archive("one"))
    record(bucket, "job-1", "v1.0", "v1.0", first, created_at="2024-01-05T00:00:00Z")
    record(bucket, "job-2", "v1.1", "2024-02-01", bucket.put("models/two/model.tar.gz", archive("two")))
    record(bucket, "job-3", "v1.2", "v1.0", first.replace("one", "gone"))
    record(bucket, "job-4", "v1.3", "v9.9", first)
    bucket.put("lineage/notes.json", b"[1]")
    done = toy.dataops("import", "datasets", bucket.url, "--lineage", bucket.lineage, status=1).stdout
    assert "left out: model@v1.2: its model file" in done
    assert "left out: model@v1.3: the version 'v9.9' that it was trained on is not imported" in done
    assert "notes.json is no record" in done
    assert toy.tags() == ["dataset@v1.0.0", "dataset@v1.1.0", "model@v1.0.0", "model@v1.1.0"]
    trace = toy.dataops("lineage", "trace", "model@v1.1").stdout
    assert "dataset@v1.1.0" in trace
    listed = toy.dataops("lineage", "list").stdout
    assert "job-2" in listed or "dataset@v1.1.0" in listed
    assert "model@v1.0.0" in toy.dataops("lineage", "impact", "dataset@v1.0").stdout
    card = toy.json("show", "model@v1.0")["card"]
    assert isinstance(card, dict)
    assert card["training"]["hyperparameters"] == {"n-estimators": 100}
    toy.dataops("get", "model@v1.0", "--out", "got")
    got = hashlib.sha256((toy.path / "got/model.bin").read_bytes()).hexdigest()
    assert got == hashlib.sha256(archive("one")).hexdigest()
    again = toy.dataops("import", "datasets", bucket.url, "--lineage", bucket.lineage, status=1).stdout
    assert "nothing new: 4 versions imported before" in again


def test_the_number_is_taken(toy: Toy, bucket: OldBucket) -> None:
    """A version of the pipeline's own keeps its number; what `publish` copied is that version."""
    toy.dataops("release")
    toy.dataops("publish", "v1.0.0", "--to", bucket.url.removesuffix("/datasets/"))
    bucket.version("v1.0", rows(1), "2024-01-01T00:00:00Z")
    bucket.version("x", rows(2), "2024-01-02T00:00:00Z")
    done = toy.dataops("import", "datasets", bucket.url, status=1)
    assert "left out: dataset@v1.0: dataset@v1.0.0 is v1.0.0, and not this one" in done.stdout
    assert toy.tags() == ["dataset@v0.1.0", "dataset@v1.0.0"]
    toy.dataops("import", "datasets", bucket.url, "--artifact", "old", "--no-push", status=None)
    assert toy.json("show", "old@v1.0")["version"] == "v1.0.0"
    bucket.version("v3.0", rows(3), "2024-01-03T00:00:00Z")
    dry = toy.dataops("import", "datasets", bucket.url, "--dry-run", status=1)
    assert "dataset@v1.0.0 is `latest` now, dataset@v3.0.0 will be" in dry.stdout


def test_another_bucket_and_an_overwritten_version(toy: Toy, bucket: OldBucket) -> None:
    """The same old name with other content is no version that was imported before; the same content is."""
    bucket.version("v1.0", rows(1), "2024-01-01T00:00:00Z")
    toy.dataops("import", "datasets", bucket.url)
    moved = OldBucket(bucket.server, f"{bucket.prefix}-moved")
    moved.version("v1.0", rows(1), "2024-01-01T00:00:00Z")
    assert "nothing new: 1 version imported before" in toy.dataops("import", "datasets", moved.url).stdout
    bucket.version("v1.0", rows(2), "2024-01-01T00:00:00Z")
    done = toy.dataops("import", "datasets", bucket.url, status=1)
    assert "left out: dataset@v1.0: dataset@v1.0.0, imported from" in done.stdout
    toy.dataops("import", "datasets", bucket.url, "--artifact", "again")
    assert toy.tags(remote=True) == ["again@v1.0.0", "dataset@v1.0.0"]
