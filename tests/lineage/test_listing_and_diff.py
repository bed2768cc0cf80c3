"""Every model with its data, and what changed between two of them."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from tagrepo import TagRepo, plant
from worlds import World

from dataops.lineage import listing
from dataops.lineage.diff import Difference, diff
from dataops.lineage.listing import Wanted
from dataops.lineage.trace import find
from dataops.repo.git import Git
from dataops.versions.context import Context


def context(repo: TagRepo) -> Context:
    """As the commands see it."""
    return Context(Git(repo.path), repo.path)


def told(found: list[listing.Entry]) -> dict[str, list[str | None]]:
    """The data of each version."""
    return {entry.version.name: [one.version for one in entry.data] for entry in found}


def test_models_of_plain_gto(monorepo: World, importing: World) -> None:
    """No card says it: the datasets are found by the hash that dvc.lock has."""
    assert told(listing.entries(context(monorepo))) == {
        "teams/a:model@v1.1.0": ["teams/a:data@v1.1.0"],
        "teams/b:model@v1.0.0": ["teams/b:data@v1.0.0"],
        "teams/a:model@v1.0.0": ["teams/a:data@v1.0.0"],
    }
    assert list(told(listing.entries(context(importing)))) == ["model@v1.1.0", "model@v1.0.0"]


def test_cards_speak_for_themselves(tmp_path: Path) -> None:
    """Of a released model the card is believed, without looking at its commit."""
    repo = plant(tmp_path / "repo")
    repo.commit()
    card = {
        "format": 1,
        "artifact": "model",
        "version": "v1.0.0",
        "type": "model",
        "hash": "a" * 32,
        "data": [{"version": "dataset@v1.0.0", "hash": "b" * 32}],
        "evaluation": {"model": {"wape": 0.25}},
        "training": {"backend": "local"},
    }
    repo.tag("model@v1.0.0", message=f"model v1.0.0: first\n\n{json.dumps(card, indent=2)}\n")
    (entry,) = listing.entries(context(repo))
    assert entry.data == (listing.Data("dataset@v1.0.0", "b" * 32),)
    assert entry.training == {"backend": "local"}


def test_a_stage_in_between(tmp_path: Path) -> None:
    """The model's own stage reads features; the dataset that they are made of was released."""
    repo = plant(tmp_path / "repo")
    repo.dvc("init")
    stages = "enrich: {cmd: cat d d > f, deps: [d], outs: [f]}, fit: {cmd: cat f f > m, deps: [f], outs: [m]}"
    repo.write("d", "1\n")
    repo.write(
        "dvc.yaml", f"stages: {{{stages}}}\nartifacts: {{dataset: {{path: d}}, model: {{path: m, type: model}}}}\n"
    )
    repo.dvc("add", "d")
    repo.dvc("repro")
    repo.commit()
    repo.tag("dataset@v1.0.0")
    repo.tag("model@v1.0.0")
    assert told(listing.entries(context(repo))) == {"model@v1.0.0": ["dataset@v1.0.0"]}


def test_filters(monorepo: World) -> None:
    """By data under any of its names, by model, by time."""
    there = context(monorepo)
    found = listing.entries(there)
    data = there.resolve("teams/a:data@v1.0.0").version
    assert data is not None
    assert list(told(listing.select(found, Wanted(data=listing.names_of(there, data))))) == ["teams/a:model@v1.0.0"]
    assert list(told(listing.select(found, Wanted(models=frozenset(["teams/a:model@v1.1.0"]))))) == [
        "teams/a:model@v1.1.0"
    ]
    time = found[0].version.time
    assert list(told(listing.select(found, Wanted(since=time)))) == [found[0].version.name]
    assert len(listing.select(found, Wanted(until=time))) == 2
    assert listing.select(found, Wanted(since=time + dt.timedelta(days=1))) == []


def test_a_version_that_nothing_is_known_of(tmp_path: Path) -> None:
    """Listed, with the reason."""
    repo = plant(tmp_path / "repo")
    repo.commit()
    repo.tag("model@v1.0.0")
    (entry,) = listing.entries(context(repo))
    assert entry.data == ()
    assert "declares it" in entry.problem


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> TagRepo:
    """Three models: of other data, of another parameter, of other code; each is judged by a stage after it."""
    repo = plant(tmp_path_factory.mktemp("models") / "repo")
    repo.dvc("init")
    stages = """\
stages:
  cut:
    cmd: cp raw.csv d.csv
    deps: [raw.csv]
    outs: [d.csv]
    metrics: [rows.json: {cache: false}]
  fit:
    cmd: cat d.csv fit.py > m
    deps: [d.csv, fit.py]
    params: [rate, deep.er]
    outs: [m]
  score:
    cmd: wc -c < m > score.json
    deps: [m]
    metrics: [score.json: {cache: false}]
  apart:
    cmd: date +%N > apart.json
    deps: [d.csv]
    metrics: [apart.json: {cache: false}]
artifacts:
  dataset: {path: d.csv, type: dataset}
  model: {path: m, type: model}
"""
    stages = stages.replace("cp raw.csv d.csv", "cp raw.csv d.csv; wc -l < raw.csv > rows.json")
    repo.commit(**{"dvc.yaml": stages, "fit.py": "1\n", "params.yaml": "rate: 1\ndeep: {er: [1, 2]}\n"})
    repo.write("raw.csv", "a\n")
    repo.dvc("add", "raw.csv")
    steps = {
        "v1.0.0": {},
        "v1.1.0": {"raw.csv": "a\nb\n"},
        "v1.2.0": {"params.yaml": "rate: 2\ndeep: {er: [1, 2]}\n"},
        "v1.3.0": {"fit.py": "1234567\n"},
    }
    for version, files in steps.items():
        for name, content in files.items():
            repo.write(name, content)
        repo.dvc("add", "raw.csv")
        repo.dvc("repro")
        repo.commit(version)
        repo.tag(f"model@{version}")
    return repo


def between(repo: TagRepo, old: str, new: str) -> Difference:
    """What differs between two versions of the model."""
    there = context(repo)
    return diff(there, find(there, old), find(there, new))


def test_other_data(models: TagRepo) -> None:
    """The root alone counts as a change; what stages wrote follows from it."""
    found = between(models, "v1.0.0", "v1.1.0")
    assert [(one.kind, one.name, one.how) for one in found.changes] == [("data", "raw.csv", "changed")]
    assert {(one.path, one.old, one.new, one.changes) for one in found.moved} == {
        ("rows.json", 1, 2, (0,)),
        ("score.json", 4, 6, (0,)),
    }


def test_another_parameter_and_other_code(models: TagRepo) -> None:
    """Each metric stands next to what is upstream of it: rows.json was written before the model."""
    found = between(models, "v1.1.0", "v1.3.0")
    assert [(one.kind, one.name, one.old, one.new) for one in found.changes if one.kind == "params"] == [
        ("params", "rate", 1, 2)
    ]
    assert [(one.kind, one.name) for one in found.changes] == [("code", "fit.py"), ("params", "rate")]
    assert [(one.path, one.changes) for one in found.moved] == [("score.json", (0, 1))]
    assert found.same == 1  # rows.json; apart.json neither made the model nor judges it


def test_what_judges_it_is_not_what_it_was_made_of(models: TagRepo) -> None:
    """The data's metrics are those downstream, too; the model there was made of them, not they of it."""
    there = context(models)
    found = diff(there, find(there, "model@v1.0.0", "d.csv"), find(there, "model@v1.1.0", "d.csv"))
    assert {one.path for one in found.moved} >= {"rows.json", "score.json"}
    assert (found.old.versions, found.new.versions) == ((), ())
    assert [step.address for step in found.new.steps] == ["raw.csv.dvc", "dvc.yaml:cut"]


def test_the_same(models: TagRepo) -> None:
    """Nothing."""
    found = between(models, "v1.0.0", "v1.0.0")
    assert (found.changes, found.moved) == ((), ())
    assert found.same == 2
