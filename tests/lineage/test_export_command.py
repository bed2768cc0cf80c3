"""`dataops lineage export` on repositories as they are: gto's tags, a monorepo, imports of real DVC, broken commits."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from openlineage_schemas import problems

from dataops.cli import main

sys.path.append(str(Path(__file__).parents[1] / "repo"))
import tagrepo
from tagrepo import TagRepo

PIPELINE = """\
stages:
  split:
    cmd: python split.py
    deps: [raw.csv, split.py]
    outs: [data/dataset]
  fit:
    cmd: python fit.py
    deps: [data/dataset/train]
    params: [fit.rounds]
    outs: [model.bin]
artifacts:
  dataset: {path: data/dataset, type: dataset}
  model: {path: model.bin, type: model}
"""
LOCK = """\
schema: '2.0'
stages:
  split:
    cmd: python split.py
    deps:
    - {{path: raw.csv, hash: md5, md5: {0}1111111111111111111111111111111}}
    - {{path: split.py, hash: md5, md5: {0}2222222222222222222222222222222}}
    outs:
    - {{path: data/dataset, hash: md5, md5: {0}3333333333333333333333333333333.dir, size: 70, nfiles: 2}}
  fit:
    cmd: python fit.py
    deps:
    - {{path: data/dataset/train, hash: md5, md5: {0}4444444444444444444444444444444.dir}}
    params:
      params.yaml:
        fit.rounds: 1{0}
    outs:
    - {{path: model.bin, hash: md5, md5: {0}5555555555555555555555555555555, size: 9}}
"""
CONFIG = "[core]\n    remote = storage\n['remote \"storage\"']\n    url = s3://bucket/dvc\n"
Files = dict[str, str]


def files(number: int, below: str = "") -> Files:
    """What a commit holds."""
    found = {".dvc/config": CONFIG, "dvc.yaml": PIPELINE, "dvc.lock": LOCK.format(number), "split.py": f"{number}"}
    return {f"{below}{name}": text for name, text in found.items()}


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TagRepo:
    """Two models of plain gto tags."""
    made = tagrepo.plant(tmp_path / "repo")
    made.run("git", "remote", "add", "origin", "https://me:pa55@host.org/team/repo.git")
    for number in (1, 2):
        made.commit(**files(number))
        made.tag(f"model@v{number}.0.0")
    monkeypatch.chdir(made.path)
    return made


def export(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> tuple[str, str]:
    """What the command prints, and says."""
    with pytest.raises(SystemExit) as left:
        main(["lineage", "export", *words])
    assert left.value.code == status
    said = capsys.readouterr()
    return said.out, said.err


def events(text: str) -> list[dict[str, Any]]:
    """One a line, each valid."""
    found = [json.loads(line) for line in text.splitlines()]
    assert [problem for event in found for problem in problems(event)] == []
    return found


def test_every_released_model(repo: TagRepo, capsys: pytest.CaptureFixture[str]) -> None:
    """One event a stage and model, the same bytes twice; it says where the bytes are, and nobody's password."""
    text, _ = export(capsys)
    found = events(text)
    assert text == export(capsys)[0]
    assert [event["job"]["name"] for event in found] == ["dvc.yaml:split", "dvc.yaml:fit"] * 2
    assert len({event["run"]["runId"] for event in found}) == 4
    assert {event["job"]["namespace"] for event in found} == {"https://host.org/team/repo"}
    fit = found[1]
    assert fit["inputs"][0]["name"] == found[0]["outputs"][0]["name"] == "data/dataset"
    assert fit["run"]["facets"]["executionParameters"]["parameters"] == [{"key": "fit.rounds", "value": "11"}]
    model = fit["outputs"][0]["facets"]
    assert model["dataops_object"]["uri"] == f"s3://bucket/dvc/files/md5/15/{'5' * 30}"
    assert model["tags"]["tags"][0]["value"] == "model@v1.0.0"
    assert "pa55" not in text


def test_as_an_array_into_a_file(repo: TagRepo, capsys: pytest.CaptureFixture[str]) -> None:
    """--json is the same events; --out says how many."""
    lines = events(export(capsys, "model@v2.0.0")[0])
    assert json.loads(export(capsys, "model@v2.0.0", "--json")[0]) == lines
    said, _ = export(capsys, "model@v2.0.0", "--out", "out/runs.ndjson", "--namespace", "mine")
    assert said == "2 runs in out/runs.ndjson\n"
    kept = events((repo.path / "out/runs.ndjson").read_text())
    assert {event["job"]["namespace"] for event in kept} == {"mine"}
    assert kept[0]["job"]["facets"]["sourceCodeLocation"]["repoUrl"] == "https://host.org/team/repo"
    assert "out can't be written" in export(capsys, "model@v2.0.0", "--out", "out", status=2)[1]


def test_a_broken_commit_is_passed_over(repo: TagRepo, capsys: pytest.CaptureFixture[str]) -> None:
    """One of many is told of and left out; asked for by its name it is an error."""
    repo.commit(**{"dvc.lock": "a: 1\n<<<<<<< ours\n"})
    repo.tag("model@v3.0.0")
    text, said = export(capsys)
    assert len(events(text)) == 4
    assert re.search(r"note: model@v3\.0\.0: dvc\.lock at .* has conflict markers", said)
    assert "dvc.lock" in export(capsys, "model@v3.0.0", status=2)[1]


def test_a_dataset_and_an_output(repo: TagRepo, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever trace takes: a version of anything, a revision, a path."""
    repo.tag("dataset@v1.0.0")
    (split,) = events(export(capsys, "dataset@latest")[0])
    assert split["job"]["name"] == "dvc.yaml:split"
    assert [event["job"]["name"] for event in events(export(capsys, "model.bin")[0])] == [
        "dvc.yaml:split",
        "dvc.yaml:fit",
    ]


def test_somebodys_clone_is_the_same_repository(
    repo: TagRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exported from elsewhere by its path, everything has the names that it has from within."""
    inside = export(capsys)[0]
    monkeypatch.chdir(tmp_path)
    assert export(capsys, "--repo", str(repo.path))[0] == inside


def test_nothing_to_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Is an error with a way on."""
    made = tagrepo.plant(tmp_path / "empty")
    made.commit(**files(1))
    monkeypatch.chdir(made.path)
    assert "no model was ever released" in export(capsys, status=2)[1]
    assert "--croissant describes one version" in export(capsys, "--croissant", status=2)[1]


def test_two_models_of_one_commit_share_their_stages(repo: TagRepo, capsys: pytest.CaptureFixture[str]) -> None:
    """A run is told of once; the stage that made a model says of which version."""
    other = PIPELINE.replace("artifacts:", "artifacts:\n  second/: {}\n").replace(
        "second/: {}", "small: {path: data/dataset, type: model}"
    )
    repo.commit(**files(3) | {"dvc.yaml": other})
    repo.tag("model@v3.0.0")
    repo.tag("small@v1.0.0", message='small\n\n{\n"format": 1, "type": "model"\n}')
    found = events(export(capsys)[0])
    assert len({event["run"]["runId"] for event in found}) == len(found) == 6
    versions = [[tag["value"] for tag in event["run"]["facets"]["tags"]["tags"][1:]] for event in found[4:]]
    assert versions == [["small@v1.0.0"], ["model@v3.0.0"]]


def test_a_monorepo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Two DVC repositories in one of git: from inside one, and as somebody's."""
    made = tagrepo.plant(tmp_path / "mono")
    made.commit(**files(1, "teams/a/") | files(2, "teams/b/"))
    made.tag("teams/a=model@v1.0.0")
    made.tag("teams/b=model@v1.0.0")
    monkeypatch.chdir(made.path / "teams/a")
    inner = events(export(capsys, "teams/a:model@v1.0.0")[0])
    assert [event["job"]["name"] for event in inner] == ["teams/a/dvc.yaml:split", "teams/a/dvc.yaml:fit"]
    assert inner[1]["outputs"][0]["name"] == "teams/a/model.bin"
    monkeypatch.chdir(tmp_path)
    there = events(export(capsys, "teams/b:model@v1.0.0", "--repo", str(made.path))[0])
    assert [event["job"]["name"] for event in there] == ["teams/b/dvc.yaml:split", "teams/b/dvc.yaml:fit"]


def test_imports_of_real_dvc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What one repository imports has the name that the other's own export gives it; a URL is its own."""
    source = tagrepo.plant(tmp_path / "source")
    source.dvc("init")
    source.write("rows.csv", "a,b\n1,2\n")
    source.dvc("add", "rows.csv")
    commit = source.commit("rows")
    user = tagrepo.plant(tmp_path / "user")
    user.dvc("init")
    user.dvc("import", str(source.path), "rows.csv", "-o", "got.csv")
    (tmp_path / "d.csv").write_text("x\n1\n")
    user.dvc("import-url", str(tmp_path / "d.csv"), "web.csv")
    user.commit("imports")
    monkeypatch.chdir(source.path)
    (made,) = events(export(capsys, "rows.csv")[0])
    monkeypatch.chdir(user.path)
    (got,) = events(export(capsys, "got.csv")[0])
    (web,) = events(export(capsys, "web.csv")[0])
    (origin,) = got["inputs"]
    assert (origin["namespace"], origin["name"]) == (made["outputs"][0]["namespace"], made["outputs"][0]["name"])
    assert origin["facets"]["version"]["datasetVersion"] == made["outputs"][0]["facets"]["version"]["datasetVersion"]
    assert origin["facets"]["tags"]["tags"][0]["value"] == commit
    assert [(one["namespace"], one["name"]) for one in web["inputs"]] == [("file", str(tmp_path / "d.csv"))]
