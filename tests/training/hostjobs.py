"""Small jobs for the tests of the training host: a bundle with an entry script, and the request that runs it."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

from host import TrainingHost

# Says what it was given, and writes a model that depends on its data alone.
ENTRY = """
import json, os, pathlib
root = pathlib.Path(os.environ["SM_MODEL_DIR"])
channels = {n: pathlib.Path(os.environ["SM_CHANNEL_" + n.upper()]) for n in json.loads(os.environ["SM_CHANNELS"])}
found = {n: {p.relative_to(c).as_posix(): p.read_text() for p in sorted(c.rglob("*")) if p.is_file()}
         for n, c in channels.items()}
print("channels " + json.dumps(found))
print("rounds " + os.environ.get("SM_HP_ROUNDS", "none"))
print("auc=0.5")
print("auc=0.75")
(root / "model.txt").write_text(json.dumps(found, sort_keys=True))
(pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"]) / "curve.csv").write_text("step\\n1\\n")
"""


def bundle(**files: str) -> bytes:
    """A source bundle; `__` in a name is a slash, and each file is .py (requirements: .txt)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name.replace("__", "/") + (".txt" if name == "requirements" else ".py"))
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def put(host: TrainingHost, files: dict[str, str | bytes]) -> None:
    """Objects in the bucket."""
    s3 = host.client("s3")
    for key, content in files.items():
        s3.put_object(Bucket=host.bucket, Key=key, Body=content)


def manifest(host: TrainingHost, key: str, prefix: str, *suffixes: str) -> str:
    """A manifest in the bucket: its address."""
    put(host, {key: json.dumps([{"prefix": f"s3://{host.bucket}/{prefix}"}, *suffixes])})
    return f"s3://{host.bucket}/{key}"


def channel(name: str, uri: str, kind: str) -> dict[str, Any]:
    """One channel."""
    source = {"S3DataType": kind, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def request(host: TrainingHost, name: str, entry: str = ENTRY, **more: Any) -> dict[str, Any]:
    """A CreateTrainingJob request for a script, whose bundle (or `code`, an archive) is put in the bucket."""
    code = more.pop("code", None) or bundle(pipeline__train=entry, **more.pop("files", {}))
    put(host, {f"source/{name}.tar.gz": code})
    hyper = {
        "sagemaker_program": json.dumps("pipeline/train.py"),
        "sagemaker_submit_directory": json.dumps(f"s3://{host.bucket}/source/{name}.tar.gz"),
        **more.pop("HyperParameters", {}),
    }
    return {
        "TrainingJobName": name,
        "RoleArn": host.role_arn,
        "AlgorithmSpecification": {"TrainingImage": "image:1", "TrainingInputMode": "File"},
        "HyperParameters": hyper,
        "OutputDataConfig": {"S3OutputPath": f"s3://{host.bucket}/jobs/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        **more,
    }


def model(host: TrainingHost, name: str, member: str = "model.txt", archive: str = "model.tar.gz") -> bytes:
    """A file out of a job's archive."""
    body = host.client("s3").get_object(Bucket=host.bucket, Key=f"jobs/{name}/output/{archive}")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as opened:
        file = opened.extractfile(member)
        assert file
        return file.read()
