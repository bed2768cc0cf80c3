"""Other people's repositories, made by real DVC: imports, several DVC roots in one of git, outputs elsewhere."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import warm
from toy import environ

import dataops
from dataops.errors import DataOpsError
from dataops.versions import context
from dataops.versions.compare import compare
from dataops.versions.get import get
from dataops.versions.inputs import needed
from dataops.versions.shown import gather
from dataops.versions.uri import uri

PIPELINE = """\
stages:
  fit: {cmd: cat data/a.csv cats/1.txt > m.bin, deps: [data, cats], outs: [m.bin: {remote: second}]}
  late: {cmd: exit 1, outs: [late.bin]}
artifacts:
  dataset: {path: data}
  part: {path: data/sub}
  both: {path: .}
"""


class World:
    """A registry, and a monorepo whose two teams import from it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.registry, self.mono = path / "registry", path / "mono"
        for folder in (self.registry, self.mono / "teams/a", self.mono / "teams/b", path / "away"):
            folder.mkdir(parents=True)
        self._registry()
        self._monorepo()

    def _registry(self) -> None:
        top = self.registry
        self.run(top, "git", "init", "-qb", "main")
        self.dvc(top, "init")
        self.dvc(top, "remote", "add", "-d", "r", str(self.path / "remote-r"))
        self.write(top, {"cats/1.txt": "1\n", "cats/s p/ü.txt": "2\n", "notes/n.md": "n\n", "old.csv": "x\r\n1\r\n"})
        self.dvc(top, "add", "cats")
        digest = hashlib.md5(b"x\n1\n", usedforsecurity=False).hexdigest()  # as DVC 2 hashed: line ends made LF
        self.write(top, {"old.csv.dvc": f"outs:\n- md5: {digest}\n  size: 7\n  path: old.csv\n"})
        place = self.path / "remote-r" / digest[:2] / digest[2:]
        place.parent.mkdir(parents=True)
        place.write_bytes(b"x\r\n1\r\n")
        (top / "old.csv").rename(self.path / "old.csv")
        self.write(top, {".gitignore": "/cats\n/old.csv\n"})
        self.dvc(top, "push", "cats")
        self.commit(top)

    def _monorepo(self) -> None:
        self.run(self.mono, "git", "init", "-qb", "main")
        self.write(self.mono, {"README.md": "top\n"})
        for team in "ab":
            top = self.mono / "teams" / team
            self.dvc(top, "init", "--subdir")
            self.dvc(top, "remote", "add", "-d", "st", str(self.path / f"remote-{team}"))
            self.write(top, {"data/a.csv": f"k\n{team}\n", "data/sub/b.csv": f"k\n{team}{team}\n"})
            self.dvc(top, "add", "data")
        top = self.mono / "teams/a"
        self.dvc(top, "remote", "add", "second", str(self.path / "remote-second"))
        for words in (("cats",), ("notes",), ("old.csv",), ("cats/1.txt", "-o", "none.txt", "--no-download")):
            self.dvc(top, "import", str(self.registry), *words)
        self.write(top, {"dvc.yaml": PIPELINE})
        self.dvc(top, "repro", "fit")
        for team in "ab":
            self.dvc(self.mono / "teams" / team, "push")
        self.commit(self.mono)
        self.run(self.mono, "git", "tag", "-a", "teams/a=dataset@v1.0.0", "-m", "first")
        self.run(self.mono, "git", "tag", "-a", "teams/a=part@v1.0.0", "-m", "first")
        self.clone = self.path / "clone"
        self.run(self.path, "git", "clone", "-q", f"file://{self.mono}", str(self.clone))

    @property
    def url(self) -> str:
        """Of the monorepo."""
        return f"file://{self.mono}"

    def run(self, folder: Path, *command: str) -> str:
        """A program, as its user would run it."""
        done = warm.run(command, folder, environ({}))
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def dvc(self, folder: Path, *words: str) -> str:
        """Real DVC, quietly."""
        return self.run(folder, sys.executable, "-m", "dvc", *words, "-q")

    def write(self, folder: Path, files: dict[str, str]) -> None:
        """Text files."""
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(text.encode())

    def commit(self, folder: Path) -> None:
        """Everything."""
        self.run(folder, "git", "add", "-A")
        self.run(folder, "git", "commit", "-qm", "x")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Made once; nobody changes it."""
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(autouse=True)
def away(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside any repository, with a cache of one's own."""
    monkeypatch.chdir(world.path / "away")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below it."""
    found = (Path(base) / name for base, _, names in os.walk(folder) for name in names)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.mark.parametrize("path", ["data", "data/sub/b.csv", "cats", "notes", "m.bin"])
def test_the_bytes_of_dvc_get(world: World, tmp_path: Path, path: str) -> None:
    """A folder, a file in it, a folder imported from DVC and from git, an output with a remote of its own."""
    got = get("HEAD", tmp_path / "ours", path=f"teams/a/{path}", repo=world.url)
    world.dvc(tmp_path, "get", world.url, f"teams/a/{path}", "-o", str(tmp_path / "dvc"))
    whole = (tmp_path / "dvc").is_dir()
    assert tree(tmp_path / "ours") == (
        tree(tmp_path / "dvc") if whole else {Path(path).name: (tmp_path / "dvc").read_bytes()}
    )
    assert (got.from_remote, got.from_cache, got.from_git) == (got.files, 0, 0)


def test_the_same_from_a_clone(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the repository in the folder, and from git's top by `--repo`; imports by the path on this machine."""
    monkeypatch.chdir(world.clone / "teams/a")
    assert get("latest", tmp_path / "1").version == "teams/a:dataset@v1.0.0"
    assert get("HEAD", tmp_path / "2", path="cats").from_remote == 2
    assert get("part@latest", tmp_path / "3").path == "data/sub"
    monkeypatch.chdir(world.clone)
    assert get("teams/a:dataset@v1.0.0", tmp_path / "4", repo=".").files == 2
    assert tree(tmp_path / "1") == tree(tmp_path / "4")


def test_an_import_of_what_dvc_2_recorded(world: World, tmp_path: Path) -> None:
    """It has another hash there than here; the content decides."""
    got = get("HEAD", tmp_path / "x", path="teams/a/old.csv", repo=world.url)
    assert (got.from_remote, (tmp_path / "x/old.csv").read_bytes()) == (1, b"x\r\n1\r\n")


def test_a_folder_with_outputs_says_what_it_leaves_out(world: World, tmp_path: Path) -> None:
    """Everything that is kept, and a note of what was never downloaded; nothing of .dvc."""
    got = get("HEAD", tmp_path / "x", path="teams/a", repo=world.url)
    names = {"cats/1.txt", "cats/s p/ü.txt", "notes/n.md", "old.csv", "m.bin", "data/a.csv", "data/sub/b.csv"}
    assert tree(tmp_path / "x").keys() == names
    assert got.notes == ("none.txt was never downloaded where it was recorded, and is left out",)


@pytest.mark.parametrize(
    ("asked", "path", "message", "hint"),
    [
        ("HEAD", "teams/a/none.txt", "nothing is recorded for none.txt", "--path cats/1.txt --repo"),
        ("HEAD", "teams/a/late.bin", "nothing is recorded for late.bin", "dvc.yaml:late would make it"),
        ("HEAD", "data", "there is no data at", "DVC repositories there: teams/a, teams/b"),
        ("HEAD", "teams", "holds several DVC repositories", "teams/a, teams/b"),
        ("HEAD", ".", "holds several DVC repositories", "teams/a, teams/b"),
        ("latest", None, "there is no version of dataset yet", "teams/a:dataset"),
    ],
)
def test_what_is_not_there(world: World, tmp_path: Path, asked: str, path: str | None, message: str, hint: str) -> None:
    """One line and what to do."""
    with pytest.raises(DataOpsError) as error:
        get(asked, tmp_path / "x", path=path, repo=world.url)
    assert message in error.value.message
    assert hint in error.value.hint


def test_the_one_that_declares_it(world: World, tmp_path: Path) -> None:
    """Only teams/a has a `dataset`, so a plain revision means that one's."""
    assert get("HEAD", tmp_path / "x", repo=world.url).files == 2


def test_files_of_git_need_no_dvc(world: World, tmp_path: Path) -> None:
    """At git's top, outside every DVC repository."""
    got = get("HEAD", tmp_path / "x", path="README.md", repo=world.url)
    assert (got.from_git, tree(tmp_path / "x")) == (1, {"README.md": b"top\n"})


def test_a_folder_by_its_url(world: World, tmp_path: Path) -> None:
    """`URL#folder` is one of the DVC repositories; paths count from there."""
    get("HEAD", tmp_path / "x", path="data/a.csv", repo=f"{world.url}#teams/b")
    assert tree(tmp_path / "x") == {"a.csv": b"k\nb\n"}
    with pytest.raises(DataOpsError, match="has no DVC repository in teams/c"):
        context.there(f"{world.url}#teams/c")


def test_load_uri_show_and_compare(world: World) -> None:
    """The other commands find the same."""
    there = context.there(world.url)
    frame = dataops.load("HEAD", path="teams/a/data/a.csv", repo=world.url)
    pd.testing.assert_frame_equal(frame, pd.DataFrame({"k": ["a"]}), check_dtype=False)
    assert uri("HEAD", path="teams/a/m.bin", repo=world.url).uri == next(
        str(path) for path in (world.path / "remote-second").rglob("*") if path.is_file()
    )
    assert (uri("HEAD", path="teams/a/cats", repo=world.url).uri or "").startswith(str(world.path / "remote-r"))
    shown = gather(there, there.resolve("teams/a:dataset@latest"))
    assert shown["recorded"]["path"] == "data"
    part = gather(there, there.resolve("teams/a:part@latest"))
    assert part["warnings"] == [f"data/sub is a part of data, which has the hash {shown['hash']}"]
    head = gather(there, there.resolve("HEAD"))
    assert head["versions_here"] == ["teams/a:dataset@v1.0.0", "teams/a:part@v1.0.0"]
    facts = compare(there, "teams/a:part@v1.0.0", "teams/a:part@v1.0.0").facts
    assert (facts["same"], facts["files"]["unchanged"]) == (True, 1)


def test_imports_are_not_ours_to_prove(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC never pushes them; what import-url brought, it does."""
    monkeypatch.chdir(world.clone / "teams/a")
    here = context.here()
    snapshot = here.snapshot(here.git.commit_of("HEAD") or "")
    own = snapshot.output("m.bin")
    assert own is not None
    behind = needed(snapshot, own)
    assert [out.path for out in behind.elsewhere] == ["cats"]
    assert [out.path for out in behind.upstream] == ["data"]


def test_as_a_command(world: World, tmp_path: Path) -> None:
    """The path as it was asked for, the version that the commit is, and a note where the state may be old."""
    command = [sys.executable, "-m", "dataops", "get", "teams/a:dataset@latest", "--repo", "REPO", "--json"]
    copy = tmp_path / "copy"
    world.run(tmp_path, "git", "clone", "-q", "--bare", world.url, str(copy))
    settings = environ({"XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path)})
    command[-2] = f"file://{copy}"
    first = subprocess.run(command, cwd=tmp_path, env=settings, capture_output=True, text=True, check=True)
    copy.rename(tmp_path / "gone")
    second = subprocess.run(command, cwd=tmp_path, env=settings, capture_output=True, text=True, check=True)
    assert (first.stderr, json.loads(first.stdout)["files"]) == ("", 2)
    assert f"note: file://{copy} can't be reached; this is what it was at 20" in second.stderr
