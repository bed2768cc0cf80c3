"""`dataops lineage graph` on a repository that plain git, dvc and gto's tags made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from matplotlib.image import imread
from tagrepo import TagRepo, plant

SRC = Path(__file__).parents[2] / "src"
PIPELINE = """\
stages:
  build:
    cmd: python build.py
    deps: [build.py, data/source.csv]
    params: [rows]
    outs: [data/dataset]
  fit:
    cmd: python fit.py
    deps: [data/dataset, fit.py]
    outs: [models/model.bin]
artifacts:
  dataset: {path: data/dataset, type: dataset}
  model: {path: models/model.bin, type: model}
"""
BUILD = """\
import pathlib, shutil
pathlib.Path("data/dataset").mkdir()
shutil.copy("data/source.csv", "data/dataset/a.csv")
"""
FIT = """\
import pathlib
pathlib.Path("models").mkdir(exist_ok=True)
pathlib.Path("models/model.bin").write_text("model of " + pathlib.Path("data/dataset/a.csv").read_text())
"""


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> TagRepo:
    """Two versions of a dataset, a model of each, the second in production, the first dataset taken back."""
    repo = plant(tmp_path_factory.mktemp("graph") / "repo")
    repo.dvc("init")
    files = {"dvc.yaml": PIPELINE, "build.py": BUILD, "fit.py": FIT, "params.yaml": "rows: 3\n"}
    for name, text in files.items():
        repo.write(name, text)
    for number in (0, 1):
        repo.write("data/source.csv", f"a\n{number}\n")
        repo.dvc("add", "data/source.csv")
        repo.dvc("repro")
        repo.commit(f"Data {number}")
        for artifact in ("dataset", "model"):
            repo.tag(f"{artifact}@v1.{number}.0")
    repo.tag("model#prod#1")
    repo.tag("dataset@v1.0.0!#1", "HEAD~1", message="twice")
    repo.commit("Notes", **{"notes.txt": "nothing new"})
    return repo


def graph(
    repo: TagRepo, *arguments: str, status: int = 0, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command as a shell would."""
    done = subprocess.run(
        [sys.executable, "-m", "dataops", "lineage", "graph", *arguments], cwd=folder or repo.path, check=False,
        env={**os.environ, "PYTHONPATH": str(SRC)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_a_version(repo: TagRepo, tmp_path: Path) -> None:
    """Mermaid to read, and the same boxes in every other form."""
    text = graph(repo, "model#prod").stdout
    assert text.startswith('---\ntitle: "What model@v1.1.0 was made of"')
    assert "dataset@v1.1.0" in text
    facts = json.loads(graph(repo, "model#prod", "--json").stdout)
    titles = {node["title"] for node in facts["nodes"]}
    assert titles == {"data/source.csv", "build", "dataset@v1.1.0", "fit", "model@v1.1.0"}
    assert [node["badges"] for node in facts["nodes"] if node["chosen"]] == [["prod"]]
    assert len(facts["edges"]) == 4
    assert graph(repo, "model#prod", "--format", "dot").stdout.startswith("digraph lineage {")
    ET.fromstring(graph(repo, "model#prod", "--format", "svg").stdout)
    said = graph(repo, "model#prod", "--code", "--out", str(tmp_path / "new" / "a.svg")).stdout
    assert "8 boxes, 7 arrows" in said
    assert "parameters of build" in (tmp_path / "new" / "a.svg").read_text()
    said = graph(repo, "model#prod", "--out", str(tmp_path / "a.png")).stdout
    height, width = imread(tmp_path / "a.png").shape[:2]
    assert f"{width:,} by {height:,} pixels" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "new"]


def test_an_output_and_a_commit(repo: TagRepo) -> None:
    """Whatever `lineage trace` takes: a path, a path at a version, a revision."""
    assert "data/dataset" in graph(repo, "data/dataset").stdout
    old = json.loads(graph(repo, "model@v1.0.0", "--path", "data/source.csv", "--json").stdout)
    assert [node["title"] for node in old["nodes"]] == ["data/source.csv"]
    whole = json.loads(graph(repo, "HEAD", "--json").stdout)
    assert len(whole["nodes"]) == 5
    assert not any(node["chosen"] for node in whole["nodes"])


def test_the_history(repo: TagRepo, tmp_path: Path) -> None:
    """Every version, which was made of which, the stage that is held and the one taken back."""
    facts = json.loads(graph(repo, "--json").stdout)
    nodes = {node["title"]: node for node in facts["nodes"]}
    assert sorted(nodes) == ["dataset@v1.0.0", "dataset@v1.1.0", "model@v1.0.0", "model@v1.1.0"]
    assert (nodes["dataset@v1.0.0"]["faded"], nodes["model@v1.1.0"]["badges"]) == (True, ["prod"])
    strong = {(edge["source"], edge["target"]) for edge in facts["edges"] if not edge["weak"]}
    assert strong == {("dataset@v1.0.0", "model@v1.0.0"), ("dataset@v1.1.0", "model@v1.1.0")}
    newest = json.loads(graph(repo, "--history", "model", "--limit", "1", "--json").stdout)
    assert {node["title"] for node in newest["nodes"]} == {"dataset@v1.1.0", "model@v1.1.0"}
    assert "2 older ones left out" in newest["title"]
    graph(repo, "--out", str(tmp_path / "history.svg"))
    assert "dataset@v1.0.0" in (tmp_path / "history.svg").read_text()


def test_somebodys_repository(repo: TagRepo, tmp_path: Path) -> None:
    """By its path, from anywhere."""
    assert "dataset@v1.1.0" in graph(repo, "model@v1.1.0", "--repo", str(repo.path), folder=tmp_path).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["model@v1.0.0", "--history"], "not both"),
        (["--path", "data/raw"], "lineage graph HEAD --path data/raw"),
        (["model@v1.0.0", "--format", "png"], "--out lineage.png"),
        (["model@v1.0.0", "--out", "lineage.jpg"], "no format is called so"),
        (["--limit", "0"], "leaves nothing"),
        (["--history", "modle"], "there is no artifact modle"),
        (["model@v7.0.0"], "v7.0.0"),
        (["model@v1.0.0", "--out", "build.py/x.svg"], "can't be written"),
    ],
)
def test_mistakes(repo: TagRepo, arguments: list[str], said: str) -> None:
    """One line and a hint, exit status 2."""
    done = graph(repo, *arguments, status=2)
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    assert lines[0].startswith("error: ")
    assert said in done.stderr
    assert len(lines) <= 2
