"""The old commands on an imported bucket: old names go on to work, and the next upload goes on counting."""

from __future__ import annotations

import json
from pathlib import Path

from oldbucket import OldBucket, rows
from oldcalls import Old
from toy import month

from dataops.store.dvcconfig import Remote


def test_tuesday(old: Old, server: Remote, tmp_path: Path):
    """Import, read by every old name, upload what is new, and never the same id again."""
    bucket = OldBucket(server, "tuesday")
    bucket.version("v1.0", rows(6), "2024-01-02T09:00:00Z")
    bucket.version("2024-01-15", rows(7), "2024-01-15T10:30:00Z")
    bucket.version("commit-a1b2c3d", rows(8), "2024-01-20T10:30:00Z")
    bucket.version("v1.2-2024-03-10-a1b2c3d", rows(9), "2024-03-10T00:00:00Z")
    old.dataops("import", "datasets", bucket.url)
    listed = old.script("get_data.py", "--list-versions").stdout
    assert listed.count("\n") == 5, listed
    for name in ("v1.0", "2024-01-15", "commit-a1b2c3d", "v1.2-2024-03-10-a1b2c3d", "v1.2", "latest"):
        assert "S3 URI: " in old.script("get_data.py", "--version-id", name, "--uri").stdout
    old.script("get_data.py", "--version-id", "2024-01-15", "--download", "--local-dir", str(tmp_path / "d"))
    assert (tmp_path / "d/train.csv").read_bytes() == rows(7)["train.csv"]
    taken = old.script("upload_data.py", "--files", *old.given, "--version-id", "v1.0", status=1)
    assert "dataset@v1.0.0 exists already, with other files" in taken.stderr
    done = old.script("upload_data.py", "--files", *old.given)
    assert "Using version ID: v1.3.0" in done.stdout
    assert "the first after the imported versions" in done.stderr
    old.files(train=month("2024-01", sales=50))
    assert "Using version ID: v1.3.1" in old.script("upload_data.py", "--files", *old.given).stdout
    assert json.loads(old.script("get_data.py", "--latest", "--metadata").stdout)["version"] == "uploads@v1.3.1"
    assert (
        json.loads(old.script("get_data.py", "--version-id", "v1.0", "--metadata").stdout)["version"]
        == "dataset@v1.0.0"
    )
    said = old.script("data_drift_detector.py", "--reference-version", "v1.0", "--current-version", "v1.2", status=None)
    assert said.returncode in (0, 1), said.stderr
