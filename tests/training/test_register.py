"""`dataops train register`: what AWS is told of a released model, once, whatever happens on the way."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trained_repo
from aws_gate import Gate
from toy import environ
from trained_repo import GROUP, IMAGE, TrainedRepo, arn, digest, record

from dataops.errors import DataOpsError
from dataops.lineage import training
from dataops.settings import SageMaker
from dataops.training.sagemaker import registry, released

DENIED = (400, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/t is not authorized to perform: this")
EXPIRED = (400, "ExpiredTokenException", "The security token included in the request is expired")
WRITING = ["AddTags", "DescribeModelPackageGroup", "CreateModelPackageGroup", "ListModelPackages", "CreateModelPackage"]


def test_tags_and_package(trained: TrainedRepo, gate: Gate):
    """The job says what it made, the registry leads back to git: tag, dataset version and hash, commit."""
    done = trained.dataops("train", "register", env=gate.environment)
    assert gate.names() == WRITING  # docs/iam allows these
    commit = trained.repo.run("git", "rev-parse", "HEAD")
    assert gate.tags(arn("demand-1")) == {
        "Project": "demand",
        "DataVersion": "dataset@v1.0.0",
        "ModelVersion": "model@v1.0.0",
        "GitCommit": commit,
    }
    (package,) = gate.packages(GROUP)
    assert package["CustomerMetadataProperties"] == {
        "git_tag": "model@v1.0.0",
        "commit": commit,
        "dataset_version": "dataset@v1.0.0",
        "dataset_hash": trained.dataset,
        "model_hash": package["CustomerMetadataProperties"]["model_hash"],
        "model_sha256": "5" * 64,
        "training_job": arn("demand-1"),
    }
    assert package["ModelPackageDescription"] == "model v1.0.0: first"
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    (container,) = package["InferenceSpecification"]["Containers"]
    assert container["Image"] == IMAGE
    assert container["ModelDataUrl"] == "s3://bucket/sagemaker/jobs/j/output/model.tar.gz"
    assert package["ModelPackageArn"] in done.stdout
    assert "(new, PendingManualApproval)" in done.stdout


def test_again_changes_nothing(trained: TrainedRepo, gate: Gate):
    """What is there is kept, also what somebody approved meanwhile."""
    first = json.loads(trained.dataops("train", "register", "--json", env=gate.environment).stdout)
    gate.client.update_model_package(
        ModelPackageArn=first["package"],
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties=gate.packages(GROUP)[0]["CustomerMetadataProperties"],
    )
    second = json.loads(trained.dataops("train", "register", "--json", env=gate.environment).stdout)
    assert (first["new"], first["new_group"], second["new"], second["new_group"]) == (True, True, False, False)
    assert second["package"] == first["package"]
    assert second["status"] == "Approved"
    assert len(gate.packages(GROUP)) == 1


def test_killed_anywhere(trained: TrainedRepo, gate: Gate):
    """kill -9 when AWS was just asked for this, or has just done it: the next run goes on, and makes nothing twice."""
    command = [sys.executable, "-m", "dataops", "train", "register"]
    for operation, moment in itertools.product(WRITING, ("before", "after")):
        process = subprocess.Popen(command, cwd=trained.root, env=environ(gate.environment), stdout=subprocess.DEVNULL)
        getattr(gate, moment)[operation] = lambda process=process: os.kill(process.pid, signal.SIGKILL)
        assert process.wait(60) == -signal.SIGKILL, operation
        getattr(gate, moment).clear()
    assert "(was there, PendingManualApproval)" in trained.dataops("train", "register", env=gate.environment).stdout
    (package,) = gate.packages(GROUP)
    assert package["CustomerMetadataProperties"]["git_tag"] == "model@v1.0.0"
    assert gate.tags(arn("demand-1"))["ModelVersion"] == "model@v1.0.0"
    assert gate.names().count("CreateModelPackage") == 2  # one that never arrived, one that made it
    assert len({call["ClientToken"] for name, call in gate.calls if name == "CreateModelPackage"}) == 1


@pytest.mark.parametrize(
    ("answer", "told"), [(DENIED, "access denied: User: arn:aws:iam"), (EXPIRED, "the AWS credentials have expired")]
)
def test_refused_anywhere(
    trained: TrainedRepo,
    gate: Gate,
    monkeypatch: pytest.MonkeyPatch,
    answer: tuple[int, str, str],
    told: str,
):
    """What was being done, why not, and what to do; allowed again, it finishes."""
    for name, value in gate.environment.items():
        monkeypatch.setenv(name, value)
    (version,) = trained.context.registry.versions("model")
    model = training.read(trained.context, version)
    assert model is not None
    chosen = SageMaker(model_package_group=GROUP)
    for operation in WRITING:
        gate.refuse = {operation: answer}
        with pytest.raises(DataOpsError) as caught:
            registry.register(trained.context, chosen, model)
        assert told in caught.value.message
        assert caught.value.hint
        assert gate.names()[-1] == operation
    gate.refuse.clear()
    assert registry.register(trained.context, chosen, model).made
    assert len(gate.packages(GROUP)) == 1


def test_somebody_else_made_the_group(trained: TrainedRepo, gate: Gate):
    """Between our look and our making."""
    gate.refuse["CreateModelPackageGroup"] = (400, "ValidationException", "Model Package Group already exists")
    gate.client.create_model_package_group(ModelPackageGroupName=GROUP)
    gate.refuse["DescribeModelPackageGroup"] = (400, "ValidationException", "ModelPackageGroup x does not exist.")
    found = json.loads(trained.dataops("train", "register", "--json", env=gate.environment).stdout)
    assert (found["new"], found["new_group"]) == (True, False)


def test_two_clones_send_the_same(trained: TrainedRepo, gate: Gate, tmp_path: Path):
    """Also the ClientToken, by which AWS takes the second request for the first one's echo."""
    trained.repo.run("git", "clone", "-q", f"{trained.repo.path}.git", str(tmp_path / "other"))
    other = trained_repo.TrainedRepo(trained_repo.TagRepo(tmp_path / "other"))
    other.settings(model_package_group=GROUP)
    mine, theirs = (
        json.loads(one.dataops("train", "register", "--dry-run", "--json").stdout) for one in (trained, other)
    )
    assert mine == theirs
    assert len(mine["request"]["ClientToken"]) == 36
    trained.dataops("train", "register", env=gate.environment)
    assert dict(gate.calls)["CreateModelPackage"] == mine["request"]


def test_dry_run_asks_nobody(trained: TrainedRepo, gate: Gate):
    """Not even AWS."""
    done = trained.dataops("train", "register", "--dry-run", env=gate.environment)
    assert "model@v1.0.0 would be registered; nothing was sent" in done.stdout
    assert '"git_tag": "model@v1.0.0"' in done.stdout
    assert gate.calls == []


def test_without_a_group(trained: TrainedRepo, gate: Gate):
    """The job is tagged, and that is all."""
    trained.settings(region="us-east-1")
    done = trained.dataops("train", "register", env=gate.environment)
    assert gate.names() == ["AddTags"]
    assert "package" not in done.stdout
    assert gate.tags(arn("demand-1"))["ModelVersion"] == "model@v1.0.0"  # in the job's region, not in the settings'


def test_a_group_of_many(trained: TrainedRepo, gate: Gate):
    """More packages than a page of AWS's: other models', another repository's of the same name, somebody's without."""
    gate.client.create_model_package_group(ModelPackageGroupName=GROUP)

    def put(**properties: str) -> None:
        more = {"CustomerMetadataProperties": properties} if properties else {}
        gate.client.create_model_package(ModelPackageGroupName=GROUP, ModelPackageDescription="x", **more)

    put()
    put(git_tag="model@v1.0.0", commit="0" * 40)
    for number in range(110):
        put(git_tag=f"churn@v1.{number}.0", commit="1" * 40)
    assert json.loads(trained.dataops("train", "register", "--json", env=gate.environment).stdout)["new"]
    for number in range(110):
        put(git_tag=f"churn@v2.{number}.0", commit="1" * 40)
    assert not json.loads(trained.dataops("train", "register", "--json", env=gate.environment).stdout)["new"]


def test_several_models_share_a_group(tmp_path: Path, gate: Gate):
    """Artifacts of any name, each with the record beside it; the newest one is meant where nobody says which."""
    repo = trained_repo.made(tmp_path / "repo", models=("churn", "price-eu"))
    repo.settings(model_package_group=GROUP)
    repo.train(**{name: record(gate.job(name), repo.dataset) for name in repo.models})
    repo.tag("dataset@v1.0.0")
    repo.tag("churn@v1.0.0")
    repo.tag("price-eu@v1.0.0")
    for words in ([], ["churn@latest"]):
        repo.dataops("train", "register", *words, env=gate.environment)
    found = [one["CustomerMetadataProperties"] for one in gate.packages(GROUP)]
    assert [(one["git_tag"], one["training_job"]) for one in found] == [
        ("price-eu@v1.0.0", arn("price-eu")),
        ("churn@v1.0.0", arn("churn")),
    ]


def test_a_repository_in_a_folder(tmp_path: Path, gate: Gate):
    """Tags count from git's top: `teams/a=model@v1.0.0`."""
    repo = trained_repo.made(tmp_path / "repo", prefix="teams/a")
    repo.root.mkdir(parents=True)
    repo.settings(model_package_group=GROUP)
    repo.train(model=record(gate.job("j"), repo.dataset))
    repo.tag("teams/a=dataset@v1.0.0")
    repo.tag("teams/a=model@v1.0.0")
    repo.dataops("train", "register", env=gate.environment)
    found = gate.packages(GROUP)[0]["CustomerMetadataProperties"]
    assert (found["git_tag"], found["dataset_version"]) == ("teams/a=model@v1.0.0", "teams/a:dataset@v1.0.0")
    assert gate.tags(arn("j"))["ModelVersion"] == "teams/a:model@v1.0.0"


def test_parts_and_several_datasets(tmp_path: Path):
    """As the template's own stage reads its dataset by parts: it is the whole that is a version."""
    repo = trained_repo.made(tmp_path / "repo")
    repo.reads = {f"data/dataset/{part}": digest("d", ".dir") for part in ("train", "validation")}
    repo.reads["data/stores.csv"] = digest("e")
    repo.train(model=record(arn("j"), repo.dataset))
    for name in ("dataset@v1.2.0", "stores@v3.0.0", "model@v1.0.0"):
        repo.tag(name)
    found = json.loads(repo.dataops("train", "register", "--dry-run", "--json").stdout)
    assert found["tags"]["DataVersion"] == "dataset@v1.2.0 stores@v3.0.0"
    repo.settings(model_package_group=GROUP)
    request = json.loads(repo.dataops("train", "register", "--dry-run", "--json").stdout)["request"]
    assert request["CustomerMetadataProperties"]["dataset_hash"] == f"{repo.dataset} {digest('e')}"


def test_a_version_that_was_taken_back(trained: TrainedRepo, gate: Gate):
    """It is registered where somebody names it, and said to be no good."""
    trained.tag("model@v1.0.0!#1", "Store 7 counted twice")
    done = trained.dataops("train", "register", "model@v1.0.0", env=gate.environment)
    assert "note: model@v1.0.0 is deprecated: " in done.stderr
    assert "no version of a model comes before HEAD" in trained.dataops("train", "register", status=2).stderr


def test_a_tag_with_a_counter(trained: TrainedRepo, gate: Gate):
    """GTO's `model@v1.1.0#4`: AWS takes no `#`, and refused the whole request."""
    trained.train(model=record(gate.job("demand-2"), trained.dataset))
    trained.tag("model@v1.1.0#4")
    trained.dataops("train", "register", env=gate.environment)
    assert gate.tags(arn("demand-2"))["ModelVersion"] == "model@v1.1.0"
    assert gate.packages(GROUP)[0]["CustomerMetadataProperties"]["git_tag"] == "model@v1.1.0"


def test_what_aws_takes():
    """Letters of any script, and few signs; no control characters in a description."""
    assert released.fitting("größe#1 ~ 50%\n") == "größe_1 _ 50__"
    assert len(released.fitting("x" * 300)) == 256
    assert released.described("a\tb\u200dc → 5 €\n") == "a b c → 5 € "


def test_the_newest_that_head_descends_from(trained: TrainedRepo, gate: Gate):
    """Not a colleague's on another branch, not one that was taken back."""
    trained.repo.run("git", "checkout", "-q", "-b", "other")
    trained.train(model=record(gate.job("elsewhere"), trained.dataset))
    trained.repo.tag("model@v9.0.0")
    trained.repo.run("git", "checkout", "-q", "main")
    trained.train(model=record(gate.job("bad"), trained.dataset))
    trained.tag("model@v1.1.0")
    trained.tag("model@v1.1.0!#1")
    assert json.loads(trained.dataops("train", "register", "--dry-run", "--json").stdout)["version"] == "model@v1.0.0"


# --- what is not registered -----------------------------------------------------------------------------------------


def refused(repo: TrainedRepo, gate: Gate, *words: str, status: int = 1) -> str:
    """What it says; AWS hears nothing of it."""
    gate.calls.clear()
    told = repo.dataops("train", "register", *words, status=status, env=gate.environment).stderr
    assert gate.calls == []
    return told


def test_unreleased_data(trained: TrainedRepo, gate: Gate):
    """Every model in the registry names its dataset's version: release that, and it is registered."""
    trained.dataset = digest("b", ".dir")
    commit = trained.train(model=record(gate.job("demand-2"), trained.dataset))
    trained.tag("model@v2.0.0")
    told = refused(trained, gate)
    assert "error: the data of model@v2.0.0 are not released: data/dataset bbbbbbb" in told
    assert f"at {commit[:7]}: `dataops release dataset`; then `dataops train register model@v2.0.0`" in told
    trained.tag("dataset@v2.0.0")
    trained.dataops("train", "register", "model@v2.0.0", env=gate.environment)
    assert gate.packages(GROUP)[0]["CustomerMetadataProperties"]["dataset_version"] == "dataset@v2.0.0"


def test_other_data_than_recorded(trained: TrainedRepo, gate: Gate):
    """The job read something else than dvc.lock says."""
    trained.train(model=record(gate.job("demand-2"), digest("c", ".dir")))
    trained.tag("model@v2.0.0")
    assert "the job of model@v2.0.0 read data ccccccc, dvc.lock says data/dataset aaaaaaa" in refused(trained, gate)


def test_trained_here(trained: TrainedRepo, gate: Gate):
    """There is no job, and no model on S3."""
    trained.train(model={"backend": "local"})
    trained.tag("model@v2.0.0")
    assert "model@v2.0.0 was not trained on SageMaker: its training record says backend local" in refused(trained, gate)


def test_only_in_this_clone(trained: TrainedRepo, gate: Gate):
    """Nobody else could follow the registry to it."""
    trained.train(model=record(gate.job("demand-2"), trained.dataset))
    trained.repo.tag("model@v2.0.0")
    assert "model@v2.0.0 is in this clone only" in refused(trained, gate)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"job": None}, "doesn't say job"),
        ({"job": "demand-2"}, "'demand-2' is no ARN of SageMaker's"),
        ({"model": {"uri": "s3://bucket/a b"}}, "doesn't say model.uri"),
        ({"model": {"uri": "/tmp/model.tar.gz"}}, "doesn't say model.uri on S3"),
        ({"model": "s3://bucket/x"}, "doesn't say model.uri"),
        ({"image": ["\x1b[31m"]}, "doesn't say image"),
        ({"job": arn("x").replace("training-job", "model-package")}, "doesn't say the training job's ARN"),
    ],
)
def test_hostile_records(trained: TrainedRepo, gate: Gate, more: dict[str, object], told: str):
    """Whoever can commit wrote them."""
    trained.train(model=record(arn("demand-2"), trained.dataset) | more)
    trained.tag("model@v2.0.0")
    assert told in refused(trained, gate, status=2)


def test_no_model(trained: TrainedRepo, gate: Gate):
    """A dataset, a branch, nothing."""
    assert "dataset@v1.0.0 is no model" in refused(trained, gate, "dataset@v1.0.0", status=2)
    trained.repo.commit("later")
    assert "HEAD is no released version" in refused(trained, gate, "HEAD", status=2)


def test_the_same_answer_as_trace(trained: TrainedRepo):
    """What the registry says of the data is what lineage says."""
    version = trained.context.registry.versions("model")[0]
    found = training.read(trained.context, version)
    assert found is not None
    traced = json.loads(trained.dataops("lineage", "trace", "model@v1.0.0", "--json").stdout)
    assert [one.version for one in found.data] == traced["made_of"]
    assert found.record == traced["training"]
