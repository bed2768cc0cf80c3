"""Git, asked safely."""

from __future__ import annotations

from pathlib import Path

import pytest
from tagrepo import TagRepo, plant

from dataops.errors import DataOpsError
from dataops.repo import clones, git
from dataops.repo.git import Git, GitError


def test_objects(repo: TagRepo) -> None:
    """Many at once, in order, None where there is none; odd names are only names."""
    repo.write("a\tb", b"\0bytes\n")
    commit = repo.commit(c="")
    asked = [f"{commit}:a\tb", "HEAD:missing", "--batch-all-objects", "a\nb", "", f"{commit}:c", "HEAD", "nowhere"]
    found = repo.git.batch(asked)
    assert [one.content if one and one.kind == "blob" else one and one.kind for one in found] == [
        *(b"\0bytes\n", None, None, None, None, b"", "commit", None),
    ]  # fmt: skip
    assert [sha is not None for sha in repo.git.shas(asked)] == [one is not None for one in found]
    assert repo.git.blob(commit, "a\tb") == b"\0bytes\n"
    assert repo.git.blob(commit, "") is None
    assert repo.git.commit_of("HEAD") == commit
    for odd in ("", "--help", "-q", "HEAD..HEAD", "a\0b", "^HEAD", "HEAD:c"):
        assert repo.git.commit_of(odd) is None


def test_where(repo: TagRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    """The top and the way down to the DVC root; a hook of another repository has no say."""
    repo.commit(**{"sub/dir/x": "1"})
    assert git.of(repo.path / "sub/dir").folder == repo.path
    assert (git.prefix(repo.path / "sub/dir"), git.prefix(repo.path)) == ("sub/dir", "")
    other = plant(repo.path.parent / "other")
    head = repo.git.out("rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.path / ".git/index"))
    assert repo.git.out("rev-parse", "HEAD") == head
    with pytest.raises(GitError, match="git rev-parse: "):
        other.git.out("rev-parse", "--verify", "HEAD")
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/another-index")
    assert repo.git.out("rev-parse", "--git-path", "index") == ".git/another-index"


def test_failures(tmp_path: Path) -> None:
    """Git's own line; a folder that is none."""
    with pytest.raises(GitError, match="is in no git repository"):
        git.of(tmp_path)
    with pytest.raises(GitError, match="is no folder"):
        Git(tmp_path / "gone").out("status")
    with pytest.raises(GitError, match="git status: not a git repository"):
        Git(tmp_path).out("status")


def test_clones(repo: TagRepo, tmp_path: Path) -> None:
    """By path as it is; by URL as a bare clone that is kept and brought up to date; offline the last state serves."""
    repo.write(".dvc/config", "")
    first = repo.commit(a="1")
    repo.tag("dataset@v1.0.0")
    assert clones.repository(str(repo.path / ".dvc"))[1] == repo.path
    url, cache = f"file://{repo.path}", tmp_path / "cache"
    opened, root = clones.repository(url, cache)
    assert root is None
    assert opened.commit_of("HEAD") == first
    assert opened.blob(first, "a") == b"1"
    second = repo.commit(a="2")
    repo.tag("dataset@v1.1.0")
    opened, _ = clones.repository(url, cache)
    assert opened.commit_of("dataset@v1.1.0") == second
    repo.path.rename(tmp_path / "away")
    assert clones.repository(url, cache)[0].commit_of("main") == second
    bare, root = clones.repository(str(opened.folder))
    assert (bare.commit_of("main"), root) == (second, None)
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("url", ["--upload-pack=touch x", "", "nowhere", "ext::sh -c date", "file:///nowhere/at/all"])
def test_no_clone(url: str, tmp_path: Path) -> None:
    """One line for what is no repository, and nothing left behind."""
    with pytest.raises(DataOpsError) as error:
        clones.repository(url, tmp_path / "cache")
    assert "\n" not in error.value.message
    assert not list((tmp_path / "cache").glob("*")) if (tmp_path / "cache").exists() else True
