"""`dataops release` of a model: real git, DVC and remote; SageMaker hears of what it trained, and of nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import toy as toys
from aws_gate import Gate
from toy import Toy, environ
from trained_repo import GROUP, arn, record

FIT = """\
import json, pathlib
pathlib.Path("models").mkdir(exist_ok=True)
pathlib.Path("models/model.bin").write_bytes(pathlib.Path("told.json").read_bytes())
pathlib.Path("reports/training.json").write_text(pathlib.Path("told.json").read_text())
"""
LOCAL = {"backend": "local", "entry_point": "fit.py"}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """A repository whose stage `fit` leaves a training record; its dataset is released. Nobody changes it."""
    folder = tmp_path_factory.mktemp("first")
    (folder / "remote").mkdir()
    toy = toys.make(folder / "toy", str(folder / "remote"))
    pipeline = toys.PIPELINE.replace("outs: [models/model.bin]", "outs:\n      - models/model.bin\n"
                                     "      - reports/training.json: {cache: false}")  # fmt: skip
    (toy.path / "dvc.yaml").write_text(
        pipeline.replace("deps: [data/dataset, fit.py]", "deps: [data/dataset, told.json]")
    )
    (toy.path / "fit.py").write_text(FIT)
    train(toy, LOCAL)
    toy.dataops("release")
    return toy


@pytest.fixture
def toy(first: Toy, tmp_path: Path) -> Toy:
    """A copy, with remotes of its own."""
    (tmp_path / "remote").mkdir()
    copied = toys.copy(first, tmp_path / "toy", str(tmp_path / "remote"))
    copied.dvc("push", "-q")
    return copied


def train(toy: Toy, told: dict[str, object]) -> None:
    """The record that the stage leaves."""
    (toy.path / "told.json").write_text(json.dumps(told))
    toy.dvc("repro", "-q")
    toy.commit("trained")


def settings(toy: Toy, text: str = f'[tool.dataops.train.sagemaker]\nmodel_package_group = "{GROUP}"\n') -> None:
    """pyproject.toml."""
    (toy.path / "pyproject.toml").write_text(text)
    toy.commit("settings")


def test_released_and_registered(toy: Toy, gate: Gate):
    """One command; the card names the job, the registry the tag."""
    settings(toy)
    train(toy, record(gate.job("demand-1")))
    done = toy.dataops("release", "model", **gate.environment)
    assert "model@v1.0.0 is released" in done.stdout
    assert f"  job      {arn('demand-1')}" in done.stdout
    (package,) = gate.packages(GROUP)
    assert package["ModelPackageArn"] in done.stdout
    assert package["CustomerMetadataProperties"]["dataset_version"] == "dataset@v1.0.0"
    again = toy.dataops("release", "model", status=1, **gate.environment).stderr  # killed between tag and registry
    assert "`dataops train register model@v1.0.0`, if AWS doesn't know it yet" in again
    assert package["ModelPackageDescription"] == toy.out("git", "tag", "-l", "--format=%(subject)", "model@v1.0.0")
    shown = toy.json("show", "model@v1.0.0")
    assert shown["hash"] == package["CustomerMetadataProperties"]["model_hash"]
    for name in (arn("demand-1"), package["ModelPackageArn"]):
        traced = json.loads(toy.dataops("lineage", "trace", name, "--json", **gate.environment).stdout)
        assert (traced["name"], traced["made_of"]) == ("model@v1.0.0", ["dataset@v1.0.0"])


def test_as_json(toy: Toy, gate: Gate):
    """One document, with what AWS knows now."""
    train(toy, record(gate.job("demand-1")))
    found = json.loads(toy.dataops("release", "model", "--json", **gate.environment).stdout)
    assert found["released"]
    assert found["registration"]["tags"]["DataVersion"] == "dataset@v1.0.0"
    assert found["registration"]["package"] is None


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        ((400, "ExpiredTokenException", "expired"), "the AWS credentials have expired"),
        (
            (400, "AccessDeniedException", "not authorized to perform: sagemaker:AddTags"),
            "access denied: not authorized",
        ),
    ],
)
def test_refused_by_aws(toy: Toy, gate: Gate, refusal: tuple[int, str, str], told: str):
    """The version stands and is pushed; exit status 1, and the command that finishes it."""
    settings(toy)
    train(toy, record(gate.job("demand-1")))
    gate.refuse["AddTags"] = refusal
    done = toy.dataops("release", "model", status=1, **gate.environment)
    assert "model@v1.0.0 is released: " in done.stdout
    assert (
        "error: model@v1.0.0 is released, but not registered: can't tag the training job demand-1: " + told
        in done.stderr
    )
    assert "`dataops train register model@v1.0.0` finishes it" in done.stderr
    assert "model@v1.0.0" in toy.tags(remote=True)
    gate.refuse.clear()
    toy.dataops("train", "register", "model@v1.0.0", **gate.environment)
    assert len(gate.packages(GROUP)) == 1


def test_refused_as_json(toy: Toy, gate: Gate):
    """Exit status 1, and still one document."""
    train(toy, record(gate.job("demand-1")))
    gate.refuse["AddTags"] = (400, "AccessDeniedException", "no")
    found = json.loads(toy.dataops("release", "model", "--json", status=1, **gate.environment).stdout)
    assert found["released"]
    assert not found["registration"]["registered"]
    assert "access denied" in found["registration"]["error"]


def test_data_that_nobody_released(toy: Toy, gate: Gate):
    """Past the gate, the model is a version; but the registry holds none without its dataset's."""
    settings(toy)
    toy.put(m2024_04=toys.month("2024-04"))
    train(toy, record(gate.job("demand-1")))
    done = toy.dataops("release", "model", "--allow-invalid", "a test", status=1, **gate.environment)
    assert "is released, but not registered: the data of model@v1.0.0 are not released: data/dataset" in done.stderr
    assert done.stderr.count("`dataops train register model@v1.0.0`") == 1
    assert gate.calls == []
    toy.dataops("release")
    toy.dataops("train", "register", "model@v1.0.0", **gate.environment)
    assert gate.tags(arn("demand-1"))["DataVersion"] == "dataset@v1.1.0"


def test_kept_here_or_only_looked_at(toy: Toy, gate: Gate):
    """With --no-push and --dry-run AWS hears nothing; finished later, it does."""
    train(toy, record(gate.job("demand-1")))
    toy.dataops("release", "model", "--dry-run", **gate.environment)
    toy.dataops("release", "model", "--no-push", **gate.environment)
    assert gate.calls == []
    assert "it was here only" in toy.dataops("release", "model", **gate.environment).stdout
    assert gate.tags(arn("demand-1"))["ModelVersion"] == "model@v1.0.0"


def test_trained_here(toy: Toy, gate: Gate):
    """One note where a group is set, nothing asked; without a group not a word."""
    plain = toy.dataops("release", "model", **gate.environment)
    assert plain.stdout.splitlines()[-1].startswith("model@v1.0.0 is released: ")
    settings(toy)
    train(toy, LOCAL | {"seed": 2})
    done = toy.dataops("release", "model", **gate.environment)
    assert (
        done.stdout.splitlines()[-1]
        == f"note: {toy.tags()[-1]} was not trained on SageMaker: it is not registered in {GROUP}"
    )
    assert gate.calls == []
    train(toy, LOCAL | {"seed": 3})
    settings(toy, "[tool.dataops.train]\nbackend = 3\n")
    assert (
        toy.dataops("release", "model", **gate.environment).stderr == ""
    )  # no matter of a model that was trained here


def test_trained_here_imports_nothing_of_it(toy: Toy):
    """Nor does a release of data."""
    code = (
        "import sys\nfrom dataops.cli import parser\n"
        "arguments = parser().parse_args(['release', 'model'])\nstatus = arguments.run(arguments)\n"
        "found = [name for name in sys.modules if name.startswith(('sagemaker', 'dataops.training.sagemaker'))]\n"
        "sys.exit(f'imported: {found}' if found else status)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=toy.path, env=environ({}), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
