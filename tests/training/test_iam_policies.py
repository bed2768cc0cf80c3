"""docs/iam: enough for all that the commands and their jobs do, for nothing else, and for nobody else's things."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from host import TrainingHost, policies
from policyfiles import FILES, KEY_ID, VALUES, filled, listed, names, statements, unused
from policyruns import KEY, TEAM, Runs, runs
from workbench import ROOT

__all__ = ["runs"]
BUCKET = f"arn:aws:s3:::{TrainingHost.bucket}"
JOBS = "arn:aws:sagemaker:eu-central-1:123456789012:training-job"
PACKAGES = "arn:aws:sagemaker:eu-central-1:123456789012:model-package"
LOGS = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/sagemaker/TrainingJobs"
ROLES = "arn:aws:iam::123456789012:role"
BUCKET_POLICIES = ("bucket-policy", "bucket-policy-kms")
IDENTITIES = [name for name in names() if name not in BUCKET_POLICIES and not name.startswith("trust")]

# What no run asks for, and why it is allowed all the same. AWS: "CreateTrainingJob API: execution role permissions".
BROKEN_OFF = "an upload in parts that breaks off takes its parts back"
AWS_ITSELF = "SageMaker does it for the job, and the training host has neither images nor metrics nor a VPC"
EXCEPTIONS = {
    ("write", f"s3:AbortMultipartUpload {BUCKET}/dvc/files/md5/*"): BROKEN_OFF,
    ("write", f"s3:AbortMultipartUpload {BUCKET}/datasets/*"): BROKEN_OFF,
    ("write", f"s3:AbortMultipartUpload {BUCKET}/models/*"): BROKEN_OFF,
    ("execution-role", f"s3:AbortMultipartUpload {BUCKET}/dvc/sagemaker/jobs/demand-*"): BROKEN_OFF,
    ("execution-role", f"s3:AbortMultipartUpload {BUCKET}/dvc/sagemaker/checkpoints/*"): BROKEN_OFF,
    ("execution-role", f"logs:DescribeLogStreams {LOGS}:*"): AWS_ITSELF,
    ("execution-role", "cloudwatch:PutMetricData *"): AWS_ITSELF,
    ("execution-role", "ecr:GetAuthorizationToken *"): AWS_ITSELF,
    **{
        ("execution-role", f"ecr:{action} arn:aws:ecr:eu-central-1:123456789012:repository/train"): AWS_ITSELF
        for action in ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")
    },
}


# --- what the runs needed ---------------------------------------------------------------------------------------------


def test_nothing_was_refused(runs: Runs):
    """Everybody has done their work with their own policies alone, and so have their jobs."""
    assert [(row["operation"], row["denied"]) for row in runs.rows if row.get("denied")] == []
    assert set(runs.people.values()) == set(TEAM)
    assert {row["by"] for row in runs.rows} == {"client", "job"}
    asked = {row["operation"] for row in runs.rows}
    assert {"CreateTrainingJob", "StopTrainingJob", "CreateModelPackage", "CopyObject", "DeleteObjects"} <= asked


@pytest.mark.parametrize("name", IDENTITIES)
def test_nothing_is_allowed_that_nobody_needs(runs: Runs, name: str, tmp_path: Path):
    """Each action on each resource, and each prefix of a condition, was needed by one of those who have the policy."""
    document = filled(name, tmp_path)
    if name == "execution-role-vpc":  # AWS_ITSELF, all of it
        assert runs.needs(name) == []
        return
    assert unused(document, runs.needs(name)) == {what for policy, what in EXCEPTIONS if policy == name}


# --- the form of the files --------------------------------------------------------------------------------------------

LARGEST = 6144  # characters without white space: IAM's limit of a managed policy
WITHOUT = ("cloudwatch:PutMetricData",)  # its one type, `dataset`, is optional, and a job's metrics are in none


@cache
def reference() -> dict[str, Any]:
    """AWS's service authorization reference, as cfn-lint has it (moto brings that; it takes long to import)."""
    spec = find_spec("cfnlint")
    assert spec
    assert spec.origin
    found: dict[str, Any] = json.loads((Path(spec.origin).parent / "data/AdditionalSpecs/Policies.json").read_text())
    return found


@pytest.mark.parametrize("name", IDENTITIES)
def test_actions_and_resources_are_those_of_the_reference(name: str, tmp_path: Path):
    """Each action is one of AWS's, without a wildcard; its resource is of a type that it takes, or it takes none."""
    services = reference()
    for statement in statements(filled(name, tmp_path)):
        for action in listed(statement["Action"]):
            service, _, operation = action.partition(":")
            known = services[service]["Actions"][operation.lower()]
            kinds = [] if action in WITHOUT else known.get("Resources", [])
            types = {kind: services[service]["Resources"][kind] for kind in kinds}
            patterns = [re.sub(r"\$\{\w+\}", "[^:]*", form) for kind in types.values() for form in kind["ARNFormats"]]
            for resource in listed(statement["Resource"]):
                if not types:
                    assert resource == "*", (action, resource)
                else:
                    assert any(re.fullmatch(pattern, resource) for pattern in patterns), (action, resource)


def test_every_file_can_be_used(tmp_path: Path):
    """values.sed names each placeholder, none in vain; IAM takes the size; the docs name the file."""
    texts = [path.read_text() for path in FILES.glob("*.json")]
    docs = "".join(path.read_text() for path in (ROOT / "docs").rglob("*.md"))
    for value in VALUES:
        assert any(value in text for text in texts), value
    for name in names():
        assert not re.search(r"\b[A-Z]{3,}[A-Z_]*\b", json.dumps(filled(name, tmp_path))), name
        assert len(re.sub(r"\s", "", (FILES / f"{name}.json").read_text())) <= LARGEST, name
        assert f"{name}.json" in docs


def test_the_role_is_sagemakers_alone(tmp_path: Path):
    """And in this account, as AWS says against confused deputies."""
    (trust,) = filled("trust", tmp_path)["Statement"]
    assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


@pytest.mark.parametrize(
    ("name", "who"), [("trust-github", "environment:data"), ("trust-github-pull-request", "pull_request")]
)
def test_a_workflow_takes_a_role_of_its_own(name: str, who: str, tmp_path: Path):
    """Of this repository, for AWS, and for the one purpose: nothing is compared by a pattern."""
    (trust,) = filled(name, tmp_path)["Statement"]
    issuer = "token.actions.githubusercontent.com"
    assert trust["Principal"] == {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{issuer}"}
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    exact = {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": f"repo:our-team/demand:{who}"}
    assert trust["Condition"] == {"StringEquals": exact}


# --- neighbours -------------------------------------------------------------------------------------------------------

NAMESPACE = "/aws/sagemaker/TrainingJobs"
PASSED = {"iam:PassedToService": "sagemaker.amazonaws.com"}
THROUGH_S3 = {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}
PENDING = {"sagemaker:ModelApprovalStatus": "PendingManualApproval"}
AT_START = {"sagemaker:TaggingAction": "CreateTrainingJob"}
SOURCE = {"s3:prefix": "dvc/sagemaker/source/ab/sourcedir.tar.gz"}


@pytest.mark.parametrize(
    ("who", "action", "own", "others"),
    [
        (("train",), "sagemaker:CreateTrainingJob", (f"{JOBS}/demand-1", {}), (f"{JOBS}/churn-1", {})),
        (("train",), "sagemaker:StopTrainingJob", (f"{JOBS}/demand-1", {}), (f"{JOBS}/churn-1", {})),
        (("train",), "sagemaker:DescribeTrainingJob", (f"{JOBS}/demand-1", {}), (f"{JOBS}/demanding-1", {})),
        (("train",), "sagemaker:AddTags", (f"{JOBS}/demand-1", AT_START), (f"{JOBS}/demand-1", {})),
        (("train",), "iam:PassRole", (f"{ROLES}/DemandTraining", PASSED), (f"{ROLES}/Administrator", PASSED)),
        (("train",), "iam:PassRole", (f"{ROLES}/DemandTraining", PASSED),
         (f"{ROLES}/DemandTraining", {"iam:PassedToService": "ec2.amazonaws.com"})),
        (("train",), "logs:GetLogEvents", (f"{LOGS}:log-stream:demand-1/a", {}), (f"{LOGS}:log-stream:churn-1/a", {})),
        (("read", "write", "train"), "s3:GetObject", (f"{BUCKET}/dvc/sagemaker/jobs/demand-1/output/model.tar.gz", {}),
         (f"{BUCKET}/dvc/sagemaker/jobs/churn-1/output/model.tar.gz", {})),
        (("read", "write", "train"), "s3:PutObject", (f"{BUCKET}/dvc/sagemaker/source/a", {}),
         (f"{BUCKET}/dvc/sagemaker/jobs/demand-1/output/model.tar.gz", {})),
        (("read", "write", "train"), "s3:GetObject", (f"{BUCKET}/dvc/files/md5/ab/c", {}),
         (f"{BUCKET}/churn/files/md5/ab/c", {})),
        (("read", "write"), "s3:PutObject", (f"{BUCKET}/dvc/files/md5/ab/c", {}),
         (f"{BUCKET}/churn/files/md5/ab/c", {})),
        (("read", "write", "train"), "s3:DeleteObject", (f"{BUCKET}/dvc/.dataops-probe-1", {}),
         (f"{BUCKET}/dvc/files/md5/ab/c", {})),
        (("read", "delete"), "s3:DeleteObject", (f"{BUCKET}/dvc/files/md5/ab/c", {}), (f"{BUCKET}/datasets/v1/a", {})),
        (("read",), "s3:GetObject", (f"{BUCKET}/dvc/files/md5/ab/c", {}), (f"{BUCKET}/dvc/sagemaker/source/a", {})),
        (("read",), "s3:ListBucket", (BUCKET, {}), ("arn:aws:s3:::other-bucket", {})),
        (("register",), "sagemaker:AddTags", (f"{JOBS}/demand-1", {"aws:TagKeys": ["ModelVersion"]}),
         (f"{JOBS}/demand-1", {"aws:TagKeys": ["ModelVersion", "Project"]})),
        (("register",), "sagemaker:CreateModelPackage", (f"{PACKAGES}/demand/*", PENDING),
         (f"{PACKAGES}/demand/*", {"sagemaker:ModelApprovalStatus": "Approved"})),
        (("register",), "sagemaker:CreateModelPackage", (f"{PACKAGES}/demand/*", PENDING),
         (f"{PACKAGES}/churn/*", PENDING)),
        (("trace",), "sagemaker:DescribeModelPackage", (f"{PACKAGES}/demand/1", {}), (f"{PACKAGES}/churn/1", {})),
        (("kms",), "kms:Decrypt", (KEY, THROUGH_S3), (KEY, {})),
        (("kms",), "kms:Decrypt", (KEY, THROUGH_S3), (KEY.replace(KEY_ID, "other"), THROUGH_S3)),
        (("kms-volume",), "kms:CreateGrant", (KEY, {"kms:GrantIsForAWSResource": "true"}), (KEY, {})),
        (("execution-role",), "s3:ListBucket", (BUCKET, SOURCE), (BUCKET, {})),
        (("execution-role",), "s3:ListBucket", (BUCKET, SOURCE), (BUCKET, {"s3:prefix": "datasets/v1.0.0/train/"})),
        (("execution-role",), "s3:GetObject", (f"{BUCKET}/dvc/files/md5/ab/c", {}),
         (f"{BUCKET}/churn/files/md5/ab/c", {})),
        (("execution-role",), "s3:PutObject", (f"{BUCKET}/dvc/sagemaker/jobs/demand-1/output/model.tar.gz", {}),
         (f"{BUCKET}/dvc/files/md5/ab/c", {})),
        (("execution-role",), "s3:PutObject", (f"{BUCKET}/dvc/sagemaker/checkpoints/ab/state", {}),
         (f"{BUCKET}/dvc/sagemaker/jobs/churn-1/output/model.tar.gz", {})),
        (("execution-role-published",), "s3:GetObject", (f"{BUCKET}/datasets/v1.0.0/train/a", {}),
         (f"{BUCKET}/models/v1.0.0/model.tar.gz", {})),
        (("execution-role",), "logs:PutLogEvents", (f"{LOGS}:log-stream:demand-1/a", {}),
         (f"{LOGS}:log-stream:churn-1/a", {})),
        (("execution-role",), "cloudwatch:PutMetricData", ("*", {"cloudwatch:namespace": NAMESPACE}),
         ("*", {"cloudwatch:namespace": "Billing"})),
    ],
)  # fmt: skip
def test_neighbours(who: tuple[str, ...], action: str, own: Any, others: Any, tmp_path: Path):
    """What is one's own is allowed; the same with another project, prefix, role, key or purpose isn't."""
    documents = [filled(name, tmp_path) for name in who]
    assert policies.allowed(documents, action, *own)
    assert not policies.allowed(documents, action, *others)


@pytest.mark.parametrize("name", IDENTITIES)
def test_nobody_changes_the_rules(name: str, tmp_path: Path):
    """Who has a policy of these can't give themselves another one, approve a model, or change the bucket."""
    document = filled(name, tmp_path)
    for action in ("s3:PutBucketPolicy", "s3:PutBucketVersioning", "s3:DeleteObjectVersion", "iam:PutRolePolicy",
                   "iam:AttachUserPolicy", "sts:AssumeRole", "sagemaker:UpdateModelPackage", "kms:PutKeyPolicy",
                   "sagemaker:DeleteTags", "logs:DeleteLogStream"):  # fmt: skip
        for resource in ("*", BUCKET, f"{BUCKET}/datasets/v1.0.0/a", f"{PACKAGES}/demand/1", f"{JOBS}/demand-1", KEY):
            assert not policies.allowed([document], action, resource, {})


@pytest.mark.parametrize(
    ("kinds", "seconds", "may"),
    [(["ml.m5.large"], "3600", True), (["ml.p5.48xlarge"], "3600", False), (["ml.m5.large"], "864000", False),
     (["ml.m5.large", "ml.p5.48xlarge"], "3600", False)],
)  # fmt: skip
def test_limits(kinds: list[str], seconds: str, may: bool, tmp_path: Path):
    """Another instance type or a longer run is refused, whatever else is allowed."""
    documents = [filled(name, tmp_path) for name in ("train", "train-limits")]
    context = {"sagemaker:InstanceTypes": kinds, "sagemaker:MaxRuntimeInSeconds": seconds}
    assert policies.allowed(documents, "sagemaker:CreateTrainingJob", f"{JOBS}/demand-1", context) is may


# --- the bucket -------------------------------------------------------------------------------------------------------

EVERYTHING = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
HERE = {"aws:SecureTransport": "true", "aws:PrincipalAccount": "123456789012", "aws:PrincipalArn": f"{ROLES}/Somebody"}
ADMIN = {"aws:PrincipalArn": f"{ROLES}/Administrator"}
WRITE = {"s3:ObjectCreationOperation": "true", "s3:if-none-match": "*"}
SSE = "s3:x-amz-server-side-encryption"
ENCRYPTED = {"s3:ObjectCreationOperation": "true", SSE: "aws:kms"}
NAMED = "s3:x-amz-server-side-encryption-aws-kms-key-id"


@pytest.mark.parametrize(
    ("action", "key", "context", "may"),
    [
        ("s3:GetObject", "dvc/files/md5/ab/c", {}, (True, True)),
        ("s3:GetObject", "dvc/files/md5/ab/c", {"aws:SecureTransport": "false"}, (False, False)),
        ("s3:GetObject", "dvc/files/md5/ab/c", {"aws:PrincipalAccount": "210987654321"}, (False, False)),
        ("s3:DeleteObject", "dvc/files/md5/ab/c", {}, (True, True)),
        ("s3:DeleteObject", "datasets/v1.0.0/a", {}, (False, False)),
        ("s3:DeleteObject", "datasets/v1.0.0/a", ADMIN, (True, True)),
        ("s3:DeleteObjectVersion", "dvc/files/md5/ab/c", {}, (False, False)),
        ("s3:DeleteObjectVersion", "dvc/files/md5/ab/c", ADMIN, (True, True)),
        ("s3:PutObject", "datasets/v1.0.0/a", WRITE, (True, True)),
        ("s3:PutObject", "datasets/v1.0.0/a", {"s3:ObjectCreationOperation": "true"}, (False, False)),
        ("s3:PutObject", "datasets/v1.0.0/a", {"s3:ObjectCreationOperation": "true"} | ADMIN, (False, False)),
        ("s3:PutObject", "datasets/v1.0.0/a", {"s3:ObjectCreationOperation": "false"}, (True, True)),
        ("s3:PutObject", "dvc/files/md5/ab/c", ENCRYPTED | {NAMED: KEY}, (True, True)),
        ("s3:PutObject", "dvc/files/md5/ab/c", ENCRYPTED | {NAMED: "other"}, (True, False)),
        ("s3:PutObject", "dvc/files/md5/ab/c", ENCRYPTED, (True, False)),
        ("s3:PutObject", "dvc/files/md5/ab/c", ENCRYPTED | {SSE: "AES256"}, (True, False)),
        ("s3:PutObject", "dvc/files/md5/ab/c", {"s3:ObjectCreationOperation": "true"}, (True, True)),
    ],
)  # fmt: skip
def test_what_a_bucket_refuses(action: str, key: str, context: Any, may: tuple[bool, bool], tmp_path: Path):
    """To those whom their own policies would allow it, without and with a key."""
    for name, answer in zip(BUCKET_POLICIES, may, strict=True):
        document = filled(name, tmp_path)
        found = policies.allowed([EVERYTHING], action, f"{BUCKET}/{key}", HERE | context, bucket=document)
        assert found is answer, name


def test_the_bucket_policies_differ_in_one_statement(tmp_path: Path):
    """And allow nothing to anybody."""
    plain, keyed = (filled(name, tmp_path)["Statement"] for name in BUCKET_POLICIES)
    assert keyed[:-1] == plain
    assert {one["Effect"] for one in keyed} == {"Deny"}


def test_what_is_published_is_not_replaced(host: TrainingHost, tmp_path: Path):
    """By an administrator's put, copy or upload in parts; what DVC stores may be (repair does), and comes back."""
    policy = json.dumps(filled("bucket-policy", tmp_path))
    s3, bucket = host.client("s3"), host.bucket
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    host.enforce()
    place = {"Bucket": bucket, "Key": "datasets/v1.0.0/a"}

    def code(call: Any, **given: Any) -> str:
        try:
            call(**given)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""

    assert code(s3.put_object, **place, Body=b"1", IfNoneMatch="*") == ""
    assert code(s3.put_object, **place, Body=b"2") == "AccessDenied"
    assert code(s3.put_object, **place, Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    for content in (b"1", b"2"):
        assert code(s3.put_object, Bucket=bucket, Key="dvc/files/md5/ab/c", Body=content) == ""
    source = {"Bucket": bucket, "Key": "dvc/files/md5/ab/c"}
    assert code(s3.copy_object, **place, CopySource=source) == "AccessDenied"
    upload = s3.create_multipart_upload(**place)["UploadId"]
    part = s3.upload_part(**place, UploadId=upload, PartNumber=1, Body=b"2")["ETag"]
    whole = {"UploadId": upload, "MultipartUpload": {"Parts": [{"ETag": part, "PartNumber": 1}]}}
    assert code(s3.complete_multipart_upload, **place, **whole) == "AccessDenied"
    assert code(s3.delete_object, **place) == "AccessDenied"
    assert s3.get_object(**place)["Body"].read() == b"1"
