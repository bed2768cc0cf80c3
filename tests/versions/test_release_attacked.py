"""`dataops release` where git or dvc.yaml lies: whatever the checks saw is what the tag says, or there is no tag."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from toy import Toy, environ, month

from dataops.store.choose import for_root
from dataops.store.dvcconfig import Remote
from dataops.store.objects import Object
from dataops.versions.facts import public

AT = """\
import subprocess, sys
from dataops.versions import context, gates, release
from dataops.versions.plan import Options
judge = gates.judge
def during(*given):
    subprocess.run(sys.argv[1], shell=True, check=True)
    return judge(*given)
gates.judge = during
release.release(context.here(), Options(push=False))
"""


def declare(toy: Toy, artifact: str, meta: str) -> None:
    """Have other `meta` in dvc.yaml, committed."""
    reports = {"dataset": "validation", "model": "evaluation"}
    text = (toy.path / "dvc.yaml").read_text()
    (toy.path / "dvc.yaml").write_text(text.replace(f"meta: {{gates: [reports/{reports[artifact]}.json]}}", meta))
    toy.commit("meta")


@pytest.mark.parametrize("mark", ["--assume-unchanged", "--skip-worktree"])
def test_a_changed_file_that_git_is_told_to_ignore(toy: Toy, mark: str) -> None:
    """The checks would judge the dvc.lock that lies here, and the tag would name the one of the commit."""
    toy.run("git", "update-index", mark, "dvc.lock")
    toy.dataops("release", "--dry-run")  # as long as it is the same
    toy.put(m2024_04=month("2024-04"))
    toy.commit("without dvc.lock")
    assert "not committed: dvc.lock (which git is told to ignore" in toy.dataops("release", status=1).stderr
    assert toy.tags() == []


def test_an_index_that_git_cannot_read(toy: Toy) -> None:
    """What `git status` doesn't say is not clean."""
    (toy.path / "build.py").write_text("changed")
    (toy.path / ".git/index").write_bytes(b"no index at all, but long enough to look like one")
    assert "error: git status: index file" in toy.dataops("release", status=2).stderr


def test_a_report_that_is_a_link(toy: Toy) -> None:
    """Git keeps where it leads: whoever finds the tag would not find the report."""
    (toy.path / "../elsewhere.json").write_text('{"passed": true}')
    (toy.path / "reports/linked.json").symlink_to("../../elsewhere.json")
    declare(toy, "dataset", "meta: {gates: [reports/linked.json]}")
    said = toy.dataops("release", "--allow-invalid", "x", status=1).stderr
    assert "reports/linked.json: the report is a link" in said


@pytest.mark.parametrize(
    ("artifact", "meta", "words"),
    [
        ("model", "meta: {gates: [reports/evaluation.json], data: 5}", "meta.data: expected a list"),
        ("model", "meta: {gates: [reports/evaluation.json], data: dataset}", "meta.data: expected a list"),
        ("model", "meta: {gates: [reports/evaluation.json], data: [[1]]}", "meta.data: expected a list"),
        ("dataset", "meta: {gates: [reports/validation.json], keys: 5}", "meta.keys: expected a list"),
        ("dataset", "meta: {gates: [reports/validation.json], keys: [[1]]}", "meta.keys: expected a list"),
        ("dataset", "meta: {gates: [reports/validation.json], time: [date]}", "meta.time: expected a column"),
    ],
)
def test_meta_of_another_form(toy: Toy, artifact: str, meta: str, words: str) -> None:
    """A line that says where, never a traceback."""
    declare(toy, artifact, meta)
    said = toy.dataops("release", artifact, "--dry-run", status=2).stderr
    assert words in said
    assert "Traceback" not in said


def test_named_data_that_nothing_records(toy: Toy) -> None:
    """A dataset that meta.data names counts also where dvc.lock has nothing of it."""
    toy.dataops("release")
    text = (toy.path / "dvc.yaml").read_text() + "  other: {path: data/other, type: dataset, meta: {gates: []}}\n"
    (toy.path / "dvc.yaml").write_text(text)
    declare(toy, "model", "meta: {gates: [reports/evaluation.json], data: [dataset, other]}")
    assert "records nothing of other" in toy.dataops("release", "model", status=2).stderr


@pytest.mark.parametrize("harm", ["git commit -q --allow-empty -m meanwhile", "echo >> build.py"])
def test_the_work_tree_changes_meanwhile(toy: Toy, harm: str) -> None:
    """Some checks read the work tree, so it has to be the commit's from the first to the last."""
    done = subprocess.run(
        [sys.executable, "-c", AT, harm], cwd=toy.path, env=environ({}), capture_output=True, text=True, check=False
    )
    assert "changed while it was looked at" in done.stderr or "is out of date" in done.stderr, done.stderr
    assert toy.tags() == []


def test_who_releases(toy: Toy) -> None:
    """Said before anything is uploaded, and how to set it."""
    nobody = dict.fromkeys(("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_AUTHOR_NAME"), "")
    said = toy.dataops("release", status=2, HOME="/nonexistent", **nobody).stderr
    assert "doesn't know who you are" in said
    assert "git config user.name" in said


def test_a_message_that_no_tag_can_hold(toy: Toy) -> None:
    """A card of more than a MiB would never be read back."""
    code = (
        "from dataops.versions import context, release, plan; "
        "release.release(context.here(), plan.Options(message='word ' * 300_000))"
    )
    done = toy.run(sys.executable, "-c", code, status=None)
    assert "could not be read back" in done.stderr
    assert toy.tags() == toy.tags(remote=True) == []


def test_tags_that_mean_nothing(toy: Toy) -> None:
    """A tag that is no version may differ here and there, and odd refs of the remote are not fetched."""
    toy.run("git", "tag", "dataset@nightly")
    toy.run("git", "-C", str(toy.origin), "tag", "dataset@nightly", "HEAD:reports")
    toy.run("git", "-C", str(toy.origin), "update-ref", "refs/x/refs/tags/dataset@v9.9.9", "HEAD")
    assert "dataset@v1.0.0 is released" in toy.dataops("release").stdout


def test_a_local_version_before_it(toy: Toy) -> None:
    """A pushed version must not stand on one that somebody else can still give away."""
    toy.dataops("release", "--no-push")
    toy.put(m2024_04=month("2024-04"))
    toy.commit("April")
    said = toy.dataops("release", status=1).stderr
    assert "dataset@v1.0.0 comes before and is in this clone only" in said
    assert toy.tags(remote=True) == []
    toy.run("git", "push", "-q", "origin", "refs/tags/dataset@v1.0.0")
    toy.dataops("release")
    assert toy.tags() == toy.tags(remote=True) == ["dataset@v1.0.0", "dataset@v1.1.0"]


def test_a_local_tag_survives_pruning(toy: Toy, tmp_path: Path) -> None:
    """`fetch.pruneTags` would take a version of --no-push away when the gate fetches a colleague's commits."""
    toy.run("git", "config", "fetch.prune", "true")
    toy.run("git", "config", "fetch.pruneTags", "true")
    toy.dataops("release", "--no-push")
    other = toy.clone(tmp_path / "colleague")
    other.run("git", "commit", "-q", "--allow-empty", "-m", "theirs")
    other.run("git", "push", "-q", "origin", "HEAD:main")
    toy.dataops("release", "model", "--dry-run", status=1)
    (toy.path / "notes.txt").write_text("x")
    toy.commit("not pushed", push=False)
    assert "is not on origin yet" in toy.dataops("release", "model", status=1).stderr
    assert toy.tags() == ["dataset@v1.0.0"]


def test_a_hook_that_keeps_the_tag_out(toy: Toy) -> None:
    """On the remote it is a version all the same, and that is what is said; the next run brings it."""
    hook = toy.path / ".git/hooks/reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    said = toy.dataops("release", status=2).stderr
    assert "dataset@v1.0.0 is released and on origin, but not here" in said
    hook.unlink()
    assert "was on origin already" in toy.dataops("release").stdout
    assert toy.tags() == toy.tags(remote=True) == ["dataset@v1.0.0"]


def test_the_previous_version_is_on_a_remote_of_its_own(toy: Toy, tmp_path: Path) -> None:
    """An output may be pinned to a remote: then its older bytes come from there."""
    other = tmp_path / "archive"
    other.mkdir()
    toy.dvc("remote", "add", "--local", "-q", "archive", str(other))
    text = (
        (toy.path / "dvc.yaml")
        .read_text()
        .replace("[data/dataset]\n  check", "[data/dataset: {remote: archive}]\n  check")
    )
    (toy.path / "dvc.yaml").write_text(text)
    toy.commit("pinned")
    toy.dataops("release")
    toy.put(m2024_01=month("2024-01").replace("2024-01-05,1,7", "2024-01-05,1,9"))
    toy.commit("one row")
    old = Object(hashlib.md5(month("2024-01").encode(), usedforsecurity=False).hexdigest())
    for_root(toy.path).delete([old])  # data/source had it there, by chance
    (toy.path / ".dvc/cache" / old.keys[0]).unlink()
    assert "patch" in toy.dataops("release").stdout
    assert any(other.iterdir())


def test_passwords_stay_out_of_tags() -> None:
    """Whoever imported from a URL with a key in it keeps the key; the rest of the URL is the source."""
    plain = ("https://host/x.csv?day=1", "git@host:team/x.git", "ssh://git@host/x", "s3://bucket/x", "../x", "C:/x@y")
    assert [public(url) for url in plain] == list(plain)
    assert public("https://bob:hunter2@host/x.csv") == "https://host/x.csv"
    signed = "https://b.s3.amazonaws.com/x?X-Amz-Date=2024&X-Amz-Credential=AK%2F1&X-Amz-Signature=ab&sig=cd#top"
    assert public(signed) == (
        "https://b.s3.amazonaws.com/x?X-Amz-Date=2024&X-Amz-Credential=…&X-Amz-Signature=…&sig=…#top"
    )


def test_a_source_with_a_password(toy: Toy) -> None:
    """The .dvc file has it, the tag doesn't."""
    (toy.path / "got.csv").write_text("a,b\n1,2\n")
    toy.dvc("add", "-q", "got.csv")
    pointer = toy.path / "got.csv.dvc"
    pointer.write_text(
        f"deps:\n- path: https://bob:hunter2@host/got.csv?token=abc\n  checksum: x\n{pointer.read_text()}"
    )
    text = (toy.path / "dvc.yaml").read_text() + "  got: {path: got.csv, type: dataset, meta: {gates: []}}\n"
    (toy.path / "dvc.yaml").write_text(text)
    toy.commit("got")
    code = (
        "from dataops.versions import context, plan; plan.fresh = lambda *_: plan.Gate('pipeline', True, '')\n"
        "print(plan.plan(context.here(), plan.Options('got')).text)"
    )
    said = toy.run(sys.executable, "-c", code).stdout
    assert '"url": "https://host/got.csv?token=…"' in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("artifacts", "status", "words"),
    [
        ("  stores: {path: stores.csv, type: dataset, meta: null}\n", 0, "next: git add"),
        ("  stores: {path: stores.csv, type: dataset, meta: [1]}\n", 2, "meta: expected keys and values"),
        ("  stores: stores.csv\n", 2, "dvc.yaml can't be read"),
        ("  other: null\n", 2, "dvc.yaml can't be read"),
        ("  ünï: {path: x.csv, desc: naïve}\n", 0, "next: git add"),
    ],
)
def test_track_in_an_odd_pipeline(toy: Toy, artifacts: str, status: int, words: str) -> None:
    """A line, never a traceback; and what isn't ASCII stays, whatever the locale."""
    with (toy.path / "dvc.yaml").open("a") as file:
        file.write(artifacts)
    (toy.path / "stores.csv").write_text("store\n1\n")
    done = toy.dataops(
        "track", "stores.csv", "--name", "stores", "--description", "x", status=status,
        LC_ALL="POSIX", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0",
    )  # fmt: skip
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert status or "ünï" not in artifacts or "naïve" in (toy.path / "dvc.yaml").read_text()


def test_publish_an_empty_folder(toy: Toy, server: Remote) -> None:
    """There is nothing to publish; and a place whose keys nobody can list is refused."""
    (toy.path / "empty").mkdir()
    toy.dvc("add", "-q", "empty")
    text = (toy.path / "dvc.yaml").read_text() + "  empty: {path: empty, type: dataset, meta: {gates: []}}\n"
    (toy.path / "dvc.yaml").write_text(text)
    toy.commit("empty")
    toy.dataops("release", "empty")
    assert "is an empty folder" in toy.dataops("publish", "empty@latest", status=2).stderr
    toy.dataops("release")
    for place in (f"s3://{server.bucket}//x", f"s3://{server.bucket}/../x", f"s3://{server.bucket}/a/./b"):
        assert "is no S3 URL" in toy.dataops("publish", "latest", "--to", place, "--dry-run", status=2).stderr
