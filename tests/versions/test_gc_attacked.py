"""`dataops gc` where a repository is unusual: whatever anybody may still need stays."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from pathlib import Path

import depot as depots
import pytest
from depot import Depot

from dataops.errors import DataOpsError, Refused
from dataops.store.objects import Object
from dataops.versions.gc import Options, collect
from dataops.versions.verify import Options as Checks
from dataops.versions.verify import Sample, verify

NOW = dt.timedelta(0)
LOCAL = Options(older_than=NOW)
BOTH = Options(remote="", older_than=NOW)


@pytest.fixture
def depot(tmp_path: Path) -> Depot:
    """One release, and a commit after it that is pushed as well; on a folder remote, with a git remote."""
    made = depots.make(tmp_path / "clone", str(tmp_path / "remote"))
    made.release("v1.0.0", {"train/a.csv": b"needed"})
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(tmp_path / "origin.git")], check=True)
    made.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    made.record({"train/b.csv": b"later"})
    made.commit("later")
    made.git("push", "-q", "--tags", "origin", "main")
    return made


def have(depot: Depot, content: bytes) -> tuple[bool, bool]:
    """Is it in the cache, and on the remote?"""
    obj = Object(depots.md5(content))
    return depot.cache.has(obj), depot.store.head(obj) is not None


def test_a_replaced_commit_is_what_others_see(depot: Depot) -> None:
    """`git replace` shows this clone another commit in a release's place; everybody else has the real one."""
    depot.git("replace", "dataset@v1.0.0^{commit}", "HEAD")
    collect(depot.context, BOTH)
    assert have(depot, b"needed") == (True, True)
    depot.git("replace", "-d", "dataset@v1.0.0^{commit}")
    assert verify(depot.context, "v1.0.0", Checks(read=Sample())).sound


def test_a_replaced_record(depot: Depot) -> None:
    """The same with a blob."""
    depot.git("replace", "dataset@v1.0.0:dvc.lock", "HEAD:dvc.lock")
    collect(depot.context, BOTH)
    assert have(depot, b"needed") == (True, True)


@pytest.mark.parametrize(
    "more", ["meta:\n  repo: forge/stores\n", "deps:\n- path: x\n  repo:\n    url: git@host:x\n", "  push: false\n"]
)
def test_a_list_that_only_the_remote_has(depot: Depot, more: str) -> None:
    """What looks like an import may be on our remote all the same: its list, where it is there, is believed."""
    digest = depot.hold({"x.csv": b"inside"})
    pointer = f"outs:\n- md5: {digest}\n  hash: md5\n  path: stores\n{more}"
    (depot.path / "stores.dvc").write_text(pointer)
    depot.commit("stores")
    depot.git("push", "-q", "origin", "main")
    shutil.rmtree(depot.cache.folder)
    collect(depot.context, BOTH)
    assert have(depot, b"inside") == (False, True)


def test_a_damaged_list_that_only_the_remote_has(depot: Depot) -> None:
    """Which files it named isn't known, so nothing goes."""
    digest = depot.hold({"x.csv": b"inside"})
    (depot.path / "stores.dvc").write_text(f"outs:\n- md5: {digest}\n  path: stores\n  push: false\n")
    depot.commit("stores")
    depot.git("push", "-q", "origin", "main")
    shutil.rmtree(depot.cache.folder)
    scratch = depot.path / ".dvc/tmp/damaged"
    scratch.write_bytes(b"[]")
    depot.store.put(Object(digest), scratch)
    with pytest.raises(Refused, match=f"list of files {digest}"):
        collect(depot.context, BOTH)
    assert have(depot, b"inside") == (False, True)


def test_a_worktree_that_was_moved_by_hand(depot: Depot, tmp_path: Path) -> None:
    """Git would prune it, but its detached commits are still wanted."""
    depot.git("worktree", "add", "-q", "--detach", str(tmp_path / "other"), "HEAD")
    other = Depot(tmp_path / "other")
    depot.record({"x.csv": b"detached"})
    shutil.copy(depot.path / "dvc.lock", other.path / "dvc.lock")
    depot.git("restore", "dvc.lock")
    other.git("commit", "-qam", "detached")
    depot.record({"x.csv": b"staged there"})
    shutil.copy(depot.path / "dvc.lock", other.path / "dvc.lock")
    depot.git("restore", "dvc.lock")
    other.git("add", "-A")
    other.path.rename(tmp_path / "moved")
    collect(depot.context, BOTH)
    assert have(depot, b"detached") == (True, True)


def test_objects_behind_a_link(depot: Depot, tmp_path: Path) -> None:
    """A cache whose inner folder lies elsewhere may be shared as well as a whole one."""
    shutil.move(depot.cache.folder / "files", tmp_path / "elsewhere")
    (depot.cache.folder / "files").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused, match="outside of this repository"):
        collect(depot.context, LOCAL)


def test_in_a_conflict(depot: Depot) -> None:
    """A dvc.lock with both sides, in the work tree and in the index."""
    depot.git("switch", "-qc", "theirs")
    depot.record({"x.csv": b"theirs"})
    depot.commit("theirs")
    depot.git("switch", "-q", "main")
    depot.record({"x.csv": b"ours"})
    depot.commit("ours")
    done = subprocess.run(["git", "merge", "-q", "theirs"], cwd=depot.path, capture_output=True, check=False)
    assert done.returncode
    depot.git("branch", "-qD", "theirs")
    (depot.path / ".git/MERGE_HEAD").unlink()
    (depot.path / ".git/ORIG_HEAD").unlink(missing_ok=True)
    collect(depot.context, LOCAL)
    assert have(depot, b"theirs")[0]
    assert have(depot, b"ours")[0]


def test_added_only_in_name(depot: Depot) -> None:
    """`git add -N` puts an entry without an object into the index."""
    obj = depot.keep(b"new")
    (depot.path / "new.csv.dvc").write_text(f"outs:\n- md5: {obj.digest}\n  hash: md5\n  path: new.csv\n")
    depot.git("add", "-N", "new.csv.dvc")
    collect(depot.context, LOCAL)
    assert have(depot, b"new")[0]


def test_history_cut_by_grafts(depot: Depot) -> None:
    """What every commit needs isn't known where git is told to forget parents."""
    (depot.path / ".git/info").mkdir(exist_ok=True)
    (depot.path / ".git/info/grafts").write_text(depot.git("rev-parse", "HEAD") + "\n")
    with pytest.raises(DataOpsError, match="graft"):
        collect(depot.context, Options(older_than=NOW, every_commit=True))


@pytest.mark.parametrize("options", [LOCAL, BOTH])
def test_a_tag_whose_commit_is_lost(depot: Depot, options: Options) -> None:
    """What a damaged clone can't see is not unneeded."""
    depot.git("switch", "-qc", "side")
    depot.release("v1.1.0", {"x.csv": b"of the side"})
    commit = depot.git("rev-parse", "HEAD")
    depot.git("push", "-q", "origin", "dataset@v1.1.0")
    depot.git("switch", "-q", "main")
    depot.git("branch", "-qD", "side")
    (depot.path / ".git/objects" / commit[:2] / commit[2:]).unlink()
    with pytest.raises(DataOpsError, match="isn't known"):
        collect(depot.context, options)
    assert have(depot, b"of the side") == (True, True)


def test_a_tag_of_a_file(depot: Depot) -> None:
    """It needs no data, and is in nobody's way."""
    depot.git("tag", "-a", "-m", "x", "key", "HEAD:dvc.yaml")
    depot.git("tag", "light", "HEAD:dvc.yaml")
    collect(depot.context, BOTH)
    assert have(depot, b"needed") == (True, True)
