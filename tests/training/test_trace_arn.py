"""ARNs where a version is asked for: git alone knows the jobs, AWS the packages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trained_repo
from aws_gate import Gate
from trained_repo import ACCOUNT, GROUP, TrainedRepo, arn, record

OFFLINE = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}


def traced(repo: TrainedRepo, name: str, *words: str, env: dict[str, str] | None = None) -> dict[str, object]:
    """What trace says of it."""
    found: dict[str, object] = json.loads(repo.dataops("lineage", "trace", name, *words, "--json", env=env).stdout)
    return found


def package(number: int) -> str:
    """ARN of a model package."""
    return f"arn:aws:sagemaker:eu-central-1:{ACCOUNT}:model-package/{GROUP}/{number}"


def test_a_job(trained: TrainedRepo):
    """Of a version without a card: the record at its commit; AWS isn't asked."""
    trained.train(model=record(arn("later"), trained.dataset))
    found = traced(trained, arn("demand-1"), env=OFFLINE)
    assert (found["name"], found["made_of"]) == ("model@v1.0.0", ["dataset@v1.0.0"])


def test_a_job_that_a_card_names(trained: TrainedRepo):
    """The newest of those that it made; one that was taken back only where there is no other."""
    card = json.dumps({"format": 1, "type": "model", "training": {"job": arn("demand-1")}}, indent=2)
    for name in ("model@v1.1.0", "model@v1.2.0"):
        trained.tag(name, f"told\n\n{card}")
    trained.tag("model@v1.2.0!#1")
    assert traced(trained, arn("demand-1"), env=OFFLINE)["name"] == "model@v1.1.0"


def test_a_job_whose_model_nobody_released(trained: TrainedRepo):
    """The commit that brought it, also when it was overwritten since, or lies on another branch."""
    trained.repo.run("git", "checkout", "-q", "-b", "other")
    commit = trained.train(model=record(arn("demand-2"), trained.dataset))
    trained.train(model=record(arn("demand-3"), trained.dataset))
    trained.repo.run("git", "checkout", "-q", "main")
    assert traced(trained, arn("demand-2"), env=OFFLINE)["name"] == f"models/model.tar.gz at {commit[:7]}"


def test_a_package(trained: TrainedRepo, gate: Gate):
    """By its metadata, whatever its number."""
    trained.dataops("train", "register", env=gate.environment)
    gate.calls.clear()
    found = traced(trained, gate.packages(GROUP)[0]["ModelPackageArn"], env=gate.environment)
    assert (found["name"], found["made_of"]) == ("model@v1.0.0", ["dataset@v1.0.0"])
    assert gate.names() == ["DescribeModelPackage"]


def test_a_package_of_a_tag_with_a_counter(trained: TrainedRepo, gate: Gate):
    """Its number alone went to AWS."""
    trained.train(model=record(gate.job("demand-2"), trained.dataset))
    trained.tag("model@v1.1.0#4")
    trained.dataops("train", "register", env=gate.environment)
    assert traced(trained, package(1), env=gate.environment)["name"] == "model@v1.1.0"


@pytest.mark.parametrize(
    "words", [["show"], ["lineage", "graph"], ["lineage", "export"], ["lineage", "impact"], ["uri"]]
)
def test_other_commands(trained: TrainedRepo, words: list[str]):
    """Wherever a version is asked for, the answer is the same as for its name."""
    assert trained.dataops(*words, arn("demand-1")).stdout == trained.dataops(*words, "model@v1.0.0").stdout


def test_somebodys_repository(trained: TrainedRepo, gate: Gate, tmp_path: Path):
    """--repo, from anywhere; also where the DVC repository lies in a folder of it."""
    trained.dataops("train", "register", env=gate.environment)
    elsewhere = trained_repo.made(tmp_path / "elsewhere", prefix="teams/b")
    elsewhere.train(model=record(arn("of-b"), elsewhere.dataset))
    url = f"{trained.repo.path}.git"
    for name in (arn("demand-1"), package(1)):
        assert traced(elsewhere, name, "--repo", url, env=gate.environment)["name"] == "model@v1.0.0"
    found = traced(trained, arn("of-b"), "--repo", str(elsewhere.repo.path))
    assert str(found["name"]).startswith("models/model.tar.gz at ")


# --- what leads nowhere ---------------------------------------------------------------------------------------------


def told(repo: TrainedRepo, name: str, env: dict[str, str] | None = None) -> str:
    """The error; every one has a hint or needs none."""
    return repo.dataops("lineage", "trace", name, status=2, env=env or OFFLINE).stderr


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (arn("demand-9"), "no tag and no commit here has the training job demand-9"),
        (arn("demand-"), "no tag and no commit here has the training job demand-"),  # no beginning of one is it
        (arn("x").replace("training-job", "endpoint"), "endpoint/x is neither a training job nor a model package"),
        (package(1).replace("package/retail/1", "package-group/retail"), "retail is a whole group of model packages"),
        ("arn:aws:s3:::bucket", "'arn:aws:s3:::bucket' is no ARN of SageMaker's"),
        ("arn:aws:sagemaker:eu-central-1:1:training-job/x", "is no ARN of SageMaker's"),
        ("arn:aws:\x1b[31m" + "x" * 3000, "is no ARN of SageMaker's"),
    ],
)
def test_wrong_arns(trained: TrainedRepo, name: str, says: str):
    """One line, no network."""
    found = told(trained, name)
    assert says in found
    assert "\x1b" not in found
    assert len(found) < 400


def test_packages_that_lead_nowhere(trained: TrainedRepo, gate: Gate):
    """None there; somebody else's; of another repository by its tag, or by its commit."""
    client = gate.client
    client.create_model_package_group(ModelPackageGroupName=GROUP)
    client.create_model_package(ModelPackageGroupName=GROUP)
    for tag in ("churn@v1.0.0", "model@v1.0.0"):
        properties = {"git_tag": tag, "commit": "0" * 40}
        client.create_model_package(ModelPackageGroupName=GROUP, CustomerMetadataProperties=properties)
    found = [told(trained, package(number), gate.environment) for number in (9, 1, 2, 3)]
    assert "there is no model package retail/9 in eu-central-1" in found[0]
    assert "the model package retail/1 has no git_tag" in found[1]
    assert "the model package retail/2 is churn@v1.0.0, which is no version here" in found[2]
    assert "retail/3 is model@v1.0.0 of commit 0000000, which is" in found[3]
    assert "it is of another repository" in found[3]


def test_aws_refuses(trained: TrainedRepo, gate: Gate):
    """As everywhere."""
    gate.refuse["DescribeModelPackage"] = (400, "AccessDeniedException", "not authorized")
    assert "can't read the model package" in told(trained, package(1), gate.environment)


def test_two_artifacts_of_one_job(tmp_path: Path):
    """Which one is meant, nobody can say."""
    repo = trained_repo.made(tmp_path / "repo", models=("churn", "price"))
    repo.train(churn=record(arn("j"), repo.dataset), price=record(arn("j"), repo.dataset))
    repo.tag("churn@v1.0.0")
    repo.tag("price@v1.0.0")
    assert "the training job j made churn@v1.0.0 and price@v1.0.0" in told(repo, arn("j"))
