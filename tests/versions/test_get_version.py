"""`get` and `uri`: the bytes that dvc.lock recorded, of any version, from a clone that never pulled."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from toy import Toy, month

from dataops.errors import DataOpsError
from dataops.store import manifest, objects
from dataops.store.folder import FolderStore
from dataops.versions import context
from dataops.versions.files import listing


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def released(toy: Toy) -> Toy:
    """Two versions of the dataset on two commits, one of the model; all pushed."""
    toy.run("git", "tag", "-am", "first", "dataset@v1.0.0")
    toy.run("git", "tag", "-am", "first", "model@v1.0.0")
    toy.put(m2024_04=month("2024-04"))
    toy.commit("april")
    toy.run("git", "tag", "-am", "second", "dataset@v1.1.0")
    toy.dvc("push", "-q", "--all-commits")
    toy.run("git", "push", "-q", "origin", "--tags")
    return toy


@pytest.fixture
def fresh(released: Toy, tmp_path: Path) -> Toy:
    """A clone with neither data nor cache."""
    return released.clone(tmp_path / "fresh")


def test_every_version_gives_its_bytes(released: Toy, fresh: Toy) -> None:
    """From the remote alone, and equal to what `dvc get` gives; the working tree stays as it was."""
    for version, months in (("v1.0.0", 3), ("dataset@v1.1.0", 4), ("latest", 4), ("HEAD~1", 3)):
        out = fresh.path.parent / version
        said = fresh.dataops("get", version, "--out", str(out)).stdout
        assert f"{months} files" in said
        assert f"{months} from the remote" in said
        assert said.count("\n") == 1
        revision = {"latest": "dataset@v1.1.0", "v1.0.0": "dataset@v1.0.0"}.get(version, version)
        released.dvc("get", "-q", ".", "data/dataset", "--rev", revision, "-o", str(out) + "-dvc")
        assert tree(out) == tree(Path(str(out) + "-dvc"))
    assert (
        fresh.out("git", "status", "--porcelain", "--ignored") == "!! .dvc/config.local"
        or not (fresh.path / "data/dataset").exists()
    )


def test_where_it_goes_and_what_is_there(fresh: Toy) -> None:
    """A folder named after the version; again is nothing new; an edited file is kept, unless by force."""
    fresh.dataops("get", "latest")
    out = fresh.path / "dataset-v1.1.0"
    assert sorted(tree(out)) == ["test/2024-03.csv", "test/2024-04.csv", "train/2024-01.csv", "train/2024-02.csv"]
    found = fresh.json("get", "latest")
    assert (found["files"], found["already"], found["from_remote"], found["version"]) == (4, 4, 0, "dataset@v1.1.0")
    edited = out / "train/2024-01.csv"
    edited.write_text("mine")
    refused = fresh.dataops("get", "latest", status=1)
    assert "2024-01.csv is there with other content" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert edited.read_text() == "mine"
    assert fresh.json("get", "latest", "--force")["from_remote"] == 1
    assert edited.read_text() == month("2024-01")
    assert not list((fresh.path / ".dataops").rglob("*.part"))


def test_parts_paths_and_other_artifacts(fresh: Toy) -> None:
    """Files, folders and patterns; a model; any output of any commit; what git tracks."""
    fresh.dataops("get", "v1.1.0", "--out", "a", "--file", "train", "test/2024-04.csv")
    assert len(tree(fresh.path / "a")) == 3
    fresh.dataops("get", "v1.1.0", "--out", "b", "--file", "*/2024-0[13].csv")
    assert sorted(tree(fresh.path / "b")) == ["test/2024-03.csv", "train/2024-01.csv"]
    fresh.dataops("get", "model@v1.0.0")
    assert list(tree(fresh.path / "model-v1.0.0")) == ["model.bin"]
    fresh.dataops("get", "HEAD~1", "--path", "data/source", "--out", "c")
    assert len(tree(fresh.path / "c")) == 3
    fresh.dataops("get", "HEAD", "--path", "data/dataset/test", "--out", "d")
    assert sorted(tree(fresh.path / "d")) == ["2024-03.csv", "2024-04.csv"]
    found = fresh.json("get", "HEAD", "--path", "reports", "--out", "e")
    assert (found["from_git"], found["files"]) == (2, 2)
    assert json.loads((fresh.path / "e/validation.json").read_text())["passed"]
    assert fresh.json("get", "HEAD", "--path", "data", "--out", "f")["files"] == 8
    for words, said in (
        (["v1.1.0", "--file", "tarin"], "train"),
        (["v1.1.0", "--path", "data/datset"], "data/dataset"),
        (["v9.9.9"], "hint:"),
        (["HEAD", "--path", "../x"], "outside"),
    ):
        done = fresh.dataops("get", *words, "--out", "g", status=2)
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    assert not (fresh.path / "g").exists()


def test_a_damaged_remote_object_is_named(fresh: Toy) -> None:
    """Exit status 1, the file's name, and no folder."""
    there = context.Context(context.git.of(fresh.path), fresh.path)
    store = there.store()
    target = there.resolve("v1.0.0")
    found = listing(there.git, "", there.snapshot(target.commit), "data/dataset", store, None).objects
    bad = found["train/2024-02.csv"]
    store.client.put_object(Bucket=store.bucket, Key=store.key(bad), Body=b"x" * 10)  # type: ignore[attr-defined]
    refused = fresh.dataops("get", "v1.0.0", status=1)
    assert "train/2024-02.csv" in refused.stderr
    assert "damaged" in refused.stderr
    assert refused.stderr.count("\n") == 2
    assert not (fresh.path / "dataset-v1.0.0").exists()
    fresh.dataops("get", "v1.0.0", "--file", "train/2024-01.csv")


def test_from_somebodys_repository(released: Toy, tmp_path: Path) -> None:
    """By URL, from outside any repository, with a remote that is a folder or S3."""
    released.dvc("remote", "add", "-q", "-d", "public", str(tmp_path / "shared"))
    shutil.copytree(released.path / ".dvc/cache", tmp_path / "shared")  # DVC looks for `public` in old commits too
    released.commit("public remote")
    away = Toy(tmp_path / "away")
    away.path.mkdir()
    home = str(tmp_path / "home")
    done = away.dataops("get", "v1.0.0", "--repo", f"file://{released.origin}", "--out", "x", HOME=home)
    assert "3 files" in done.stdout
    assert sorted(tree(away.path / "x")) == ["test/2024-03.csv", "train/2024-01.csv", "train/2024-02.csv"]


def test_addresses(fresh: Toy) -> None:
    """The manifest's, a file's, and every file's; each is an object with that content."""
    manifest = fresh.dataops("uri", "v1.1.0").stdout.strip()
    assert manifest.startswith("s3://")
    assert manifest.endswith(".dir")
    every = fresh.json("uri", "v1.1.0")
    assert every["uri"] == manifest
    addresses = every["files"]
    assert isinstance(addresses, dict)
    digest = hashlib.md5(month("2024-04").encode()).hexdigest()
    assert addresses["test/2024-04.csv"].endswith(f"/files/md5/{digest[:2]}/{digest[2:]}")
    lines = fresh.dataops("uri", "v1.1.0", "--file", "test").stdout.split()
    assert lines == [addresses["test/2024-03.csv"], addresses["test/2024-04.csv"]]
    assert fresh.dataops("uri", "model@v1.0.0").stdout.startswith("s3://")


def test_the_cache_is_enough(released: Toy) -> None:
    """No network, no remote: what is cached is had; what isn't is one line."""
    config = released.path / ".dvc/config.local"
    config.write_text(re.sub("(?m)^( *)url = .*", r"\1url = gs://nobody/here", config.read_text()))
    assert released.json("get", "v1.1.0")["from_cache"] == 4
    shutil.rmtree(released.path / ".dvc/cache")
    refused = released.dataops("get", "v1.1.0", "--out", "other", status=2)
    assert "gs://" in refused.stderr
    assert "dvc fetch" in refused.stderr


def test_locks_of_dvc_2(toy: Toy, tmp_path: Path) -> None:
    """Their objects lie in the old layout, text under a hash without its CRLF."""
    crlf = b"a\r\nb\r\n"
    files_ = {"x.csv": hashlib.md5(crlf.replace(b"\r\n", b"\n")).hexdigest()}
    listed, digest = manifest.dump(files_), manifest.digest(files_)
    remote = FolderStore(tmp_path / "remote2")
    for content, name in ((crlf, files_["x.csv"]), (listed, digest)):
        (tmp_path / "file").write_bytes(content)
        remote.put(objects.Object(name, "md5-dos2unix"), tmp_path / "file")
    (toy.path / "old.dvc").write_text(f"outs:\n- md5: {digest}\n  size: 4\n  nfiles: 1\n  path: old\n")
    toy.run("git", "add", "old.dvc")
    toy.run("git", "commit", "-qm", "old")
    toy.dvc("remote", "add", "-q", "--local", "second", str(remote.folder))
    assert toy.json("get", "HEAD", "--path", "old", "--remote", "second")["files"] == 1
    (out,) = toy.path.glob("old-*")
    assert (out / "x.csv").read_bytes() == crlf


def test_a_hostile_list_is_refused(toy: Toy, tmp_path: Path) -> None:
    """Its hash is right and its paths are not."""
    listed = json.dumps([{"md5": "0" * 32, "relpath": "../../escaped"}]).encode()
    digest = hashlib.md5(listed).hexdigest() + ".dir"
    remote = FolderStore(tmp_path / "remote2")
    (tmp_path / "file").write_bytes(listed)
    remote.put(objects.Object(digest), tmp_path / "file")
    (toy.path / "evil.dvc").write_text(f"outs:\n- md5: {digest}\n  hash: md5\n  path: evil\n")
    toy.run("git", "add", "evil.dvc")
    toy.run("git", "commit", "-qm", "evil")
    toy.dvc("remote", "add", "-q", "--local", "second", str(remote.folder))
    refused = toy.dataops("get", "HEAD", "--path", "evil", "--remote", "second", status=2)
    assert "leaves the folder" in refused.stderr
    assert not list(toy.path.glob("evil-*"))


def test_what_is_not_declared(toy: Toy) -> None:
    """An artifact that the commit doesn't declare: the error names those it does."""
    there = context.Context(context.git.of(toy.path), toy.path)
    with pytest.raises(DataOpsError):
        there.resolve("nothing@v1.0.0")


def test_in_python(fresh: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same functions."""
    import dataops

    call: Callable[..., object] = dataops.get
    monkeypatch.chdir(fresh.path)
    got = call("latest", "here", files=["train"])
    assert got.files == 2  # type: ignore[attr-defined]
    assert dataops.uri("latest").uri
