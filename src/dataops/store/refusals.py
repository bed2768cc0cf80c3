"""What S3 answers when it won't, said so that a person knows what to do."""

from __future__ import annotations

from botocore import exceptions as aws
from botocore.parsers import ResponseParserError

from dataops.errors import DataOpsError
from dataops.store.dvcconfig import EMBEDDED, Remote

MISSING = (aws.NoCredentialsError, aws.PartialCredentialsError)
EXPIRED = (
    aws.CredentialRetrievalError,
    aws.TokenRetrievalError,
    aws.SSOError,
    aws.InvalidConfigError,
    aws.ConfigParseError,
)
UNREACHABLE = (aws.HTTPClientError, aws.ConnectionError)
KEYS = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired")
DENIED = ("AccessDenied", "403", "AllAccessDisabled", "AccountProblem")
ELSEWHERE = ("PermanentRedirect", "AuthorizationHeaderMalformed", "301", "307", "IllegalLocationConstraintException")
CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, run `aws configure`, or name a --profile"
PERMISSIONS = {"list": "s3:ListBucket", "write": "s3:PutObject", "read": "s3:GetObject", "delete": "s3:DeleteObject"}


def explain(error: Exception, doing: str, remote: Remote, leftover: str = "") -> DataOpsError:
    """`error`, met while `doing` (list, write, read, delete) something at `remote`, as one line and a hint."""
    if isinstance(error, aws.ClientError):
        found = _answered(error, doing, remote)
        if leftover:
            found.message += f"; the probe {leftover} stays behind"
            found.hint += ", or use --no-check if nobody may delete here, by intention"
        return found
    if isinstance(error, MISSING):
        return DataOpsError("found no AWS credentials", CREDENTIALS)
    if isinstance(error, aws.ProfileNotFound):
        return DataOpsError(f"{_line(error)} in ~/.aws", "`aws configure list-profiles` shows those there are")
    if isinstance(error, EXPIRED):
        return DataOpsError(f"got no AWS credentials: {_line(error)}", "run `aws sso login` or `aws configure`")
    if isinstance(error, UNREACHABLE):
        if remote.name == EMBEDDED:
            hint = "`dataops store up` starts it; `dataops store connect PATH` uses that of another clone"
            return DataOpsError(f"the embedded S3 at {remote.endpoint_url} doesn't answer", hint)
        why = "" if isinstance(error, aws.EndpointConnectionError) else f": {_line(error)}"
        return DataOpsError(f"can't reach {_where(remote)}{why}", "check the address, the network and HTTPS_PROXY")
    if isinstance(error, ResponseParserError):
        return DataOpsError(f"{remote.endpoint_url} doesn't answer as an S3 server does", "check --endpoint-url")
    return DataOpsError(f"can't {doing} at {remote.url}: {_line(error)}", "check the URL, the endpoint and the region")


def _answered(error: aws.ClientError, doing: str, remote: Remote) -> DataOpsError:
    """The server said no, with a code."""
    answer = error.response.get("Error", {})
    code, text = str(answer.get("Code", "")), " ".join(str(answer.get("Message", "")).split()).rstrip(".")
    if code in ("NoSuchBucket", "404"):
        return DataOpsError(
            f"there is no bucket {remote.bucket}", "create it first, or check its name and the endpoint"
        )
    if code in KEYS:
        written = f"they are those of remote {remote.name} in .dvc/config.local: correct or remove them there"
        return DataOpsError(f"the credentials were refused ({code})", written if remote.access_key_id else CREDENTIALS)
    if code in DENIED:
        needed = PERMISSIONS.get(doing, "s3:*")
        return DataOpsError(f"access denied: may not {doing} below {remote.url}", f"the account needs {needed}")
    if code in ELSEWHERE:
        return DataOpsError(f"the bucket {remote.bucket} is in another region ({code})", "name it with --region")
    said = f"{_where(remote)} answered {code} {text}"
    return DataOpsError(f"can't {doing} at {remote.url}: {said}", "check the URL, the endpoint and the region")


def _where(remote: Remote) -> str:
    """The server, as people call it."""
    return remote.endpoint_url or "Amazon S3"


def _line(error: Exception) -> str:
    """The error's text on one line."""
    return " ".join(str(error).split())
