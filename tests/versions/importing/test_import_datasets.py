"""A bucket of the scripts' becomes versions: real git, real DVC, a real S3 server."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
from typing import Any

import pytest
from oldbucket import OldBucket, metadata, rows, twelve
from toy import Toy, environ, month

from dataops.store import s3
from dataops.store.dvcconfig import Remote
from dataops.versions.importing.bucket import Bucket, Listed, version

EXPECTED = {
    "v1.0": "v1.0.0",
    "2024-01-15": "v1.0.1",
    "20240120-103000": "v1.0.2",
    "v1.1": "v1.1.0",
    "commit-a1b2c3d": "v1.1.1",
    "hash-abc1234567": "v1.1.2",
    "v1.2-2024-03-10-a1b2c3d": "v1.2.0",
    "v2.0": "v2.0.0",
    "v2.1": "v2.1.0",
}
DRIVER = """\
import os, signal, sys
from dataops.versions import context
from dataops.versions.importing import datasets
seen = 0
def reached(step):
    global seen
    if seen == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    seen += 1
    print(step, flush=True)
datasets.bring(context.here(), sys.argv[1], datasets.Options(), reached=reached)
"""
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


def drive(toy: Toy, bucket: OldBucket, count: int) -> subprocess.CompletedProcess[str]:
    """Import, and be killed at the step after `count` others."""
    words = [sys.executable, "-c", DRIVER, bucket.url, str(count)]
    return subprocess.run(words, cwd=toy.path, env=environ({}), capture_output=True, text=True, check=False)


def refs(toy: Toy) -> dict[str, str]:
    """Tags and the branch of imports, here."""
    lines = toy.out("git", "for-each-ref", "--format=%(refname) %(objectname)", "refs/tags", "refs/heads/imported")
    return dict(line.split(" ") for line in lines.splitlines())


def objects(toy: Toy, bucket: OldBucket) -> set[str]:
    """Keys on the toy's DVC remote."""
    prefix = toy.dvc("remote", "list").split()[1].removeprefix(f"s3://{bucket.server.bucket}/")
    pages = s3.client(bucket.server).get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=bucket.server.bucket, Prefix=f"{prefix}/")
    return {one["Key"] for page in found for one in page.get("Contents", ())}


def test_killed_twice_and_in_a_second_clone(toy: Toy, bucket: OldBucket) -> None:
    """Killed in the third version and again in the sixth it goes on; another clone's import makes the same objects."""
    twelve(bucket)
    assert drive(toy, bucket, 22).returncode == -9
    first = refs(toy)
    assert 2 <= len(first) - 1 < 5
    assert drive(toy, bucket, 30).returncode == -9
    second = refs(toy)
    assert len(first) < len(second) < 10
    assert first.items() - {("refs/heads/imported/datasets", first["refs/heads/imported/datasets"])} <= second.items()
    assert toy.tags(remote=True) == []
    toy.dataops("import", "datasets", bucket.url, status=1)
    assert toy.tags() == toy.tags(remote=True) == sorted(f"dataset@{number}" for number in EXPECTED.values())
    assert toy.dataops("verify", "--all", "--read-data").returncode == 0
    other = toy.clone(toy.path.parent / "other")
    other.run("git", "tag", "-d", *other.tags())
    other.dataops("import", "datasets", bucket.url, "--no-push", status=1)
    assert refs(other) == refs(toy)


def test_killed_after_every_step(toy: Toy, bucket: OldBucket) -> None:
    """Whatever was done before the kill, the next run ends with two versions and nothing half."""
    for name, months in (("v1.0", 1), ("v1.1", 2)):
        bucket.version(name, {"train.csv": rows(months)["train.csv"]}, f"2024-0{months}-01T00:00:00Z")
    steps, expected = 7, None  # the first version's are those of the second
    while True:
        done = drive(toy, bucket, steps)
        assert ("refs/heads/imported/datasets" in refs(toy)) == (len(refs(toy)) > 0)
        toy.dataops("import", "datasets", bucket.url)
        expected = expected or refs(toy)
        assert refs(toy) == expected
        assert toy.tags(remote=True) == toy.tags() == ["dataset@v1.0.0", "dataset@v1.1.0"]
        assert len(objects(toy, bucket)) == 4
        if done.returncode == 0:
            break
        for name in expected:
            toy.run("git", "update-ref", "-d", name)
            toy.run("git", "-C", str(toy.origin), "update-ref", "-d", name)
        client = s3.client(bucket.server)
        for key in objects(toy, bucket):
            client.delete_object(Bucket=bucket.server.bucket, Key=key)
        toy.run("rm", "-rf", ".dvc/cache")
        steps += 1
    assert steps == len(done.stdout.splitlines()) == 17
    assert done.stdout.endswith("pushed\n")


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
        ("v1.0", "dataset@v1.0.0"), ("2024-01-15", "dataset@v1.0.1")
    }  # fmt: skip
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


def archive(text: str) -> bytes:
    """A model.tar.gz."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo("model.pkl")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def record(bucket: OldBucket, job: str, model: str, data: str, uri: str, **more: Any) -> None:
    """As the training script wrote it."""
    found = {
        "job_name": job, "data_version": data, "model_version": model, "git_commit": "a1b2c3d", "model_uri": uri,
        "hyperparameters": {"n-estimators": 100}, "metrics": {"rmse": 12.5}, "created_at": "2024-02-02T08:00:00Z",
        **more,
    }  # fmt: skip
    bucket.put(f"lineage/{job}/lineage.json", json.dumps(found).encode())


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


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"{", "no JSON object"),
        (b"[" * 100_000, "no JSON object"),
        (b"{" + b" " * 2_000_000 + b"}", "more than"),
        (b'{"files": {"../../etc/passwd": {}}}', "it leaves the folder"),
        (b'{"files": [{"name": "/etc/passwd"}]}', "it is absolute"),
        (b'{"files": {"train.csv": {"size": 1}}}', "metadata.json says 1"),
        (b'{"files": {"gone.csv": {}}}', "gone.csv is missing"),
    ],
)
def test_damaged_documents(toy: Toy, bucket: OldBucket, document: bytes, said: str) -> None:
    """The version is left out with the reason, the sound one beside it is imported, and --allow-damaged takes both."""
    bucket.version("v1.0", rows(1), "2024-01-01T00:00:00Z")
    bucket.version("v1.1", rows(2), None)
    bucket.put("datasets/v1.1/metadata.json", document)
    done = toy.dataops("import", "datasets", bucket.url, status=1)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("left out: dataset@v1.1")]
    assert said in line
    assert toy.tags() == ["dataset@v1.0.0"]
    toy.dataops("import", "datasets", bucket.url, "--allow-damaged", "v1.1")
    assert toy.tags() == ["dataset@v1.0.0", "dataset@v1.1.0"]
    assert "PAST A GATE" in toy.dataops("versions").stdout


@pytest.mark.parametrize("document", [
    b'{"upload_timestamp": 1e400, "files": 7, "uploaded_by": ["x"], "git_commit": {"a": 1}}',
    b'{"upload_timestamp": "2999-01-01", "uploaded_by": "\\u001b[2J <<>>\\n evil", '
    b'"description": "\\u001b]0;x\\u0007\\n}\\n{"}',
    b'{"upload_timestamp": -5, "files": {"train.csv": {"columns": [1, 2], "rows": -1, "sha256": 5, "dtypes": []}}}',
    b'{"files": [[], null, 3, {"name": {}}], "uploaded_by": "a" }',
])  # fmt: skip
def test_odd_documents(toy: Toy, bucket: OldBucket, document: bytes) -> None:
    """What has another type, or no sense, is left aside: the bytes are what counts."""
    bucket.version("v1.0", rows(1), None)
    bucket.put("datasets/v1.0/metadata.json", document)
    done = toy.dataops("import", "datasets", bucket.url, status=None)
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stdout
    if "left out" in done.stdout:
        toy.dataops("import", "datasets", bucket.url, "--allow-damaged", "v1.0")
    assert toy.tags() == ["dataset@v1.0.0"]
    assert toy.json("show", "v1.0")["card"]
    toy.run("git", "fsck", "--strict", "--no-dangling")


def test_hostile_names(toy: Toy, bucket: OldBucket) -> None:
    """Keys that leave the folder, names that no ref has, texts that a terminal would obey."""
    bucket.version("v1.0", rows(1), "2024-01-01T00:00:00Z")
    bucket.version("my version~1", rows(2), "2024-01-02T00:00:00Z")
    bucket.version("\x1b[2Jboo", rows(3), None)
    bucket.put("datasets/readme.txt", b"hello")
    done = toy.dataops("import", "datasets", bucket.url, status=1)
    assert "\x1b" not in done.stdout
    assert "left out: dataset@my version~1: its name 'my version~1' could be no name in git" in done.stdout
    assert "readme.txt lies beside the versions" in done.stdout
    assert toy.tags() == ["dataset@v1.0.0"]
    toy.dataops("import", "datasets", bucket.url, "--allow-damaged", "my version~1", status=1)
    assert toy.json("show", "my version~1")["version"] == "v1.1.0"


def test_errors(toy: Toy, bucket: OldBucket) -> None:
    """One line and a hint each, status 2."""
    nowhere = ["--endpoint-url", "http://127.0.0.1:9"]
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}
    calls = [
        ((bucket.url,), {}, "holds no versions"),
        (("s3://no-such-bucket-here/datasets/",), {}, "there is no bucket"),
        (("datasets/",), {}, "is no S3 address"),
        ((bucket.url, *nowhere), keys, "can't reach"),
        ((bucket.url, "--endpoint-url", str(bucket.server.endpoint_url)), keys, "credentials were refused"),
        ((bucket.url, "--artifact", "a b"), {}, "can't name an artifact"),
    ]
    for words, environment, said in calls:
        for more in ((), ("--dry-run",)):
            done = toy.dataops("import", "datasets", *words, *more, status=2, **environment)
            assert said in done.stderr
            assert len(done.stderr.splitlines()) <= 2
    bucket.version("v1.0", rows(1), "2024-01-01T00:00:00Z")
    above = bucket.url.removesuffix("datasets/")
    done = toy.dataops("import", "datasets", above, status=2)
    assert f"hint: {bucket.url} has some" in done.stderr
    toy.dvc("push", "-q")
    done = toy.dataops("import", "datasets", toy.dvc("remote", "list").split()[1], status=2)
    assert "a remote of DVC's" in done.stderr
    done = toy.dataops("import", "datasets", bucket.url, "--allow-damaged", "v7", status=2)
    assert "no such old version" in done.stderr


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


def test_two_at_once(toy: Toy, bucket: OldBucket) -> None:
    """One of two in a clone is refused; two clones end with the same names."""
    twelve(bucket)
    other = toy.clone(toy.path.parent / "other")
    words = [sys.executable, "-m", "dataops", "import", "datasets", bucket.url]
    three = [
        subprocess.Popen(
            words, cwd=one.path, env=environ({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for one in (toy, toy, other)
    ]
    said = [process.communicate() for process in three]
    assert [process.returncode for process in three] == [1, 1, 1], said
    refused = [err for _, err in said[:2] if "another import runs in this clone" in err]
    assert len(refused) == 1
    toy.dataops("import", "datasets", bucket.url, status=1)
    other.dataops("import", "datasets", bucket.url, status=1)
    assert refs(toy) == refs(other)
    assert toy.tags(remote=True) == toy.tags()


def test_keys_that_no_folder_can_have() -> None:
    """They are left out, and the version with them unless somebody says so."""
    place = Bucket(Remote("x", "s3://bucket/datasets"))
    time = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    listed = [Listed(path, 1, "e", time) for path in ("train.csv", "../x", "a\\b", "c//d", "e\n", "train.csv/deep/")]
    old = version(place, "dataset", "v1.0", listed)
    assert [file.path for file in old.files] == ["train.csv"]
    assert len(old.damage) == 4
    listed.append(Listed("train.csv/deep", 1, "e", time))
    assert "no folder can hold it" in version(place, "dataset", "v1.0", listed).hopeless


def test_files_that_are_not_what_they_are_called(toy: Toy, bucket: OldBucket) -> None:
    """Their bytes are what counts; one of them doesn't keep the next version from coming."""
    odd = {
        "a": {"x.parquet": b"PAR1 garbage PAR1"},
        "b": {"x.parquet": b""},
        "c": {"train.csv": b'\x00\xff\xfe\n\n\r\r,,,"\n', "test.csv": b"a,a,a\n1,2\n1,2,3,4\n"},
        "d": {"train.csv.gz": b"\x1f\x8bgarbage", "notes.txt": b"hello"},
        "e": {"train.jsonl": b"{" * 100_000},
        "f": {"train.csv": b"x" * 3_000_000},
        "g": {"train.csv": b"\xef\xbb\xbfid,caf\xe9\n1,2\n"},
        "h": {"deep/er/train.csv": b"id\n1\n", "train.tsv": b"id\n1\n"},
        "i": {"train.csv": b",".join(b"c%d" % n for n in range(60_000)) + b"\n"},
    }
    for number, (name, files) in enumerate(odd.items()):
        for path, content in files.items():
            bucket.put(f"datasets/{name}/{path}", content)
        bucket.put(f"datasets/{name}/metadata.json", b'{"created_at": "2024-01-0%dT00:00:00Z"}' % (number + 1))
    done = toy.dataops("import", "datasets", bucket.url)
    assert f"{len(odd)} versions imported" in done.stdout
    for name, files in odd.items():
        toy.dataops("get", name, "--out", f"got/{name}")
        got = toy.path / "got" / name
        assert {path.relative_to(got).as_posix(): path.read_bytes() for path in got.rglob("*.*")} == files


def test_a_repository_below_gits_top_with_the_branch_checked_out(toy: Toy, bucket: OldBucket) -> None:
    """Tags and paths count from git's top; nobody's checkout is moved under them; gc keeps what was imported."""
    bucket.version("v1.0", rows(1), "2024-01-01T00:00:00Z")
    inner = Toy(toy.path / "team")
    (inner.path).mkdir()
    for name in (".dvc", "dvc.yaml", "dvc.lock"):
        toy.run("git", "mv", name, f"team/{name}") if name != ".dvc" else toy.run("mv", ".dvc", "team/.dvc")
    toy.run("git", "add", "-A")
    toy.run("git", "commit", "-qm", "below")
    inner.dataops("import", "datasets", bucket.url, "--no-push")
    assert toy.tags() == ["team=dataset@v1.0.0"]
    inner.dataops("get", "v1.0", "--out", "got")
    assert (inner.path / "got/train.csv").read_bytes() == rows(1)["train.csv"]
    inner.dataops("verify", "--all", "--read-data")
    gone = inner.dataops("gc", "--json", status=None).stdout
    assert hashlib.md5(rows(1)["train.csv"]).hexdigest() not in gone
    toy.run("git", "switch", "-q", "imported/datasets")
    bucket.version("v1.1", rows(2), "2024-01-02T00:00:00Z")
    done = inner.dataops("import", "datasets", bucket.url, "--no-push", status=1)
    assert "is checked out" in done.stderr


@pytest.mark.parametrize(("action", "doing"), [("s3:ListBucket", "list"), ("s3:GetObject", "read")])
def test_a_permission_is_missing(toy: Toy, bucket: OldBucket, action: str, doing: str) -> None:
    """The line names it, and nothing is imported."""
    name = f"old-no-{doing}"
    client = s3.client(bucket.server)
    client.create_bucket(Bucket=name)
    client.put_object(Bucket=name, Key="datasets/v1.0/train.csv", Body=b"id\n1\n")
    statement = {
        "Effect": "Deny", "Principal": "*", "Action": [action],
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
    }  # fmt: skip
    client.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    done = toy.dataops("import", "datasets", f"s3://{name}/datasets/", status=2)
    assert f"access denied: may not {doing}" in done.stderr
    assert action in done.stderr
    assert toy.tags() == []
