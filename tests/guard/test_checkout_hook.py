"""Data follows git's switches, merges and rebases, and nothing that is saved nowhere is ever lost by it."""

from __future__ import annotations

import hashlib
import shutil
import stat
from pathlib import Path

import pytest
from hookworld import add, connect, push, raw, write
from toy import Toy


@pytest.fixture
def two(pushed: Toy) -> Toy:
    """Branch `grown` has a third month and no single.csv; `main` is checked out."""
    pushed.run("git", "switch", "-qc", "grown")
    pushed.run("git", "rm", "-q", "data/single.csv.dvc")
    add(pushed, {"data/months/03.csv": "3\n"})
    (pushed.path / "data/single.csv").unlink()
    pushed.dvc("push", "-q")
    pushed.run("git", "switch", "-q", "main")
    return pushed


def switch(clone: Toy, *words: str) -> str:
    """`git switch`, which always ends well; what was said."""
    return clone.run("git", "switch", "-q", *words).stderr


def months(clone: Toy) -> list[str]:
    """What lies there."""
    return sorted(path.name for path in (clone.path / "data/months").iterdir())


def test_data_follows(two: Toy) -> None:
    """There and back; what isn't recorded any more goes, as the cache has it."""
    assert months(two) == ["01.csv", "02.csv"]
    said = switch(two, "grown")
    assert "data checked out: data/months" in said
    assert "removed (the cache has it): data/single.csv" in said
    assert months(two) == ["01.csv", "02.csv", "03.csv"]
    assert not (two.path / "data/single.csv").exists()
    assert "data checked out: data/months, data/single.csv" in switch(two, "main")
    assert months(two) == ["01.csv", "02.csv"]
    assert two.dvc("status") == "Data and pipelines are up to date."
    assert two.out("git", "status", "--porcelain") == ""


@pytest.mark.parametrize("link", ["symlink", "hardlink"])
def test_links(two: Toy, link: str) -> None:
    """The files are links into the cache, as cache.type says."""
    two.dvc("config", "--local", "cache.type", link)
    two.dvc("checkout", "-q", "--relink")
    switch(two, "grown")
    assert months(two) == ["01.csv", "02.csv", "03.csv"]
    status = (two.path / "data/months/03.csv").lstat()
    assert stat.S_ISLNK(status.st_mode) if link == "symlink" else status.st_nlink > 1
    switch(two, "main")
    assert months(two) == ["01.csv", "02.csv"]


def test_unsaved_data_stays(two: Toy) -> None:
    """A changed file and a new one, in no cache: named and kept, and the rest is checked out all the same."""
    write(two, {"data/months/02.csv": "mine\n", "data/months/09.csv": "new\n"})
    said = switch(two, "grown")
    assert "data/months was left as it was" in said
    assert "02.csv, 09.csv" in said
    assert "`dvc checkout --force data/months`" in said
    assert (two.path / "data/months/02.csv").read_text() == "mine\n"
    assert (two.path / "data/months/09.csv").read_text() == "new\n"
    assert not (two.path / "data/single.csv").exists()
    switch(two, "main")
    assert (two.path / "data/single.csv").read_text() == "1\n"
    assert (two.path / "data/months/02.csv").read_text() == "mine\n"


def test_unsaved_single_file_stays(two: Toy) -> None:
    """Also where the other branch doesn't know the file."""
    write(two, {"data/single.csv": "mine\n"})
    switch(two, "grown")
    assert (two.path / "data/single.csv").read_text() == "mine\n"
    assert (
        "data/single.csv was left as it was: it is neither recorded nor in the cache" in switch(two, "main")
        or (two.path / "data/single.csv").read_text() == "mine\n"
    )


def test_changed_but_in_the_cache(two: Toy) -> None:
    """Other content that the cache has is no loss: it is replaced."""
    write(two, {"data/months/02.csv": "1\n"})  # as 01.csv
    assert "data checked out: data/months" in switch(two, "grown")
    assert (two.path / "data/months/02.csv").read_text() == "2\n"


def test_own_changes_elsewhere_are_left(two: Toy) -> None:
    """An output that both branches record alike is not looked at, whatever lies there."""
    write(two, {"total.csv": "mine\n"})
    said = switch(two, "grown")
    assert "total.csv" not in said
    assert (two.path / "total.csv").read_text() == "mine\n"


def test_quiet_where_nothing_differs(two: Toy) -> None:
    """A new branch, a file taken back, the same data: not a word, and dvc isn't even called."""
    (two.path / "bin").mkdir()
    assert switch(two, "-c", "same") == ""
    two.run("git", "checkout", "-q", "grown", "--", "data/months.dvc")
    two.run("git", "checkout", "-q", "HEAD", "--", "data/months.dvc")
    assert months(two) == ["01.csv", "02.csv"]
    assert switch(two, "main") == ""


def test_a_clone_without_data(two: Toy, tmp_path: Path) -> None:
    """One line, however many outputs; nothing is fetched; after `dvc pull` all is there."""
    two.run("git", "push", "-q", "origin", "grown")
    path = tmp_path / "colleague"
    two.run("git", "clone", "-q", str(two.origin), str(path))
    other = Toy(path)
    connect(other, two.path.parent / "store")
    other.dataops("hook", "install")
    said = switch(other, "grown")
    assert said.count("\n") == 1
    assert "not in this clone's cache: data/months; `dvc pull` brings it" in said
    assert not (path / "data/months").exists()
    other.dvc("pull", "-q")
    assert months(other) == ["01.csv", "02.csv", "03.csv"]


def test_merge_pull_and_rebase(two: Toy, tmp_path: Path) -> None:
    """A fast-forward, a merge commit, `pull --rebase` with own commits: each time the data is what is recorded."""
    two.run("git", "merge", "-q", "grown")
    assert months(two) == ["01.csv", "02.csv", "03.csv"]
    two.run("git", "reset", "-q", "--hard", "HEAD~1")
    two.dvc("checkout", "-q")
    write(two, {"code.py": "1\n"})
    two.commit("code", push=False)
    two.run("git", "merge", "-q", "grown", "-m", "merged")
    assert months(two) == ["01.csv", "02.csv", "03.csv"]
    two.run("git", "reset", "-q", "--hard", "HEAD~1")
    two.dvc("checkout", "-q")
    assert months(two) == ["01.csv", "02.csv"]
    two.run("git", "push", "-q", "origin", "grown:main")
    two.run("git", "pull", "-q", "--rebase", "origin", "main")
    assert months(two) == ["01.csv", "02.csv", "03.csv"]
    two.run("git", "switch", "-q", "-c", "behind", "HEAD~2")
    assert months(two) == ["01.csv", "02.csv"]
    two.run("git", "rebase", "-q", "main")
    assert months(two) == ["01.csv", "02.csv", "03.csv"]


def test_squash(two: Toy) -> None:
    """`git merge --squash` leaves HEAD where it is, and the records of the other branch in the work tree."""
    two.run("git", "merge", "-q", "--squash", "grown")
    assert months(two) == ["01.csv", "02.csv", "03.csv"]


def test_rebase_and_bisect_are_left_alone(two: Toy) -> None:
    """Nothing moves while git is at work with commits; a bisection is told how."""
    write(two, {"code.py": "1\n"})
    two.commit("code", push=False)
    two.run("git", "switch", "-q", "grown")
    done = two.run("git", "-c", "sequence.editor=sed -i '1i break'", "rebase", "-i", "main", status=None)
    assert months(two) == ["01.csv", "02.csv", "03.csv"], done.stderr
    two.run("git", "rebase", "--continue")
    assert months(two) == ["01.csv", "02.csv", "03.csv"]
    said = two.run("git", "bisect", "start", "grown", "grown~2").stderr
    said += two.run("git", "checkout", "-q", "main~1").stderr
    assert "bisect in progress: the data was left as it was" in said
    assert months(two) == ["01.csv", "02.csv", "03.csv"]


def test_broken_records_and_no_dvc(two: Toy) -> None:
    """A lock that can't be read, a repository that is none of DVC's: git goes on, at most a line is said."""
    two.run("git", "switch", "-q", "-c", "broken")
    write(two, {"dvc.lock": "<<<<<<< ours\n"})
    two.commit("broken", push=False)
    switch(two, "grown")
    assert months(two) == ["01.csv", "02.csv", "03.csv"]
    said = switch(two, "broken")
    assert "dvc.lock: expected keys and values, found a str: its data was left as it was" in said
    assert "dvc checkout: " in said
    assert "gave no reason" not in said
    assert (two.path / "total.csv").is_file()
    two.run("git", "switch", "-q", "--orphan", "empty")
    shutil.rmtree(two.path / ".dvc", ignore_errors=True)
    assert "Traceback" not in two.run("git", "commit", "-qm", "none", "--allow-empty").stderr


def test_links_out_of_the_repository(two: Toy) -> None:
    """A folder of data that is a link to somebody's disk: nothing behind the link is ever deleted."""
    two.run("git", "switch", "-qc", "none")
    two.run("git", "rm", "-q", "data/months.dvc")
    two.commit("none", push=False)
    two.run("git", "switch", "-q", "main")
    elsewhere = two.path.parent / "disk"
    shutil.move(two.path / "data/months", elsewhere)
    (two.path / "data/months").symlink_to(elsewhere)
    switch(two, "none")
    assert sorted(path.name for path in elsewhere.iterdir()) == ["01.csv", "02.csv"]


def test_records_of_gits_own_folder(two: Toy) -> None:
    """A commit may record anything as data; .git is no place for it."""
    digest = hashlib.md5(b"1\n").hexdigest()  # the cache has it
    two.run("git", "switch", "-qc", "hostile")
    write(two, {"x.dvc": f"outs:\n- md5: {digest}\n  hash: md5\n  path: .git/hooks/post-commit\n"})
    two.run("git", "add", "-f", "x.dvc")
    two.run("git", "commit", "-qm", "hostile")
    two.run("git", "switch", "-q", "main")
    switch(two, "hostile")
    assert not (two.path / ".git/hooks/post-commit").exists()


def test_skipped(two: Toy) -> None:
    """SKIP names what is left out, as pre-commit has it."""
    two.run("git", "switch", "-q", "grown", SKIP="other,dataops-checkout")
    assert months(two) == ["01.csv", "02.csv"]
    two.dvc("checkout", "-q", "data/months.dvc")
    add(two, {"data/months/05.csv": "5\n"})
    push(two, "origin", "grown", status=1)
    two.run("git", "push", "-q", "origin", "grown", SKIP="dataops-pre-push")


def test_names_that_are_odd(two: Toy) -> None:
    """Spaces and line ends in a folder come and go like others; a branch need not be UTF-8."""
    for name in ("with space.csv", "line\nend.csv"):
        (two.path / "data/months" / name).write_text(name)
    two.run("git", "switch", "-q", "-c", "odd")
    two.dvc("add", "-q", "data/months")
    two.commit("odd", push=False)
    said = push(two, "origin", "odd", status=1)
    assert "data/months: 2 of 4 files (line end.csv, with space.csv)" in said
    two.dvc("push", "-q")
    push(two, "origin", "odd")
    assert "data checked out" in switch(two, "main")
    assert months(two) == ["01.csv", "02.csv"]
    assert "data checked out" in switch(two, "odd")
    assert len(months(two)) == 4
    raw(two, b"git", b"branch", b"br\xe9")
    raw(two, b"git", b"push", b"-q", b"origin", b"br\xe9")
