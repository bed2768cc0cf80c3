"""The process: werkzeug with our answers in front of moto's; `python -m host FOLDER` prints its address and serves."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from host import accounts, api, policies
from host.controls import Controls
from host.jobs import Job
from host.permissions import Stored, needs
from host.wire import AwsError, Received, answer, failure, received
from host.worker import Worker

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Host:
    """The application and its workers."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.work, self.url = folder, folder / "work", ""
        self.work.mkdir(parents=True, exist_ok=True)
        self.controls, self.moto = Controls(), DomainDispatcherApplication(create_backend_app)
        self.workers: list[Worker] = []
        self.groups: dict[str, int] = {}
        self.session, self.lock = boto3.session.Session(), threading.Lock()  # one: it reads each service's model once
        self.admin = accounts.start()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """WSGI."""
        if environ["PATH_INFO"].startswith("/_host/"):
            return self._control(Request(environ))(environ, start_response)
        request = received(environ)
        by = "job" if accounts.is_job(request.access_key) else "client"
        row = self.controls.record(request, by)
        try:
            self._admit(request, environ, by, row)
            handler = api.handler(request)
            if handler is None:
                return self.moto(environ, _noting(start_response, row))
            value = handler(request, lambda job: self._start(job, request.region))
            response = Response(status=200) if value is None else answer(value)
        except AwsError as error:
            row["error"] = error.code
            response = failure(error, request)
        except Exception:  # a bug here is told to the test
            logging.exception(request.operation)
            row["error"] = traceback.format_exc()
            response = failure(AwsError("HostBroken", row["error"], 501), request)  # 501 isn't tried again
        row["status"] = response.status_code
        return response(environ, start_response)

    def _admit(self, request: Received, environ: dict[str, Any], by: str, row: dict[str, Any]) -> None:
        fault = self.controls.fault(request) if by == "client" else None
        if fault:
            raise fault
        wanted = needs(request, api.ACCOUNT, _stored(request))
        row["needs"] = [list(need) for need in wanted]
        if not self.controls.enforcing:
            return
        who = accounts.authenticated(request, environ)
        documents, arn = accounts.documents(who), who.arn
        for action, resource, context in wanted:
            bucket = _bucket_policy(resource) if resource.startswith("arn:aws:s3:::") else None
            context = context | {"aws:PrincipalArn": arn}
            if not policies.allowed(documents, action, resource, context, bucket=bucket, principal=arn):
                row["denied"] = [action, resource]
                raise accounts.denied(request, arn, action, resource)

    def _start(self, job: Job, region: str) -> None:
        worker = Worker(job, self, region)
        self.workers.append(worker)
        worker.start()

    def clients(self, role_arn: str, region: str) -> tuple[Any, Any, Mapping[str, str]]:
        """S3 and Logs clients with the keys of a session of the role, and the environment that holds them."""
        env = accounts.session(role_arn, region) | {"AWS_ENDPOINT_URL": self.url, "AWS_DEFAULT_REGION": region}
        keys = {
            "aws_access_key_id": env["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": env["AWS_SECRET_ACCESS_KEY"],
            "aws_session_token": env["AWS_SESSION_TOKEN"],
        }
        with self.lock:
            given = {"region_name": region, "endpoint_url": self.url, "config": Config(proxies={}), **keys}
            s3, logs = (self.session.client(name, **given) for name in ("s3", "logs"))
        return s3, logs, env

    def running(self, job: str, group: int | None) -> None:
        """Note a container's process group, so that whoever ends this process can end it, too."""
        with self.lock:
            self.groups.pop(job, None)
            if group:
                self.groups[job] = group
            (self.folder / "groups.json").write_text(json.dumps(list(self.groups.values())))

    def _control(self, request: Request) -> Response:
        name, given = request.path.removeprefix("/_host/"), request.get_json(silent=True) or {}
        try:
            value = getattr(self, f"do_{name}")(**given)
        except Exception:  # the test sees the traceback
            logging.exception(name)
            return Response(traceback.format_exc(), status=500)
        return Response(json.dumps(value, default=repr), content_type="application/json")

    def do_set(self, **values: Any) -> None:
        """Set controls."""
        if "held" in values:
            values["held"] = set(values["held"])
        self.controls.set(**values)

    def do_next(self, **script: Any) -> None:
        """Script the next job."""
        self.controls.set(scripts=[*self.controls.scripts, script])

    def do_requests(self) -> list[dict[str, Any]]:
        """What was received."""
        return list(self.controls.records)

    def do_admin(self) -> dict[str, str]:
        """The keys of a user who may do everything."""
        return self.admin

    def do_user(self, name: str, policies: list[dict[str, Any]]) -> dict[str, str]:
        """Make a user."""
        return accounts.user(name, policies)

    def do_role(self, name: str, policies: list[dict[str, Any]], service: str) -> str:
        """Make a role that a service may take."""
        return accounts.role(name, policies, service)

    def do_reset(self) -> None:
        """Stop every job and forget everything."""
        self.controls.set(held=set(), scripts=[], every=0, calls=0, expired=False, enforcing=False, names="key")
        for worker in self.workers:
            worker.job.stop()
        for worker in self.workers:
            worker.join(30)
        self.workers.clear()
        accounts.reset()
        self.admin = accounts.start()
        self.controls.set(records=[])


def _stored(request: Received) -> Stored:
    """The object that is read, as moto has it."""
    bucket = s3_backends[api.ACCOUNT]["aws"].buckets.get(request.params.get("Bucket"))
    if bucket is None or request.operation not in ("GetObject", "HeadObject", "GetObjectAttributes"):
        return Stored()
    found = bucket.keys.get(request.params["Key"])
    return Stored(found is not None, found.kms_key_id if found and request.operation == "GetObject" else None)


def _bucket_policy(resource: str) -> dict[str, Any] | None:
    bucket = s3_backends[api.ACCOUNT]["aws"].buckets.get(resource.removeprefix("arn:aws:s3:::").split("/")[0])
    return json.loads(bucket.policy) if bucket and bucket.policy else None


def _noting(start_response: Any, row: dict[str, Any]) -> Any:
    def noted(status: str, headers: Any, exc_info: Any = None) -> Any:
        row["status"] = int(status.split()[0])
        return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

    return noted


class Handler(MotoRequestHandler):
    """Without a line a request."""

    def log_request(self, *_: Any) -> None:
        """Say nothing."""


def _until_alone(host: Host) -> None:
    """End with the process that started this one."""
    sys.stdin.read()
    with host.lock:
        for group in host.groups.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        os._exit(0)


def main(folder: str) -> None:
    """Serve until killed."""
    host = Host(Path(folder))
    server = make_server("127.0.0.1", 0, host, threaded=True, request_handler=Handler)
    host.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=_until_alone, args=[host], daemon=True).start()
    print(host.url, flush=True)  # what the parent waits for
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
