"""Which IAM permissions a request needs: actions, resources and the context that conditions read.

After the service authorization reference ("Actions, resources, and condition keys for Amazon S3 / Amazon SageMaker /
Amazon CloudWatch Logs / AWS KMS / IAM") and, for what one call needs besides its own action (iam:PassRole,
sagemaker:AddTags, kms:*), SageMaker's "API permissions: actions, permissions, and resources reference" and KMS's
"Using SSE-KMS". An operation that isn't listed needs the action of its own name on `*`.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import unquote
from xml.sax.saxutils import unescape

from host.wire import Received

S3_OBJECT = {
    "GetObject": ["s3:GetObject"],
    "HeadObject": ["s3:GetObject"],
    "GetObjectAttributes": ["s3:GetObject", "s3:GetObjectAttributes"],
    "PutObject": ["s3:PutObject"],
    "CreateMultipartUpload": ["s3:PutObject"],
    "UploadPart": ["s3:PutObject"],
    "CompleteMultipartUpload": ["s3:PutObject"],
    "CopyObject": ["s3:PutObject"],
    "UploadPartCopy": ["s3:PutObject"],
    "AbortMultipartUpload": ["s3:AbortMultipartUpload"],
    "ListParts": ["s3:ListMultipartUploadParts"],
}
CREATING = {  # s3:ObjectCreationOperation, after "Enforce conditional writes" in the S3 user guide
    **dict.fromkeys(("PutObject", "CopyObject", "CompleteMultipartUpload"), "true"),
    **dict.fromkeys(("CreateMultipartUpload", "UploadPart", "UploadPartCopy"), "false"),
}
S3_BUCKET = {
    "ListObjects": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "HeadBucket": "s3:ListBucket",
    "ListObjectVersions": "s3:ListBucketVersions",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "ListBuckets": "s3:ListAllMyBuckets",
}


class Need(NamedTuple):
    """One permission."""

    action: str
    resource: str
    context: dict[str, str | list[str]]


class Stored(NamedTuple):
    """The object that a request reads."""

    there: bool = True
    key: str | None = None
    """The KMS key that it was encrypted with."""


PLAIN = Stored()


def needs(request: Received, account: str, stored: Stored = PLAIN) -> list[Need]:
    """What the sender must be allowed."""
    context: dict[str, str | list[str]] = {
        "aws:SecureTransport": "true",
        "aws:RequestedRegion": request.region,
        "aws:PrincipalAccount": account,
    }
    if request.service == "s3":
        return _s3(request, account, stored, context)
    if request.service == "sagemaker":
        return _sagemaker(request, f"arn:aws:sagemaker:{request.region}:{account}", account, context)
    if request.service == "logs":
        return [Need(f"logs:{request.operation}", _log(request, account), context)]
    if request.operation == "GetCallerIdentity":
        return []  # always allowed, says its documentation
    if request.service == "iam" and "RoleName" in request.params:
        return [Need(f"iam:{request.operation}", f"arn:aws:iam::{account}:role/{request.params['RoleName']}", context)]
    if request.service == "kms" and "KeyId" in request.params:
        return [Need(f"kms:{request.operation}", _key(request.params["KeyId"], request.region, account), context)]
    return [Need(f"{request.service}:{request.operation}", "*", context)]


def _s3(request: Received, account: str, stored: Stored, base: dict[str, Any]) -> list[Need]:
    given, operation = request.params, request.operation
    bucket = f"arn:aws:s3:::{given['Bucket']}" if "Bucket" in given else "*"
    thing = f"{bucket}/{given.get('Key', '*')}"
    context = dict(base)
    for header in ("x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id", "x-amz-acl"):
        if header in given:
            context[f"s3:{header}"] = given[header]
    for name in ("prefix", "delimiter", "max-keys", "if-match", "if-none-match"):
        if name in given:
            context[f"s3:{name}"] = given[name]
    if operation in CREATING:
        context["s3:ObjectCreationOperation"] = CREATING[operation]
    if operation in S3_BUCKET:
        return [Need(S3_BUCKET[operation], bucket, context)]
    if operation == "DeleteObjects":
        keys = re.findall(r"<Key>(.*?)</Key>", request.body.decode(), re.DOTALL)
        return [Need("s3:DeleteObject", f"{bucket}/{unescape(key)}", context) for key in keys]
    if "Key" not in given:
        return [Need(f"s3:{operation}", bucket, context)]
    found = [Need(action, thing, context) for action in S3_OBJECT.get(operation, [f"s3:{operation}"])]
    if "x-amz-copy-source" in given:
        source = unquote(given["x-amz-copy-source"]).lstrip("/").split("?")[0]
        found.append(Need("s3:GetObject", f"arn:aws:s3:::{source}", base))
    if not stored.there:  # 404 is for who may list: the others are told 403, says GetObject's documentation
        found.append(Need("s3:ListBucket", bucket, base))
    via = base | {"kms:ViaService": f"s3.{request.region}.amazonaws.com"}
    key = given.get("x-amz-server-side-encryption-aws-kms-key-id")
    keyed = {"kms:GenerateDataKey": key, "kms:Decrypt": key if operation == "CreateMultipartUpload" else stored.key}
    return found + [Need(action, _key(of, request.region, account), via) for action, of in keyed.items() if of]


def _sagemaker(request: Received, prefix: str, account: str, base: dict[str, Any]) -> list[Need]:
    given, operation = request.params, request.operation
    tags = {tag["Key"]: tag["Value"] for tag in given.get("Tags") or [] if isinstance(tag, dict)}
    context = base | {f"aws:RequestTag/{name}": value for name, value in tags.items()}
    if tags:
        context["aws:TagKeys"] = list(tags)
    resource = "*"
    if "TrainingJobName" in given:
        resource = f"{prefix}:training-job/{given['TrainingJobName']}"
    elif operation in ("AddTags", "ListTags", "DeleteTags"):
        resource = given["ResourceArn"]
    elif operation in ("CreateModelPackage", "DescribeModelPackage", "UpdateModelPackage", "DeleteModelPackage"):
        name = given.get("ModelPackageName") or given.get("ModelPackageArn") or ""
        resource = (
            name if name.startswith("arn:") else f"{prefix}:model-package/{given.get('ModelPackageGroupName', name)}"
        )
        if operation == "CreateModelPackage":
            resource += "/*"
            context["sagemaker:ModelApprovalStatus"] = given.get("ModelApprovalStatus", "PendingManualApproval")
    elif operation == "ListModelPackages":
        resource = f"{prefix}:model-package/{given.get('ModelPackageGroupName', '')}/*"
    elif "ModelPackageGroupName" in given:
        resource = f"{prefix}:model-package-group/{given['ModelPackageGroupName']}"
    found = []
    if operation == "CreateTrainingJob":
        context |= _job_keys(given)
        passed = base | {"iam:PassedToService": "sagemaker.amazonaws.com"}
        found.append(Need("iam:PassRole", given["RoleArn"], passed))
        volume = given["ResourceConfig"].get("VolumeKmsKeyId")
        if volume:
            via = base | {"kms:GrantIsForAWSResource": "true"}
            found.append(Need("kms:CreateGrant", _key(volume, request.region, account), via))
    if operation.startswith("Create") and tags:
        tagged = context | {"sagemaker:TaggingAction": operation}
        found.append(Need("sagemaker:AddTags", resource, tagged))
    return [Need(f"sagemaker:{operation}", resource, context), *found]


def _job_keys(given: dict[str, Any]) -> dict[str, Any]:
    """The condition keys of CreateTrainingJob."""
    machine, vpc = given["ResourceConfig"], given.get("VpcConfig") or {}
    keys = {
        "sagemaker:InstanceTypes": [machine["InstanceType"]] if "InstanceType" in machine else None,
        "sagemaker:VolumeKmsKey": machine.get("VolumeKmsKeyId"),
        "sagemaker:OutputKmsKey": given["OutputDataConfig"].get("KmsKeyId"),
        "sagemaker:VpcSubnets": vpc.get("Subnets"),
        "sagemaker:VpcSecurityGroupIds": vpc.get("SecurityGroupIds"),
        "sagemaker:NetworkIsolation": str(given.get("EnableNetworkIsolation", False)).lower(),
        "sagemaker:InterContainerTrafficEncryption": str(
            given.get("EnableInterContainerTrafficEncryption", False)
        ).lower(),
        "sagemaker:MaxRuntimeInSeconds": str(given["StoppingCondition"].get("MaxRuntimeInSeconds", 86400)),
    }
    return {name: value for name, value in keys.items() if value is not None}


def _log(request: Received, account: str) -> str:
    """As refusals of AWS's name it: a group ends in `:log-stream:` (elastic/apm-aws-lambda issue 526), with no name."""
    group, stream = request.params.get("logGroupName"), request.params.get("logStreamName")
    return f"arn:aws:logs:{request.region}:{account}:log-group:{group or '*'}:log-stream:{stream or ''}"


def _key(key: str, region: str, account: str) -> str:
    if key.startswith("arn:"):
        return key
    return f"arn:aws:kms:{region}:{account}:{key if key.startswith('alias/') else f'key/{key}'}"
