"""The pre-push check beside pre-commit, which tells its hooks the first ref of a push only."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import toy as toys
from hookworld import add, held, push, write
from servers import kill, make, remote
from toy import Toy

from dataops.store import embedded

ENTRIES = f"""\
default_install_hook_types: [pre-commit, pre-push]
repos:
  - repo: local
    hooks:
      - id: dataops-pre-push
        name: data before commits
        entry: {sys.executable} -P -m dataops hook pre-push
        language: system
        stages: [pre-push]
        always_run: true
        pass_filenames: false
"""


@pytest.fixture
def framed(pushed: Toy) -> Toy:
    """With pre-commit's own script for pre-push, ours before it."""
    write(pushed, {".pre-commit-config.yaml": ENTRIES})
    said = pushed.dataops("hook", "install").stdout
    assert "pre-push: pre-commit runs the hooks of .pre-commit-config.yaml" in said
    pushed.commit("hooks", push=False)
    assert pushed.dataops("hook", "install").stdout == "the hooks and the merge driver are installed already\n"
    return pushed


def test_every_ref_and_only_once(framed: Toy) -> None:
    """The second ref is the one at fault; it is named once, though the framework runs the check a second time."""
    framed.run("git", "branch", "a-code-only")
    framed.run("git", "switch", "-qc", "b-with-data")
    add(framed, {"data/single.csv": "new\n"})
    done = framed.run("git", "push", "origin", "a-code-only", "b-with-data", status=1)
    assert (done.stdout + done.stderr).count("DATA201") == 1
    assert held(framed) == ["refs/heads/main"]
    framed.dvc("push", "-q")
    framed.run("git", "push", "-q", "origin", "a-code-only", "b-with-data")


def test_root_commit(framed: Toy) -> None:
    """A push of everything, for which the framework passes no commits at all."""
    framed.run("git", "init", "-q", "--bare", str(framed.path.parent / "new.git"))
    framed.run("git", "remote", "add", "new", "../new.git")
    add(framed, {"data/single.csv": "new\n"})
    assert "data/single.csv" in framed.run("git", "push", "new", "main", status=1).stderr
    framed.dvc("push", "-q")
    framed.run("git", "push", "-q", "new", "main")


def test_by_hand(framed: Toy) -> None:
    """`pre-commit run --hook-stage pre-push` looks at what no remote branch has."""
    command = (sys.executable, "-m", "pre_commit", "run", "--hook-stage", "pre-push", "dataops-pre-push")
    framed.run(*command)
    add(framed, {"data/single.csv": "new\n"})
    assert "DATA201 1 output" in framed.run(*command, status=1).stdout
    framed.dvc("push", "-q")
    framed.run(*command)


def test_without_our_script(framed: Toy) -> None:
    """Somebody ran `pre-commit install -f` instead of ours: the framework's own call still checks what it is told."""
    framed.run(sys.executable, "-m", "pre_commit", "install", "-f", "--hook-type", "pre-push")
    add(framed, {"data/single.csv": "new\n"})
    done = framed.run("git", "push", "origin", "main", status=1)
    assert "DATA201 1 output" in done.stdout + done.stderr
    framed.dvc("push", "-q")
    framed.run("git", "push", "-q", "origin", "main")


def test_a_branch_without_the_configuration(framed: Toy) -> None:
    """Where there is no .pre-commit-config.yaml, nothing breaks, and data is looked for all the same."""
    framed.run("git", "rm", "-q", ".pre-commit-config.yaml")
    add(framed, {"data/single.csv": "new\n"})
    assert "DATA201" in push(framed, "origin", "main", status=1)
    framed.dvc("push", "-q")
    push(framed, "origin", "main")


def test_scripts_without_a_hook(framed: Toy) -> None:
    """A script that pre-commit left for a type that has no hook any more would refuse in the middle of a merge."""
    framed.run(sys.executable, "-m", "pre_commit", "install", "--hook-type", "post-checkout")
    assert (framed.path / ".git/hooks/post-checkout.legacy").exists()
    said = framed.dataops("hook", "install").stdout
    assert said == "post-checkout: removed pre-commit's script, as .pre-commit-config.yaml has no such hook\n"
    assert not (framed.path / ".git/hooks/post-checkout.legacy").exists()
    framed.run("git", "switch", "-qc", "theirs")
    add(framed, {"data/single.csv": "theirs\n"})
    framed.run("git", "switch", "-q", "main")
    add(framed, {"data/single.csv": "ours\n"})
    framed.run("git", "merge", "theirs", status=1)
    done = framed.run("git", "checkout", "-q", "--theirs", "data/single.csv.dvc")
    assert done.stderr == ""


def test_on_s3(clone: Toy, tmp_path: Path) -> None:
    """A bare git remote and the embedded S3: refused while `dvc push` is missing, accepted after it."""
    root = make(tmp_path / "server" / "clone")
    try:
        embedded.up(root)
        server = remote(root)
        toys.connect(
            clone,
            f"s3://{server.bucket}/hooks",
            {
                "endpointurl": str(server.endpoint_url),
                "region": str(server.region),
                "access_key_id": str(server.access_key_id),
                "secret_access_key": str(server.secret_access_key),
            },
        )
        said = push(clone, "origin", "main", status=1)
        assert f"5 outputs of the pushed commits are not on the DVC remote (s3://{server.bucket}/hooks)" in said
        assert held(clone) == []
        clone.dvc("push", "-q")
        push(clone, "origin", "main")
        assert held(clone) == ["refs/heads/main"]
        clone.dvc("remote", "modify", "-q", "--local", "storage", "secret_access_key", "wrong")
        add(clone, {"data/single.csv": "new\n"})
        said = push(clone, "origin", "main", status=1)
        assert "DATA201 it can't be checked" in said
        assert "git push --no-verify" in said
    finally:
        kill(root)
