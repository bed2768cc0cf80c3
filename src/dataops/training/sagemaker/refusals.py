"""What AWS answers when it won't, said so that a person knows what to do."""

from __future__ import annotations

from botocore import exceptions as aws

from dataops.errors import DataOpsError
from dataops.settings import TABLE
from dataops.store.refusals import CREDENTIALS, EXPIRED, MISSING, UNREACHABLE
from dataops.versions.wording import clean

OLD = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
UNKNOWN = ("UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch")
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
ABSENT = ("ResourceNotFound", "ResourceNotFoundException")
SKEWED = ("RequestTimeTooSkewed",)
SKEWED_TEXTS = ("Signature expired", "Signature not yet current")
SLOW = ("Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded")
SERVER = 500  # and above: AWS's own trouble
POLICIES = "docs/iam has the policies that suffice"


def code(error: Exception) -> str:
    """AWS's code of a refusal; empty where nothing answered."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, aws.ClientError) else ""


def absent(error: Exception) -> bool:
    """Whether AWS says that there is no such thing; of many things it has no code for that, only words.

    "ValidationException: Requested resource not found." of a job, "… does not exist." of a model package and its group.
    """
    said = str(error).lower()
    return code(error) in ABSENT or (
        code(error) == "ValidationException" and ("not found" in said or "does not exist" in said)
    )


def passing(error: Exception) -> bool:
    """Whether the same call may well succeed a little later: the job isn't touched by it."""
    if isinstance(error, aws.ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return code(error) in SLOW or status >= SERVER
    return isinstance(error, UNREACHABLE)


def explain(error: Exception, doing: str) -> DataOpsError:
    """`error`, met while trying to `doing` (an infinitive, as "start the training job"), as one line and a hint."""
    if isinstance(error, aws.ClientError):
        return _answered(error, doing)
    if isinstance(error, MISSING):
        return DataOpsError(f"can't {doing}: found no AWS credentials", CREDENTIALS)
    if isinstance(error, aws.ProfileNotFound):
        return DataOpsError(f"{clean(str(error))} in ~/.aws", "`aws configure list-profiles` shows those there are")
    if isinstance(error, EXPIRED):
        return DataOpsError(f"got no AWS credentials: {clean(str(error))}", "run `aws sso login` or `aws configure`")
    if isinstance(error, UNREACHABLE):
        return DataOpsError(f"can't {doing}: {clean(str(error))}", "check the region, the network and HTTPS_PROXY")
    return DataOpsError(f"can't {doing}: {clean(str(error))}", f"check {TABLE} in pyproject.toml")


def _answered(error: aws.ClientError, doing: str) -> DataOpsError:
    """AWS said no, with a code."""
    found, text = code(error), clean(str(error.response.get("Error", {}).get("Message", "")))
    if found in SKEWED or any(mark in text for mark in SKEWED_TEXTS):
        return DataOpsError(
            f"can't {doing}: {found} {text}", "is this machine's clock right? AWS allows 5 to 15 minutes"
        )
    if found in OLD:
        return DataOpsError(f"can't {doing}: the AWS credentials have expired", "run `aws sso login`, then try again")
    if found in UNKNOWN:
        return DataOpsError(f"can't {doing}: AWS doesn't know these credentials ({found})", CREDENTIALS)
    if found in DENIED:
        return DataOpsError(f"can't {doing}: access denied: {text}", POLICIES)
    if found in SLOW:
        return DataOpsError(f"can't {doing}: AWS asks to slow down ({found})", "wait a minute and try again")
    if passing(error):
        return DataOpsError(f"can't {doing}: AWS has trouble of its own ({found})", "wait a minute and try again")
    if found == "ResourceLimitExceeded":
        hint = "another instance_type, or ask for more under Service Quotas"
        return DataOpsError(f"can't {doing}: the account's quota is used up: {text}", hint)
    if "assume" in text and "role" in text.lower():
        return DataOpsError(f"can't {doing}: {text}", f"check `role` under {TABLE}; {POLICIES}")
    return DataOpsError(f"can't {doing}: {found} {text}".rstrip(), f"check {TABLE} in pyproject.toml")
