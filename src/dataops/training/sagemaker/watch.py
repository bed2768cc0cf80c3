"""Waiting for a job: its status, how long it has taken, its log and its metrics as they come."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import botocore.exceptions as aws

from dataops.errors import DataOpsError, Refused
from dataops.settings import TABLE
from dataops.training.sagemaker.jobs import RUNNING, Described, ask
from dataops.training.sagemaker.refusals import absent, explain, passing
from dataops.training.sagemaker.session import Session
from dataops.versions.wording import clean

GROUP = "/aws/sagemaker/TrainingJobs"
LATE = 5.0  # seconds that CloudWatch may be behind
LONGEST = 400  # characters of a line
GOES_ON = "the job goes on at AWS: run this again to join it, `dataops train stop` ends it"
Tell = Callable[[str], None]


@dataclass
class Watch:
    """What has been told of one job."""

    session: Session
    name: str
    tell: Tell
    log: Log = field(init=False)
    status: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    silent: bool = False
    """AWS can't be asked at the moment, and that has been said."""

    def __post_init__(self) -> None:
        self.log = Log(self.session, self.name)

    def until_the_end(self, poll: float) -> Described:
        """The job as it is when it has ended.

        Raises:
            DataOpsError: AWS won't say any more; the job isn't touched by that.
            KeyboardInterrupt: nor by this.
        """
        try:
            while (job := self._look()) is None or job["TrainingJobStatus"] in RUNNING:
                time.sleep(poll)
            time.sleep(min(poll, LATE))  # the log's last lines, which say why it failed, come late
            self._look()
        except KeyboardInterrupt:
            self.tell(GOES_ON)
            raise
        return job

    def _look(self) -> Described | None:
        """Ask once and tell what is new; None where AWS can't be asked just now."""
        try:
            job = ask(self.session, self.name)
        except (aws.ClientError, aws.BotoCoreError) as error:
            explained = explain(error, f"ask after the training job {self.name}")
            if not passing(error):
                raise DataOpsError(explained.message, f"{explained.hint}; {GOES_ON}") from None
            if not self.silent:
                self.tell(f"{explained.message}; the job goes on, asking again")
            self.silent = True
            return None
        self.silent = False
        self._tell_status(job)
        for line in self.log.news():
            self.tell(f"  | {line}")
        self._tell_metrics(job)
        return job

    def _tell_status(self, job: Described) -> None:
        """One line when something changed; how long is counted from the job's creation."""
        steps = job.get("SecondaryStatusTransitions") or [{}]
        said = ": ".join(filter(None, (job.get("SecondaryStatus", ""), clean(steps[-1].get("StatusMessage", "")))))
        if said != self.status:
            self.tell(f"{elapsed(job)}  {said or job['TrainingJobStatus']}")
            self.status = said

    def _tell_metrics(self, job: Described) -> None:
        """Those whose value changed."""
        found = {item["MetricName"]: float(item["Value"]) for item in job.get("FinalMetricDataList") or ()}
        new = [f"{name} {value:g}" for name, value in found.items() if self.metrics.get(name) != value]
        if new:
            self.tell(f"{elapsed(job)}  {', '.join(new)}")
        self.metrics = found


@dataclass
class Log:
    """A job's lines in CloudWatch, each once. A log that can't be read is said once and gone without."""

    session: Session
    name: str
    _tokens: dict[str, str] = field(default_factory=dict)
    _closed: bool = False

    def news(self) -> Iterator[str]:
        """The lines since the last call; those that can't be had just now come with a later one."""
        if self._closed:
            return
        try:
            for stream in self._streams():
                yield from self._lines(stream)
        except (aws.ClientError, aws.BotoCoreError) as error:
            if passing(error) or absent(error):  # nobody has written yet
                return
            self._closed = True
            yield f"({explain(error, 'read the log').message}; going on without)"

    def _streams(self) -> list[str]:
        """One for each instance."""
        logs = self.session.client("logs")
        pages = logs.get_paginator("describe_log_streams").paginate(
            logGroupName=GROUP, logStreamNamePrefix=f"{self.name}/"
        )
        return sorted(stream["logStreamName"] for page in pages for stream in page["logStreams"])

    def _lines(self, stream: str) -> Iterator[str]:
        """What is new in one stream: until its token no longer moves."""
        logs = self.session.client("logs")
        while True:
            token = self._tokens.get(stream)
            more = {"nextToken": token} if token else {}
            page = logs.get_log_events(logGroupName=GROUP, logStreamName=stream, startFromHead=True, **more)
            self._tokens[stream] = page["nextForwardToken"]
            for event in page["events"]:
                yield clean(event["message"])[:LONGEST]
            if page["nextForwardToken"] == token:  # a page before the last may be empty
                return


def require_completed(job: Described) -> None:
    """The job has made a model.

    Raises:
        Refused: it failed or was stopped; the message has SageMaker's reason.
    """
    name, status = job["TrainingJobName"], job["TrainingJobStatus"]
    if status == "Completed":
        return
    reason = clean(str(job.get("FailureReason") or "")) or clean(job.get("SecondaryStatus") or "no reason given")
    if job.get("SecondaryStatus") == "MaxRuntimeExceeded":
        hint = f"a larger max_run_seconds under {TABLE}; run again for a new attempt"
        raise Refused(f"the training job {name} ran longer than it may ({took(job)} s)", hint)
    if status == "Stopped":
        raise Refused(f"the training job {name} was stopped ({reason})", "run again for a new attempt")
    hint = "its last lines are above; mend what they say and run again: that is a new attempt"
    raise Refused(f"the training job {name} failed: {reason}", hint)


def elapsed(job: Described) -> str:
    """Minutes and seconds since the job was made, or that it took."""
    start: dt.datetime | None = job.get("CreationTime")
    if start is None:
        return " 0:00"
    end = job.get("TrainingEndTime") or dt.datetime.now(start.tzinfo)
    seconds = max(0, int((end - start).total_seconds()))
    return f"{seconds // 60:2d}:{seconds % 60:02d}"


def took(job: Mapping[str, Any]) -> int:
    """Seconds from start to end, as SageMaker counts."""
    return int(job.get("TrainingTimeInSeconds") or 0)
