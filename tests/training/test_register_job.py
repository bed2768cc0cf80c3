"""From the job to the registry: what the launcher leaves is what `train register` and `lineage trace` need."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from host import TrainingHost
from jobworld import Clone

from dataops.store.hashing import hash_file

STAGE = {
    "cmd": "train",
    "deps": ["data/dataset"],
    "outs": ["models/model.tar.gz", {"reports/training.json": {"cache": False}}],
}


AT = "arn:aws:sagemaker:*:123456789012"
POLICY = {  # what docs/training.md says of the calls of the registry
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sagemaker:AddTags", "Resource": f"{AT}:training-job/*"},
        {
            "Effect": "Allow",
            "Action": ["sagemaker:DescribeModelPackageGroup", "sagemaker:CreateModelPackageGroup"],
            "Resource": f"{AT}:model-package-group/demand",
        },
        {"Effect": "Allow", "Action": "sagemaker:ListModelPackages", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": ["sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage"],
            "Resource": [f"{AT}:model-package/demand/*", f"{AT}:model-package-group/demand"],
        },
    ],
}


def released(clone: Clone, tag: str) -> None:
    """An annotated tag, here and on the git remote."""
    clone.git("tag", "-a", "-m", f"{tag}: told", tag)
    clone.git("push", "-q", "origin", "HEAD:main", f"refs/tags/{tag}")


def recorded(clone: Clone) -> None:
    """What `dvc repro` writes of the stage `train`."""
    for name in ("dvc.yaml", "dvc.lock"):
        path = clone.path / name
        found = yaml.safe_load(path.read_text())
        data = found["stages"]["split"]["outs"][0]
        outs = [{"path": path, "hash": "md5", "md5": hash_file(clone.path / path).md5}
                for path in ("models/model.tar.gz", "reports/training.json")]  # fmt: skip
        found["stages"]["train"] = STAGE if name == "dvc.yaml" else {"cmd": "train", "deps": [data], "outs": outs}
        if name == "dvc.yaml":
            found["artifacts"]["model"] = {"path": "models/model.tar.gz", "type": "model"}
        path.write_text(yaml.safe_dump(found, sort_keys=False))


def test_from_the_job_to_the_registry(ready: Clone, host: TrainingHost, tmp_path: Path):
    """The job's tags, a package whose model lies on S3, and back again from both ARNs; with least privileges."""
    ready.git("init", "-q", "--bare", "-b", "main", str(tmp_path / "origin.git"))
    ready.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    with (ready.path / "pyproject.toml").open("a") as file:
        file.write('model_package_group = "demand"\n')
    ready.commit("settings")
    released(ready, "dataset@v1.0.0")
    ready.train()
    recorded(ready)
    commit = ready.commit("trained")
    released(ready, "model@v1.0.0")
    keys = host.user("releaser", POLICY)
    host.enforce()
    done = json.loads(ready.dataops("train", "register", "--json", **host.env(keys))[0])
    assert not json.loads(ready.dataops("train", "register", "--json", **host.env(keys))[0])["new"]
    host.enforce(False)
    job = ready.record["job"]
    tags = {one["Key"]: one["Value"] for one in host.client("sagemaker").list_tags(ResourceArn=job)["Tags"]}
    assert {key: tags[key] for key in ("DataVersion", "ModelVersion", "GitCommit")} == {
        "DataVersion": "dataset@v1.0.0",
        "ModelVersion": "model@v1.0.0",
        "GitCommit": commit,
    }
    assert tags["DatasetHash"] == ready.record["dataset"]["hash"]
    package = host.client("sagemaker").describe_model_package(ModelPackageName=done["package"])
    (container,) = package["InferenceSpecification"]["Containers"]
    bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
    assert host.client("s3").head_object(Bucket=bucket, Key=key)["ContentLength"] > 0
    assert package["CustomerMetadataProperties"]["dataset_hash"] == ready.record["dataset"]["hash"]
    for arn in (job, done["package"]):
        traced = json.loads(ready.dataops("lineage", "trace", arn, "--json")[0])
        assert (traced["name"], traced["training"]["job"]) == ("model@v1.0.0", job)
