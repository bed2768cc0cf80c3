"""A repository for the tests of CI's run, made once."""

from __future__ import annotations

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


@pytest.fixture
def pipeline(untouched: Toy, tmp_path: Path) -> Pipeline:
    """A repository of its own."""
    made = Pipeline(toys.copy(untouched, tmp_path / "toy", str(tmp_path / "storage")), tmp_path)
    made.toy.dvc("push", "-q")
    return made
