"""What SageMaker does for an accepted job, in a thread a job, through the same endpoint and with the job's role."""

from __future__ import annotations

import contextlib
import logging
import re
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from host import channels, container
from host.channels import JobFailedError, split
from host.controls import Controls
from host.jobs import Job
from host.logs import Sink

TICK, SYNC = 0.05, 0.3  # seconds between two looks at the container, and between two looks at its checkpoints
GRACE = 3.0  # seconds from SIGTERM to SIGKILL; AWS gives 120


class Services(Protocol):
    """What a worker is given: the role's clients and environment."""

    controls: Controls
    work: Path

    def clients(self, role_arn: str, region: str) -> tuple[Any, Any, Mapping[str, str]]: ...

    def running(self, job: str, group: int | None) -> None: ...


class Worker(threading.Thread):
    """Runs one job to its end."""

    def __init__(self, job: Job, host: Services, region: str) -> None:
        super().__init__(name=job.training_job_name, daemon=True)
        self.job, self.host, self.request = job, host, job.request
        self.script = host.controls.script()
        self.s3, self.logs, self.aws = host.clients(self.request["RoleArn"], region)

    def run(self) -> None:
        """Every way out sets the last status."""
        job = self.job
        try:
            end = self._work()
            job.end(*end)
        except JobFailedError as failure:
            job.end("Failed", failure=str(failure))
        except Exception:  # a bug of the host's must not leave a job running for ever
            logging.exception(job.training_job_name)
            reason = "InternalServerError: We encountered an internal error.  Please try again."
            job.end("Failed", failure=reason)

    def _work(self) -> tuple[str, str]:
        job, controls = self.job, self.host.controls
        controls.gate("Starting", job)
        while not job.stop_asked.is_set():
            with tempfile.TemporaryDirectory(dir=self.host.work, prefix="opt-ml-") as name:
                base = Path(name).resolve()
                end = self._once(base)
                if end != "Interrupted":
                    return self._finish(base, end)
            self.script = {key: value for key, value in self.script.items() if key != "interrupt"}
            for step in ("Interrupted", "Starting"):
                job.step(step)
        return "Stopped", "Stopped"

    def _once(self, base: Path) -> str:
        """One machine's life: the last secondary status, or Interrupted."""
        job, controls = self.job, self.host.controls
        job.step("Downloading")
        container.lay_out(base, self.request)
        for channel in self.request.get("InputDataConfig") or []:
            channels.download(self.s3, channel, base / "input/data" / channel["ChannelName"], controls.names)
        local, uri = self._checkpoints(base)
        if uri:
            self._restore(uri, local)
        controls.gate("Downloading", job)
        if job.stop_asked.is_set():
            return "Stopped"
        job.step("Training")
        if "fail" in self.script:
            raise JobFailedError(self.script["fail"])
        return self._train(base, local, uri)

    def _train(self, base: Path, local: Path, uri: str | None) -> str:
        job, definitions = self.job, self.request["AlgorithmSpecification"].get("MetricDefinitions") or []
        sink = Sink(self.logs, job.training_job_name, definitions)
        env = container.environment(base, self.request, job.arn, self.aws)
        running = container.Container(base, env, sink.write)
        self.host.running(job.training_job_name, running.process.pid)
        limit = self.request["StoppingCondition"].get("MaxRuntimeInSeconds", 86400)
        deadline = time.monotonic() + self.script.get("max_runtime", limit)
        sent: dict[str, tuple[int, int]] = {}
        synced, end = 0.0, None
        while end is None:
            code = running.exit_code(TICK)
            if uri and time.monotonic() - synced > SYNC:
                self._sync(uri, local, sent)
                synced = time.monotonic()
            end = self._verdict(code, deadline, sink, sent)
        if end == "Interrupted":
            running.end(0)  # the machine is gone, and what wasn't synced with it
        elif end in ("Stopped", "MaxRuntimeExceeded"):
            if end == "Stopped":
                job.step("Stopping")
            running.end(GRACE)
        running.finish()
        self.host.running(job.training_job_name, None)
        sink.close()
        job.metrics |= sink.metrics
        if uri and end != "Interrupted":
            self._sync(uri, local, sent)
        if end == "Failed":
            self._upload(base, model=False)
            raise JobFailedError(_reason(base, running.process.returncode))
        if end == "Completed":
            self.host.controls.gate("Training", job)
            if job.stop_asked.is_set():
                return "Stopped"
        return end

    def _verdict(self, code: int | None, deadline: float, sink: Sink, sent: Mapping[str, Any]) -> str | None:
        interrupt = self.script.get("interrupt")
        if code is not None:
            return "Failed" if code else "Completed"
        if interrupt and (
            any(re.search(interrupt, line) for line in sink.lines) if interrupt != "checkpoint" else sent
        ):
            return "Interrupted"
        if self.job.stop_asked.is_set():
            return "Stopped"
        return "MaxRuntimeExceeded" if time.monotonic() > deadline else None

    def _finish(self, base: Path, end: str) -> tuple[str, str]:
        job = self.job
        job.step("Uploading")
        if not self.script.get("skip_output"):
            self._upload(base, model=True)
        if end == "Completed" or any((base / "model").iterdir()):
            job.artifacts = f"{self._output()}/model.tar.gz"
        self.host.controls.gate("Uploading", job)
        return ("Completed" if end == "Completed" else "Stopped"), end

    def _output(self) -> str:
        return f"{self.request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{self.job.training_job_name}/output"

    def _upload(self, base: Path, *, model: bool) -> None:
        """model.tar.gz and output.tar.gz, encrypted with the job's key (without one: S3's own, says the API)."""
        key = self.request["OutputDataConfig"].get("KmsKeyId")
        extra = {"ServerSideEncryption": "aws:kms", **({"SSEKMSKeyId": key} if key else {})}
        for folder, name in (("model", "model.tar.gz"), ("output/data", "output.tar.gz")):
            target = base / name
            if (name != "model.tar.gz" or model) and container.pack(base / folder, target):
                bucket, prefix = split(self._output())
                try:
                    self.s3.upload_file(str(target), bucket, f"{prefix}/{name}", ExtraArgs=extra)
                except (BotoCoreError, Boto3Error, ClientError) as error:
                    raise JobFailedError(f"ClientError: Artifact upload failed:{error}") from None

    def _checkpoints(self, base: Path) -> tuple[Path, str | None]:
        given = self.request.get("CheckpointConfig") or {}
        return Path(container.inside(base, given.get("LocalPath", "/opt/ml/checkpoints"))), given.get("S3Uri")

    def _restore(self, uri: str, local: Path) -> None:
        bucket, prefix = split(uri.rstrip("/") + "/")
        try:
            pages = list(self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix))
        except ClientError as error:
            raise JobFailedError(f"ClientError: Failed to restore checkpoints: {error}") from None
        local.mkdir(parents=True, exist_ok=True)
        for key in (found["Key"] for page in pages for found in page.get("Contents", [])):
            target = local / key[len(prefix) :]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(channels.read(self.s3, bucket, key))

    def _sync(self, uri: str, local: Path, sent: dict[str, tuple[int, int]]) -> None:
        """Upload what is new; like AWS's it may catch a file half-written, and deletes nothing."""
        bucket, prefix = split(uri.rstrip("/"))
        for path in sorted(path for path in local.rglob("*") if path.is_file()):
            with contextlib.suppress(FileNotFoundError):  # replaced meanwhile
                state = (path.stat().st_size, path.stat().st_mtime_ns)
                name = path.relative_to(local).as_posix()
                if sent.get(name) != state:
                    self.s3.put_object(Bucket=bucket, Key=f"{prefix}/{name}", Body=path.read_bytes())
                    sent[name] = state


def _reason(base: Path, code: int) -> str:
    """FailureReason: what the toolkit wrote to /opt/ml/output/failure, as AWS wraps it."""
    with contextlib.suppress(FileNotFoundError):
        return f"AlgorithmError: {(base / 'output/failure').read_text(errors='replace')[:950]}, exit code: {code}"
    return f"AlgorithmError: See job logs for more information, exit code: {code}"
