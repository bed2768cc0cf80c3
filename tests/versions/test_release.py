"""`dataops release`: a version, or a clear reason why not. Real git with a remote, real DVC, a real S3 server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from toy import Toy, environ, month

from dataops.store import s3
from dataops.store.dvcconfig import Remote

Colleague = Callable[[], Toy]
DRIVER = """\
import os, signal, sys
from dataops.versions import context
from dataops.versions.plan import Options
from dataops.versions.release import release
seen = 0
def reached(step):
    global seen
    if seen == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    seen += 1
    print(step, flush=True)
release(context.here(), Options(), reached=reached)
"""


def objects(toy: Toy, server: Remote) -> dict[str, str]:
    """Keys and ETags on the toy's DVC remote."""
    prefix = toy.dvc("remote", "list").split()[1].removeprefix(f"s3://{server.bucket}/")
    client = s3.client(server)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=server.bucket, Prefix=prefix + "/")
    return {entry["Key"]: entry["ETag"] for page in pages for entry in page.get("Contents", ())}


def drive(toy: Toy, count: int) -> subprocess.CompletedProcess[str]:
    """Release, and be killed at the step after `count` others."""
    return toy.run(sys.executable, "-c", DRIVER, str(count), status=None)


def test_the_number_comes_from_the_data(toy: Toy) -> None:
    """First, then a month more, three corrected rows, a renamed column; and the tag says why."""
    assert "dataset@v1.0.0 is released" in toy.dataops("release", "-m", "To March").stdout
    toy.put(m2024_04=month("2024-04"))
    toy.commit("April")
    assert "minor" in toy.dataops("release").stdout
    toy.put(m2024_01=month("2024-01").replace("2024-01-05,1,7", "2024-01-05,1,9"))
    toy.commit("one row")
    assert "patch" in toy.dataops("release").stdout
    toy.put(**{f"m2024_0{n}": month(f"2024-0{n}", column="units") for n in range(1, 5)})
    toy.commit("units")
    assert "major" in toy.dataops("release").stdout
    assert toy.tags(remote=True) == toy.tags() == [f"dataset@v{v}" for v in ("1.0.0", "1.1.0", "1.1.1", "2.0.0")]
    text = toy.out("git", "for-each-ref", "--format=%(contents)", "refs/tags/dataset@v1.1.0")
    card = json.loads(text[text.index("{") :])
    assert card["bump"] == "minor"
    assert card["previous"]["version"] == "v1.0.0"
    assert card["rows"] == 4 * 84
    assert card["hash"] in toy.out("git", "show", "dataset@v1.1.0^{commit}:dvc.lock")
    assert "To March" in toy.out("git", "show", "dataset@v1.0.0")


def test_unchanged_is_refused_and_names_the_version(toy: Toy) -> None:
    """Also from another commit."""
    toy.dataops("release")
    assert "unchanged since dataset@v1.0.0" in toy.dataops("release", status=1).stderr
    (toy.path / "notes.txt").write_text("x")
    toy.commit("notes")
    assert "unchanged since dataset@v1.0.0" in toy.dataops("release", status=1).stderr
    assert toy.tags() == ["dataset@v1.0.0"]


def test_dry_run_touches_nothing(toy: Toy, server: Remote) -> None:
    """Neither here nor there."""
    before = {
        path: path.stat().st_mtime_ns for path in toy.path.rglob("*") if "tmp" not in path.parts and path.is_file()
    }
    said = toy.dataops("release", "--dry-run").stdout
    after = {
        path: path.stat().st_mtime_ns for path in toy.path.rglob("*") if "tmp" not in path.parts and path.is_file()
    }
    assert "would tag" in said
    assert "dataset v1.0.0" in said
    assert "5 to upload" in said
    assert before == after
    assert objects(toy, server) == {}
    assert toy.tags() == toy.tags(remote=True) == []
    plan = toy.json("release", "--dry-run")
    assert plan["released"] is False
    assert plan["version"] == "v1.0.0"


def test_killed_after_every_step(toy: Toy, server: Remote, tmp_path: Path) -> None:
    """Whatever was done before the kill, the next run ends with one version whose bytes are all there."""
    steps = 0
    while True:
        done = drive(toy, steps)
        remote_tags = toy.tags(remote=True)
        if remote_tags:
            assert len(objects(toy, server)) == 5  # never a name before the bytes
        through = toy.tags() == remote_tags == ["dataset@v1.0.0"]
        again = toy.dataops("release", status=1 if through else 0)
        assert ("unchanged" in again.stderr) == through
        assert toy.tags() == toy.tags(remote=True) == ["dataset@v1.0.0"]
        assert toy.dataops("verify", "v1.0.0", "--read-data")
        if done.returncode == 0:
            break
        for where in (toy.path, toy.origin):
            toy.run("git", "-C", str(where), "tag", "-d", "dataset@v1.0.0")
        client = s3.client(server)
        for key in objects(toy, server):
            client.delete_object(Bucket=server.bucket, Key=key)
        steps += 1
    assert done.stdout.split("\n")[-2] == "kept"
    assert steps == len(done.stdout.splitlines())
    assert steps >= 12


@pytest.mark.parametrize("harm", ["flip", "truncate", "delete"])
def test_a_damaged_remote_makes_no_tag(toy: Toy, server: Remote, harm: str) -> None:
    """One bit flipped or an object cut short before the proof: refused, named. What is merely missing is uploaded."""
    toy.dvc("push", "-q")
    client = s3.client(server)
    key = sorted(objects(toy, server))[0]
    body = client.get_object(Bucket=server.bucket, Key=key)["Body"].read()
    if harm == "delete":
        client.delete_object(Bucket=server.bucket, Key=key)
        assert "1 uploaded" in toy.dataops("release").stdout
        return
    bad = bytes([body[0] ^ 1]) + body[1:] if harm == "flip" else body[:-1]
    client.put_object(Bucket=server.bucket, Key=key, Body=bad)
    said = toy.dataops("release", status=1).stderr
    assert "damaged on the remote" in said
    assert key.rsplit("/", 1)[1] in said
    assert toy.tags() == toy.tags(remote=True) == []
    toy.dataops("verify", "HEAD", "--repair")
    toy.dataops("release")


def test_deleted_after_the_upload_and_before_the_proof(toy: Toy, server: Remote) -> None:
    """Even then no tag is made."""
    code = DRIVER.replace("if seen == int(sys.argv[1]):", "if step == 'uploaded':").replace(
        "os.kill(os.getpid(), signal.SIGKILL)", "__import__('subprocess').run(sys.argv[1], shell=True, check=True)"
    )
    script = (
        "from dataops.store import choose; from pathlib import Path; s = choose.for_root(Path('.'));"
        "s.delete([o for o, _ in s.listing()][:1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f'{sys.executable} -c "{script}"'], cwd=toy.path, env=environ({}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Refused" in done.stderr, done.stderr
    assert toy.tags() == toy.tags(remote=True) == []


def test_two_clones_race(toy: Toy, colleague: Colleague) -> None:
    """One wins, the other is told and has lost nothing."""
    other = colleague()
    other.put(m2024_05=month("2024-05"))
    other.commit("May, on a branch", push=False)
    other.run("git", "push", "-q", "origin", "HEAD:may")
    words = [sys.executable, "-m", "dataops", "release"]
    both = [
        subprocess.Popen(
            words, cwd=one.path, env=environ({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for one in (toy, other)
    ]
    said = [process.communicate() for process in both]
    codes = [process.returncode for process in both]
    assert sorted(codes) == [0, 1], said
    loser = codes.index(1)
    assert "a moment ago" in said[loser][1] or "is taken" in said[loser][1], said
    assert toy.tags(remote=True) == ["dataset@v1.0.0"]
    assert (toy, other)[loser].tags() == ["dataset@v1.0.0"]  # fetched
    assert (toy, other)[loser].run("git", "status", "--porcelain").stdout == ""


def test_gates(toy: Toy) -> None:
    """A failed validation stops it; whoever goes past it is written into the tag."""
    toy.put(m2024_03=month("2024-03").replace("2024-03-05,1,7", "2024-03-05,1,-1"))
    toy.commit("negative sales")
    said = toy.dataops("release", status=1).stderr
    assert "1 file(s) with negative sales" in said
    assert "--allow-invalid" in said
    toy.dataops("release", "--allow-invalid", "returns are booked as negative sales")
    override = toy.json("show", "v1.0.0")["card"]["overrides"][0]  # type: ignore[index]
    assert override["who"].startswith("Tess Ter")
    assert override["why"] == "returns are booked as negative sales"


def test_a_report_that_is_not_the_recorded_one(toy: Toy) -> None:
    """Not even --allow-invalid goes past that: it would gate something else."""
    (toy.path / "reports/validation.json").write_text('{"passed": true, "edited": true}')
    toy.commit("made up")
    assert "out of date" in toy.dataops("release", "--allow-invalid", "x", status=1).stderr


def test_a_model_needs_released_data(toy: Toy) -> None:
    """And its card names them."""
    said = toy.dataops("release", "model", status=1).stderr
    assert "no released version of dataset" in said
    assert "dataops release dataset" in said
    toy.dataops("release")
    toy.dataops("release", "model")
    card = toy.json("show", "model@v1.0.0")["card"]
    assert card["data"][0]["version"] == "dataset@v1.0.0"  # type: ignore[index]
    assert card["evaluation"]  # type: ignore[index]


def test_where_the_tree_stands(toy: Toy, tmp_path: Path) -> None:
    """Each state that a release must not be made in has its line."""
    (toy.path / "build.py").write_text((toy.path / "build.py").read_text() + "# changed\n")
    assert "not committed: build.py" in toy.dataops("release", status=1).stderr
    toy.commit("a comment", push=False)
    assert "is not on origin yet" in toy.dataops("release", status=1).stderr
    toy.run("git", "push", "-q", "origin", "main")
    assert "build is out of date: build.py modified" in toy.dataops("release", status=1).stderr
    toy.run("git", "reset", "-q", "--hard", "HEAD~1")
    toy.run("git", "checkout", "-q", "--detach")
    toy.run("git", "commit", "-q", "--allow-empty", "-m", "nowhere")
    assert "detached" in toy.dataops("release", status=1).stderr
    toy.run("git", "checkout", "-q", "HEAD~1")
    toy.dataops("release", "--dry-run")  # as CI checks out: detached, but on the remote's branch
    toy.run("git", "checkout", "-q", "main")
    (toy.path / ".git/MERGE_HEAD").write_text(toy.out("git", "rev-parse", "HEAD") + "\n")
    assert "a merge is in progress" in toy.dataops("release", status=1).stderr
    (toy.path / ".git/MERGE_HEAD").unlink()
    shallow = tmp_path / "shallow"
    toy.run("git", "clone", "-q", "--depth", "1", f"file://{toy.origin}", str(shallow))
    assert "shallow clone" in Toy(shallow).dataops("release", status=2).stderr
    toy.run("git", "remote", "remove", "origin")
    assert "--no-push" in toy.dataops("release", status=2).stderr
    assert toy.tags() == []


def test_git_remote_in_the_way(toy: Toy, tmp_path: Path) -> None:
    """A protected tag, a remote that is gone: one line, and no tag here either."""
    hook = toy.origin / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'tags are protected' >&2\nexit 1\n")
    hook.chmod(0o755)
    said = toy.dataops("release", status=2).stderr
    assert "tags are protected" in said
    assert "Traceback" not in said
    assert toy.tags() == toy.tags(remote=True) == []
    toy.run("git", "remote", "set-url", "origin", str(tmp_path / "gone.git"))
    said = toy.dataops("release", status=2).stderr
    assert len(said.strip().splitlines()) <= 2, said
    toy.run("git", "remote", "set-url", "origin", "http://127.0.0.1:9/x.git")
    assert len(toy.dataops("release", status=2).stderr.strip().splitlines()) <= 2


def test_credentials(toy: Toy) -> None:
    """Refused keys and an unreachable server are a line each; no tag."""
    toy.dvc("remote", "modify", "-q", "--local", "storage", "secret_access_key", "wrong")
    said = toy.dataops("release", status=2).stderr
    assert "credentials were refused" in said
    toy.dvc("remote", "modify", "-q", "--local", "storage", "endpointurl", "http://127.0.0.1:9")
    assert len(toy.dataops("release", status=2).stderr.strip().splitlines()) <= 2
    assert toy.tags() == toy.tags(remote=True) == []


def test_no_push_then_push(toy: Toy) -> None:
    """The tag stays here until somebody releases without --no-push."""
    toy.dataops("release", "--no-push")
    assert toy.tags() == ["dataset@v1.0.0"]
    assert toy.tags(remote=True) == []
    assert "here only" in toy.dataops("release").stdout
    assert toy.tags(remote=True) == ["dataset@v1.0.0"]
    here, there = (toy.out("git", "-C", str(at), "rev-parse", "dataset@v1.0.0") for at in (toy.path, toy.origin))
    assert here == there


def test_another_number(toy: Toy) -> None:
    """--bump and --version win over the data, within reason."""
    toy.dataops("release", "--version", "v0.3.0")
    toy.put(m2024_04=month("2024-04"))
    toy.commit("April")
    assert "not above" in toy.dataops("release", "--version", "0.2.0", status=1).stderr
    assert "no version number" in toy.dataops("release", "--version", "next", status=2).stderr
    assert "v1.0.0" in toy.dataops("release", "--bump", "major").stdout
    assert "--bump major" in toy.json("show", "v1.0.0")["card"]["reason"]  # type: ignore[index]


def test_what_plain_gto_tagged_is_a_version(toy: Toy) -> None:
    """With a shorter card; the next one is compared with it."""
    toy.run("git", "tag", "-a", "dataset@v1.0.0", "-m", "by hand")
    toy.run("git", "push", "-q", "origin", "dataset@v1.0.0")
    toy.put(m2024_04=month("2024-04"))
    toy.commit("April")
    said = toy.dataops("release").stdout
    assert "dataset v1.1.0 (after v1.0.0, minor)" in said
    assert "84 rows" in said


def test_unknown_artifact(toy: Toy) -> None:
    """The known ones are named."""
    said = toy.dataops("release", "datset", status=2).stderr
    assert "dataset, model" in said


def test_track(toy: Toy, server: Remote) -> None:
    """A file becomes an artifact with versions; a model trained elsewhere is bound to its data."""
    toy.dataops("release")
    (toy.path / "stores.csv").write_text("store,city\n1,Berlin\n")
    assert "--description" in toy.dataops("track", "stores.csv", "--name", "stores", status=2).stderr
    assert (
        "next: git add stores.csv.dvc"
        in toy.dataops("track", "stores.csv", "--name", "stores", "--description", "Where they are").stdout
    )
    toy.commit("stores")
    toy.dataops("release", "stores")
    (toy.path / "stores.csv").write_text("store,city\n1,Berlin\n2,Bonn\n")
    toy.dataops("track", "stores.csv", "--name", "stores")
    toy.commit("Bonn")
    assert "minor" in toy.dataops("release", "stores").stdout
    (toy.path / "tuned.pkl").write_bytes(b"\x80weights")
    assert (
        "no"
        in toy.dataops(
            "track", "tuned.pkl", "--name", "tuned", "--description", "x", "--trained-on", "v9", status=2
        ).stderr
    )
    toy.dataops("track", "tuned.pkl", "--name", "tuned", "--description", "x", "--trained-on", "v1.0.0")
    toy.commit("tuned")
    toy.dataops("release", "tuned")
    assert toy.json("show", "tuned@latest")["card"]["data"][0]["version"] == "dataset@v1.0.0"  # type: ignore[index]
    made = toy.dataops("track", "reports/validation.json", "--name", "m", "--description", "x", status=2).stderr
    assert "is in git" in made
    assert (
        "is the artifact model already"
        in toy.dataops("track", "models/model.bin", "--name", "m", "--description", "x", status=2).stderr
    )
    assert "is in git" in toy.dataops("track", "build.py", "--name", "m", "--description", "x", status=2).stderr
