"""dataops.training.launch: what params.yaml says becomes hyperparameters."""

from __future__ import annotations

import pytest
from workbench import Bench, ended

from dataops.training import launch


def test_from_the_contract(bench: Bench):
    """Roles, categories and what to leave out follow from the contract; `train` is passed as it is."""
    bench.params["contract"]["columns"]["region"] = {"type": "string"}
    bench.set("featurize", known_ahead=["promotion"])
    found = launch.hyperparameters()
    assert (found["time"], found["target"]) == ("date", "sales")
    assert found["categories"] == ["store_id", "product_id", "region"]
    assert found["leave_out"] == ["price", "region"]
    assert found["rounds"] == 15
    assert len(found["contract_sha256"]) == 64


def test_hash_follows_the_contract(bench: Bench):
    """Another contract is another hash, another order of keys is not."""
    before = launch.hyperparameters()["contract_sha256"]
    bench.params["contract"] = dict(reversed(bench.params["contract"].items()))
    bench.save()
    assert launch.hyperparameters()["contract_sha256"] == before
    bench.params["contract"]["columns"]["price"]["max"] = 999
    bench.save()
    assert launch.hyperparameters()["contract_sha256"] != before


def test_keys_are_texts(bench: Bench):
    """YAML takes numbers for keys, JSON doesn't: side by side with texts they could not be put in order."""
    bench.params["train"]["level"] = {1: "a", "b": {2: None}}
    bench.save()
    assert launch.hyperparameters()["level"] == {"1": "a", "b": {"2": None}}


@pytest.mark.parametrize("section", [{"target": "price"}, {"Rounds": 3}, {"leave_out": []}, {3: 4}])
def test_keys_of_the_contract_are_not_hyperparameters(bench: Bench, section):
    """A key that would be overridden, or confused with another in the environment, is refused."""
    bench.params["train"] |= section
    bench.save()
    done = ended(launch.run, status=2)
    assert f"params.yaml: train: unknown key {next(iter(section))}" in done.err


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("a=b", 1, "train: 'a=b' can't be a key"),
        ("a\nb", 1, "train: 'a b' can't be a key"),
        ("", 1, "train: '' can't be a key"),
    ],
)
def test_what_can_not_travel(bench: Bench, name, value, message):
    """A hyperparameter goes as JSON in a variable of its name, on every backend."""
    bench.params["train"][name] = value
    bench.save()
    assert message in ended(launch.run, status=2).err


@pytest.mark.parametrize(("section", "message"), [(3, "featurize: expected a section"), ({"known_ahead": 5}, "a list")])
def test_featurize_is_no_section(bench: Bench, section, message):
    """The launcher reads one key of it."""
    bench.params["featurize"] = section
    bench.save()
    assert message in ended(launch.run, status=2).err


def test_no_section(bench: Bench):
    """A list where keys belong is one line."""
    bench.params["train"] = [1]
    bench.save()
    assert "params.yaml: train: expected a section of keys, found list" in ended(launch.run, status=2).err


def test_no_data(bench: Bench):
    """A clone without data says what to do."""
    done = ended(launch.run, status=2)
    assert "data/dataset/train is missing" in done.err
    assert "dvc pull" in done.err
