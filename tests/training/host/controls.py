"""What a test asks of the host: holds, scripts for the next jobs, faults; and the list of requests received."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from host.jobs import Job
from host.wire import AwsError, Received

EXPIRED = {
    "s3": AwsError("ExpiredToken", "The provided token has expired."),
    "sts": AwsError("ExpiredToken", "The security token included in the request is expired", 403),
    "iam": AwsError("ExpiredToken", "The security token included in the request is expired", 403),
}
EXPIRED_JSON = AwsError("ExpiredTokenException", "The security token included in the request is expired")
THROTTLED = AwsError("ThrottlingException", "Rate exceeded")


@dataclass
class Controls:
    """State that tests set. Guarded by `changed`."""

    held: set[str] = field(default_factory=set)
    scripts: list[dict[str, Any]] = field(default_factory=list)
    every: int = 0
    calls: int = 0
    expired: bool = False
    enforcing: bool = False
    names: str = "key"
    records: list[dict[str, Any]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def set(self, **values: Any) -> None:
        """Change settings and wake who waits for one."""
        with self.changed:
            for name, value in values.items():
                setattr(self, name, value)
            self.changed.notify_all()

    def script(self) -> dict[str, Any]:
        """What the next job is to do."""
        with self.changed:
            return self.scripts.pop(0) if self.scripts else {}

    def gate(self, phase: str, job: Job) -> None:
        """Wait while jobs are held in `phase`; a stop ends the waiting."""
        with self.changed:
            while phase in self.held and not job.stop_asked.is_set():
                self.changed.wait(0.1)

    def fault(self, request: Received) -> AwsError | None:
        """The error that a client's request meets, if any."""
        with self.changed:
            if self.expired:
                return EXPIRED.get(request.service, EXPIRED_JSON)
            if request.service == "sagemaker" and self.every:
                self.calls += 1
                if self.calls % self.every == 0:
                    return THROTTLED
        return None

    def record(self, request: Received, by: str) -> dict[str, Any]:
        """Note a request; status and refusal are filled in when it is answered."""
        hidden = ("authorization", "x-amz-security-token")
        row = {
            "at": time.time(),
            "by": by,
            "service": request.service,
            "operation": request.operation,
            "params": request.params,
            "headers": {name: value for name, value in request.headers.items() if name not in hidden},
            "access_key": request.access_key,
            "region": request.region,
            "needs": [],
            "status": None,
            "error": None,
        }
        with self.changed:
            self.records.append(row)
        return row
