"""A training job's record: what DescribeTrainingJob answers, kept in moto's table."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from math import ceil
from typing import Any

from moto.sagemaker.models import FakeTrainingJob

PENDING, ENDED = ("InProgress", "Stopping"), ("Completed", "Failed", "Stopped")
MESSAGES = {  # as DescribeTrainingJob's documentation and users' logs have them
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Interrupted": "Training job interrupted",
    "Restarting": "Restarting the training job",
    "Completed": "Training job completed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "Failed": "Training job failed",
}
COPIED = (
    *("TrainingJobName", "HyperParameters", "AlgorithmSpecification", "RoleArn", "InputDataConfig", "OutputDataConfig"),
    *("ResourceConfig", "VpcConfig", "StoppingCondition", "CheckpointConfig", "DebugHookConfig", "ExperimentConfig"),
    *("ProfilerConfig", "Environment"),
)
SPOT_SHARE = 0.3  # of an on-demand instance's price; AWS says "up to 90 % less", people see about 70 %


class Job(FakeTrainingJob):
    """One job; moto's Search reads it as one of its own.

    Times are seconds since 1970. A spot job is billed SPOT_SHARE of the seconds it trained, at least one.
    """

    def __init__(self, request: dict[str, Any], arn: str) -> None:
        self.request, self.arn = request, arn
        self.training_job_name: str = request["TrainingJobName"]
        self.tags: list[dict[str, str]] = list(request.get("Tags") or [])
        self.created = self.modified = time.time()
        self.started: float | None = None
        self.ended: float | None = None
        self.status, self.secondary, self.failure = "InProgress", "Starting", None
        self.transitions: list[dict[str, Any]] = []
        self.metrics: dict[str, tuple[float, float]] = {}
        self.artifacts: str | None = None
        self.stop_asked = threading.Event()
        self.done = threading.Event()
        self.lock = threading.RLock()
        self.step("Starting")

    # what moto's code reads
    training_job_status = property(lambda self: self.status)
    secondary_status = property(lambda self: self.secondary)
    creation_time = property(lambda self: datetime.fromtimestamp(self.created, UTC))

    def gen_response_object(self) -> dict[str, Any]:
        """For moto's Search."""
        return self.describe() | {"Tags": self.tags}

    def step(self, secondary: str, message: str | None = None) -> None:
        """The next secondary status."""
        with self.lock:
            now = self.modified = time.time()
            if self.transitions:
                self.transitions[-1].setdefault("EndTime", now)
            text = message or MESSAGES[secondary]
            self.transitions.append({"Status": secondary, "StartTime": now, "StatusMessage": text})
            self.secondary = secondary
            if secondary == "Downloading" and self.started is None:
                self.started = now

    def end(self, status: str, secondary: str | None = None, failure: str | None = None) -> None:
        """The last status; nothing changes afterwards."""
        with self.lock:
            self.step(secondary or status)
            self.transitions[-1]["EndTime"] = self.ended = self.modified
            self.failure = failure[:1024] if failure else None
            self.status = status
        self.done.set()

    def stop(self) -> bool:
        """StopTrainingJob; False when there is nothing to stop."""
        with self.lock:
            if self.status in ENDED:
                return False
            self.status = "Stopping"
            self.stop_asked.set()
            return True

    def describe(self) -> dict[str, Any]:
        """DescribeTrainingJob's answer."""
        with self.lock:
            found = {name: self.request[name] for name in COPIED if self.request.get(name) is not None}
            flags = ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining")
            found |= {name: self.request.get(name, False) for name in flags}
            found |= {
                "TrainingJobArn": self.arn,
                "TrainingJobStatus": self.status,
                "SecondaryStatus": self.secondary,
                "SecondaryStatusTransitions": [dict(step) for step in self.transitions],
                "CreationTime": self.created,
                "LastModifiedTime": self.modified,
            }
            last = {
                "FailureReason": self.failure,
                "TrainingStartTime": self.started,
                "TrainingEndTime": self.ended,
                "ModelArtifacts": {"S3ModelArtifacts": self.artifacts} if self.artifacts else None,
                "FinalMetricDataList": [
                    {"MetricName": name, "Value": value, "Timestamp": at} for name, (value, at) in self.metrics.items()
                ]
                or None,
            }
            if self.ended and self.started:
                seconds = max(1, ceil(self.ended - self.started))
                spot = self.request.get("EnableManagedSpotTraining")
                last["TrainingTimeInSeconds"] = seconds
                last["BillableTimeInSeconds"] = max(1, int(seconds * SPOT_SHARE)) if spot else seconds
            return found | {name: value for name, value in last.items() if value is not None}

    def summary(self) -> dict[str, Any]:
        """One row of ListTrainingJobs."""
        names = (
            "TrainingJobName TrainingJobArn CreationTime TrainingEndTime LastModifiedTime TrainingJobStatus "
            "SecondaryStatus"
        )
        found = self.describe()
        return {name: found[name] for name in names.split() if name in found}
