"""The container: /opt/ml below a temporary folder, in which AWS's `sagemaker-training` toolkit runs the entry point."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

OPT_ML = "/opt/ml"
FOLDERS = ("input/config", "input/data", "model", "output/data", "checkpoints")
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "OMP_WAIT_POLICY", "TMPDIR", "VIRTUAL_ENV")
NOBODY_LISTENS = "http://127.0.0.1:9"  # what AWS is for a container in network isolation


def lay_out(base: Path, request: Mapping[str, Any]) -> None:
    """Folders and the three files of configuration ("How Amazon SageMaker Provides Training Information")."""
    for folder in FOLDERS:
        (base / folder).mkdir(parents=True)
    hyper = {name: inside(base, value) for name, value in (request.get("HyperParameters") or {}).items()}
    channels = {
        channel["ChannelName"]: {
            "TrainingInputMode": "File",
            "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                "S3DataDistributionType", "FullyReplicated"
            ),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
            **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
        }
        for channel in request.get("InputDataConfig") or []
    }
    kind = request["ResourceConfig"]["InstanceType"]
    group = {"instance_group_name": "homogeneousCluster", "instance_type": kind, "hosts": ["localhost"]}
    resources = {
        "current_host": "localhost",
        "hosts": ["localhost"],
        "current_instance_type": kind,
        "current_group_name": "homogeneousCluster",
        "instance_groups": [group],
        "network_interface_name": "lo",
    }
    for name, content in (("hyperparameters", hyper), ("inputdataconfig", channels), ("resourceconfig", resources)):
        (base / f"input/config/{name}.json").write_text(json.dumps(content))


def inside(base: Path, value: str) -> str:
    """A value with /opt/ml moved to where this container's lies."""
    for before in (OPT_ML, f'"{OPT_ML}'):
        if value == before or value.startswith(before + "/"):
            return value.replace(OPT_ML, str(base), 1)
    return value


def environment(base: Path, request: Mapping[str, Any], arn: str, aws: Mapping[str, str]) -> dict[str, str]:
    """What the container sees: nothing of this host but its PATH; `aws`: the role's keys, the region, the endpoint."""
    found = {name: os.environ[name] for name in KEPT if name in os.environ}
    found |= {name: value for name, value in os.environ.items() if name.startswith("SOCKET_GUARD")}  # tests' own
    if request.get("EnableNetworkIsolation"):
        dead = {"AWS_ENDPOINT_URL": NOBODY_LISTENS, "S3_ENDPOINT_URL": NOBODY_LISTENS, "AWS_MAX_ATTEMPTS": "1"}
        aws = {name: value for name, value in aws.items() if "REGION" in name} | dead
    else:
        aws = {**aws, "S3_ENDPOINT_URL": aws["AWS_ENDPOINT_URL"]}
    return {
        **found,
        **aws,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": aws["AWS_DEFAULT_REGION"],
        "SAGEMAKER_BASE_DIR": str(base),
        "TRAINING_JOB_NAME": request["TrainingJobName"],
        "TRAINING_JOB_ARN": arn,
        "PYTHONPATH": str(Path(__file__).parent / "site"),
        "PYTHONUNBUFFERED": "1",
        "PIP_NO_INDEX": "1",  # requirements are satisfied by this environment, or the job fails
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        **{name: inside(base, value) for name, value in (request.get("Environment") or {}).items()},
    }


class Container:
    """The running toolkit, in a process group of its own."""

    def __init__(self, base: Path, env: Mapping[str, str], write: Callable[[str], None]) -> None:
        self.process = subprocess.Popen(
            [Path(sys.executable).parent / "train"],
            cwd=base,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
        )
        self._reader = threading.Thread(target=self._read, args=[write], daemon=True)
        self._reader.start()

    def _read(self, write: Callable[[str], None]) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            write(line.rstrip("\n"))

    def exit_code(self, seconds: float) -> int | None:
        """The exit status, or None while it runs."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def end(self, grace: float) -> None:
        """SIGTERM, and SIGKILL after `grace` seconds (AWS: 120); 0 is SIGKILL at once."""
        if grace:
            self._signal(signal.SIGTERM)
            self.exit_code(grace)
        self._signal(signal.SIGKILL)  # whatever of the group is left
        self.process.wait()

    def finish(self) -> None:
        """Wait for the last line; what the entry point left running ends with its container."""
        self._signal(signal.SIGKILL)
        self._reader.join(5)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


def pack(folder: Path, target: Path) -> bool:
    """An archive as SageMaker makes it, with times and owners; False (and none) when the folder is empty."""
    if not any(folder.iterdir()):
        return False
    with tarfile.open(target, "w:gz") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name)
    return True
