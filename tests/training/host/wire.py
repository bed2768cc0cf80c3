"""What an AWS client sent, and errors in the form that its service answers with."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from moto.core.routing import get_service_router
from werkzeug.datastructures import EnvironHeaders
from werkzeug.wrappers import Request, Response

CREDENTIAL = re.compile(r"Credential=([^/]+)/(\d+)/([^/]+)/([^/]+)/aws4_request")
JSON_BODIES = ("sagemaker", "logs", "kms")


@dataclass
class Received:
    """One request: `service` is the name it was signed for, `params` what botocore's client was given (S3: members of
    path, query and headers)."""

    method: str
    uri: str
    service: str
    operation: str
    params: dict[str, Any]
    headers: dict[str, str]
    access_key: str
    region: str
    body: bytes = field(repr=False)


@dataclass
class AwsError(Exception):
    """An error as AWS names it."""

    code: str
    message: str
    status: int = 400


def received(environ: dict[str, Any]) -> Received:
    """Read a request; its body stays readable."""
    request = Request(environ)
    body = request.get_data()
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    environ.pop("wsgi.input_terminated", None)
    if environ.pop("HTTP_TRANSFER_ENCODING", None):
        request.headers = EnvironHeaders(environ)  # what follows reads by length
    found = CREDENTIAL.search(request.headers.get("Authorization", "")) or CREDENTIAL.search(
        "Credential=" + request.args.get("X-Amz-Credential", "")
    )
    access_key, region, service = (found[1], found[3], found[4]) if found else ("", "us-east-1", "s3")
    operation, params = _operation(service, request, environ, body)
    return Received(
        method=request.method,
        uri=environ.get("REQUEST_URI") or request.full_path,
        service=service,
        operation=operation,
        params=params,
        headers={name.lower(): value for name, value in request.headers.items()},
        access_key=access_key,
        region=region,
        body=body,
    )


def _operation(service: str, request: Request, environ: dict[str, Any], body: bytes) -> tuple[str, dict[str, Any]]:
    target = request.headers.get("X-Amz-Target")
    if target:
        return target.split(".")[-1], json.loads(body or b"{}")
    if service == "s3":
        return _s3(request, environ)
    form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True)) | dict(request.args)
    return form.pop("Action", f"{request.method} {request.path}"), form


def _s3(request: Request, environ: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    from moto.core.request import Request as MotoRequest
    from werkzeug.exceptions import HTTPException

    try:
        operation, uri = get_service_router("s3").match(MotoRequest(environ))
        name = operation.name
    except HTTPException:  # no operation of S3's
        return f"{request.method} {request.path}", {}
    if name == "ListObjects" and request.args.get("list-type") == "2":
        name = "ListObjectsV2"
    headers = {k.lower(): v for k, v in request.headers.items() if k.lower().startswith(("x-amz-", "if-"))}
    if name in ("PutObject", "UploadPart") and "x-amz-copy-source" in headers:
        name = name.replace("PutObject", "CopyObject").replace("UploadPart", "UploadPartCopy")
    return name, {**headers, **dict(request.args), **uri}


def answer(value: dict[str, Any]) -> Response:
    """A JSON answer of SageMaker."""
    return Response(json.dumps(value), content_type="application/x-amz-json-1.1")


def failure(error: AwsError, request: Received) -> Response:
    """An error in the service's protocol: JSON 1.1, S3's XML, or the query services' XML."""
    if request.service in JSON_BODIES:
        body = json.dumps({"__type": error.code, "message": error.message, "Message": error.message})
        return Response(body, status=error.status, content_type="application/x-amz-json-1.1")
    inner = f"<Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
    if request.service == "s3":
        text = f"<?xml version='1.0' encoding='UTF-8'?><Error>{inner}</Error>"
        return Response("" if request.method == "HEAD" else text, status=error.status, content_type="application/xml")
    text = f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error><RequestId>0</RequestId></ErrorResponse>"
    return Response(text, status=error.status, content_type="text/xml")
