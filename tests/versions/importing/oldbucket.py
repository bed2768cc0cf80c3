"""A bucket as the scripts before left it: `datasets/<version>/` with three files and a metadata.json."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toy import Toy

from dataops.store import s3
from dataops.store.dvcconfig import Remote

PARTS = ("train", "validation", "test")


def rows(months: int, *, first: int = 1, column: str = "sales") -> dict[str, bytes]:
    """A dataset of so many months: the first two thirds of them to train."""
    header = f"store_id,product_id,date,{column}\n"
    texts = dict.fromkeys(PARTS, header)
    for month in range(first, first + months):
        part = "train" if month < 7 else "validation" if month < 9 else "test"
        year, number = 2023 + (month - 1) // 12, (month - 1) % 12 + 1
        texts[part] += "".join(
            f"{store},{product},{year}-{number:02}-{day:02},{store * product + day}\n"
            for store in range(1, 4)
            for product in range(1, 6)
            for day in range(1, 29)
        )
    return {f"{part}.csv": text.encode() for part, text in texts.items()}


def metadata(name: str, files: Mapping[str, bytes], time: str, **more: Any) -> dict[str, Any]:
    """As the upload script wrote it."""
    facts = {}
    for path, content in files.items():
        header, *lines = content.decode().splitlines()
        facts[path] = {
            "rows": len(lines),
            "columns": header.split(","),
            "missing_values": dict.fromkeys(header.split(","), 0),
            "dtypes": {column: "object" if column == "date" else "int64" for column in header.split(",")},
            "duplicate_rows": 0,
            "file_size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    return {
        "version_id": name,
        "upload_timestamp": time,
        "uploaded_by": "jane@example.com",
        "git_commit": "a1b2c3d",
        "data_source": "warehouse",
        "schema_version": "1.0",
        "files": facts,
        **more,
    }


@dataclass(frozen=True)
class OldBucket:
    """A prefix of the test's S3."""

    server: Remote
    prefix: str

    @property
    def url(self) -> str:
        """Of the datasets."""
        return f"s3://{self.server.bucket}/{self.prefix}/datasets/"

    @property
    def lineage(self) -> str:
        """Of the records."""
        return f"s3://{self.server.bucket}/{self.prefix}/lineage/"

    def put(self, key: str, content: bytes) -> str:
        """One object; its address."""
        full = f"{self.prefix}/{key}"
        s3.client(self.server).put_object(Bucket=self.server.bucket, Key=full, Body=content)
        return f"s3://{self.server.bucket}/{full}"

    def delete(self, key: str) -> None:
        """Take one away."""
        s3.client(self.server).delete_object(Bucket=self.server.bucket, Key=f"{self.prefix}/{key}")

    def version(self, name: str, files: Mapping[str, bytes], time: str | None, **more: Any) -> None:
        """A version; without a time it has no metadata.json."""
        for path, content in files.items():
            self.put(f"datasets/{name}/{path}", content)
        if time is not None:
            told = json.dumps(metadata(name, files, time, **more), indent=2)
            self.put(f"datasets/{name}/metadata.json", told.encode())

    def bytes(self, start: str = "datasets/") -> int:
        """Everything that lies there."""
        pages = s3.client(self.server).get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.server.bucket, Prefix=f"{self.prefix}/{start}")
        return sum(int(one["Size"]) for page in found for one in page.get("Contents", ()))


def twelve(bucket: OldBucket) -> None:
    """Twelve versions of every kind; one has a file missing, one a wrong hash in its metadata, one is empty."""
    bucket.version("v1.0", rows(6), "2024-01-02T09:00:00Z")
    bucket.version("2024-01-15", rows(7), "2024-01-15T10:30:00")
    bucket.version("20240120-103000", rows(8), "2024-01-20T10:30:00+01:00")
    bucket.version("v1.1", rows(9), "2024-02-01T00:00:00Z", description="With September")
    bucket.version("commit-a1b2c3d", rows(10), "2024-03-01T00:00:00Z")
    bucket.version("hash-abc1234567", rows(10, column="units"), "2024-03-02T00:00:00Z")
    bucket.version("v1.2-2024-03-10-a1b2c3d", rows(11), "2024-03-10T00:00:00Z")
    bucket.version("v1.3", rows(12), "2024-04-01T00:00:00Z")
    bucket.delete("datasets/v1.3/test.csv")
    wrong = metadata("v1.4", rows(12), "2024-05-01T00:00:00Z")
    wrong["files"]["train.csv"]["sha256"] = "0" * 64
    bucket.version("v1.4", rows(12), None)
    bucket.put("datasets/v1.4/metadata.json", json.dumps(wrong).encode())
    bucket.put("datasets/2024-06-01/", b"")
    bucket.version("v2.0", rows(13), "2024-07-01T00:00:00Z")
    bucket.version("v2.1", rows(14), None)
    bucket.put("datasets/latest/metadata.json", b"{}")


EXPECTED = {
    "v1.0": "v1.0.0",
    "2024-01-15": "v1.0.1",
    "20240120-103000": "v1.0.2",
    "v1.1": "v1.1.0",
    "commit-a1b2c3d": "v1.1.1",
    "hash-abc1234567": "v1.1.2",
    "v1.2-2024-03-10-a1b2c3d": "v1.2.0",
    "v2.0": "v2.0.0",
    "v2.1": "v2.1.0",
}


def refs(toy: Toy) -> dict[str, str]:
    """Tags and the branch of imports, here."""
    lines = toy.out("git", "for-each-ref", "--format=%(refname) %(objectname)", "refs/tags", "refs/heads/imported")
    return dict(line.split(" ") for line in lines.splitlines())


def objects(toy: Toy, bucket: OldBucket) -> set[str]:
    """Keys on the toy's DVC remote."""
    prefix = toy.dvc("remote", "list").split()[1].removeprefix(f"s3://{bucket.server.bucket}/")
    pages = s3.client(bucket.server).get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=bucket.server.bucket, Prefix=f"{prefix}/")
    return {one["Key"] for page in found for one in page.get("Contents", ())}


def archive(text: str) -> bytes:
    """A model.tar.gz."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo("model.pkl")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def record(bucket: OldBucket, job: str, model: str, data: str, uri: str, **more: Any) -> None:
    """As the training script wrote it."""
    found = {
        "job_name": job,
        "data_version": data,
        "model_version": model,
        "git_commit": "a1b2c3d",
        "model_uri": uri,
        "hyperparameters": {"n-estimators": 100},
        "metrics": {"rmse": 12.5},
        "created_at": "2024-02-02T08:00:00Z",
        **more,
    }
    bucket.put(f"lineage/{job}/lineage.json", json.dumps(found).encode())
