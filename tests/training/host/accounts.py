"""Users, roles and their keys in moto's IAM and STS, and moto's check of who sent a request."""

from __future__ import annotations

import json
from typing import Any

from moto.core.exceptions import ServiceException
from moto.iam.access_control import AssumedRoleAccessKey, IAMRequest, IAMUserAccessKey, PermissionResult, S3IAMRequest
from moto.iam.models import Policy, iam_backends
from moto.moto_api._internal.models import moto_api_backend
from moto.s3.models import FakeBucket, s3_backends
from moto.sts.models import sts_backends
from werkzeug.datastructures import EnvironHeaders
from werkzeug.exceptions import HTTPException

from host.wire import JSON_BODIES, AwsError, Received

ACCOUNT, BUCKET, ROLE = "123456789012", "training-bucket", "SageMakerTraining"
SESSION = "SageMaker"  # the name of AWS's own sessions of a job's role
JSON_NAMES = {
    "InvalidClientTokenId": "UnrecognizedClientException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
}
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

# moto takes any statement with a condition for a refusal; server.py judges bucket policies, when `enforce` is on.
FakeBucket.get_permission = lambda *_: PermissionResult.NEUTRAL


def start() -> dict[str, str]:
    """An administrator (whose keys are answered), a role that SageMaker may take and a bucket."""
    role(ROLE, [EVERYTHING], "sagemaker.amazonaws.com")
    s3_backends[ACCOUNT]["aws"].create_bucket(BUCKET, "eu-central-1")
    return user("admin", [EVERYTHING])


def reset() -> None:
    """Empty every service of moto's."""
    moto_api_backend.reset()


def user(name: str, policies: list[dict[str, Any]]) -> dict[str, str]:
    """A user with inline policies: the environment with its keys."""
    iam = iam_backends[ACCOUNT]["aws"]
    iam.create_user("us-east-1", name, path="/")
    for number, policy in enumerate(policies):
        iam.put_user_policy(name, f"policy-{number}", json.dumps(policy))
    key = iam.create_access_key(name)
    return {"AWS_ACCESS_KEY_ID": key.access_key_id, "AWS_SECRET_ACCESS_KEY": key.secret_access_key}


def role(name: str, policies: list[dict[str, Any]], service: str) -> str:
    """A role with inline policies: its ARN."""
    iam = iam_backends[ACCOUNT]["aws"]
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    made = iam.create_role(
        role_name=name,
        assume_role_policy_document=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        path="/",
        permissions_boundary="",
        description="",
        tags=[],
        max_session_duration="3600",
    )
    for number, policy in enumerate(policies):
        iam.put_role_policy(name, f"policy-{number}", json.dumps(policy))
    return made.arn


def session(role_arn: str, region: str) -> dict[str, str]:
    """The environment of a session of the role, as SageMaker gives it to a container."""
    made = sts_backends[ACCOUNT]["aws"].assume_role(region, SESSION, role_arn, "", 3600, "")
    return {
        "AWS_ACCESS_KEY_ID": made.access_key_id,
        "AWS_SECRET_ACCESS_KEY": made.secret_access_key,
        "AWS_SESSION_TOKEN": made.session_token,
    }


def is_job(access_key: str) -> bool:
    """Whether SageMaker or its container sent this: with a session that `session` made, not one that a client made."""
    sessions = sts_backends[ACCOUNT]["aws"].assumed_roles
    return any(made.access_key_id == access_key and made.session_name == SESSION for made in sessions)


def authenticated(request: Received, environ: dict[str, Any]) -> IAMUserAccessKey | AssumedRoleAccessKey:
    """moto's check of key, token and signature.

    Raises:
        AwsError: as the service words it.
    """
    if not request.access_key or "authorization" not in request.headers:
        code = "AccessDenied" if request.service == "s3" else "MissingAuthenticationTokenException"
        raise AwsError(code, "Missing Authentication Token", 403)
    kind = S3IAMRequest if request.service == "s3" else IAMRequest
    try:
        made = kind(
            account_id=ACCOUNT,
            method=request.method,
            path=request.uri,
            data={},
            body=request.body,
            headers=EnvironHeaders(environ),
            action=request.operation,
        )
        made.check_signature()
    except (ServiceException, HTTPException) as error:
        code = str(getattr(error, "error_type", None) or error.code)
        status = 403
        if request.service in JSON_BODIES:  # which have names of their own for it
            code, status = JSON_NAMES.get(code, code), 400
        raise AwsError(code, str(getattr(error, "message", error)), status) from None
    return made._access_key


def documents(key: IAMUserAccessKey | AssumedRoleAccessKey) -> list[dict[str, Any]]:
    """The policies of a user (and its groups) or role, as moto collects them."""
    found = []
    for policy in key.collect_policies():
        if isinstance(policy, Policy):
            version = next(v for v in policy.versions if v.version_id == policy.default_version_id)
            text: Any = version.document
        else:
            text = policy["policy_document"] if isinstance(policy, dict) and "policy_document" in policy else policy
        found.append(json.loads(text) if isinstance(text, str) else text)
    return found


def denied(request: Received, arn: str, action: str, resource: str) -> AwsError:
    """AWS's refusal."""
    code, status = ("AccessDenied", 403) if request.service in ("s3", "iam", "sts") else ("AccessDeniedException", 400)
    message = f"User: {arn} is not authorized to perform: {action} on resource: {resource} because no identity-based"
    return AwsError(code, f"{message} policy allows the {action} action", status)
