"""The template's own history, four datasets and a model of each: what lineage says of it, offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from checkout import Repo

pytestmark = pytest.mark.e2e
VERSIONS = ["v1.0.0", "v1.1.0", "v1.1.1", "v2.0.0"]


def asked(repo: Repo, *words: str) -> Any:
    """What `dataops lineage` says as JSON, with no network at all."""
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    return json.loads(repo.run("dataops", "lineage", *words, "--json", **nowhere).stdout)


def pairs(repo: Repo) -> dict[str, str]:
    """Each model version with its dataset version, in the order they were made."""
    listed = asked(repo, "list")
    return {one["version"]: one["data"][0]["version"] for one in listed[::-1]}


def test_every_model_has_its_dataset(history: Repo) -> None:
    """One model a dataset."""
    assert list(pairs(history).values()) == [f"dataset@{version}" for version in VERSIONS]


def test_trace(history: Repo) -> None:
    """Every hash is that of dvc.lock at the tag, down to the two roots; the code is what ran."""
    for model, dataset in pairs(history).items():
        found = asked(history, "trace", model)
        assert dataset in found["made_of"]
        assert {root["path"] for root in found["roots"]} == {"data/landing", "data/exclusions.csv"}
        lock = yaml.safe_load(history.out("git", "show", f"{model}:dvc.lock"))["stages"]
        stages = {one["address"].removeprefix("dvc.yaml:"): one for one in found["steps"] if one["kind"] == "stage"}
        assert set(stages) == {"collect", "validate", "featurize", "split", "train"}
        for name, stage in stages.items():
            assert {one["hash"] for one in stage["inputs"]} == {one["md5"] for one in lock[name]["deps"]}
            assert {one["hash"] for one in stage["outputs"]} == {one["md5"] for one in lock[name]["outs"]}
            assert stage["params"]["params.yaml"] == lock[name]["params"]["params.yaml"]
        assert found["training"]["backend"] == "local"
        assert found["warnings"] == []


def test_impact(history: Repo) -> None:
    """Each dataset reached its own model and no other."""
    for model, dataset in pairs(history).items():
        found = asked(history, "impact", dataset)["reached"]
        assert [one["version"] for row in found for one in row["versions"]] == [model]


def test_diff(history: Repo) -> None:
    """A month more moved the metrics; a column less is a change of parameters."""
    first, second, _, last = pairs(history)
    grown = asked(history, "diff", first, second)
    assert [(one["kind"], one["name"]) for one in grown["changes"]] == [("data", "data/landing")]
    moved = {(one["path"], one["name"]) for one in grown["metrics"]}
    assert ("reports/metrics/evaluate.json", "wape") in moved
    assert not any(path.startswith("reports/metrics/drift") for path, _ in moved)
    dropped = asked(history, "diff", second, last)
    names = {one["name"] for one in dropped["changes"] if one["kind"] == "params"}
    assert {"contract.columns.promotion.type", "featurize.known_ahead"} <= names


def test_without_data_cache_or_store(history: Repo, tmp_path: Path) -> None:
    """A clone that never pulled gives the same trace."""
    history.run("git", "clone", "-q", str(history.path), str(tmp_path / "clone"))
    model = list(pairs(history))[-1]
    assert asked(Repo(tmp_path / "clone"), "trace", model) == asked(history, "trace", model)
