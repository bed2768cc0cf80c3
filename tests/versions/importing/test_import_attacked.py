"""Imports that are killed, of what is damaged or hostile, two at once, without a network or a permission."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import subprocess
import sys

import pytest
from oldbucket import EXPECTED, OldBucket, objects, refs, rows, twelve
from toy import Toy, environ

from dataops.store import s3
from dataops.store.dvcconfig import Remote
from dataops.versions.importing.bucket import Bucket, Listed, version

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


def drive(toy: Toy, bucket: OldBucket, count: int) -> subprocess.CompletedProcess[str]:
    """Import, and be killed at the step after `count` others."""
    return toy.run(sys.executable, "-c", DRIVER, bucket.url, str(count), status=None)


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


@pytest.mark.parametrize(
    "document",
    [
        b'{"upload_timestamp": 1e400, "files": 7, "uploaded_by": ["x"], "git_commit": {"a": 1}}',
        b'{"upload_timestamp": "2999-01-01", "uploaded_by": "\\u001b[2J <<>>\\n evil", '
        b'"description": "\\u001b]0;x\\u0007\\n}\\n{"}',
        b'{"upload_timestamp": -5, "files": {"train.csv": {"columns": [1, 2], "rows": -1, "sha256": 5, "dtypes": []}}}',
        b'{"files": [[], null, 3, {"name": {}}], "uploaded_by": "a" }',
    ],
)
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
        "Effect": "Deny",
        "Principal": "*",
        "Action": [action],
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
    }
    client.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    done = toy.dataops("import", "datasets", f"s3://{name}/datasets/", status=2)
    assert f"access denied: may not {doing}" in done.stderr
    assert action in done.stderr
    assert toy.tags() == []
