"""upload_data.py: files made elsewhere become a version, by the old flags."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from oldcalls import SCRIPTS, Old
from toy import environ, month

UPLOAD = "upload_data.py"


def test_upload(old: Old):
    """The old call makes a version of the three files, on the git remote and proven on S3; a commit of nothing else."""
    (old.path / "build.py").write_text("unfinished work")
    (old.path / "note.txt").write_text("mine")
    done = old.script(UPLOAD, "--files", *old.given, "--bucket", old.bucket, "--version-id", "v1.1")
    assert done.stdout.splitlines()[0] == "Using version ID: v1.1.0"
    assert "uploads@v1.1.0" in old.tags(remote=True)
    changed = old.out("git", "diff", "--name-only", "HEAD~1", "HEAD").split()
    assert changed == ["data/.gitignore", "data/uploads.dvc", "dvc.yaml", "reports/uploads.json"]
    assert old.out("git", "rev-parse", "HEAD") == old.out("git", "-C", str(old.origin), "rev-parse", "main")
    assert old.out("git", "status", "--porcelain") == "M build.py\n?? note.txt"
    card = old.json("show", "uploads@v1.1.0")["card"]
    assert card["files"] == 3
    assert card["rows"] == 252
    assert card["validation"] == {"passed": True, "rows": 252}
    assert (old.path / "data/uploads/train.csv").read_text() == month("2024-01")
    old.dataops("verify", "uploads@v1.1.0", "--read-data")


def test_again(old: Old):
    """The same files are told to be a version already, by number and without; corrected ones are the next version."""
    words = (UPLOAD, "--files", *old.given)
    old.script(*words, "--version-id", "v1.1")
    before = old.state()
    assert "these very files are uploads@v1.1.0 already" in old.script(*words, "--version-id", "1.1", status=1).stderr
    assert "is unchanged since uploads@v1.1.0" in old.script(*words, status=1).stderr
    assert old.state() == before
    old.files(train=month("2024-01", sales=50))
    taken = old.script(*words, "--version-id", "v1.1.0", status=1)
    assert "uploads@v1.1.0 exists already, with other files" in taken.stderr
    force = old.script(*words, "--version-id", "v1.1", "--force", status=2)
    assert "--force: uploads@v1.1.0 is never overwritten" in force.stderr
    assert "not above" in old.script(*words, "--version-id", "v1.0", status=1).stderr
    assert old.state()[:4] == before[:4]
    assert "Using version ID: v1.1.1\n" in old.script(*words, "--force").stdout
    old.files(train=month("2024-01"))
    assert "is unchanged since uploads@v1.1.0" in old.script(*words, status=1).stderr
    assert len(old.tags(remote=True)) == 2


@pytest.mark.parametrize("kind", ["semantic", "timestamp", "git_commit", "content_hash", "hybrid"])
def test_every_type_of_name_resolves(old: Old, kind: str):
    """What is printed is a name of the version, for the scripts and for `dataops`."""
    done = old.script(UPLOAD, "--files", *old.given, "--version-type", kind)
    name = re.search(r"^Using version ID: (\S+)$", done.stdout, re.MULTILINE)
    assert name
    assert old.json("show", f"uploads@{name[1]}")["version"] == "v1.0.0"
    assert "Using version ID: v1.0.0" in old.script("get_data.py", "--version-id", name[1], "--uri").stdout


def test_dry_run(old: Old):
    """It says the number and the reason, and changes nothing: no file, ref, object or cache."""
    before = old.state()
    done = old.script(UPLOAD, "--files", *old.given, "--version-id", "v2.0", "--dry-run")
    assert "Using version ID: v2.0.0" in done.stdout
    assert "would release uploads@v2.0.0" in done.stdout
    assert old.state() == before
    assert old.script(UPLOAD, "--list-versions").stdout == "No versions found\n"


def test_list(twice: Old):
    """The newest first, each line beginning with a name that --version-id takes."""
    lines = twice.script(UPLOAD, "--list-versions", "--bucket", twice.bucket).stdout.splitlines()
    assert lines[0] == "Available versions:"
    assert [line.split()[0] for line in lines[1:]] == ["v1.1.1", "v1.1.0", "dataset@v1.0.0"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("date,store,sales\n", "the dataset is empty"),
        ("date,store,sales\n2024-01-01,1,\n2024-01-02,1,NA\n", "columns without any value: sales"),
        ("date,store\n2024-01-01,1\n", "missing required columns: sales"),
        ("date,store,sales\n2024-01-01,1,2\n2024-01-01,1,2\n", "1 duplicate row"),
        ("date,store,sales\n2024-01-01,1\n", "train.csv: can't be read"),
    ],
)
def test_quality(old: Old, text: str, told: str):
    """The old rules refuse; --allow-invalid says why it goes out all the same, in the version for ever."""
    old.files(train=text)
    before = old.state()
    assert told in old.script(UPLOAD, "--files", *old.given, status=1).stderr
    assert old.state() == before
    if text:
        return
    done = old.script(UPLOAD, "--files", *old.given, "--allow-invalid", "the source is down")
    assert "WARNING: train.csv" in done.stderr
    (override,) = old.json("show", "uploads@v1.0.0")["card"]["overrides"]
    assert override["why"] == "the source is down"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "which files?"),
        (("--files", "nothing.csv"), "there is no file nothing.csv"),
        (("--files", "data"), "there is no file data"),
        (("--files", "build.py", "data/../build.py"), "two files are called build.py"),
        (("--files", "build.py", "--bucket", "other"), "--bucket other: the data of this repository lie in"),
        (("--files", "build.py", "--version-id", "2024-01-15"), "a version's own name is a number"),
        (("--files", "build.py", "--version-id", "v1.0-2024-01-15-a1b2c3d"), "a version's own name is a number"),
        (("--files", "build.py", "--version-id", "../../etc"), "a version's own name is a number"),
        (("--files", "build.py", "--git-commit", "--all"), "expected one argument"),
        (("--files", "build.py", "--git-commit", "f00"), "no commit here is called so"),
        (("--files", "build.py", "--artifact", "../../x"), "can't name an artifact"),
        (("--files", "build.py", "--artifact", "dataset"), "data/dataset is made by dvc.yaml:build"),
        (("--files", "build.py", "--branch", "nobody"), "origin has no branch nobody"),
        (("--files", "build.py", "--version-type", "best"), "invalid choice"),
    ],
)
def test_refused(old: Old, words: tuple[str, ...], told: str):
    """One line, status 2, and nothing is half done."""
    before = old.state()
    assert told in old.script(UPLOAD, *words, status=2).stderr
    assert old.state()[:4] == before[:4]


def test_odd_names(old: Old):
    """Spaces, other scripts and what looks like a flag are names; control characters are none."""
    odd = ["mit Leerzeichen.csv", "データ é.csv", "-rf.csv", "'quoted\".csv"]
    for number, name in enumerate(odd, 1):
        (old.elsewhere / name).write_text(month(f"2024-0{number}"))
    old.script(UPLOAD, "--files", *(str(old.elsewhere / name) for name in odd))
    assert sorted(path.name for path in (old.path / "data/uploads").iterdir()) == sorted(odd)
    out = old.path.parent / "out"
    old.script("get_data.py", "--latest", "--download", "--local-dir", str(out), "--files", "データ é.csv")
    assert (out / "データ é.csv").read_text() == month("2024-02")
    for name in ("a\nb.csv", "a\x1b[31m.csv", os.fsdecode(b"\xff.csv")):
        (old.elsewhere / name).write_text(month("2024-01"))
        done = old.script(UPLOAD, "--files", str(old.elsewhere / name), status=2)
        assert "can't be kept" in done.stderr
        assert "\x1b" not in done.stderr


def test_somebody_else_was_there(old: Old):
    """A clone that is behind uploads onto the branch's end; unpushed work stays where it is, and is told of."""
    other = Old(old.clone(old.path.parent / "other").path, old.bucket)
    (other.path / "mine.txt").write_text("mine")
    other.run("git", "add", "mine.txt")
    other.run("git", "commit", "-qm", "mine")
    head = other.out("git", "rev-parse", "HEAD")
    old.script(UPLOAD, "--files", *old.given)
    old.files(train=month("2024-01", sales=50))
    done = other.script(UPLOAD, "--files", *old.given)
    assert "Using version ID: v1.0.1" in done.stdout
    assert "main is behind origin/main here" in done.stderr
    assert other.out("git", "rev-parse", "HEAD") == head
    assert old.out("git", "-C", str(old.origin), "log", "--format=%s", "-2").splitlines() == [
        "uploads: train.csv, validation.csv, test.csv",
        "uploads: train.csv, validation.csv, test.csv",
    ]


def test_in_a_job(old: Old):
    """A shallow clone with a detached HEAD, as CI has it: --branch, or what the CI system says."""
    job = old.path.parent / "job"
    old.run("git", "clone", "-q", "--depth=1", f"file://{old.origin}", str(job))
    (job / ".dvc/config.local").write_bytes((old.path / ".dvc/config.local").read_bytes())
    made = Old(job, old.bucket)
    made.run("git", "checkout", "-q", "--detach")
    assert "--branch NAME" in made.script(UPLOAD, "--files", *old.given, status=2).stderr
    assert "v1.0.0" in made.script(UPLOAD, "--files", *old.given, BRANCH_NAME="main").stdout


@pytest.mark.parametrize(
    "config", ["", "[core]\nremote = storage\n['remote \"storage\"']\nurl = s3://replace-me/dvc\n"]
)
def test_no_remote(old: Old, config: str):
    """Nowhere to put the bytes: said before anything is pushed."""
    (old.path / ".dvc/config.local").write_text(config)
    before = old.state()
    old.script(UPLOAD, "--files", *old.given, status=2)
    assert old.state()[:4] == before[:4]
    assert "which is no bucket" in old.script(UPLOAD, "--list-versions", "--bucket", "b", status=2).stderr


def test_no_git_remote(old: Old):
    """What to do is said in words that this command has."""
    old.run("git", "remote", "remove", "origin")
    said = old.script(UPLOAD, "--files", *old.given, status=2).stderr
    assert "has no git remote" in said
    assert "--no-push" not in said


def test_no_repository(tmp_path: Path):
    """Outside of one it says so."""
    for name in (UPLOAD, "get_data.py"):
        command = [sys.executable, str(SCRIPTS / name), "--list-versions"]
        done = subprocess.run(command, cwd=tmp_path, env=environ({}), capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "is not inside a DVC repository" in done.stderr


def test_protected_branch(old: Old):
    """The server's own words, and no version."""
    hook = old.origin / "hooks/pre-receive"
    lines = [
        "#!/bin/sh",
        "while read old new ref",
        'do case $ref in refs/heads/*) echo "main is protected"; exit 1',
        "esac",
    ]
    hook.write_text("\n".join([*lines, "done", ""]))
    hook.chmod(0o755)
    before = old.state()
    assert "main is protected" in old.script(UPLOAD, "--files", *old.given, status=2).stderr
    assert old.state()[:4] == before[:4]


def test_killed_anywhere(old: Old):
    """kill -9 at any moment, and the same call again ends with one version and a clean work tree."""
    command = [sys.executable, str(SCRIPTS / UPLOAD), "--files", *old.given, "--version-id", "v3.0"]
    for wait in (0.8, 1.6, 2.4, 3.2, 4.0):
        process = subprocess.Popen(
            command,
            cwd=old.path,
            env=environ({}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(wait)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert old.out("git", "status", "--porcelain") == ""
    done = old.run(*command, status=None)
    assert done.returncode == 0 or "these very files are uploads@v3.0.0 already" in done.stderr, done.stderr
    assert old.tags(remote=True) == old.tags() == ["uploads@v3.0.0"]
    old.run("git", "pull", "-q", "--ff-only", "origin", "main")
    assert old.out("git", "log", "--format=%s", "-2").splitlines()[0] == "uploads: train.csv, validation.csv, test.csv"
    assert not [path for path in (old.path / ".dataops/reproduce").iterdir() if path.is_dir()]
    assert json.loads(old.script("get_data.py", "--latest", "--metadata").stdout)["version_id"] == "v3.0.0"
    old.dataops("verify", "uploads@v3.0.0")


def test_a_hostile_branch(old: Old):
    """A commit may declare the artifact outside, or through a link: nothing is written there."""
    outside = old.path.parent / "outside"
    outside.mkdir()
    declared = (old.path / "dvc.yaml").read_text()
    for path, link in (("../../../../outside/x", None), ("linked/x", outside)):
        (old.path / "dvc.yaml").write_text(f"{declared}  uploads:\n    path: {path}\n    type: dataset\n")
        if link is not None:
            (old.path / "linked").symlink_to(link)
        old.commit("hostile")
        old.script(UPLOAD, "--files", *old.given, status=None)
        assert not list(outside.iterdir())
        assert not old.tags()


def test_two_at_once(old: Old):
    """Two clones upload different files at the same moment: two versions, one after the other."""
    other = Old(old.clone(old.path.parent / "other").path, old.bucket)
    files = [old.elsewhere / f"{name}.csv" for name in ("one", "two")]
    for number, path in enumerate(files, 1):
        path.write_text(month("2024-01", sales=10 * number))
    running = [
        subprocess.Popen(
            [sys.executable, str(SCRIPTS / UPLOAD), "--files", str(path)],
            cwd=clone.path,
            env=environ({}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for clone, path in zip((old, other), files, strict=True)
    ]
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, out + err
    assert len(old.tags(remote=True)) == 2
    assert old.out("git", "-C", str(old.origin), "rev-list", "--count", "main") == "4"


def test_below_the_top(old: Old, tmp_path: Path):
    """A DVC repository in a folder of git's: the same words, from within."""
    whole = tmp_path / "whole"
    origin = tmp_path / "whole.git"
    old.run("git", "init", "-q", "--bare", "-b", "main", str(origin))
    old.run("git", "init", "-q", "-b", "main", str(whole))
    (whole / "sub/data").mkdir(parents=True)
    for name in (".dvc", "params.yaml", "dvc.yaml", "dvc.lock", ".gitignore"):
        old.run("cp", "-r", name, str(whole / "sub"))
    inner = Old(whole / "sub", old.bucket)
    inner.run("git", "remote", "add", "origin", str(origin))
    inner.run("git", "add", "-A")
    inner.run("git", "commit", "-qm", "first")
    inner.run("git", "push", "-q", "origin", "main")
    inner.script(UPLOAD, "--files", *old.given, "--version-id", "v1.1")
    assert inner.out("git", "tag") == "sub=uploads@v1.1.0"
    assert (
        "are sub:uploads@v1.1.0 already"
        in inner.script(UPLOAD, "--files", *old.given, "--version-id", "v1.1", status=1).stderr
    )
    assert "  v1.1.0 " in inner.script(UPLOAD, "--list-versions").stdout
    inner.script("get_data.py", "--version-id", "v1.1", "--download", "--local-dir", str(tmp_path / "got"))
    assert (tmp_path / "got/test.csv").read_text() == month("2024-03")
    found = json.loads(inner.script("get_data.py", "--latest", "--metadata").stdout)
    assert found["files"]["train.csv"]["rows"] == 84
    inner.script("data_version_manager.py", "version", old.given[0], "stores")
    assert "sub:stores@v1.0.0" in inner.script("data_version_manager.py", "info", "stores").stdout
    assert "v1.0.0" in inner.script("data_version_manager.py", "list", "stores").stdout
