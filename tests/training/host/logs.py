"""A container's lines to CloudWatch Logs while it runs, and the metrics that the job's regular expressions find."""

from __future__ import annotations

import contextlib
import queue
import re
import threading
import time
from typing import Any

from botocore.exceptions import ClientError

GROUP = "/aws/sagemaker/TrainingJobs"
PAUSE = 0.1  # seconds between two PutLogEvents of a stream


class Sink:
    """One log stream, `<job>/algo-1-<number>`; a container that is started again has another one.

    A role that may not write logs costs the lines, not the job: SageMaker's documentation calls these permissions
    needed for logs alone.
    """

    def __init__(self, client: Any, job: str, definitions: list[dict[str, str]]) -> None:
        self.client, self.stream = client, f"{job}/algo-1-{int(time.time() * 1000)}"
        self.metrics: dict[str, tuple[float, float]] = {}
        self.lines: list[str] = []
        self._patterns = [(d["Name"], re.compile(d["Regex"])) for d in definitions]
        self._queue: queue.Queue[dict[str, Any] | None] = queue.Queue()
        with contextlib.suppress(ClientError):
            self.client.create_log_group(logGroupName=GROUP)
        with contextlib.suppress(ClientError):
            self.client.create_log_stream(logGroupName=GROUP, logStreamName=self.stream)
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """One line of the container."""
        now = time.time()
        self.lines.append(line)
        for name, pattern in self._patterns:
            found = pattern.search(line)
            with contextlib.suppress(ValueError, IndexError, TypeError):
                if found:
                    self.metrics[name] = (float(found[1]), now)
        if line:  # CloudWatch refuses an empty message
            self._queue.put({"timestamp": int(now * 1000), "message": line})

    def close(self) -> None:
        """Send what is left."""
        self._queue.put(None)
        self._thread.join()

    def _send(self) -> None:
        open_ = True
        while open_:
            batch = [self._queue.get()]
            time.sleep(PAUSE)
            while not self._queue.empty() and len(batch) < 1000:
                batch.append(self._queue.get())
            open_ = None not in batch
            events = [event for event in batch if event]
            if events:
                with contextlib.suppress(ClientError):
                    self.client.put_log_events(logGroupName=GROUP, logStreamName=self.stream, logEvents=events)
