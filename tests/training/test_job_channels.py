"""What a job reads and what it carries: channels, source, tags, keys, spot; each as it was sent, and as it ran."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import Any

import pytest
from host import TrainingHost
from jobworld import Clone

KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def sent(host: TrainingHost) -> list[dict[str, Any]]:
    """The accepted requests."""
    return [row["params"] for row in host.requests("CreateTrainingJob") if row["status"] == 200]


def uri(request: dict[str, Any], channel: str) -> str:
    """Where a channel points."""
    found = {one["ChannelName"]: one["DataSource"]["S3DataSource"]["S3Uri"] for one in request["InputDataConfig"]}
    return found[channel]


def content(host: TrainingHost, address: str) -> bytes:
    """An object."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return host.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()


def upload(clone: Clone, host: TrainingHost) -> None:
    """What `dvc push` does."""
    cache = clone.path / ".dvc/cache"
    for path in (path for path in (cache / "files").rglob("*") if path.is_file()):
        key = f"dvc/{path.relative_to(cache).as_posix()}"
        host.client("s3").put_object(Bucket=host.bucket, Key=key, Body=path.read_bytes())


def tags(request: dict[str, Any]) -> dict[str, str]:
    """As a dictionary."""
    return {tag["Key"]: tag["Value"] for tag in request["Tags"]}


def test_channels_are_dvcs_objects(ready: Clone, host: TrainingHost):
    """Each manifest names the objects of its part where DVC keeps them, and lies under its own hash."""
    ready.train()
    for part in ("train", "validation"):
        address = uri(sent(host)[0], part)
        found = content(host, address)
        assert address.endswith(f"/dvc/sagemaker/manifests/{hashlib.sha256(found).hexdigest()}.json")
        first, *names = json.loads(found)
        assert first == {"prefix": f"s3://{host.bucket}/dvc/files/md5/"}
        files = {path.read_bytes() for path in (ready.path / "data/dataset" / part).iterdir()}
        assert {content(host, first["prefix"] + name) for name in names} == files
    keys = [item["Key"] for item in host.client("s3").list_objects_v2(Bucket=host.bucket)["Contents"]]
    copies = [key for key in keys if not key.startswith(("dvc/files/md5/", "dvc/sagemaker/"))]
    assert copies == []


@pytest.mark.parametrize("mode", ["key", "suffix"])
def test_names_below_a_manifest_say_nothing(ready: Clone, host: TrainingHost, mode: str):
    """AWS doesn't say what files are called there: the model is the same for both that it could be."""
    ready.train(DATAOPS_TRAIN__BACKEND="local")
    local = ready.model
    host.names(mode)
    ready.train()
    host.names("key")
    assert ready.model == local


def test_the_published_copy(ready: Clone, host: TrainingHost):
    """`channels = "published"` needs a release and its copy, says so, and trains the same model in the same job."""
    ready.train(DATAOPS_TRAIN__BACKEND="local")
    local = ready.model
    published = {"DATAOPS_TRAIN__CHANNELS": "published"}
    assert "is not released, so there is no published copy" in ready.train(status=1, **published)
    ready.git("tag", "-am", "first", "dataset@v1.0.0")
    said = ready.train(status=1, **published)
    assert "dataset@v1.0.0 is not published at s3://" in said
    assert "dataops publish dataset@v1.0.0" in said
    name = ready.plan()["TrainingJobName"]
    upload(ready, host)
    ready.dataops("publish", "dataset@v1.0.0")
    s3, more = host.client("s3"), {"Bucket": host.bucket, "Key": "datasets/v1.0.0/train/more.parquet"}
    s3.put_object(**more, Body=b"PAR1")
    assert "datasets/v1.0.0/train/more.parquet is not as it was published" in ready.train(status=1, **published)
    s3.delete_object(**more)
    ready.train(**published)
    request = sent(host)[0]
    assert request["TrainingJobName"] == name  # where it reads is no input
    for part in ("train", "validation"):
        assert uri(request, part) == f"s3://{host.bucket}/datasets/v1.0.0/{part}/"
    assert ready.model == local
    assert "made this model: taking it" in ready.train()


def test_an_old_version_trains_on_its_own_objects(ready: Clone, host: TrainingHost):
    """A checkout of the tag names that dataset's hash and version, and its objects are what is read."""
    first = ready.git("rev-parse", "HEAD")
    ready.git("tag", "-am", "first", "dataset@v1.0.0")
    old = (ready.path / "dvc.lock").read_text()
    shutil.copytree(ready.path / "data/dataset", ready.path.parent / "first")
    gone = max((ready.path / "data/dataset/train").iterdir())
    gone.unlink()
    new = ready.record_dataset()
    ready.commit("One month less")
    ready.train()
    assert tags(sent(host)[0])["DatasetHash"] == new
    assert "DataVersion" not in tags(sent(host)[0])
    ready.git("checkout", "-q", first)
    shutil.rmtree(ready.path / "data/dataset")
    shutil.copytree(ready.path.parent / "first", ready.path / "data/dataset")
    assert (ready.path / "dvc.lock").read_text() == old
    ready.train()
    request = sent(host)[1]
    assert tags(request) == {
        "Project": "demand",
        "DatasetHash": ready.record["dataset"]["hash"],
        "GitCommit": first,
        "GitDirty": "false",
        "DataVersion": "dataset@v1.0.0",
    }
    assert ready.record["dataset"]["version"] == "dataset@v1.0.0"
    assert ready.record["dataset"]["hash"] in old
    names = json.loads(content(host, uri(request, "train")))[1:]
    digest = hashlib.md5(
        (ready.path.parent / "first/train" / gone.name).read_bytes(), usedforsecurity=False
    ).hexdigest()
    assert f"{digest[:2]}/{digest[2:]}" in names
    assert f"{digest[:2]}/{digest[2:]}" not in json.loads(content(host, uri(sent(host)[0], "train")))


def test_what_makes_the_tree_dirty(ready: Clone):
    """Changed code and parameters do, and an untracked module that is sent; dvc.lock and its outputs don't."""
    assert tags(ready.plan())["GitDirty"] == "false"
    lock = ready.path / "dvc.lock"
    lock.write_text(lock.read_text() + "\n")
    assert tags(ready.plan())["GitDirty"] == "false"
    ready.params(rounds=3)
    assert tags(ready.plan())["GitDirty"] == "true"
    ready.commit("rounds")
    (ready.path / "src/pipeline/more.py").write_text("x = 1\n")
    assert tags(ready.plan())["GitDirty"] == "false"
    entry = ready.path / "src/pipeline/boosting.py"
    entry.write_text(entry.read_text() + "\n\nfrom pipeline import more  # at the end, after __future__\n")
    ready.git("commit", "-qam", "more")
    assert tags(ready.plan())["GitDirty"] == "true"


def test_keys_of_kms(ready: Clone, host: TrainingHost):
    """Manifests and source go up under the key, and the job is told to use both keys."""
    given = {"DATAOPS_TRAIN__SAGEMAKER__KMS_KEY": f'"{KEY}"', "DATAOPS_TRAIN__SAGEMAKER__VOLUME_KMS_KEY": f'"{KEY}"'}
    ready.train(**given)
    request = sent(host)[0]
    assert request["OutputDataConfig"]["KmsKeyId"] == request["ResourceConfig"]["VolumeKmsKeyId"] == KEY
    puts = [row for row in host.requests("PutObject") if "/sagemaker/" in str(row["params"])]
    assert len(puts) == 3
    for row in puts:
        headers = {name.lower(): value for name, value in row["headers"].items()}
        assert headers["x-amz-server-side-encryption"] == "aws:kms"
        assert headers["x-amz-server-side-encryption-aws-kms-key-id"] == KEY
    model = ready.record["model"]["uri"].removeprefix(f"s3://{host.bucket}/")
    assert host.client("s3").head_object(Bucket=host.bucket, Key=model)["SSEKMSKeyId"] == KEY


def test_network_and_tags_of_your_own(ready: Clone):
    """A VPC, isolation, several instances, further tags; what a tag may not hold becomes an underscore."""
    plan = ready.plan(
        DATAOPS_TRAIN__SAGEMAKER__SUBNETS='["subnet-1"]',
        DATAOPS_TRAIN__SAGEMAKER__SECURITY_GROUPS='["sg-1"]',
        DATAOPS_TRAIN__SAGEMAKER__NETWORK_ISOLATION="true",
        DATAOPS_TRAIN__SAGEMAKER__INSTANCE_COUNT="2",
        DATAOPS_TRAIN__SAGEMAKER__TAGS='{Team = "dogs & cats#1"}',
        DATAOPS_TRAIN__SAGEMAKER__PROJECT='"Größe #1"',
        DATAOPS_TRAIN__SAGEMAKER__IMAGE='"123456789012.dkr.ecr.eu-central-1.amazonaws.com/train:1"',
    )
    assert plan["VpcConfig"] == {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    assert plan["EnableNetworkIsolation"] is True
    assert plan["EnableInterContainerTrafficEncryption"] is True
    assert tags(plan)["Team"] == "dogs _ cats_1"
    assert tags(plan)["Project"] == "Größe _1"
    assert plan["TrainingJobName"].startswith("Gr-e-1-")
    assert plan["AlgorithmSpecification"]["TrainingImage"].endswith("/train:1")


def test_spot_goes_on_from_its_checkpoint(ready: Clone, host: TrainingHost):
    """The machine is taken away in the middle: the model is that of an uninterrupted fit; the saving is recorded."""
    ready.params(rounds=120, early_stopping=120)
    ready.commit("more rounds")
    ready.train(DATAOPS_TRAIN__BACKEND="local")
    local = ready.model
    host.next_job(interrupt="checkpoint")
    said = ready.train(DATAOPS_TRAIN__SAGEMAKER__SPOT="true")
    request = sent(host)[0]
    assert request["EnableManagedSpotTraining"] is True
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200}
    assert request["CheckpointConfig"]["S3Uri"].startswith(f"s3://{host.bucket}/dvc/sagemaker/checkpoints/")
    assert "going on from round" in said
    assert ready.model == local
    assert 0 < ready.record["spot_saving"] < 1


def test_the_source_is_only_what_is_needed(ready: Clone, host: TrainingHost):
    """The entry point, what it imports and the pins; somebody else's content under its name is refused."""
    ready.train()
    key = uri(sent(host)[0], "code").removeprefix(f"s3://{host.bucket}/")
    assert ready.record["source"]["sha256"] in key
    host.client("s3").put_object(Bucket=host.bucket, Key=key, Body=b"something else")
    ready.params(rounds=3)
    said = ready.train(status=1)
    assert "has other files than its name says" in said


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("import pipeline.nope", "train.py: imports pipeline.nope, which is not there"),
        ("from pipeline import nope", "train.py: imports pipeline.nope, which is not there"),
        ("from . import boosting", "in a script; write `from pipeline import …`"),
        ("def x(:", "train.py, line 14: invalid syntax"),
    ],
)
def test_an_entry_point_that_would_fail(ready: Clone, host: TrainingHost, written: str, message: str):
    """What can be seen before a job is paid for is said before."""
    path = ready.path / "src/pipeline/train.py"
    first = "from __future__ import annotations\n"
    path.write_text(path.read_text().replace(first, f"{first}{written}\n", 1))
    assert message in ready.train(status=2)
    assert not host.requests("CreateTrainingJob")


def test_a_helper_beside_the_entry_point(ready: Clone):
    """A script finds the modules of its own folder by their bare names, here and in the job."""
    path = ready.path / "src/pipeline/train.py"
    first = "from __future__ import annotations\n"
    path.write_text(path.read_text().replace(first, f"{first}import beside\nbeside.speak()\n", 1))
    (path.parent / "beside.py").write_text("def speak():\n    print('from beside', flush=True)\n")
    assert "| from beside" in ready.train()
