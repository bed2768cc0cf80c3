"""What the tests of the store do with clones and servers; the fixtures are in conftest.py."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from dataops.errors import DataOpsError
from dataops.store import local, s3, state, weed
from dataops.store.dvcconfig import Remote
from dataops.store.state import Place

TEMPLATE = Path(__file__).parents[2]


def make(path: Path) -> Path:
    """The template's DVC configuration in a new git repository."""
    (path / ".dvc").mkdir(parents=True)
    for name in (".dvc/config", ".dvc/.gitignore", ".gitignore", ".dvcignore"):
        (path / name).write_bytes((TEMPLATE / name).read_bytes())
    (path / ".dvc/config").write_text(
        "[core]\n    remote = storage\n    analytics = false\n['remote \"storage\"']\n    url = s3://replace-me/dvc\n"
    )
    subprocess.run(["git", "init", "-q", "-b", "main", str(path)], check=True)
    commit(path, "template")
    return path


def commit(path: Path, message: str) -> None:
    """Everything that git doesn't ignore."""
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "-C", str(path), "add", "-A"], check=True)
    subprocess.run(["git", "-C", str(path), *identity, "commit", "-qm", message], check=True)


def kill(root: Path) -> None:
    """End whatever serves this clone's store, at once."""
    place = Place(root)
    while place.folder.is_dir() and (pid := weed.find(place)):
        os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(DataOpsError):  # a test may have damaged the state
        if current := state.load(place):
            weed.stop(place, current.model_copy(update={"pid": None}))


def remote(root: Path) -> Remote:
    """The embedded store of `root` as its owner reaches it."""
    current = state.load(Place(root))
    assert current
    return local.remote_of(current)


def put(root: Path, objects: dict[str, bytes]) -> None:
    """Store objects."""
    client = s3.client(remote(root))
    for key, content in objects.items():
        client.put_object(Bucket="dataops", Key=key, Body=content)


def contents(root: Path, prefix: str = "") -> dict[str, bytes]:
    """Everything that is stored, except what `up` itself writes."""
    client = s3.client(remote(root))
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="dataops", Prefix=prefix)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    return {key: client.get_object(Bucket="dataops", Key=key)["Body"].read() for key in keys if key != ".dataops-ready"}
