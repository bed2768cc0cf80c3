"""Starts the host's process and asks things of it; what tests use."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

REGION, BUCKET, ROLE = "eu-central-1", "training-bucket", "SageMakerTraining"
ROLE_ARN = f"arn:aws:iam::123456789012:role/{ROLE}"
LOG_GROUP = "/aws/sagemaker/TrainingJobs"


class HostError(AssertionError):
    """The host answered a control with an error."""


class TrainingHost:
    """A running host; a context manager. `folder` gets its log (host.log) and the containers' temporary folders.

    From the start there are the bucket BUCKET, the role ROLE_ARN, which SageMaker may take and which may do
    everything, and an administrator whose keys `env` gives.
    """

    region, bucket, role_arn = REGION, BUCKET, ROLE_ARN

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        """`environ` stands for os.environ (a socket guard's `guarded`, say)."""
        self.folder, self.environ = folder, os.environ if environ is None else environ
        self._session: Any = None
        self._clients: dict[tuple[str, str, str, int], Any] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> TrainingHost:
        here = Path(__file__).parents[1]
        inherited = {n: v for n, v in self.environ.items() if not n.startswith(("AWS_", "DATAOPS_", "DVC_"))}
        path = os.pathsep.join([str(here), *filter(None, [self.environ.get("PYTHONPATH")])])
        self.log = (self.folder / "host.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "host", self.folder],  # -P: the folder it is called in has no say
            env=inherited | {"PYTHONPATH": path},
            stdin=subprocess.PIPE,  # closed when this process ends, however it ends: the host's sign to end, too
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            self.process.wait()
            raise HostError((self.folder / "host.log").read_text())
        self.admin = self.ask("admin")
        return self

    def __exit__(self, *_: object) -> None:
        self.kill(signal.SIGTERM)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End the process and then the containers it ran."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait()
        with contextlib.suppress(FileNotFoundError):
            for group in json.loads((self.folder / "groups.json").read_text()):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGKILL)
            (self.folder / "groups.json").unlink()
        self.log.close()

    def ask(self, name: str, /, **given: Any) -> Any:
        """One control."""
        request = urllib.request.Request(
            f"{self.url}/_host/{name}", json.dumps(given).encode(), {"Content-Type": "application/json"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise HostError(error.read().decode()) from None

    # who asks
    def env(self, keys: Mapping[str, str] | None = None) -> dict[str, str]:
        """Variables for a client: the administrator's, or those of `user`.

        DVC and dataops take the endpoint of an S3 remote from .dvc/config (`endpointurl`), not from AWS_ENDPOINT_URL.
        """
        nothing = self.folder / "no-aws-config"  # DVC wants a file; /dev/null is none for botocore
        nothing.touch()
        return {
            **(keys or self.admin),
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(nothing),
            "AWS_SHARED_CREDENTIALS_FILE": str(nothing),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    def client(self, service: str, keys: Mapping[str, str] | None = None, attempts: int = 1) -> Any:
        """A boto3 client, made once; `attempts` 1 shows every fault."""
        import boto3
        from botocore.config import Config

        found = keys or self.admin
        asked = (service, found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"], attempts)
        if asked not in self._clients:
            self._session = self._session or boto3.session.Session()
            self._clients[asked] = self._session.client(
                service,
                endpoint_url=self.url,
                region_name=REGION,
                aws_access_key_id=found["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=found["AWS_SECRET_ACCESS_KEY"],
                config=Config(retries={"total_max_attempts": attempts}, proxies={}),
            )
        return self._clients[asked]

    def user(self, name: str, *policies: Mapping[str, Any]) -> dict[str, str]:
        """A new user with these policy documents; give the answer to `env` or `client`."""
        return self.ask("user", name=name, policies=policies)

    def role(self, name: str, *policies: Mapping[str, Any], service: str = "sagemaker.amazonaws.com") -> str:
        """A new role with these policy documents, which `service` may take; its ARN."""
        return self.ask("role", name=name, policies=policies, service=service)

    def enforce(self, on: bool = True) -> None:
        """From now on signatures are checked and policies decide."""
        self.ask("set", enforcing=on)

    # what the next jobs do
    def hold(self, *phases: str) -> None:
        """Keep jobs in Starting, Downloading, Training (its process has ended) or Uploading until `release`."""
        self.ask("set", held=phases)

    def release(self) -> None:
        """Let held jobs go on."""
        self.ask("set", held=[])

    def next_job(
        self,
        *,
        fail: str | None = None,
        skip_output: bool = False,
        max_runtime: float | None = None,
        interrupt: str | None = None,
    ) -> None:
        """Script the next job (each call one job more).

        fail: it fails with this FailureReason, before its container starts. skip_output: it completes without
        model.tar.gz. max_runtime: AWS stops it after so many seconds. interrupt: the spot machine is taken away
        (kill -9) as soon as a line of its log matches this expression, or with "checkpoint" as soon as a checkpoint is
        on S3; then it is started again.
        """
        given = {"fail": fail, "skip_output": skip_output, "max_runtime": max_runtime, "interrupt": interrupt}
        self.ask("next", **{name: value for name, value in given.items() if value})

    def names(self, mode: str) -> None:
        """File names below a manifest's channel: "key" (whole) or "suffix"."""
        self.ask("set", names=mode)

    # faults, for clients (never for a job's own requests)
    def throttle(self, every: int) -> None:
        """Every n-th SageMaker call is a ThrottlingException; 0 ends it."""
        self.ask("set", every=every, calls=0)

    def expire(self, on: bool = True) -> None:
        """Answer every request with an expired token."""
        self.ask("set", expired=on)

    def reset(self) -> None:
        """As new: no job, object, user or request; the administrator has new keys."""
        self.ask("reset")
        self.admin = self.ask("admin")

    # what happened
    def requests(self, *operations: str, by: str | None = "client") -> list[dict[str, Any]]:
        """Requests so far: at, by, service, operation, params, headers, access_key, region, status, error, needs.

        by: "client", "job" (the service and its container, with the role's keys) or None for both. needs: the IAM
        permissions as [action, resource, context].
        """
        found = self.ask("requests")
        return [r for r in found if (not operations or r["operation"] in operations) and by in (None, r["by"])]

    def calls(self, by: str | None = "client") -> set[str]:
        """The set of API calls, `service:Operation`."""
        return {f"{row['service']}:{row['operation']}" for row in self.requests(by=by)}

    def describe(self, name: str) -> dict[str, Any]:
        """DescribeTrainingJob, as the administrator."""
        return self.client("sagemaker").describe_training_job(TrainingJobName=name)

    def wait(
        self, name: str, until: str | Callable[[dict[str, Any]], bool] = "", seconds: float = 60
    ) -> dict[str, Any]:
        """Until a job has ended, is in the secondary status `until`, or `until` holds of its description."""
        sagemaker, end = self.client("sagemaker"), time.monotonic() + seconds
        while True:
            found = sagemaker.describe_training_job(TrainingJobName=name)
            if callable(until):
                there = until(found)
            else:
                there = found["SecondaryStatus"] == until if until else "TrainingEndTime" in found
            if there:
                return found
            assert time.monotonic() < end, found
            time.sleep(0.05)

    def lines(self, name: str) -> list[str]:
        """The job's log so far, all its streams."""
        logs = self.client("logs")
        with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
            streams = logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{name}/")["logStreams"]
            return [line for stream in streams for line in self._stream(logs, stream["logStreamName"])]
        return []

    def _stream(self, logs: Any, stream: str) -> Iterator[str]:
        found = logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=stream, startFromHead=True)
        return (event["message"] for event in found["events"])
