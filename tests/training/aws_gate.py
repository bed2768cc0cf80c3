"""moto's SageMaker behind a gate on loopback that keeps every request, and may refuse, or end who asks."""

from __future__ import annotations

import contextlib
import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError

import boto3
import pytest
from moto.server import ThreadedMotoServer

REGION = "eu-central-1"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
Call = tuple[str, dict[str, Any]]


@dataclass
class Gate:
    """What stands between the program and moto."""

    url: str
    inner: str
    calls: list[Call] = field(default_factory=list)
    """Operation and request, in their order."""
    refuse: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    """Operation: HTTP status, AWS's code and message, in place of moto's answer."""
    before: dict[str, Callable[[], None]] = field(default_factory=dict)
    """Operation: called in place of passing the request on; no answer is given."""
    after: dict[str, Callable[[], None]] = field(default_factory=dict)
    """Operation: called when moto has done it, before the answer is given."""

    @property
    def environment(self) -> dict[str, str]:
        """What leads a program here; no credentials of this machine are looked for."""
        return {
            **KEYS,
            "AWS_ENDPOINT_URL_SAGEMAKER": self.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    @property
    def client(self) -> Any:
        """A client of moto itself, past the gate."""
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        return boto3.client("sagemaker", region_name=REGION, endpoint_url=self.inner, **keys)

    def names(self) -> list[str]:
        """The operations that were asked for."""
        return [name for name, _ in self.calls]

    def job(self, name: str) -> str:
        """A training job that has completed; its ARN."""
        made: str = self.client.create_training_job(
            TrainingJobName=name,
            AlgorithmSpecification={"TrainingImage": "image", "TrainingInputMode": "File"},
            RoleArn="arn:aws:iam::123456789012:role/training",
            OutputDataConfig={"S3OutputPath": "s3://bucket/jobs"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
            StoppingCondition={"MaxRuntimeInSeconds": 60},
            Tags=[{"Key": "Project", "Value": "demand"}, {"Key": "GitCommit", "Value": "before"}],
        )["TrainingJobArn"]
        return made

    def tags(self, job: str) -> dict[str, str]:
        """Of a job: the last value of every key, as AWS replaces what moto adds."""
        return {tag["Key"]: tag["Value"] for tag in self.client.list_tags(ResourceArn=job)["Tags"]}

    def packages(self, group: str) -> list[dict[str, Any]]:
        """Of a group, oldest first, in full."""
        listed = self.client.list_model_packages(ModelPackageGroupName=group, SortBy="CreationTime")
        arns = [one["ModelPackageArn"] for one in listed["ModelPackageSummaryList"]]
        return [self.client.describe_model_package(ModelPackageName=arn) for arn in arns]


@contextlib.contextmanager
def opened() -> Iterator[Gate]:
    """moto with its gate, empty."""
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    moto.start()
    host, port = moto.get_host_and_port()
    gate = Gate("", f"http://{host}:{port}")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(gate))
    gate.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        urllib.request.urlopen(urllib.request.Request(f"{gate.inner}/moto-api/reset", method="POST"))
        yield gate
    finally:
        server.shutdown()
        server.server_close()
        moto.stop()


@pytest.fixture
def gate() -> Iterator[Gate]:
    """An account without anything in it."""
    with opened() as found:
        yield found


def _handler(gate: Gate) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            gate.calls.append((operation, json.loads(body or b"{}")))
            if operation in gate.refuse:
                status, code, message = gate.refuse[operation]
                self.answer(status, json.dumps({"__type": code, "message": message}).encode())
                return
            if operation in gate.before:
                gate.before[operation]()
                return
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            request = urllib.request.Request(gate.inner + self.path, body, headers, method="POST")
            try:
                with urllib.request.urlopen(request) as response:
                    status, content = response.status, response.read()
            except HTTPError as error:
                status, content = error.code, error.read()
            if operation in gate.after:
                gate.after[operation]()
            with contextlib.suppress(OSError):  # whoever asked may be gone
                self.answer(status, content)

        def answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    return Handler
