"""Other people's repositories, built by plain git, dvc and gto: nobody prepared them to be asked for lineage."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml
from tagrepo import TagRepo, plant

TEAM = """\
vars:
  - out: {name}.bin
stages:
  prepare:
    cmd: cat raw.csv > prepared.csv
    deps: [raw.csv]
    outs: [prepared.csv]
  fit:
    cmd:
      - cat prepared.csv ../shared/base.csv > ${{out}}
      - wc -c < ${{out}} > score.json
    deps: [prepared.csv, ../shared/base.csv, fit.py]
    params: [rate]
    outs:
      - ${{out}}
    metrics:
      - score.json: {{cache: false}}
artifacts:
  data: {{path: prepared.csv, type: dataset}}
  model: {{path: {name}.bin, type: model}}
"""
EACH = """\
stages:
  build:
    foreach: [eu, us]
    do:
      cmd: cat data/${item}.csv cats > built/${item}.csv
      deps:
        - data/${item}.csv
        - cats
      outs:
        - built/${item}.csv
  merge:
    cmd: cat built/eu.csv built/us.csv > merged.csv
    wdir: .
    deps: [built]
    outs: [merged.csv]
  fit:
    cmd: cp ../merged.csv m.bin
    wdir: models
    deps: [../merged.csv]
    outs: [m.bin]
artifacts:
  dataset: {path: merged.csv, type: dataset}
  model: {path: models/m.bin, type: model}
"""


class World(TagRepo):
    """A repository whose tags gto makes."""

    def gto(self, *words: str) -> None:
        """Real gto; the tag's time is the clock's."""
        self.run(str(Path(sys.executable).with_name("gto")), *words)

    def recorded(self, revision: str, path: str = "dvc.lock") -> dict[str, dict[str, object]]:
        """The stages that `git show REVISION:PATH` holds."""
        found: dict[str, dict[str, object]] = yaml.safe_load(self.run("git", "show", f"{revision}:{path}"))["stages"]
        return found


def monorepo(path: Path) -> World:
    """One DVC root, two teams with a pipeline each, a shared file of `dvc add`, and tags as `teams/a=model@v1.0.0`."""
    world = World(plant(path).path)
    world.dvc("init")
    world.write("teams/shared/base.csv", "base\n")
    world.dvc("add", "teams/shared/base.csv")
    for team in ("a", "b"):
        world.write(f"teams/{team}/dvc.yaml", TEAM.format(name=team))
        world.write(f"teams/{team}/raw.csv", f"{team}\n")
        world.write(f"teams/{team}/fit.py", "pass\n")
        world.write(f"teams/{team}/params.yaml", "rate: 1\n")
        world.dvc("repro", f"teams/{team}/dvc.yaml")
    world.commit("first")
    for team in ("a", "b"):
        world.gto("register", f"teams/{team}:data", "HEAD", "--version", "v1.0.0")
        world.gto("register", f"teams/{team}:model", "HEAD", "--version", "v1.0.0")
    world.write("teams/a/raw.csv", "a\nmore\n")
    world.write("teams/a/params.yaml", "rate: 2\n")
    world.dvc("repro", "teams/a/dvc.yaml")
    world.commit("team a has more")
    world.gto("register", "teams/a:data", "HEAD", "--version", "v1.1.0")
    world.gto("register", "teams/a:model", "HEAD", "--version", "v1.1.0")
    world.gto("assign", "teams/a:model", "--version", "v1.1.0", "--stage", "prod")
    return world


def imported(path: Path) -> World:
    """`.dvc` files, an import from another repository, a `foreach` stage, one with a working directory."""
    registry = World(plant(path / "registry").path)
    registry.dvc("init")
    registry.dvc("remote", "add", "-d", "away", str(path / "away"))
    registry.write("cats", "cats\n")
    registry.dvc("add", "cats")
    registry.dvc("push")
    registry.commit("cats")
    world = World(plant(path / "importing").path)
    world.dvc("init")
    world.dvc("import", str(registry.path), "cats")
    for name in ("eu", "us"):
        world.write(f"data/{name}.csv", f"{name}\n")
    world.dvc("add", "data/eu.csv", "data/us.csv")
    world.write("dvc.yaml", EACH)
    for folder in ("built", "models"):
        world.write(f"{folder}/.keep", "")
    world.dvc("repro")
    world.commit("all")
    world.gto("register", "dataset", "HEAD", "--version", "v1.0.0")
    world.gto("register", "model", "HEAD", "--version", "v1.0.0")
    world.write("data/eu.csv", "eu\nmore\n")
    world.dvc("add", "data/eu.csv")
    world.dvc("repro")
    world.commit("more of eu")
    world.gto("register", "dataset", "HEAD", "--version", "v1.1.0")
    world.gto("register", "model", "HEAD", "--version", "v1.1.0")
    return world
