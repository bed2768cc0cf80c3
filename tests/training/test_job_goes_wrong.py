"""What a person sees when a job, the account or the data isn't as it should be: one line, a hint, the right status."""

from __future__ import annotations

import shutil

import pytest
from host import TrainingHost
from jobworld import Clone, held, until

ENTRY = "src/pipeline/train.py"


def jobs(host: TrainingHost) -> list[str]:
    """Names of the jobs that were accepted."""
    return [row["params"]["TrainingJobName"] for row in host.requests("CreateTrainingJob") if row["status"] == 200]


def test_a_job_that_fails(ready: Clone, host: TrainingHost):
    """Its own words and SageMaker's reason; nothing is put in place; the next run is a new attempt."""
    entry = ready.path / ENTRY
    good = entry.read_text()
    entry.write_text(
        good.replace("def main() -> None:", "def main() -> None:\n    raise SystemExit('error: no luck')", 1)
    )
    said = ready.train(status=1)
    assert "  | error: no luck" in said
    assert f"error: the training job {jobs(host)[0]} failed: AlgorithmError: " in said
    assert " hint: " in said
    assert not (ready.path / "models").exists()
    assert not (ready.path / "reports/training.json").exists()
    again = ready.train(status=1)
    assert f"{jobs(host)[0]} failed: a new attempt" in again
    assert [name[-2:] for name in jobs(host)] == ["-1", "-2"]
    entry.write_text(good)  # other code is another job
    ready.train()
    assert jobs(host)[2].endswith("-1")
    assert jobs(host)[2] != jobs(host)[0]


def test_the_reason_is_told(ready: Clone, host: TrainingHost):
    """A failure before the container starts has no log, only SageMaker's reason."""
    host.next_job(fail="ClientError: Please use an instance type with more memory")
    said = ready.train(status=1)
    assert "failed: ClientError: Please use an instance type with more memory" in said


def test_a_job_that_runs_too_long(ready: Clone, host: TrainingHost):
    """AWS ends it: which setting says when."""
    host.next_job(max_runtime=0.5)
    said = ready.train(status=1)
    assert "ran longer than it may" in said
    assert "max_run_seconds" in said


def test_throttled_on_every_second_call(ready: Clone, host: TrainingHost):
    """AWS asks to slow down: the calls are made again, and nothing is started twice."""
    host.throttle(2)
    ready.train()
    host.throttle(0)
    assert len(jobs(host)) == 1
    assert any(row["error"] == "ThrottlingException" for row in host.requests())


def test_the_output_is_missing(ready: Clone, host: TrainingHost):
    """A job that completed without its model is said so, exit 1; the next run is a new attempt."""
    host.next_job(skip_output=True)
    said = ready.train(status=1)
    assert f"error: the training job {jobs(host)[0]} completed, but its model isn't at s3://" in said
    assert "run again: that is a new attempt" in said
    assert "has no model any more: a new attempt" in ready.train()
    assert len(jobs(host)) == 2


def test_expired_credentials(ready: Clone, host: TrainingHost):
    """Before the start: exit 2. While it waits: the job goes on, and after signing in again it is joined."""
    host.expire()
    _, err = ready.dataops("train", "run", status=2)
    host.expire(on=False)
    assert "credentials have expired" in err or "credentials were refused (ExpiredToken)" in err
    assert not jobs(host)
    with held(host, "Training"):
        process = ready.start("train", "run")
        until(lambda: jobs(host))
        until(lambda: len(host.requests("DescribeTrainingJob")) > 4)
        host.expire()
        _, err = process.communicate(timeout=60)
        host.expire(on=False)
    assert process.returncode == 2
    assert "the AWS credentials have expired" in err
    assert "the job goes on at AWS" in err
    assert "joining it" in (said := ready.train()) or "taking it" in said
    assert len(jobs(host)) == 1


def test_no_credentials(ready: Clone):
    """None at all, wherever boto3 looks."""
    for name in [name for name in ready.environment if (name.startswith("AWS_") and "KEY" in name) or "TOKEN" in name]:
        del ready.environment[name]
    _, err = ready.dataops("train", "run", status=2)
    assert "found no AWS credentials" in err


@pytest.mark.parametrize(
    ("role", "message"),
    [
        ("arn:aws:iam::123456789012:role/Nobody", "Could not assume role arn:aws:iam::123456789012:role/Nobody"),
        ("", "which role does the job run as?"),
        ("Trainer", "role is 'Trainer', which is no role's ARN"),
    ],
)
def test_the_role(ready: Clone, host: TrainingHost, role: str, message: str):
    """It doesn't exist, isn't named, or isn't an ARN."""
    _, err = ready.dataops("train", "run", status=2, DATAOPS_TRAIN__SAGEMAKER__ROLE=f'"{role}"')
    assert message in err
    assert not jobs(host)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("MAX_RUN_SECONDS", "864000", "may cost $27.60, and max_cost_usd is $5.00"),
        ("INSTANCE_COUNT", "60", "60 x ml.m5.large for up to 3600 s may cost $6.90"),
        ("INSTANCE_TYPE", '"ml.c5.24xlarge"', "what does ml.c5.24xlarge cost?"),
        ("SUBNETS", '["subnet-1"]', "subnets and security_groups go together"),
        ("NETWORK_ISOLATION", "true", "network_isolation needs an image"),
        ("SPOT", "maybe", "train.sagemaker.spot: "),
        ("TAGS", '{GitCommit = "x"}', "the tag GitCommit is written by dataops"),
        ("TAGS", '{"aws:team" = "x"}', "the tag aws:team can't be set"),
        ("INSTANCE_TYPE", '"m5.large"', "hint: check instance_type and region"),
    ],
)
def test_the_settings(ready: Clone, host: TrainingHost, setting: str, value: str, message: str):
    """What can't be, or could cost more than is allowed, is refused before anything is sent."""
    _, err = ready.dataops("train", "run", status=2, **{f"DATAOPS_TRAIN__SAGEMAKER__{setting}": value})
    assert message in err
    assert not host.requests("CreateTrainingJob", "PutObject")


def test_no_remote_yet(ready: Clone):
    """The template's placeholder is no bucket that a job could be pointed to."""
    config = ready.path / ".dvc/config"
    config.write_text(config.read_text().replace("s3://training-bucket/dvc", "s3://replace-me/dvc"))
    _, err = ready.dataops("train", "status", status=2)
    assert "error: the remote is still the template's placeholder" in err


def test_the_data_is_not_what_is_recorded(ready: Clone, host: TrainingHost):
    """A changed, a missing and an unrecorded file of what is trained on."""
    folder = ready.path / "data/dataset/train"
    path = min(folder.iterdir())
    content = path.read_bytes()
    path.write_bytes(content + b"x")
    _, err = ready.dataops("train", "run", status=2)
    assert f"error: data/dataset/train/{path.name} is not what dvc.lock records" in err
    path.unlink()
    assert "is not what dvc.lock records" in ready.dataops("train", "run", status=2)[1]
    path.write_bytes(content)
    (folder / "more.parquet").write_bytes(b"PAR1")
    assert "data/dataset/train/more.parquet is not what dvc.lock records" in ready.dataops("train", "plan", status=2)[1]
    (folder / "more.parquet").unlink()
    folder.rename(ready.path / ".dataops")
    _, err = ready.dataops("train", "run", status=2)
    assert "error: data/dataset/train is not in this work tree\n hint: `dvc pull data/dataset`" in err  # a fresh clone
    (ready.path / "dvc.lock").unlink()
    assert "dvc.lock records no folder data/dataset" in ready.dataops("train", "run", status=2)[1]
    assert not jobs(host)


def test_objects_that_can_not_be_pushed(ready: Clone, host: TrainingHost):
    """Neither on the remote nor in the cache: no job is started on half of the data."""
    shutil.rmtree(ready.path / ".dvc/cache/files/md5" / min((ready.path / ".dvc/cache/files/md5").iterdir()).name)
    _, err = ready.dataops("train", "run", status=2)
    assert "error: " in err
    assert not jobs(host)


def test_a_model_that_leads_elsewhere(ready: Clone, host: TrainingHost):
    """What came back is looked through before anything of it is used: damaged, empty, or with a link in it."""
    import io
    import tarfile

    with held(host, "Uploading"):
        process = ready.start("train", "run")
        until(lambda: jobs(host))
        process.kill()
        process.communicate()
    name = jobs(host)[0]
    host.wait(name)
    uri = host.describe(name)["ModelArtifacts"]["S3ModelArtifacts"]
    key = uri.removeprefix(f"s3://{host.bucket}/")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as made:
        link = tarfile.TarInfo("model.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(link)
    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode="w:gz").close()

    def odd(**headers: str) -> bytes:
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w:gz", format=tarfile.PAX_FORMAT) as opened:
            member = tarfile.TarInfo("model.txt")
            member.size, member.pax_headers = 512, {name.replace("_", "."): text for name, text in headers.items()}
            opened.addfile(member, io.BytesIO(b"1\n0\n1\n".ljust(512, b"\0")))
        return made.getvalue()

    huge = {"GNU_sparse_major": "1", "GNU_sparse_minor": "0", "GNU_sparse_realsize": str(1 << 40)}
    for content, message in (
        (buffer.getvalue(), "which is no plain file"),
        (odd(mtime="1e300"), "is damaged"),
        (odd(**huge | {"GNU_sparse_realsize": "x"}), "is damaged"),
        (odd(**huge), "unpacks to more than 20 GiB"),
        (buffer.getvalue()[:40], "is damaged"),
        (b"<html>", "is damaged"),
        (empty.getvalue(), "is empty"),
    ):
        host.client("s3").put_object(Bucket=host.bucket, Key=key, Body=content)
        said = ready.train(status=1)
        assert message in said
        assert not (ready.path / "models").exists()
    host.client("s3").put_object(Bucket=host.bucket, Key=key, Body=b"<html>")
    assert "delete it there and run again: that is a new attempt" in ready.train(status=1)
    host.client("s3").delete_object(Bucket=host.bucket, Key=key)
    assert "has no model any more: a new attempt" in ready.train()


def test_the_log_may_not_be_read(ready: Clone, host: TrainingHost):
    """That is said once, and the model comes all the same."""
    allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    denied = {"Effect": "Deny", "Action": "logs:*", "Resource": "*"}
    ready.environment = host.env(host.user("blind", {"Version": "2012-10-17", "Statement": [allowed, denied]}))
    host.enforce()
    try:
        said = ready.train()
    finally:
        host.enforce(on=False)
    assert said.count("can't read the log: access denied") == 1
    assert "models/model.tar.gz: from" in said


@pytest.mark.parametrize(
    "stages",
    ["[1]", "{split: [1]}", "{split: {outs: 3}}", "{split: {outs: {path: data/dataset}}}", "{split: {outs: [x]}}"],
)
def test_a_lock_that_dvc_did_not_write(ready: Clone, stages: str):
    """Whatever stands in dvc.lock, it is one line."""
    (ready.path / "dvc.lock").write_text(f"schema: '2.0'\nstages: {stages}\n")
    _, err = ready.dataops("train", "plan", status=2)
    assert "error: dvc.lock: " in err


def test_what_was_sent_has_been_changed(ready: Clone, host: TrainingHost):
    """A manifest or bundle of its name and other content starts no job; whose copy lost its metadata is the same."""
    plan = ready.plan()
    uris = [channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in plan["InputDataConfig"]]
    keys = [uri.removeprefix(f"s3://{host.bucket}/") for uri in uris]
    ready.train()
    s3 = host.client("s3")
    good = {key: s3.get_object(Bucket=host.bucket, Key=key)["Body"].read() for key in keys}
    model = plan["OutputDataConfig"]["S3OutputPath"].removeprefix(f"s3://{host.bucket}/")
    s3.delete_object(Bucket=host.bucket, Key=f"{model}/{plan['TrainingJobName']}/output/model.tar.gz")
    for key, content in good.items():
        half = len(content) // 2
        damaged = content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :]
        s3.put_object(Bucket=host.bucket, Key=key, Body=damaged)
        said = ready.train(status=1)
        assert f"{key} has other" in said
        assert "somebody changed it" in said
        s3.put_object(Bucket=host.bucket, Key=key, Body=content)
    assert len(jobs(host)) == 1
    ready.train()
    assert len(jobs(host)) == 2


@pytest.mark.parametrize("output", ["", "s3://training-bucket", "s3://training-bucket/models/"])
def test_checkpoints_are_below_the_output(ready: Clone, output: str):
    """They never end in a bucket that nobody named."""
    plan = ready.plan(DATAOPS_TRAIN__SAGEMAKER__SPOT="true", DATAOPS_TRAIN__SAGEMAKER__OUTPUT=f'"{output}"')
    below = output.rstrip("/") or "s3://training-bucket/dvc/sagemaker"
    assert plan["CheckpointConfig"]["S3Uri"].startswith(f"{below}/checkpoints/")
