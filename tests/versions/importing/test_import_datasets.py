"""A bucket of the scripts' becomes versions: real git, real DVC, a real S3 server."""

from __future__ import annotations

import json

from oldbucket import OldBucket, twelve
from toy import Toy

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
LEFT = {"v1.3", "v1.4", "2024-06-01"}


def test_twelve_versions(toy: Toy, bucket: OldBucket) -> None:
    """Nine become versions with their names and times, three are named with what is wrong; nothing else changes."""
    twelve(bucket)
    head, status = toy.out("git", "rev-parse", "HEAD"), toy.out("git", "status", "--porcelain")
    dry = toy.dataops("import", "datasets", bucket.url, "--dry-run", status=1).stdout
    assert toy.tags() == []
    done = toy.dataops("import", "datasets", bucket.url, status=1)
    for name in LEFT:
        assert f"left out: {name}: " in done.stdout
    assert "test.csv is missing" in dry
    assert (toy.out("git", "rev-parse", "HEAD"), toy.out("git", "status", "--porcelain")) == (head, status)
    assert toy.tags() == toy.tags(remote=True) == sorted(f"dataset@{number}" for number in EXPECTED.values())
    listed = json.loads(toy.dataops("versions", "dataset", "--json").stdout)
    assert {one["aliases"][0]: one["version"] for one in listed} == EXPECTED
    assert {one["aliases"][0]: one["date"] for one in listed}["20240120-103000"] == "2024-01-20T09:30:00Z"
    again = toy.dataops("import", "datasets", bucket.url, status=1)
    assert "nothing new: 9 versions imported before" in again.stdout
