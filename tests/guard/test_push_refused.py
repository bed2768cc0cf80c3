"""`git push` with the hook installed: refused while the pushed commits' data is missing on the DVC remote."""

from __future__ import annotations

import shutil

import pytest
from hookworld import add, connect, held, push, store, write
from toy import Toy


def test_refused_and_accepted(clone: Toy) -> None:
    """The first push, root commit and all: every output is named, with what made it and the way on."""
    said = push(clone, "origin", "main", status=1)
    assert "DATA201 5 outputs of the pushed commits are not on the DVC remote" in said
    commit = clone.out("git", "rev-parse", "--short=7", "HEAD")
    assert f"data/months: 2 of 2 files (01.csv, 02.csv), data/months.dvc, commit {commit}" in said
    assert f"total.csv, stage sum, commit {commit}" in said
    assert "hint: `dvc push`, then" in said
    assert "git push --no-verify" in said
    assert held(clone) == []
    clone.dvc("push", "-q")
    assert push(clone, "origin", "main") == ""
    assert held(clone) == ["refs/heads/main"]


def test_override(clone: Toy) -> None:
    """What the message names works."""
    assert push(clone, "--no-verify", "origin", "main") == ""


def test_every_commit_counts(pushed: Toy) -> None:
    """Data of a commit in the middle that the tip has replaced: `dvc push` alone would not bring it."""
    first = add(pushed, {"data/single.csv": "in between\n"})
    add(pushed, {"data/single.csv": "now\n"})
    pushed.dvc("push", "-q")
    said = push(pushed, "origin", "main", status=1)
    assert f"1 output of the pushed commits is not on the DVC remote ({store(pushed)})" in said
    assert f"data/single.csv, data/single.csv.dvc, commit {first[:7]}" in said
    assert "`dvc push --all-commits`" in said
    pushed.dvc("push", "-q", "--all-commits")
    push(pushed, "origin", "main")


def test_every_ref_counts(pushed: Toy) -> None:
    """pre-commit would look at the first ref of a push only; here the second one is at fault."""
    pushed.run("git", "branch", "a-code-only")
    pushed.run("git", "switch", "-qc", "b-with-data")
    add(pushed, {"data/single.csv": "new\n"})
    pushed.run("git", "switch", "-q", "main")
    said = push(pushed, "origin", "a-code-only", "b-with-data", status=1)
    assert "data/single.csv" in said
    assert "`dvc push --all-branches`" in said
    assert held(pushed) == ["refs/heads/main"]
    pushed.dvc("push", "-q", "--all-branches")
    push(pushed, "origin", "a-code-only", "b-with-data")


def test_tags_deletions_and_force(pushed: Toy) -> None:
    """An annotated tag alone carries its commits; deleting needs no data; a forced push is a push; a tree has none."""
    add(pushed, {"data/single.csv": "tagged\n"})
    pushed.run("git", "tag", "-am", "v1", "dataset@v1.0.0")
    assert "data/single.csv" in push(pushed, "origin", "dataset@v1.0.0", status=1)
    pushed.dvc("push", "-q")
    push(pushed, "origin", "dataset@v1.0.0")
    push(pushed, "origin", ":dataset@v1.0.0")
    pushed.run("git", "tag", "tree", "HEAD^{tree}")
    push(pushed, "origin", "tree", "main")
    pushed.run("git", "reset", "-q", "--hard", "HEAD~1")
    add(pushed, {"data/single.csv": "instead\n"})
    assert "data/single.csv" in push(pushed, "--force", "origin", "main", status=1)
    pushed.dvc("push", "-q")
    push(pushed, "--force", "origin", "main")


def test_one_file_of_a_folder(pushed: Toy) -> None:
    """Only what the push adds is looked for: the months that were there before are somebody else's matter."""
    add(pushed, {"data/months/03.csv": "3\n", "data/months/04.csv": "4\n"})
    pushed.dvc("push", "-q")
    four, one = (
        store(pushed) / "files/md5" / key
        for key in ("48/a24b70a0b376535542b996af517398", "b0/26324c6904b2a9cb4b88d6d61c81d1")
    )
    one.unlink()
    four.unlink()
    said = push(pushed, "origin", "main", status=1)
    assert "data/months: 1 of 4 files (04.csv)" in said


def test_nothing_added_nothing_asked(pushed: Toy) -> None:
    """Code, a new branch, a revert to what is there: no question to a remote that isn't even reachable."""
    shutil.rmtree(store(pushed))
    write(pushed, {"code.py": "print()\n"})
    pushed.commit("code", push=False)
    push(pushed, "origin", "main")
    push(pushed, "origin", "main:refs/heads/another")
    pushed.run("git", "rm", "-q", "data/single.csv.dvc")
    pushed.commit("less", push=False)
    push(pushed, "origin", "main")


def test_no_answer_is_no_proof(pushed: Toy) -> None:
    """A remote that is away, that answers nothing, that is of no kind known here, or that is not there at all."""
    add(pushed, {"data/single.csv": "new\n"})
    hidden = store(pushed).rename(store(pushed).with_name("unmounted"))
    said = push(pushed, "origin", "main", status=1)
    assert "DATA201 it can't be checked" in said
    assert "is its disk mounted on this machine?; `git push --no-verify`" in said
    hidden.rename(store(pushed))
    pushed.dvc("remote", "add", "-q", "--local", "-d", "away", "s3://bucket/prefix")
    for key, value in {"endpointurl": "http://127.0.0.1:9", "access_key_id": "a", "secret_access_key": "b"}.items():
        pushed.dvc("remote", "modify", "-q", "--local", "away", key, value)
    said = push(pushed, "origin", "main", status=1)
    assert "it can't be checked" in said
    assert "127.0.0.1:9" in said
    (pushed.path / ".dvc/config.local").unlink()
    said = push(pushed, "origin", "main", status=1)
    assert "the repository has no default remote" in said
    assert "dvc remote add" in said


def test_what_is_not_pushed_by_dvc(pushed: Toy) -> None:
    """`cache: false`, `push: false` and imports are none of `dvc push`'s; another remote's are looked for there."""
    other = pushed.path.parent / "other"
    other.mkdir()
    pushed.dvc("remote", "add", "-q", "--local", "other", str(other))
    pushed.dvc("import", "-q", str(pushed.path), "data/single.csv", "-o", "taken.csv")
    write(
        pushed,
        {
            "dvc.yaml": (
                "stages:\n  make:\n    cmd: for i in a b c d; do echo $i > $i.txt; done\n    outs:\n"
                "    - a.txt: {cache: false}\n    - b.txt: {push: false}\n    - c.txt: {remote: other}\n    - d.txt\n"
                "artifacts:\n  letter: {path: d.txt}\n"
            )
        },
    )
    pushed.dvc("repro", "-q", "make")
    pushed.commit("kinds", push=False)
    said = push(pushed, "origin", "main", status=1)
    assert f"2 outputs of the pushed commits are not on the DVC remote ({other}, {store(pushed)})" in said
    assert "c.txt, stage make" in said
    assert "d.txt, stage make, artifact letter" in said
    assert "taken.csv" not in said
    pushed.dvc("push", "-q")
    push(pushed, "origin", "main")


def test_data_that_this_clone_has_not(pushed: Toy) -> None:
    """`dvc push` can't bring what the cache has lost: that is said, and a useless command isn't."""
    add(pushed, {"data/single.csv": "lost\n"})
    shutil.rmtree(pushed.path / ".dvc/cache")
    said = push(pushed, "origin", "main", status=1)
    assert "data/single.csv, data/single.csv.dvc" in said
    assert "nor in this clone's cache" in said
    assert "only a clone that has it can push" in said
    assert "`dvc push`" not in said


@pytest.mark.parametrize("how", ["shallow", "worktree", "by url"])
def test_other_ways_to_have_a_clone(pushed: Toy, how: str) -> None:
    """Neither history that is cut off, nor a work tree beside, nor a remote without a name changes the answer."""
    if how == "shallow":
        path = pushed.path.parent / "clone2"
        pushed.run("git", "clone", "-q", "--depth", "1", f"file://{pushed.origin}", str(path))
        other = Toy(path)
        other.dataops("hook", "install")
        connect(other, store(pushed))
    elif how == "worktree":
        other = Toy(pushed.path.parent / "clone3")
        pushed.run("git", "worktree", "add", "-q", "-b", "side", str(other.path))
        connect(other, store(pushed))
    else:
        other = pushed
    remote = f"file://{pushed.origin}" if how == "by url" else "origin"
    add(other, {"data/single.csv": f"{how}\n"})
    said = push(other, remote, "HEAD:refs/heads/side", status=1)
    assert "DATA201 1 output" in said
    other.dvc("push", "-q")
    push(other, remote, "HEAD:refs/heads/side")


def test_a_repository_below_gits_top(pushed: Toy) -> None:
    """`dvc init --subdir`: the command says where."""
    sub = Toy(pushed.path / "team a")
    sub.path.mkdir()
    sub.dvc("init", "-q", "--subdir")
    (pushed.path.parent / "other").mkdir()
    connect(sub, pushed.path.parent / "other")
    write(sub, {"x.csv": "x\n"})
    sub.dvc("add", "-q", "x.csv")
    pushed.commit("sub", push=False)
    said = push(pushed, "origin", "main", status=1)
    assert "team a/x.csv, team a/x.csv.dvc" in said
    assert "`cd 'team a' && dvc push`" in said
