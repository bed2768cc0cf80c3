"""The way to AWS is bad: answers get lost, the log is down, something else answers, nobody reads what is told."""

from __future__ import annotations

import subprocess
import sys

from faulty import proxied
from host import TrainingHost
from jobworld import Clone
from test_job_goes_wrong import jobs


def test_a_lost_answer(ready: Clone, host: TrainingHost):
    """AWS took the job, and nobody heard: it is asked for again, and there is one."""
    with proxied(host.url, lambda operation, _: "lost" if operation == "CreateTrainingJob" else None) as url:
        said = ready.train(AWS_ENDPOINT_URL=url, AWS_MAX_ATTEMPTS="2")
    assert "models/model.tar.gz: from" in said
    assert len(jobs(host)) == 1
    assert len(host.requests("CreateTrainingJob")) == 2


def test_the_log_is_down(ready: Clone, host: TrainingHost):
    """A log that can't be read for now hides neither the job's end nor its model."""
    down = (500, b'{"__type": "ServiceUnavailableException"}')
    with proxied(host.url, lambda operation, _: down if operation == "DescribeLogStreams" else None) as url:
        assert "models/model.tar.gz: from" in ready.train(AWS_ENDPOINT_URL_CLOUDWATCH_LOGS=url)


def test_something_else_answers(ready: Clone, host: TrainingHost):
    """A page of a proxy's is no job."""
    page = (200, b"<html>Please sign in</html>")
    with proxied(host.url, lambda *_: page) as url:
        _, err = ready.dataops("train", "status", status=2, AWS_ENDPOINT_URL_SAGEMAKER=url)
    assert f"{url} doesn't answer as SageMaker does" in err
    assert "HTTPS_PROXY" in err


def test_the_clock_is_wrong(ready: Clone, host: TrainingHost):
    """Told as that, and not as wrong credentials."""
    late = b'{"__type": "InvalidSignatureException", "message": "Signature expired: 20260101T000000Z is now earlier"}'
    with proxied(host.url, lambda *_: (400, late)) as url:
        _, err = ready.dataops("train", "status", status=2, AWS_ENDPOINT_URL_SAGEMAKER=url)
    assert "is this machine's clock right?" in err


def test_nobody_reads(ready: Clone, host: TrainingHost):
    """`dataops train run | head -1` trains to the end; a terminal that can't show a letter doesn't stop it either."""
    entry = ready.path / "src/pipeline/train.py"
    entry.write_text(entry.read_text().replace("def main() -> None:", "def main() -> None:\n    print('日本')", 1))
    command = f"{sys.executable} -m dataops train run | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ready.path, env=ready.env(), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert ready.record["backend"] == "sagemaker"
    ready.params(rounds=3)  # another job, whose log is shown
    assert r"\u65e5\u672c" in ready.train(PYTHONIOENCODING="ascii")
    assert len(jobs(host)) == 2
