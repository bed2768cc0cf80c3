"""The pre-push check on records that anybody may have written, and on remotes that only dvc reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from depot import Depot, make, md5
from hookworld import add
from toy import Toy

from dataops.errors import DataOpsError
from dataops.guard.hooks import absent, prepush, pushed
from dataops.guard.hooks.pushed import Push
from dataops.repo import git as gits


@pytest.fixture
def depot(tmp_path: Path) -> Depot:
    """A repository whose remote is a folder."""
    (tmp_path / "store").mkdir()
    return make(tmp_path / "clone", str(tmp_path / "store"))


def check(depot: Depot) -> prepush.Verdict:
    """As if everything were pushed to an empty git remote."""
    return prepush.check(depot.path, Push("origin", "", (depot.git("rev-parse", "HEAD"),), ()))


def listing(files: dict[str, str]) -> bytes:
    """A folder's list, whatever the names."""
    return json.dumps([{"md5": digest, "relpath": name} for name, digest in sorted(files.items())]).encode()


def record(depot: Depot, digest: str, path: str = "data/x", more: str = "") -> None:
    """A .dvc file."""
    target = depot.path / f"{path}.dvc"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f"outs:\n- md5: {digest}\n  hash: md5\n  path: {Path(path).name}\n{more}")
    depot.git("add", "-f", str(target.relative_to(depot.path)))


@pytest.mark.parametrize("name", ["a b", "line\nend", "\udce9.csv", "..\\x", "C:x", "\x1b[2Jx", "x" * 300, "../../up"])
def test_any_name_in_a_folder(depot: Depot, name: str) -> None:
    """A file is looked for whatever it is called; nothing is written under its name."""
    content = listing({name: md5(b"one")})
    obj = depot.keep(content, md5(content) + ".dir")
    record(depot, obj.digest)
    depot.commit()
    (missing,) = check(depot).missing
    assert missing.files == (name,)
    depot.keep(b"one")
    assert check(depot).missing == ()


@pytest.mark.parametrize(
    "content", [b"no json", b"{}", b'[{"relpath": "x"}]', b'[{"relpath": "x", "md5": "../../etc"}]']
)
def test_a_list_that_is_none(depot: Depot, content: bytes) -> None:
    """Its files can't be known; the object itself is there, and `dataops verify` is what judges it."""
    record(depot, depot.keep(content, md5(content) + ".dir").digest)
    depot.commit()
    assert check(depot).missing == ()


def test_broken_records_on_the_way(depot: Depot) -> None:
    """A commit in the middle with conflict markers is named, and the others are checked."""
    record(depot, md5(b"one"))
    depot.commit()
    (depot.path / "data/x.dvc").write_text("<<<<<<< HEAD\nouts:\n")
    depot.git("add", "-f", "data/x.dvc")
    broken = depot.commit()
    record(depot, depot.keep(b"two").digest)
    depot.commit()
    verdict = check(depot)
    assert [one.added.obj.digest for one in verdict.missing] == [md5(b"one")]
    assert verdict.notes == (f"data/x.dvc at {broken[:7]} has conflict markers of a merge",)


def test_records_of_no_object(depot: Depot) -> None:
    """What is external, or known by its ETag, no remote of DVC's has: it is not looked for."""
    (depot.path / "e.dvc").write_text("outs:\n- etag: abc\n  path: s3://elsewhere/x\n")
    (depot.path / "f.dvc").write_text("outs:\n- md5: not-a-hash\n  hash: md5\n  path: f\n")
    (depot.path / "g.dvc").write_text("outs:\n- path: nothing\n")
    depot.commit()
    assert check(depot) == prepush.Verdict()


def test_dvc_2s_objects(depot: Depot) -> None:
    """They lie in the old layout, or in the new one since somebody migrated the cache."""
    (depot.path / "old.dvc").write_text(f"outs:\n- md5: {md5(b'a')}\n  path: old\n")
    depot.commit()
    assert len(check(depot).missing) == 1
    depot.keep(b"a", algorithm="md5-dos2unix")
    assert check(depot).missing == ()


def test_what_is_printed_is_harmless(depot: Depot) -> None:
    """Names from commits don't reach a terminal as they are."""
    from dataops.cli import hook

    path = "data/\x1b[2J\nred"
    (depot.path / "data").mkdir()
    (depot.path / f"{path}.dvc").write_text(
        json.dumps({"outs": [{"md5": md5(b"x"), "hash": "md5", "path": "\x1b[2J"}]})
    )
    depot.git("add", "-f", f"{path}.dvc")
    depot.commit()
    text = "\n".join(hook._refusal(check(depot)))
    assert "DATA201 1 output" in text
    assert "\x1b" not in text
    assert text.count("\n") == 2 + len(["what this clone's cache lacks"])


@pytest.mark.parametrize("line", [b"x", b"a b c", b"\xff\n"])
def test_what_git_doesnt_say(line: bytes) -> None:
    """Standard input that isn't git's is an error in a line."""
    with pytest.raises(DataOpsError, match="no refs of a push"):
        pushed.parse(line)


def test_refs() -> None:
    """A source with spaces, a deletion, a new branch."""
    zero, one, two = "0" * 40, "1" * 40, "2" * 40
    text = f"HEAD@{{1 day ago}} {one} refs/heads/x {zero}\n(delete) {zero} refs/heads/y {two}\n"
    assert pushed.parse(text.encode(), "origin", "url") == Push("origin", "url", (one,), (two,))


def test_remotes_that_only_dvc_reads(clone: Toy) -> None:
    """ssh, gs and the like: dvc itself is asked. Here it is asked of a folder, as no such server runs in tests."""
    clone.dvc("push", "-q")
    add(clone, {"data/single.csv": "between\n", "data/months/03.csv": "3\n"})
    git = gits.of(clone.path)
    found = pushed.additions(git, Push("origin", "", (clone.out("git", "rev-parse", "HEAD"),), ()))
    assert found is not None
    gone = {one.added.path: one for one in absent.by_dvc(clone.path, found.added, "ssh://there")}
    assert set(gone) == {"data/single.csv", "data/months"}
    assert gone["data/months"].files == ("03.csv",)
    assert gone["data/months"].here
    clone.dvc("push", "-q")
    assert absent.by_dvc(clone.path, found.added, "ssh://there") == []
