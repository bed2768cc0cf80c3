"""dataops.training.sagemaker.request and channels: what is asked for, made by pure functions."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from dataops.errors import DataOpsError
from dataops.settings import SageMaker
from dataops.store.manifest import Entry
from dataops.store.objects import LEGACY
from dataops.training.sagemaker import channels, request
from dataops.training.sagemaker.bundle import Bundle
from dataops.training.sagemaker.channels import Channel, Dataset
from dataops.training.sagemaker.request import Inputs, Standing

ROLE = "arn:aws:iam::123456789012:role/Trainer"
NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")  # TrainingJobName in AWS's API reference
DATA = Dataset("data/dataset", "a" * 32 + ".dir", "md5", (Entry("train/0.parquet", "b" * 32),), None)
CODE = Bundle({"pipeline/train.py": b"pass"}, "pipeline/train.py")
INPUTS = Inputs(DATA, CODE, {"rounds": 3, "objective": "l2"}, "image:1", "demand")
CHANNELS = [Channel("train", "ManifestFile", "s3://b/m/1.json"), Channel("validation", "S3Prefix", "s3://b/v/")]


def built(inputs: Inputs = INPUTS, dirty: bool = False, **chosen: Any) -> dict[str, Any]:
    """The request of these settings."""
    settings = SageMaker.model_validate({"role": ROLE} | chosen)
    return request.build(inputs, CHANNELS, "s3://b/source/x.tar.gz", "s3://b/jobs", Standing("c" * 40, dirty), settings)


# --- names and digests ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("project", "begins"),
    [
        ("demand", "demand-"),
        ("Größe #1", "Gr-e-1-"),
        ("-_-", "train-"),
        ("", "train-"),
        ("日本", "train-"),
        ("a" * 200, "a" * 48 + "-"),
        ("a" * 47 + "--b", "a" * 47 + "-"),
        ("x.y_z/w", "x-y-z-w-"),
        ("1", "1-"),
    ],
)
@pytest.mark.parametrize("attempt", [1, 9, 10, 998])
def test_the_jobs_name(project: str, begins: str, attempt: int):
    """AWS's alphabet and length for any project, and the attempt stays whole at the end."""
    name = replace(INPUTS, project=project).job(attempt)
    assert NAME.fullmatch(name)
    assert name.endswith(f"-{INPUTS.digest[:12]}-{attempt}")
    assert name.startswith(begins[: 63 - len(f"-{INPUTS.digest[:12]}-{attempt}")])


@pytest.mark.parametrize(
    "other",
    [
        replace(INPUTS, dataset=replace(DATA, digest="d" * 32 + ".dir")),
        replace(INPUTS, bundle=Bundle({"pipeline/train.py": b"pass "}, "pipeline/train.py")),
        replace(INPUTS, bundle=replace(CODE, program="pipeline/other.py")),
        replace(INPUTS, hyperparameters={"rounds": 4, "objective": "l2"}),
        replace(INPUTS, hyperparameters={"rounds": "3", "objective": "l2"}),
        replace(INPUTS, hyperparameters={"rounds": 3}),
        replace(INPUTS, image="image:2"),
    ],
    ids=["data", "code", "program", "value", "type", "fewer", "image"],
)
def test_another_input_is_another_job(other: Inputs):
    """Whatever changes the model changes the name."""
    assert other.digest != INPUTS.digest
    assert other.job(1) != INPUTS.job(1)


@pytest.mark.parametrize(
    "same",
    [
        replace(INPUTS, project="another"),
        replace(INPUTS, hyperparameters={"objective": "l2", "rounds": 3}),
        replace(INPUTS, dataset=replace(DATA, entries=(), path="elsewhere")),
    ],
    ids=["project", "order", "what the hash stands for"],
)
def test_what_is_no_input(same: Inputs):
    """What the project is called, the order of keys and how the hash came about change nothing."""
    assert same.digest == INPUTS.digest


def test_the_digest_stays():
    """Pinned: a version that computed another would pay for every model once more."""
    assert INPUTS.digest == "87b6ce5862070fab87f369b7a24daa43a71da40e73452287cfe7517e8dbdd961"


def test_where_it_runs_is_no_input():
    """Instance, spot, keys, tags and network change the request, and never the job's name."""
    more = {"instance_type": "ml.m5.large", "instance_count": 2, "spot": True, "volume_gb": 50, "tags": {"A": "b"},
            "kms_key": "k", "volume_kms_key": "k", "subnets": ["s"], "security_groups": ["g"]}  # fmt: skip
    assert built(**more)["TrainingJobName"] == built()["TrainingJobName"]
    assert built(**more) != built()


# --- the request ----------------------------------------------------------------------------------------------------


def test_the_least_request():
    """Every key of a request with the default settings: no more is asked of SageMaker."""
    assert built() == {
        "TrainingJobName": INPUTS.job(1),
        "RoleArn": ROLE,
        "AlgorithmSpecification": {
            "TrainingImage": "image:1",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": n, "Regex": r} for n, r in SageMaker().metrics.items()],
        },
        "HyperParameters": {
            "rounds": "3",
            "objective": '"l2"',
            "sagemaker_container_log_level": "30",
            "sagemaker_program": '"pipeline/train.py"',
            "sagemaker_submit_directory": '"/opt/ml/input/data/code/sourcedir.tar.gz"',
        },
        "InputDataConfig": [
            _channel("train", "ManifestFile", "s3://b/m/1.json"),
            _channel("validation", "S3Prefix", "s3://b/v/"),
            _channel("code", "S3Prefix", "s3://b/source/x.tar.gz"),
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://b/jobs"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
        "Tags": [
            {"Key": "Project", "Value": "demand"},
            {"Key": "DatasetHash", "Value": DATA.digest},
            {"Key": "GitCommit", "Value": "c" * 40},
            {"Key": "GitDirty", "Value": "false"},
        ],
    }


def _channel(name: str, kind: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": kind, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "InputMode": "File"}


def test_spot_has_a_place_for_checkpoints():
    """Of these inputs alone, beside the models; the container is told where it is."""
    found = built(spot=True, max_wait_seconds=4000)
    assert found["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 4000}
    place = f"s3://b/checkpoints/{INPUTS.digest}"
    assert found["CheckpointConfig"] == {"S3Uri": place, "LocalPath": "/opt/ml/checkpoints"}
    assert found["Environment"] == {"DATAOPS_CHECKPOINTS": "/opt/ml/checkpoints"}


def test_without_metrics():
    """SageMaker takes no empty list of definitions."""
    assert "MetricDefinitions" not in built(metrics={})["AlgorithmSpecification"]


def test_tags():
    """A dirty tree is said, further tags come last, and what AWS refuses becomes an underscore."""
    tags = built(dirty=True, tags={"Cost#Center" + "x" * 200: "4\n2"})["Tags"]
    assert {"Key": "GitDirty", "Value": "true"} in tags
    assert tags[-1] == {"Key": ("Cost_Center" + "x" * 200)[:128], "Value": "4_2"}
    with pytest.raises(DataOpsError, match="the tag Project is written by dataops"):
        built(tags={"Project": "other"})


# --- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "most"),
    [
        ({}, 0.115),
        ({"instance_count": 3}, 0.345),
        ({"max_run_seconds": 1800}, 0.0575),
        ({"usd_per_hour": {"ml.m5.large": 2.0}, "instance_count": 2, "max_run_seconds": 900}, 1.0),
    ],
)
def test_the_cost_guard_counts(chosen: dict[str, Any], most: float):
    """Price an hour x instances x the hours that the job may run: exactly that is allowed, and a cent less isn't."""
    request.require_affordable(SageMaker.model_validate(chosen | {"max_cost_usd": most + 1e-9}))
    with pytest.raises(DataOpsError, match=r"may cost \$"):
        request.require_affordable(SageMaker.model_validate(chosen | {"max_cost_usd": most - 0.01}))


def test_the_cost_guard_needs_a_price():
    """Of an instance without a price nothing is known; without a limit nobody asks."""
    with pytest.raises(DataOpsError, match=r"what does ml\.p4d\.24xlarge cost\?"):
        built(instance_type="ml.p4d.24xlarge")
    assert built(instance_type="ml.p4d.24xlarge", max_cost_usd=0.0)["TrainingJobName"] == INPUTS.job(1)


@pytest.mark.parametrize(("billable", "count", "usd"), [(3600, 1, 0.115), (60, 2, 0.0038), (0, 1, 0.0)])
def test_what_it_has_cost(billable: int, count: int, usd: float):
    """US dollars of all instances, to a hundredth of a cent; unknown where the price is."""
    assert request.cost(SageMaker(instance_count=count), billable) == usd
    assert request.cost(SageMaker(instance_type="ml.other"), billable) is None


def test_hyperparameters_as_many_as_there_may_be():
    """100 with the toolkit's own three, each of at most 2,500 characters of JSON."""
    for values in ({f"p{n}": n for n in range(97)}, {"x": "y" * 2498}):
        assert len(request.hyperparameters(replace(INPUTS, hyperparameters=values))) == len(values) + 3
    for values, told in (({f"p{n}": n for n in range(98)}, "101 are more than 100"), ({"x": "y" * 2499}, "x has more")):
        with pytest.raises(DataOpsError, match=told):
            request.hyperparameters(replace(INPUTS, hyperparameters=values))


@pytest.mark.parametrize("role", ["", "Trainer", "arn:aws:iam::12:role/x", "arn:aws:iam::123456789012:user/x"])
def test_no_role(role: str):
    """A role's ARN or a line that shows how one looks."""
    with pytest.raises(DataOpsError, match=r"which role does the job run as\?|which is no role's ARN"):
        built(role=role)


# --- manifests ------------------------------------------------------------------------------------------------------


class Somewhere:
    """The remote's place; nobody is asked."""

    bucket, prefix = "bucket", "team/dvc"

    def uri(self, name: str) -> str:
        """Of a manifest."""
        return f"s3://bucket/m/{name}"


@pytest.mark.parametrize(
    ("algorithm", "prefix"),
    [("md5", "s3://bucket/team/dvc/files/md5/"), (LEGACY, "s3://bucket/team/dvc/")],
)
def test_manifests(algorithm: str, prefix: str):
    """Of DVC 3 and of DVC 2, whose objects lie elsewhere: each object once, sorted, whatever lies where."""
    entries = (Entry("test/0", "0" * 32), Entry("train/a", "cc" + "1" * 30), Entry("train/b", "aa" + "2" * 30),
               Entry("train/c", "cc" + "1" * 30), Entry("validation/a", "aa" + "2" * 30))  # fmt: skip
    data = replace(DATA, algorithm=algorithm, entries=entries)
    made = channels.by_manifest(data, Somewhere(), Somewhere())
    train, validation = made
    assert [one.name for one in made] == ["train", "validation"]
    assert json.loads(train.content) == [{"prefix": prefix}, "aa/" + "2" * 30, "cc/" + "1" * 30]
    assert json.loads(validation.content) == [{"prefix": prefix}, "aa/" + "2" * 30]
    for one in made:
        assert one.uri == f"s3://bucket/m/{hashlib.sha256(one.content).hexdigest()}.json"
    assert channels.by_manifest(replace(data, entries=entries[::-1]), Somewhere(), Somewhere()) == made


def test_a_manifest_at_the_buckets_top():
    """A remote without a prefix has no empty folder in its addresses."""
    assert json.loads(channels.manifest("b", "", ["aa/bb"])) == [{"prefix": "s3://b/"}, "aa/bb"]
    assert json.loads(channels.manifest("b", "", ["files/md5/aa/bb"])) == [{"prefix": "s3://b/files/md5/"}, "aa/bb"]


def test_objects_of_a_dataset():
    """Each once, the list of files last: it is what says that the others are complete."""
    data = replace(DATA, entries=(Entry("train/a", "1" * 32), Entry("train/b", "1" * 32), Entry("x", "2" * 32)))
    assert [one.digest for one in data.objects] == ["1" * 32, "2" * 32, DATA.digest]
