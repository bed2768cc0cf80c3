"""What public repositories do that a template's own never does: shapes seen there, a few lines each."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tagrepo import TagRepo, plant

from dataops import cli
from dataops.lineage import listing
from dataops.lineage.trace import find, trace
from dataops.lineage.traced import Trace
from dataops.repo.git import Git
from dataops.versions import inventory
from dataops.versions.context import Context

MD5 = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def repo(tmp_path: Path) -> TagRepo:
    """A DVC repository with nothing in it."""
    made = plant(tmp_path / "repo")
    made.write(".dvc/config", "")
    return made


def context(repo: TagRepo) -> Context:
    """As the commands see it."""
    return Context(Git(repo.path), repo.path)


def traced(repo: TagRepo, asked: str = "HEAD") -> Trace:
    """The trace of a name."""
    there = context(repo)
    return trace(there, *find(there, asked, None))


def run(repo: TagRepo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command prints in it."""
    monkeypatch.chdir(repo.path)
    with pytest.raises(SystemExit) as ended:
        cli.main(list(words))
    assert not ended.value.code
    return capsys.readouterr().out


def out(path: str, more: str = "") -> str:
    """A .dvc file."""
    return f"{more}outs:\n- md5: {MD5}\n  size: 3\n  hash: md5\n  path: {path}\n"


def test_an_artifact_that_names_a_dvc_file(repo: TagRepo) -> None:
    """A registry of data writes `path: data/x.xml.dvc`: what that file records is meant."""
    repo.write("data/x.xml.dvc", out("x.xml"))
    repo.write("dvc.yaml", "artifacts: {posts: {path: data/x.xml.dvc, type: dataset}}\n")
    repo.commit()
    repo.tag("posts@v1.0.0")
    found = traced(repo, "posts@v1.0.0")
    assert found.output is not None
    assert (found.output.path, found.output.digest) == ("data/x.xml", MD5)
    assert not found.warnings


def test_where_added_data_came_from_is_told(repo: TagRepo) -> None:
    """Of what nobody's stage made, the list says who did, and not that dvc.lock has nothing."""
    repo.write("a.dvc", out("a"))
    repo.write("b.dvc", out("b", "frozen: true\ndeps:\n- etag: e\n  path: https://h/b.zip\n"))
    repo.write("dvc.yaml", "stages: {s: {cmd: x, outs: [c]}}\nartifacts: {a: {path: a}, b: {path: b}, c: {path: c}}\n")
    repo.write(
        "dvc.lock", f"schema: '2.0'\nstages:\n  s:\n    cmd: x\n    outs:\n    - path: c\n      md5: {MD5[::-1]}\n"
    )
    repo.commit()
    for name in "abc":
        repo.tag(f"{name}@v1.0.0")
    told = {entry.version.artifact: entry.problem for entry in listing.entries(context(repo))}
    assert told == {"a": "added by `dvc add`", "b": "imported from https://h/b.zip", "c": "no data: s reads none"}


LOCK = """\
schema: '2.0'
stages:
  clean:
    cmd: python clean.py
    deps:
    - path: clean.py
      md5: {code}
    - path: raw/rates.xlsx
      md5: {data}
    params:
      params.yaml:
        columns: [{columns}]
    outs:
    - path: clean.csv
      md5: {md5}
"""


def test_data_that_git_has_is_data(
    repo: TagRepo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A spreadsheet in git is where the data came in, not code; a list of 150 columns is cut."""
    repo.write("clean.py", "print()\n")
    repo.write("raw/rates.xlsx", b"PK\x03\x04 rates")
    columns = ", ".join(f"column_{n}" for n in range(150))
    code, data = "c1a0d3cb30e8ba9f1f0b0e4b4ff3a1fd", "d" * 32
    repo.write(
        "dvc.yaml", "stages: {clean: {cmd: python clean.py, deps: [clean.py, raw/rates.xlsx], outs: [clean.csv]}}\n"
    )
    repo.write("dvc.lock", LOCK.format(code=code, data=data, columns=columns, md5=MD5))
    repo.commit()
    found = traced(repo)
    assert [(root.path, root.step) for root in found.roots] == [("raw/rates.xlsx", None)]
    assert [one.path for one in found.code] == ["clean.py"]
    assert any("raw/rates.xlsx is not at this commit" in warning for warning in found.warnings)
    told = run(repo, monkeypatch, capsys, "lineage", "trace", "HEAD")
    assert "raw/rates.xlsx ddddddd (in git)" in told
    assert "column_149" not in told
    assert "(150)" in told
    assert "column_149" in run(repo, monkeypatch, capsys, "lineage", "trace", "HEAD", "--full")
    assert "rates.xlsx" in run(repo, monkeypatch, capsys, "lineage", "graph", "HEAD")


def test_lightweight_tags_are_told_of(
    repo: TagRepo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`git tag model@v1.0.0` makes no version, for GTO neither; that is said."""
    repo.commit()
    repo.run("git", "tag", "model@v1.0.0")
    repo.run("git", "tag", "v2")
    told = run(repo, monkeypatch, capsys, "versions")
    assert "lightweight tags are none, for GTO neither: model@v1.0.0;" in told


def test_a_name_that_means_nothing_costs_no_import(repo: TagRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    """`dataops drift` looks at names before it imports what compares."""
    repo.commit()
    monkeypatch.chdir(repo.path)
    code = (
        "import sys; from dataops import cli; from dataops.errors import DataOpsError\n"
        "try: cli.main(['drift', 'HEAD', 'HEAD'])\n"
        "except (DataOpsError, SystemExit): pass\n"
        "print('scipy' in sys.modules)"
    )
    assert repo.run(sys.executable, "-c", code).endswith("False")


def test_a_commit_without_the_artifact_is_not_sound(repo: TagRepo) -> None:
    """Where no artifact is declared there is nothing to call sound; a tag of GTO's needs no declaration."""
    repo.write("a.dvc", out("a"))
    repo.commit()
    repo.run("git", "tag", "paper-v1")
    repo.tag("virtual@v1.0.0")
    there = context(repo)
    asked = inventory.survey(there, inventory.subjects(there, "paper-v1", every=False))
    assert ["no data to check" in text for texts in asked.problems.values() for text in texts] == [True]
    every = inventory.survey(there, inventory.subjects(there, None, every=True))
    assert (every.problems, len(every.notes)) == ({}, 1)
