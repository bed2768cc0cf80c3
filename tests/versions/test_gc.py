"""What anything needs stays, whoever names it and however; what can't be known stops it; the rest goes."""

from __future__ import annotations

import datetime as dt
import fcntl
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import depot as depots
import pytest
from depot import Depot
from test_verify_s3 import options

from dataops.cli.gc import age
from dataops.errors import DataOpsError, Refused
from dataops.repo import scanned
from dataops.store.dvcconfig import Remote
from dataops.store.folder import FolderStore
from dataops.store.objects import Object
from dataops.versions import gc
from dataops.versions.gc import Options, collect, plan
from dataops.versions.verify import Options as Checks
from dataops.versions.verify import Sample, verify

NOW = dt.timedelta(0)
LOCAL = Options(older_than=NOW)
BOTH = Options(remote="", older_than=NOW)
NUMBER = itertools.count(1)


@pytest.fixture
def depot(tmp_path: Path) -> Depot:
    """Two releases, and a commit between them that nothing names; on a folder remote, with a git remote."""
    made = depots.make(tmp_path / "clone", str(tmp_path / "remote"))
    made.release("v1.0.0", {"train/a.csv": b"a" * 900, "test/b.csv": b"b" * 300})
    made.record({"train/a.csv": b"a" * 900, "test/between.csv": b"between"})
    made.commit("between")
    made.release("v1.1.0", {"train/a.csv": b"a" * 900, "test/c.csv": b"c" * 200}, {"rows.csv": b"more"})
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(tmp_path / "origin.git")], check=True)
    made.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    made.git("push", "-q", "--tags", "origin", "main")
    return made


def have(depot: Depot, content: bytes) -> tuple[bool, bool]:
    """Is it in the cache, and on the remote?"""
    obj = Object(depots.md5(content))
    return depot.cache.has(obj), depot.store.head(obj) is not None


def test_only_what_nothing_names(depot: Depot) -> None:
    """The data of the commit between two tips goes, its list too; every release is still sound."""
    planned = plan(depot.context, BOTH)
    assert [len(place.unneeded) for place in planned.places] == [2, 2]
    assert have(depot, b"between") == (True, True)
    done = collect(depot.context, BOTH)
    assert [place.size for place in done.places] == [place.size for place in planned.places]
    assert have(depot, b"between") == (False, False)
    assert verify(depot.context, None, Checks(every=True, read=Sample())).sound
    assert not any(place.unneeded for place in plan(depot.context, BOTH).places)


def test_the_remote_only_when_named(depot: Depot) -> None:
    """Without --remote nothing is asked of it."""
    collect(depot.context, LOCAL)
    assert have(depot, b"between") == (False, True)


def test_every_commit(depot: Depot) -> None:
    """--all-commits keeps what lies between the tips."""
    assert not any(place.unneeded for place in plan(depot.context, Options(older_than=NOW, every_commit=True)).places)


Scene = Callable[[Depot], object]


def on_a_branch(depot: Depot) -> None:
    """On a branch that is not checked out."""
    depot.git("switch", "-qc", "other")
    depot.record({"x.csv": b"needed"})
    depot.commit()
    depot.git("switch", "-q", "main")


def on_a_light_tag(depot: Depot) -> None:
    """Under a tag that is no version."""
    on_a_branch(depot)
    depot.git("tag", "keep", "other")
    depot.git("branch", "-qD", "other")


def in_a_stash(depot: Depot) -> None:
    """In an older entry of the stash."""
    depot.record({"x.csv": b"needed"})
    depot.git("stash", "-q")
    depot.record({"x.csv": b"later"})
    depot.git("stash", "-q")


def untracked_in_a_stash(depot: Depot) -> None:
    """In a .dvc file that git never tracked, stashed with -u."""
    single(depot)
    depot.git("stash", "-qu")


def single(depot: Depot) -> None:
    """In a .dvc file that lies there."""
    obj = depot.keep(b"needed")
    (depot.path / "notes.csv.dvc").write_text(f"outs:\n- md5: {obj.digest}\n  hash: md5\n  path: notes.csv\n")


def ignored(depot: Depot) -> None:
    """In a .dvc file that git ignores, by mistake."""
    single(depot)
    with (depot.path / ".gitignore").open("a") as file:
        file.write("*.dvc\n")


def staged(depot: Depot) -> None:
    """In the index alone."""
    depot.record({"x.csv": b"needed"})
    depot.git("add", "-A")
    depot.git("restore", "dvc.lock", "--source=HEAD", "--worktree")


def lying_there(depot: Depot) -> None:
    """In a dvc.lock that isn't committed."""
    depot.record({"x.csv": b"needed"})


def in_a_worktree(depot: Depot) -> None:
    """In another worktree, detached, and not committed there."""
    other = depot.path.with_name("worktree")
    depot.git("worktree", "add", "-q", "--detach", str(other), "HEAD")
    digest = depot.record({"x.csv": b"needed"})
    (other / "dvc.lock").write_bytes((depot.path / "dvc.lock").read_bytes())
    depot.git("restore", "dvc.lock")
    assert digest


def in_an_experiment(depot: Depot) -> None:
    """In an experiment of DVC's."""
    on_a_branch(depot)
    depot.git("update-ref", "refs/exps/ab/cdef/lean-axle", "other")
    depot.git("branch", "-qD", "other")


def running_experiment(depot: Depot) -> None:
    """In the folder where DVC runs an experiment."""
    digest = depot.record({"x.csv": b"needed"})
    place = depot.path / ".dvc/tmp/exps/standalone/tmp123"
    place.mkdir(parents=True)
    (depot.path / "dvc.lock").rename(place / "dvc.lock")
    (place / "dvc.yaml").write_bytes((depot.path / "dvc.yaml").read_bytes())
    depot.git("restore", "dvc.lock")
    assert digest


def tracked_from_a_remote(depot: Depot) -> None:
    """On a colleague's branch, as fetched."""
    on_a_branch(depot)
    depot.git("push", "-q", "origin", "other")
    depot.git("branch", "-qD", "other")


def during_a_merge(depot: Depot) -> None:
    """In what is being merged."""
    on_a_branch(depot)
    (depot.path / "x").write_text("ours")
    depot.commit()
    depot.git("merge", "-q", "--no-commit", "--no-ff", "-s", "ours", "other")
    depot.git("branch", "-qD", "other")


def of_dvc_2(depot: Depot) -> None:
    """In the layout of DVC 2, by a lock of schema 1."""
    listed = depots.manifest.dump({"x.csv": depots.md5(b"needed")})
    depot.keep(b"needed", algorithm="md5-dos2unix")
    depot.keep(listed, depots.md5(listed) + ".dir", algorithm="md5-dos2unix")
    (depot.path / "old").mkdir()
    (depot.path / "old/dvc.lock").write_text(f"s:\n  cmd: c\n  outs:\n  - path: o\n    md5: {depots.md5(listed)}.dir\n")
    depot.commit()


SCENES = [
    *(on_a_branch, on_a_light_tag, in_a_stash, untracked_in_a_stash, single, ignored, staged, lying_there),
    *(in_a_worktree, in_an_experiment, running_experiment, tracked_from_a_remote, during_a_merge, of_dvc_2),
]


@pytest.mark.parametrize("scene", SCENES)
def test_needed(depot: Depot, scene: Scene) -> None:
    """Whatever holds it, it stays, here and on the remote."""
    scene(depot)
    collect(depot.context, BOTH)
    obj = Object(depots.md5(b"needed"), "md5-dos2unix")
    assert depot.cache.has(obj)
    assert depot.store.head(obj)
    assert have(depot, b"between") == (False, False)


def test_young_objects_stay(depot: Depot) -> None:
    """Somebody may be about to commit them; and the files that a young list names may be old."""
    place = FolderStore(depot.cache.folder)
    assert not any(found.unneeded for found in plan(depot.context, Options(remote="")).places)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=2)
    planned = plan(depot.context, Options(remote=""), now=later)
    assert [len(found.unneeded) for found in planned.places] == [2, 0]  # a day in the cache, 14 on the remote
    digest = depot.hold({"pushed.csv": b"pushed"})
    stored = [one for one in gc._listed(place) if one.obj.digest in (digest, depots.md5(b"pushed"))]
    old = [gc.Stored(one.obj, one.size, later - dt.timedelta(days=9 * (not one.obj.is_folder))) for one in stored]
    assert len(gc.sort(place, old, set(), later - dt.timedelta(days=1)).unneeded) == 1
    planned = gc._place(place, list(gc._listed(place)), set(), later - dt.timedelta(days=9))
    assert not [one for one in planned.unneeded if one in stored]


def test_a_lost_list_stops_it(depot: Depot) -> None:
    """What a list named can't be known: nothing is removed."""
    digest = depot.record({"x.csv": b"x"})
    depot.commit()
    depot.cache.path(Object(digest)).unlink()
    collect(depot.context, LOCAL)  # the remote still has it
    depot.store.delete([Object(digest)])
    with pytest.raises(Refused, match=f"{digest} is neither in the cache nor on the remote"):
        collect(depot.context, BOTH)
    assert have(depot, b"x") == (True, True)


def test_a_damaged_list_is_not_believed(depot: Depot) -> None:
    """A list in the cache that was cut is read from the remote instead."""
    digest = depot.record({"x.csv": b"x", "y.csv": b"y"})
    depot.commit()
    depot.git("push", "-q", "origin", "main")
    path = depot.cache.path(Object(digest))
    path.chmod(0o644)
    path.write_bytes(b"[]")
    collect(depot.context, BOTH)
    assert have(depot, b"y") == (True, True)


def test_refs_that_are_not_here(depot: Depot, tmp_path: Path) -> None:
    """A colleague's branch that wasn't fetched may need anything; a closed pull request's ref may not."""
    other = Depot(tmp_path / "colleague")
    depot.git("clone", "-q", str(tmp_path / "origin.git"), str(other.path))
    other.git("switch", "-qc", "theirs")
    (other.path / "x").write_text("x")
    other.commit()
    other.git("push", "-q", "origin", "theirs:refs/pull/1/head")
    plan(depot.context, BOTH)
    other.git("push", "-q", "origin", "theirs")
    with pytest.raises(Refused, match="refs/heads/theirs is not in this clone"):
        plan(depot.context, BOTH)
    plan(depot.context, LOCAL)
    depot.git("fetch", "-q", "--all", "--tags", "--prune")
    plan(depot.context, BOTH)


def test_shallow_clone(depot: Depot, tmp_path: Path) -> None:
    """It doesn't know the history."""
    path = tmp_path / "shallow"
    depot.git("clone", "-q", "--depth=1", f"file://{tmp_path}/origin.git", str(path))
    with pytest.raises(Refused, match="shallow"):
        plan(Depot(path).context, BOTH)


def test_shared_cache(depot: Depot, tmp_path: Path) -> None:
    """A cache outside of the repository may be others' too."""
    (depot.path / ".dvc/config.local").write_text(f"[cache]\n    dir = {tmp_path}/shared\n")
    with pytest.raises(Refused, match="outside of this repository"):
        plan(depot.context, LOCAL)


def test_while_dvc_works(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    """A running dvc keeps its lock, and a running stage a note: both are respected."""
    monkeypatch.setattr("dataops.versions.busy.PATIENCE", 0.1)
    tmp = depot.path / ".dvc/tmp"
    with (tmp / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(Refused, match="running"):
            collect(depot.context, LOCAL)
    note = {"write": {"/x": {"pid": os.getpid(), "cmd": "dvc repro"}}, "read": {}}
    (tmp / "rwlock").write_text(json.dumps(note))
    with pytest.raises(Refused, match="dvc repro"):
        collect(depot.context, LOCAL)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp / "rwlock").write_text(json.dumps(note).replace(str(os.getpid()), str(gone.pid)))
    collect(depot.context, LOCAL)
    assert have(depot, b"between") == (False, True)


@pytest.mark.parametrize("after", range(4))
def test_killed_half_way(depot: Depot, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Lists go before their files; what is needed is sound after a kill, and the next run ends it."""
    deleted = itertools.count()
    real = FolderStore.delete

    def delete(self: FolderStore, objects: list[Object]) -> None:
        if next(deleted) >= after:
            raise KeyboardInterrupt
        real(self, objects)

    monkeypatch.setattr(gc, "BATCH", 1)
    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "delete", delete)
        with pytest.raises(KeyboardInterrupt):
            collect(depot.context, BOTH)
    if after == 1:
        assert have(depot, b"between") == (True, True)  # its list went first
    assert verify(depot.context, None, Checks(every=True, read=Sample())).sound
    collect(depot.context, BOTH)
    assert have(depot, b"between") == (False, False)


def test_run_cache_and_strangers_stay(depot: Depot) -> None:
    """Only what has a hash for its name is looked at."""
    for name in ("runs/ab/abc/def", "files/md5/ab/tmp.x", "README"):
        path = depot.cache.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    collect(depot.context, LOCAL)
    assert (depot.cache.folder / "runs/ab/abc/def").is_file()
    assert (depot.cache.folder / "README").is_file()


def test_on_s3(server: Remote, tmp_path: Path) -> None:
    """The same with a bucket."""
    depot = depots.make(tmp_path / "clone", f"s3://{server.bucket}/gc-{next(NUMBER)}", options(server))
    depot.release("v1.0.0", {"train/a.csv": b"a"})
    depot.record({"between.csv": b"between"})
    depot.commit("between")
    depot.release("v1.1.0", {"train/b.csv": b"b"})
    assert not plan(depot.context, Options(remote="")).places[1].unneeded
    collect(depot.context, BOTH)
    assert have(depot, b"between") == (False, False)
    assert verify(depot.context, None, Checks(every=True, read=Sample())).sound


def test_where_it_was(depot: Depot) -> None:
    """People see which file an object was, and which commit recorded it."""
    (place,) = plan(depot.context, LOCAL).places
    folders = [one.obj for one in place.unneeded if one.obj.is_folder]
    told = gc.where_used(depot.context, place.unneeded, depot.cache, folders)
    assert told[depots.md5(b"between")].startswith("test/between.csv recorded in ")
    assert told[depots.md5(b"between")].endswith(" between")


def test_folders_that_dvc_keeps_no_list_of() -> None:
    """Dependencies and `cache: false` have hashes of lists that exist nowhere; in doubt a list is needed."""
    lists = {name: f"{number:032x}.dir" for number, name in enumerate(("dep", "plain", "metric", "out", "stale"))}
    lock = "".join(f"  - path: {name}\n    md5: {lists[name]}\n" for name in ("plain", "metric", "out", "stale"))
    lock = f"stages:\n  s:\n  deps:\n  - path: src\n    md5: {lists['dep']}\n  outs:\n{lock}"
    declared = (
        "stages:\n  s:\n    foreach: [1]\n    do:\n      outs: [out, plain: {cache: false}]\n"
        "      metrics:\n        - ./${name}ric: {cache: false}\n"
    )
    found = scanned.read(lock.encode(), declared.encode())
    assert found.lists == {lists["out"], lists["stale"]}
    assert found.hashes == set(lists.values())  # where one is in the cache, its files stay
    assert scanned.read(lock.encode(), None).lists == set(lists.values()) - {lists["dep"]}
    imported = f"deps:\n- path: x\n  repo:\n    url: git@host:x\nouts:\n- md5: {lists['out']}\n  path: x\n"
    assert not scanned.read(imported.encode(), None).lists


def test_ages() -> None:
    """As people write them."""
    assert age("14d") == dt.timedelta(days=14)
    assert age("2w") == dt.timedelta(days=14)
    assert age("12h") == dt.timedelta(hours=12)
    for wrong in ("14", "d", "-1d", "1y"):
        with pytest.raises(Exception, match="is no age"):
            age(wrong)


def test_unreadable_git(depot: Depot) -> None:
    """A repository that lacks an object doesn't say what it needs."""
    blob = depot.git("rev-parse", "dataset@v1.0.0:dvc.lock")
    (depot.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(DataOpsError, match="isn't known"):
        collect(depot.context, LOCAL)
