"""The training host itself, with raw boto3 requests: what it answers, and what it does with a job."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from host import TrainingHost
from hostjobs import ENTRY, channel, manifest, model, put, request
from workbench import ROOT, sales

from dataops.archive import member, packed
from dataops.training import launch, local
from dataops.training.sagemaker.bundle import collect

WAITS = """
import os, pathlib, sys, time
print("step 1")
time.sleep(600)
"""


def create(host: TrainingHost, name: str, entry: str = ENTRY, **more):
    """Send a request."""
    return host.client("sagemaker").create_training_job(**request(host, name, entry, **more))


def refused(call, **given) -> tuple[str, str]:
    """Code and message of the answer."""
    with pytest.raises(ClientError) as raised:
        call(**given)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_job_from_request_to_model(host):
    """Channels of both kinds, hyperparameters, log, metrics, archives, statuses and times."""
    put(host, {"d/train/a.txt": "A", "d/train-old/b.txt": "B", "files/md5/ab/cd": "C"})
    listed = manifest(host, "m.json", "files/md5/", "ab/cd")
    create(
        host,
        "job-1",
        HyperParameters={"rounds": "15"},
        InputDataConfig=[
            channel("train", f"s3://{host.bucket}/d/train", "S3Prefix"),
            channel("validation", listed, "ManifestFile"),
        ],
        AlgorithmSpecification={
            "TrainingImage": "image:1",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "auc", "Regex": "auc=([0-9.]+)"}],
        },
        Environment={"DATAOPS_CHECKPOINTS": "/opt/ml/checkpoints"},
        Tags=[{"Key": "Project", "Value": "p"}],
    )
    found = host.wait("job-1")
    assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Completed", "Completed")
    steps = [step["Status"] for step in found["SecondaryStatusTransitions"]]
    assert steps == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert all(step["EndTime"] >= step["StartTime"] for step in found["SecondaryStatusTransitions"])
    assert found["CreationTime"] <= found["TrainingStartTime"] < found["TrainingEndTime"]
    assert found["TrainingTimeInSeconds"] == found["BillableTimeInSeconds"] >= 1
    assert found["ModelArtifacts"] == {"S3ModelArtifacts": f"s3://{host.bucket}/jobs/job-1/output/model.tar.gz"}
    assert [(row["MetricName"], row["Value"]) for row in found["FinalMetricDataList"]] == [("auc", 0.75)]
    assert found["Environment"] == {"DATAOPS_CHECKPOINTS": "/opt/ml/checkpoints"}
    assert json.loads(model(host, "job-1")) == {
        "train": {"train/a.txt": "A", "train-old/b.txt": "B"},  # every key that starts with the string
        "validation": {"files/md5/ab/cd": "C"},  # the whole key
    }
    assert model(host, "job-1", "curve.csv", "output.tar.gz") == b"step\n1\n"
    assert "rounds 15" in host.lines("job-1")
    (row,) = host.requests("CreateTrainingJob")
    assert row["status"] == 200
    assert row["params"]["Tags"] == [{"Key": "Project", "Value": "p"}]
    assert host.calls("job") >= {"s3:GetObject", "s3:ListObjectsV2", "s3:PutObject", "logs:PutLogEvents"}


def test_names_below_a_manifest_may_be_the_suffixes(host):
    """The other reading of the documentation."""
    put(host, {"files/md5/ab/cd": "C"})
    host.names("suffix")
    listed = manifest(host, "m.json", "files/md5/", "ab/cd")
    create(host, "job-1", InputDataConfig=[channel("train", listed, "ManifestFile")])
    host.wait("job-1")
    assert json.loads(model(host, "job-1")) == {"train": {"ab/cd": "C"}}


def test_a_name_is_used_once(host):
    """Of ten requests at once one is accepted; when the job has ended the name is still taken."""
    host.next_job(fail="CapacityError: none left")
    given, answers = request(host, "job-1"), []
    clients = [host.client("sagemaker") for _ in range(10)]

    def send(client) -> None:
        try:
            client.create_training_job(**given)
            answers.append("accepted")
        except ClientError as error:
            answers.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=send, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [*["ResourceInUse"] * 9, "accepted"]
    assert host.wait("job-1")["FailureReason"] == "CapacityError: none left"
    code, message = refused(clients[0].create_training_job, **given)
    assert code == "ResourceInUse"
    assert message == (
        "Training job names must be unique within an AWS account and region, and a training job with this name already "
        "exists (arn:aws:sagemaker:eu-central-1:123456789012:training-job/job-1)"
    )


def test_the_role_must_be_there_for_sagemaker(host):
    """A role that doesn't exist, and one that another service may take."""
    sagemaker, given = host.client("sagemaker"), request(host, "job-1")
    for arn in ("arn:aws:iam::123456789012:role/Nobody", host.role("Lambda", service="lambda.amazonaws.com")):
        code, message = refused(sagemaker.create_training_job, **{**given, "RoleArn": arn})
        assert code == "ValidationException"
        assert message == (
            f"Could not assume role {arn}. Please ensure that the role exists and allows principal "
            "'sagemaker.amazonaws.com' to assume the role."
        )
    assert refused(sagemaker.describe_training_job, TrainingJobName="job-1")[0] == "ValidationException"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"TrainingJobName": "a_b"}, "'a_b' at 'trainingJobName' failed to satisfy constraint: Member must satisfy"),
        ({"TrainingJobName": "a" * 64}, "Member must have length less than or equal to 63"),
        ({"Tags": [{"Key": "Version", "Value": "model#prod"}]}, "'model#prod' at 'tags.1.value' failed"),
        ({"Tags": [{"Key": f"k{n}", "Value": ""} for n in range(51)]}, "less than or equal to 50"),
        ({"HyperParameters": {f"k{n}": "" for n in range(101)}}, "less than or equal to 100"),
        ({"Environment": {"NAME": "x" * 513}}, "less than or equal to 512"),
        ({"EnableManagedSpotTraining": True}, "MaxWaitTimeInSeconds"),
        ({"OutputDataConfig": {"S3OutputPath": "/tmp/x"}}, "'outputDataConfig.s3OutputPath' failed"),
    ],
)  # fmt: skip
def test_limits(host, change, said):
    """The service's model refuses what AWS refuses; botocore on the client's side lets it through."""
    code, message = refused(host.client("sagemaker").create_training_job, **{**request(host, "job-1"), **change})
    assert code == "ValidationException"
    assert said in message


def test_data_that_is_not_there(host):
    """A missing object, manifest, bucket or prefix fails the job, with the reason first."""
    put(host, {"d//a": "", "broken.json": "{"})
    uri = f"s3://{host.bucket}"
    cases = {
        "object": (manifest(host, "m.json", "files/", "ab"), "ManifestFile", "NoSuchKey (404)"),
        "manifest": (f"{uri}/nothing.json", "ManifestFile", "NoSuchKey (404)"),
        "broken": (f"{uri}/broken.json", "ManifestFile", "Unable to parse the manifest file"),
        "bucket": ("s3://elsewhere/d/", "S3Prefix", "NoSuchBucket (404)"),
        "prefix": (f"{uri}/empty/", "S3Prefix", 'No S3 objects found under S3 URL "'),
        "slashes": (f"{uri}/d/", "S3Prefix", "illegal char sub-sequence '//'"),
    }
    for name, (where, kind, _) in cases.items():
        create(host, name, InputDataConfig=[channel("train", where, kind)])
    for name, (_, _, said) in cases.items():
        found = host.wait(name)
        assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Failed", "Failed")
        assert found["FailureReason"].startswith("ClientError: Data download failed:")
        assert said in found["FailureReason"]
        assert "ModelArtifacts" not in found


def test_a_failing_entry_point(host):
    """The toolkit's words are the reason; the log has the traceback; there is no model."""
    create(host, "job-1", "print('before')\nraise ValueError('no rows')\n")
    found = host.wait("job-1")
    assert found["TrainingJobStatus"] == "Failed"
    assert found["FailureReason"].startswith("AlgorithmError: ExecuteUserScriptError:\nExitCode 1")
    assert found["FailureReason"].endswith(", exit code: 1")
    assert {"before", "ValueError: no rows"} <= set(host.lines("job-1"))
    assert not host.client("s3").list_objects_v2(Bucket=host.bucket, Prefix="jobs/").get("Contents")


def test_stop_while_it_trains(host):
    """The log is there while the job runs; stopped means stopped, with what the model folder held."""
    create(
        host, "job-1", WAITS.replace("time.sleep", "pathlib.Path(os.environ['SM_MODEL_DIR'], 'm').touch(); time.sleep")
    )
    host.wait("job-1", lambda _: "step 1" in host.lines("job-1"))
    assert host.describe("job-1")["TrainingJobStatus"] == "InProgress"
    sagemaker = host.client("sagemaker")
    sagemaker.stop_training_job(TrainingJobName="job-1")
    found = host.wait("job-1")
    assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert [step["Status"] for step in found["SecondaryStatusTransitions"]][-3:] == ["Stopping", "Uploading", "Stopped"]
    assert model(host, "job-1", "m") == b""
    code, message = refused(sagemaker.stop_training_job, TrainingJobName="job-1")
    assert (code, message) == (
        "ValidationException", "The request was rejected because the training job is in status Stopped.")  # fmt: skip


def test_stop_before_it_starts(host):
    """A job that is held in Starting ends without a machine."""
    host.hold("Starting")
    create(host, "job-1")
    assert host.describe("job-1")["SecondaryStatus"] == "Starting"
    host.client("sagemaker").stop_training_job(TrainingJobName="job-1")
    found = host.wait("job-1")
    assert found["TrainingJobStatus"] == "Stopped"
    assert "TrainingStartTime" not in found
    assert "BillableTimeInSeconds" not in found


def test_hold_and_release(host):
    """A job stays in a phase for as long as a test wants."""
    host.hold("Training")
    create(host, "job-1")
    host.wait("job-1", lambda _: "rounds none" in host.lines("job-1"))
    time.sleep(0.5)
    assert host.describe("job-1")["SecondaryStatus"] == "Training"
    host.release()
    assert host.wait("job-1")["TrainingJobStatus"] == "Completed"


def test_listing_tags_and_search(host):
    """Filters before pages; tags are replaced, not doubled; moto's Search finds ours."""
    for name in ("shop-1", "other-1", "shop-2"):
        host.next_job(fail="no")
        create(host, name, Tags=[{"Key": "Hash", "Value": name}])
        host.wait(name)
    sagemaker = host.client("sagemaker")
    first = sagemaker.list_training_jobs(NameContains="shop", MaxResults=1)
    second = sagemaker.list_training_jobs(NameContains="shop", MaxResults=1, NextToken=first["NextToken"])
    rows = [row for page in (first, second) for row in page["TrainingJobSummaries"]]
    assert [row["TrainingJobName"] for row in rows] == ["shop-1", "shop-2"]
    assert "NextToken" not in second
    arn = first["TrainingJobSummaries"][0]["TrainingJobArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "Hash", "Value": "new"}, {"Key": "ModelVersion", "Value": "v1"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["ModelVersion"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "Hash", "Value": "new"}]
    search = {"Filters": [{"Name": "Tags.Hash", "Operator": "Equals", "Value": "new"}]}
    (hit,) = sagemaker.search(Resource="TrainingJob", SearchExpression=search)["Results"]
    assert hit["TrainingJob"]["TrainingJobArn"] == arn
    assert refused(sagemaker.list_tags, ResourceArn=f"{arn}-0")[0] == "ValidationException"


def test_ends_by_script(host):
    """No output, and a maximum run time: by a script and by the request."""
    host.next_job(skip_output=True)
    create(host, "no-output")
    host.next_job(max_runtime=0.5)
    create(host, "scripted", WAITS)
    create(host, "asked", WAITS, StoppingCondition={"MaxRuntimeInSeconds": 1})
    found = host.wait("no-output")
    assert found["TrainingJobStatus"] == "Completed"
    assert found["ModelArtifacts"]["S3ModelArtifacts"].endswith("/jobs/no-output/output/model.tar.gz")
    assert not host.client("s3").list_objects_v2(Bucket=host.bucket, Prefix="jobs/").get("Contents")
    for name in ("scripted", "asked"):
        found = host.wait(name)
        assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_spot_interrupted_goes_on_from_its_checkpoint(host):
    """The machine is killed, another one has the checkpoints; the log has two streams; less is billed."""
    entry = """
import os, pathlib, time
folder = pathlib.Path(os.environ["DATAOPS_CHECKPOINTS"])
before = sorted(p.name for p in folder.iterdir())
print("found", before)
(folder / "round-10").write_text("10")
if not before:
    time.sleep(600)
pathlib.Path(os.environ["SM_MODEL_DIR"], "model.txt").write_text(",".join(before))
"""
    host.next_job(interrupt="checkpoint")
    create(
        host,
        "job-1",
        entry,
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 900},
        CheckpointConfig={"S3Uri": f"s3://{host.bucket}/checkpoints/job-1", "LocalPath": "/opt/ml/checkpoints"},
        Environment={"DATAOPS_CHECKPOINTS": "/opt/ml/checkpoints"},
    )
    found = host.wait("job-1")
    steps = [step["Status"] for step in found["SecondaryStatusTransitions"]]
    once = ["Starting", "Downloading", "Training"]
    assert steps == [*once, "Interrupted", *once, "Uploading", "Completed"]
    assert model(host, "job-1") == b"round-10"
    assert found["BillableTimeInSeconds"] < found["TrainingTimeInSeconds"]
    streams = host.client("logs").describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs")["logStreams"]
    assert len(streams) == 2
    assert all(stream["logStreamName"].startswith("job-1/algo-1-") for stream in streams)


def test_encryption(host):
    """Model and output are written with the job's key; a client's header is seen as it was sent."""
    key = host.client("kms").create_key()["KeyMetadata"]["Arn"]
    put(host, {"d/a": "A"})
    output = {"S3OutputPath": f"s3://{host.bucket}/jobs", "KmsKeyId": key}
    create(host, "job-1", OutputDataConfig=output)
    host.client("s3").put_object(Bucket=host.bucket, Key="x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    host.wait("job-1")
    written = {row["params"]["Key"]: row["headers"] for row in host.requests("PutObject", by=None)}
    for name in ("jobs/job-1/output/model.tar.gz", "jobs/job-1/output/output.tar.gz", "x"):
        assert written[name]["x-amz-server-side-encryption"] == "aws:kms"
        assert written[name]["x-amz-server-side-encryption-aws-kms-key-id"] == key
        assert host.client("s3").head_object(Bucket=host.bucket, Key=name)["SSEKMSKeyId"] == key


def test_faults(host):
    """Throttled calls are every n-th; a client with retries gets through; expired is expired for every service."""
    host.throttle(2)
    once, patient = host.client("sagemaker"), host.client("sagemaker", attempts=3)
    once.list_training_jobs()
    assert refused(once.list_training_jobs) == ("ThrottlingException", "Rate exceeded")
    for _ in range(3):
        patient.list_training_jobs()
    throttled = [row["error"] == "ThrottlingException" for row in host.requests("ListTrainingJobs")]
    assert throttled == [n % 2 == 1 for n in range(len(throttled))]
    host.throttle(0)
    host.expire()
    assert refused(once.list_training_jobs)[0] == "ExpiredTokenException"
    assert refused(host.client("s3").list_objects_v2, Bucket=host.bucket)[0] == "ExpiredToken"
    assert refused(host.client("sts").get_caller_identity)[0] == "ExpiredToken"
    host.expire(False)
    once.list_training_jobs()


def test_requirements_meet_no_network(host):
    """Pins that this environment has are enough; others fail the job, and nothing is downloaded."""
    import numpy as np

    create(host, "there", files={"requirements": f"numpy=={np.__version__}\n"})
    create(host, "elsewhere", files={"requirements": "numpy==1.0.1\n"})
    assert host.wait("there")["TrainingJobStatus"] == "Completed"
    assert host.wait("elsewhere")["FailureReason"].startswith("AlgorithmError: InstallRequirementsError")
    assert any("No matching distribution found for numpy==1.0.1" in line for line in host.lines("elsewhere"))


def test_the_bundle_must_hold_what_it_imports(host):
    """The code of this clone, which its environment has by path, is hidden from the container."""
    create(host, "job-1", "import dataops.settings\n")
    assert host.wait("job-1")["TrainingJobStatus"] == "Failed"
    assert "ModuleNotFoundError: No module named 'dataops'" in host.lines("job-1")


def test_the_socket_guard_sees_into_the_container(host, offences):
    """An entry point that would leave this machine is stopped and noted."""
    create(host, "job-1", "import socket\nsocket.create_connection(('192.0.2.1', 80), 1)\n")
    assert host.wait("job-1")["TrainingJobStatus"] == "Failed"
    assert "192.0.2.1" in offences.read_text()
    offences.write_text("")  # `host` looks at the end


def test_network_isolation(host):
    """An isolated container reaches neither S3 nor anything else of AWS's; what a channel brings it has."""
    put(host, {"code/source/sourcedir.tar.gz": host.client("s3").get_object(
        Bucket=host.bucket, Key=_bundle(host))["Body"].read()})  # fmt: skip
    inside = {"sagemaker_submit_directory": json.dumps("/opt/ml/input/data/code/sourcedir.tar.gz")}
    brought = [channel("code", f"s3://{host.bucket}/code/source/", "S3Prefix")]
    create(host, "from-s3", EnableNetworkIsolation=True)
    create(host, "from-channel", EnableNetworkIsolation=True, HyperParameters=inside, InputDataConfig=brought)
    assert host.wait("from-channel")["TrainingJobStatus"] == "Completed"
    assert host.wait("from-s3")["TrainingJobStatus"] == "Failed"


def test_the_real_entry_point_gives_the_local_models_bytes(host, bench):
    """pipeline/train.py on objects named by their content, in no order: the same model as the local backend's."""
    shutil.copytree(ROOT / "src/pipeline", bench.root / "src/pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    bench.put("validated", sales())
    bench.through("featurize", "split")
    hyper = launch.hyperparameters()
    local.run(hyper)
    channels = []
    for part in ("train", "validation"):
        suffixes = []
        for path in sorted((bench.root / "data/dataset" / part).rglob("*.parquet")):
            digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            suffixes.append(f"{digest[:2]}/{digest[2:]}")
            put(host, {f"files/md5/{suffixes[-1]}": path.read_bytes()})
        channels.append(channel(part, manifest(host, f"{part}.json", "files/md5/", *suffixes), "ManifestFile"))
    pins = bench.root / "image.txt"
    known = (ROOT / "requirements/main.txt").read_text().splitlines()
    pins.write_text("\n".join(pin for pin in known if pin.split("==")[0] in ("lightgbm", "numpy", "pandas", "pyarrow")))
    values = {name: json.dumps(value) for name, value in hyper.items()}
    code = packed(collect(ROOT / "src/pipeline/train.py", ROOT / "src", pins).files)
    create(host, "job-1", code=code, HyperParameters=values, InputDataConfig=channels)
    assert host.wait("job-1")["TrainingJobStatus"] == "Completed", host.lines("job-1")[-20:]
    for name in ("model.txt", "model.json"):
        assert model(host, "job-1", name) == member(bench.root / "models/model.tar.gz", name)
    assert any(line.startswith("validation loss: ") for line in host.lines("job-1"))


@pytest.mark.parametrize("how", ["kill -9", "its parent is gone"])
def test_the_end_of_the_host(tmp_path, loopback_only, how):
    """Its container ends with it, and who asks finds nobody."""
    with TrainingHost(tmp_path / "host") as host:
        create(host, "job-1", "import os, time\nprint('pid', os.getpid())\ntime.sleep(600)\n")
        host.wait("job-1", lambda _: any(line.startswith("pid ") for line in host.lines("job-1")))
        pid = int(next(line for line in host.lines("job-1") if line.startswith("pid ")).split()[1])
        os.kill(pid, 0)
        if how == "kill -9":
            host.kill()
        else:
            host.process.stdin.close()
            host.process.wait(10)
        with pytest.raises(EndpointConnectionError):
            host.describe("job-1")
        end = time.monotonic() + 60
        while time.monotonic() < end and there(pid):
            time.sleep(0.05)
        assert not there(pid)


def there(pid: int) -> bool:
    """Whether a process runs; one that nobody waits for has ended all the same."""
    try:
        return (
            " Z " not in Path(f"/proc/{pid}/stat").read_text() if Path("/proc/self").exists() else not os.kill(pid, 0)
        )
    except (FileNotFoundError, ProcessLookupError):
        return False


def _bundle(host: TrainingHost) -> str:
    text = request(host, "code", "print('here')")["HyperParameters"]["sagemaker_submit_directory"]
    return json.loads(text).removeprefix(f"s3://{host.bucket}/")
