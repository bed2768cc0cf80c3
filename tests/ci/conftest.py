"""A repository for the tests of CI's run, made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import toy as toys
from cirepo import FILES, Pipeline
from toy import Toy


@pytest.fixture(scope="session")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """Made once; nobody changes it. Its source is recorded and pushed, its pipeline never ran."""
    folder = tmp_path_factory.mktemp("ci")
    toy = Toy(folder / "toy")
    (toy.path / "data/source").mkdir(parents=True)
    (toy.path / "reports").mkdir()
    for name, text in FILES.items():
        (toy.path / name).write_text(text)
    toy.run("git", "init", "-qb", "main")
    toy.run("git", "init", "-q", "--bare", "-b", "main", str(toy.origin))
    toy.run("git", "remote", "add", "origin", str(toy.origin))
    toy.dvc("init", "-q")
    toys.connect(toy, str(folder / "storage"), {})
    months = {f"m2024_0{n}": toys.month(f"2024-0{n}") for n in (1, 2, 3)}
    Pipeline(toy, folder).source("first", **months)
    return toy


@pytest.fixture(scope="session")
def once(untouched: Toy, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """After the first run and a pull; nobody changes it."""
    made = _copy(untouched, tmp_path_factory.mktemp("once"))
    made.toy.dvc("push", "-q")
    made.ci()
    return made


@pytest.fixture
def pipeline(untouched: Toy, tmp_path: Path) -> Pipeline:
    """A repository of its own, its source pushed, its pipeline never run."""
    made = _copy(untouched, tmp_path)
    made.toy.dvc("push", "-q")
    return made


@pytest.fixture
def released(once: Pipeline, tmp_path: Path) -> Pipeline:
    """A repository of its own with a dataset, a model and a reference."""
    made = _copy(once.toy, tmp_path)
    shutil.copytree(once.folder / "storage", tmp_path / "storage")
    return made


def _copy(toy: Toy, folder: Path) -> Pipeline:
    return Pipeline(toys.copy(toy, folder / "toy", str(folder / "storage")), folder)
