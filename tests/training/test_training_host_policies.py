"""The training host's IAM: a policy is sufficient or it isn't, and what the host can't judge it says."""

from __future__ import annotations

import copy
import json

import boto3
import pytest
from botocore.exceptions import ClientError
from host import TrainingHost, policies
from hostjobs import channel, manifest, put, request

BUCKET = TrainingHost.bucket
JOBS = "arn:aws:sagemaker:eu-central-1:123456789012:training-job/job-*"
LOGS = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/sagemaker/TrainingJobs"
CREATE = {"StringEquals": {"aws:RequestTag/Project": "p"}, "ForAllValues:StringEquals": {"aws:TagKeys": ["Project"]}}
PASS = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def allow(actions: list[str], resource: str, condition: dict | None = None) -> dict:
    """A statement."""
    made = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return made | ({"Condition": condition} if condition else {})


USER = [
    allow(["s3:PutObject", "s3:GetObject"], f"arn:aws:s3:::{BUCKET}/source/*"),
    allow(["sagemaker:CreateTrainingJob", "sagemaker:AddTags"], JOBS, CREATE),
    allow(["sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"], JOBS),
    allow(["iam:PassRole"], TrainingHost.role_arn.replace("SageMakerTraining", "Small"), PASS),
]
ROLE = [
    allow(["s3:GetObject"], f"arn:aws:s3:::{BUCKET}/source/*"),
    allow(["s3:GetObject"], f"arn:aws:s3:::{BUCKET}/files/*"),
    allow(["s3:ListBucket"], f"arn:aws:s3:::{BUCKET}", {"StringLike": {"s3:prefix": "data/*"}}),
    allow(["s3:GetObject"], f"arn:aws:s3:::{BUCKET}/data/*"),
    allow(["s3:PutObject"], f"arn:aws:s3:::{BUCKET}/jobs/*"),
    allow(["logs:CreateLogGroup"], f"{LOGS}:log-stream:"),
    allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{LOGS}:*"),
]


def document(statements: list[dict]) -> dict:
    """A policy."""
    return {"Version": "2012-10-17", "Statement": statements}


def job(host: TrainingHost, role: str) -> dict:
    """A request that needs all of ROLE."""
    put(host, {"files/ab": "A", "data/a": "B"})
    listed = manifest(host, "files/m.json", "files/", "ab")
    channels = [
        channel("train", listed, "ManifestFile"),
        channel("validation", f"s3://{BUCKET}/data/", "S3Prefix"),
    ]
    tags = [{"Key": "Project", "Value": "p"}]
    return request(host, "job-1", InputDataConfig=channels, Tags=tags) | {"RoleArn": role}


def code(call, **given) -> str:
    """The code of the refusal, or nothing."""
    try:
        call(**given)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ""


def test_least_privilege_is_enough_and_nothing_less(host):
    """A job with two small policies completes; each statement of the user's is needed, and so is its condition."""
    given = job(host, host.role("Small", document(ROLE)))
    everything = host.user("sufficient", document(USER))
    host.enforce()
    for number, statement in enumerate(USER):
        lacking = host.user(f"lacks-{number}", document([s for s in USER if s is not statement]))
        answers = [
            code(host.client("s3", lacking).put_object, Bucket=BUCKET, Key="source/x"),
            code(
                host.client("sagemaker", lacking).create_training_job, **{**given, "TrainingJobName": f"job-{number}0"}
            ),
            code(host.client("sagemaker", lacking).describe_training_job, TrainingJobName="job-30"),
        ]
        refusals = [row["denied"][0] for row in host.requests() if row.get("denied")][-2:]
        assert any(answer.startswith("AccessDenied") for answer in answers), statement
        assert set(refusals) & set(statement["Action"]) or statement is USER[1]
    sagemaker = host.client("sagemaker", everything)
    assert code(sagemaker.create_training_job, **given | {"TrainingJobName": "other"}) == "AccessDeniedException"
    tags = [{"Key": "Project", "Value": "q"}]
    assert code(sagemaker.create_training_job, **given | {"Tags": tags}) == "AccessDeniedException"
    assert code(sagemaker.list_training_jobs) == "AccessDeniedException"
    assert code(sagemaker.create_training_job, **given) == ""
    assert host.wait("job-1")["TrainingJobStatus"] == "Completed"
    assert not [row for row in host.requests(by="job") if row.get("denied")]


@pytest.mark.parametrize("lacking", range(5))
def test_a_role_that_may_too_little(host, lacking):
    """The job fails with what S3 answers; without the bundle the toolkit says so."""
    given = job(host, host.role("Small", document([s for n, s in enumerate(ROLE) if n != lacking])))
    host.enforce()
    host.client("sagemaker").create_training_job(**given)
    found = host.wait("job-1")
    assert found["TrainingJobStatus"] == "Failed"
    assert "AccessDenied" in found["FailureReason"] or any("(403)" in line for line in host.lines("job-1"))


def test_who_asks(host):
    """A wrong secret and an unknown key are refused by moto, in the service's words; only when `enforce` is on."""
    wrong = host.user("u", document(USER)) | {"AWS_SECRET_ACCESS_KEY": "x"}
    unknown = wrong | {"AWS_ACCESS_KEY_ID": "AKIAUNKNOWN"}
    host.client("sagemaker", unknown).list_training_jobs()
    host.enforce()
    for keys, answers in ((wrong, ("InvalidSignatureException", "SignatureDoesNotMatch")),
                          (unknown, ("UnrecognizedClientException", "InvalidAccessKeyId"))):  # fmt: skip
        assert code(host.client("sagemaker", keys).list_training_jobs) == answers[0]
        assert code(host.client("s3", keys).list_objects_v2, Bucket=BUCKET) == answers[1]
    host.client("s3").put_object(Bucket=BUCKET, Key="a b/ü+%", Body=b"x" * 100)
    assert host.client("s3").get_object(Bucket=BUCKET, Key="a b/ü+%")["Body"].read() == b"x" * 100


def test_a_client_with_a_role(host):
    """Somebody who took a role is a client, with the role's policies."""
    role = host.role("Analyst", document([allow(["s3:ListBucket"], f"arn:aws:s3:::{BUCKET}")]))
    taken = host.client("sts").assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    s3 = boto3.client(
        "s3",
        endpoint_url=host.url,
        region_name=host.region,
        aws_access_key_id=taken["AccessKeyId"],
        aws_secret_access_key=taken["SecretAccessKey"],
        aws_session_token=taken["SessionToken"],
    )
    host.enforce()
    assert code(s3.list_objects_v2, Bucket=BUCKET) == ""
    assert code(s3.put_object, Bucket=BUCKET, Key="a") == "AccessDenied"
    assert [row["by"] for row in host.requests("ListObjectsV2", "PutObject", by=None)] == ["client", "client"]


def test_bucket_policy(host):
    """An explicit Deny of the bucket's wins over the user's Allow; its Allow is enough for a user without one."""
    admin, nobody = host.client("s3"), host.client("s3", host.user("nobody"))
    encrypted = {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    give = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:user/nobody"}, "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/*"}  # fmt: skip
    admin.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(document([deny | {"Condition": encrypted}, give])))
    host.enforce()
    assert code(admin.put_object, Bucket=BUCKET, Key="a", Body=b"") == "AccessDenied"
    assert code(admin.put_object, Bucket=BUCKET, Key="a", Body=b"", ServerSideEncryption="aws:kms") == ""
    assert code(nobody.get_object, Bucket=BUCKET, Key="a") == ""
    assert code(nobody.put_object, Bucket=BUCKET, Key="a", ServerSideEncryption="aws:kms") == "AccessDenied"


def test_encryption_needs_the_key(host):
    """SSE-KMS asks kms:GenerateDataKey of who writes and kms:Decrypt of who reads."""
    key = host.client("kms").create_key()["KeyMetadata"]["Arn"]
    objects = allow(["s3:PutObject", "s3:GetObject"], f"arn:aws:s3:::{BUCKET}/*")
    plain = host.client("s3", host.user("plain", document([objects])))
    via = {"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}
    keyed = [objects, allow(["kms:GenerateDataKey", "kms:Decrypt"], key, via)]
    trusted = host.client("s3", host.user("trusted", document(keyed)))
    host.enforce()
    written = {"Bucket": BUCKET, "Key": "a", "Body": b"x", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    assert code(plain.put_object, **written) == "AccessDenied"
    assert code(trusted.put_object, **written) == ""
    assert code(plain.get_object, Bucket=BUCKET, Key="a") == "AccessDenied"
    assert code(trusted.get_object, Bucket=BUCKET, Key="a") == ""


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({}, True),
        ({"Action": "S3:get*"}, True),
        ({"Action": "s3:Put*"}, False),
        ({"Resource": "arn:aws:s3:::b/data/?"}, True),
        ({"Resource": "arn:aws:s3:::b/data"}, False),
        ({"Resource": "arn:aws:s3:::b"}, False),
        ({"NotResource": "arn:aws:s3:::b/data/*"}, False),
        ({"NotAction": "s3:Put*"}, True),
        ({"Effect": "Deny"}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "false"}}}, False),
        ({"Condition": {"Bool": {"aws:securetransport": True}}}, True),
        ({"Condition": {"StringLike": {"s3:prefix": "x"}}}, False),
        ({"Condition": {"StringLikeIfExists": {"s3:prefix": "x"}}}, True),
        ({"Condition": {"StringNotEquals": {"s3:prefix": "x"}}}, True),
        ({"Condition": {"Null": {"s3:prefix": "true"}}}, True),
        ({"Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": ["a", "z"]}}}, True),
        ({"Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "z"]}}}, False),
        ({"Condition": {"NumericLessThanEquals": {"n": "10"}}}, True),
    ],
)  # fmt: skip
def test_one_statement(change, allowed):
    """Actions without case, wildcards, conditions on keys that are and aren't there."""
    statement = copy.deepcopy(allow(["s3:GetObject"], "arn:aws:s3:::b/data/*"))
    for name in change:
        statement.pop(name.removeprefix("Not"), None)
    context = {"aws:SecureTransport": "true", "aws:TagKeys": ["a", "b"], "n": "9"}
    asked = ("s3:GetObject", "arn:aws:s3:::b/data/1", context)
    assert policies.allowed([document([statement | change])], *asked) is allowed
    denying = allow(["s3:*"], "*") | {"Effect": "Deny"}
    assert not policies.allowed([document([statement | change, denying])], *asked)


def test_what_a_policy_allows_for_nothing():
    """Each action on each resource that no request needed."""
    made = document([allow(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::b/a/*"), allow(["s3:GetObject"], "*")])
    asked = [("s3:GetObject", "arn:aws:s3:::b/a/1", {}), ("s3:GetObject", "arn:aws:s3:::b/c", {})]
    assert policies.unused(made, asked) == [("s3:PutObject", "arn:aws:s3:::b/a/*")]
    assert policies.unused(made, asked, ("s3:PutObject",)) == []
    assert len(policies.unused(made, [])) == 3


def test_who_may_not_list_is_not_told_what_is_missing(host):
    """404 becomes 403 without s3:ListBucket, a trap that moto alone doesn't have."""
    reading = allow(["s3:GetObject"], f"arn:aws:s3:::{BUCKET}/*")
    blind = host.client("s3", host.user("blind", document([reading])))
    listing = allow(["s3:ListBucket"], f"arn:aws:s3:::{BUCKET}")
    seeing = host.client("s3", host.user("seeing", document([reading, listing])))
    put(host, {"there": "x"})
    host.enforce()
    assert code(blind.head_object, Bucket=BUCKET, Key="there") == ""
    assert code(blind.head_object, Bucket=BUCKET, Key="missing") == "403"
    assert code(blind.get_object, Bucket=BUCKET, Key="missing") == "AccessDenied"
    assert code(seeing.head_object, Bucket=BUCKET, Key="missing") == "404"
    assert code(seeing.get_object, Bucket=BUCKET, Key="missing") == "NoSuchKey"


def test_deleting_many_asks_for_each(host):
    """DeleteObjects needs s3:DeleteObject on every key of its body."""
    deleting = host.user("deleting", document([allow(["s3:DeleteObject"], f"arn:aws:s3:::{BUCKET}/tmp/*")]))
    host.enforce()
    delete = host.client("s3", deleting).delete_objects
    assert code(delete, Bucket=BUCKET, Delete={"Objects": [{"Key": "tmp/a&b"}, {"Key": "tmp/c"}]}) == ""
    assert code(delete, Bucket=BUCKET, Delete={"Objects": [{"Key": "tmp/a"}, {"Key": "d"}]}) == "AccessDenied"


@pytest.mark.parametrize(
    "odd", [{"Condition": {"IpAddress": {"n": "10"}}}, {"Resource": "arn:aws:s3:::${aws:username}"}]
)
def test_what_is_not_understood_is_not_judged(odd):
    """No policy is called sufficient by a matcher that doesn't know its words."""
    with pytest.raises(ValueError, match="the training host has no"):
        policies.allowed([document([allow(["s3:*"], "*") | odd])], "s3:GetObject", "arn:aws:s3:::b", {"n": "9"})
