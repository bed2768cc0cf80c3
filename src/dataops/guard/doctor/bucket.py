"""DVC's remote: which one, and whether it can be listed, written, encrypts, keeps versions, and shares our clock."""

from __future__ import annotations

import email.utils
import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dataops.guard.doctor.finding import Finding, Place
from dataops.repo import worktrees
from dataops.store import choose, dvcconfig
from dataops.store import remote as remotes
from dataops.store.dvcconfig import EMBEDDED, Remote
from dataops.store.objects import Object

SKEWED, REFUSED = 30.0, 300.0  # seconds that the clocks may differ: worth a word; S3 refuses from 15 min, some from 5
NAME = "dvc remote"
USE = "`dataops remote use s3://bucket/prefix`"
READ_ONLY = "reading works; `dvc push` needs s3:PutObject and s3:DeleteObject"


def _first(place: Place) -> Path | None:
    """In a worktree: the DVC root in the repository's first, whose embedded store has the data."""
    if place.git is None or place.root is None:
        return None
    first = worktrees.worktrees(place.git)[0].folder
    inner = place.root.resolve().relative_to(place.git.folder.resolve())
    return first / inner if first.resolve() != place.git.folder.resolve() else None


def configured(place: Place) -> Iterator[Finding]:
    """Which remote a plain `dvc push` goes to."""
    if place.root is None:
        return
    default = remotes.default(place.root)
    if default is None:
        yield Finding(NAME, "fail", "the repository has no default remote", f"{USE}, or `dataops store up`")
    elif default.template:
        first = _first(place)
        start = f"`dataops store connect {first}` uses" if first else "`dataops store up` starts"
        fix = f"{USE} names your bucket; {start} the embedded one"
        yield Finding(NAME, "fail", f"still the template's placeholder, {default.remote.url}", fix)
    elif default.embedded:
        told = f"the embedded store, {default.remote.url}: on this machine alone"
        yield Finding(NAME, "warn", told, f"{USE} names the team's")
    else:
        yield Finding(NAME, "ok", f"{default.remote.name}, {default.remote.url} (by {default.chosen_in})")


def reached(place: Place) -> Iterator[Finding]:
    """What the remote lets us do."""
    if place.root is None:
        return
    store = choose.for_root(place.root)
    default = remotes.default(place.root)
    if store.kind == "s3" and default is not None:
        options = dvcconfig.options_of(dvcconfig.levels(place.root), default.remote.name)
        yield from bucket(default.remote, options)
    elif store.kind == "folder":
        yield _folder(Path(store.url))
    elif store.kind == "http":
        store.head(Object("0" * 32))
        yield Finding("reachable", "ok", store.url)


def bucket(remote: Remote, options: Mapping[str, str]) -> Iterator[Finding]:
    """Ask an S3 bucket everything; a small object is written below the prefix and removed again."""
    from botocore.exceptions import BotoCoreError, ClientError

    from dataops.store import s3
    from dataops.store.refusals import explain

    client = s3.client(remote, attempts=1)
    begun = time.time()
    try:
        answer = client.list_objects_v2(Bucket=remote.bucket, Prefix=remote.prefix, MaxKeys=1)
    except (BotoCoreError, ClientError, RuntimeError) as error:  # the last: keys that have expired
        if isinstance(error, ClientError):
            yield from clock(error.response, begun)
        told = explain(error, "list", remote)
        yield Finding("reachable", "fail", told.message, told.hint)
        return
    took = time.time() - begun
    yield Finding("reachable", "ok", f"lists {remote.url} in {took * 1000:.0f} ms")
    yield from clock(answer, begun)
    if remote.anonymous:
        yield Finding("writable", "warn", "read only: requests aren't signed", READ_ONLY)
    else:
        yield from _written(client, remote, options)
    if remote.name != EMBEDDED:  # its bytes lie on this machine's disk, for whoever may read that
        yield from _versioned(client, remote)


def clock(answer: Any, begun: float) -> Iterator[Finding]:
    """Compare a response's Date, which is to the second, with ours."""
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        there = email.utils.parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return
    skew = (begun + time.time()) / 2 - (there + 0.5)
    fix = "set the clock: `sudo timedatectl set-ntp true` (in WSL: `sudo hwclock -s`)"
    told = f"{abs(skew):,.0f} s {'ahead of' if skew > 0 else 'behind'} the server's"
    if abs(skew) > REFUSED:
        yield Finding("clock", "fail", f"{told}: signatures are refused", fix)
    elif abs(skew) > SKEWED:
        yield Finding("clock", "warn", told, fix)
    else:
        yield Finding("clock", "ok", f"within {max(1, round(abs(skew)))} s of the server's")


def _written(client: Any, remote: Remote, options: Mapping[str, str]) -> Iterator[Finding]:
    """Write, read back and delete a probe, and see how it was encrypted."""
    from botocore.exceptions import BotoCoreError, ClientError

    from dataops.store.refusals import explain

    key = "/".join(filter(None, (remote.prefix, f".dataops-probe-{secrets.token_hex(8)}")))
    place = {"Bucket": remote.bucket, "Key": key}
    wanted = {"ServerSideEncryption": options.get("sse"), "SSEKMSKeyId": options.get("sse_kms_key_id")}
    content = secrets.token_bytes(64)
    try:
        put = client.put_object(**place, Body=content, **{name: value for name, value in wanted.items() if value})
    except (BotoCoreError, ClientError) as error:
        told = explain(error, "write", remote)
        if _denied(error):
            yield Finding("writable", "warn", f"read only: {told.message}", READ_ONLY)
        else:
            yield Finding("writable", "fail", told.message, told.hint)
        return
    try:
        same = client.get_object(**place)["Body"].read() == content
        what = "" if same else f"{remote.url} gave back other bytes than were written"
    except (BotoCoreError, ClientError) as error:
        what = explain(error, "read", remote).message
    left = _removed(client, remote, place, put.get("VersionId"))
    if what:
        yield Finding("writable", "fail", what, "the account needs s3:GetObject as well")
    elif left:
        yield Finding("writable", "warn", left, "fine where nobody may delete, by intention; `dataops gc` needs it")
    else:
        yield Finding("writable", "ok", "wrote, read and deleted a probe")
    if remote.name != EMBEDDED:
        yield _encrypted(client, remote, put)


def _removed(client: Any, remote: Remote, place: dict[str, str], version: str | None) -> str:
    """Take the probe away, with its version where the bucket keeps such; says what stays behind."""
    from botocore.exceptions import BotoCoreError, ClientError

    from dataops.store.refusals import explain

    attempts = [{**place, "VersionId": version}] if version and version != "null" else []
    told = ""
    for attempt in [*attempts, place]:
        try:
            client.delete_object(**attempt)
        except (BotoCoreError, ClientError) as error:
            told = f"{explain(error, 'delete', remote).message}; the probe {place['Key']} stays behind"
        else:
            return ""
    return told


def _encrypted(client: Any, remote: Remote, put: Mapping[str, Any]) -> Finding:
    """As the bucket says, or as the probe was; a bucket without a default keeps plain bytes."""
    from botocore.exceptions import BotoCoreError, ClientError

    rule: Mapping[str, Any] = {}
    try:
        answer = client.get_bucket_encryption(Bucket=remote.bucket)
        rules = answer["ServerSideEncryptionConfiguration"]["Rules"]
        rule = next((one["ApplyServerSideEncryptionByDefault"] for one in rules), {})
    except (BotoCoreError, ClientError, KeyError):
        pass
    used = put.get("ServerSideEncryption") or rule.get("SSEAlgorithm")
    key = put.get("SSEKMSKeyId") or rule.get("KMSMasterKeyID")
    if used:
        names = {"AES256": "SSE-S3 (AES256)", "aws:kms": "SSE-KMS", "aws:kms:dsse": "two layers of SSE-KMS"}
        return Finding("encryption", "ok", names.get(str(used), str(used)) + (f", key {key}" if key else ""))
    rules_text = '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256"}}]}'
    fix = f"{_aws(remote, 'put-bucket-encryption')} --server-side-encryption-configuration '{rules_text}'"
    return Finding("encryption", "warn", "what is written is not encrypted, as far as the server says", fix)


def _versioned(client: Any, remote: Remote) -> Iterator[Finding]:
    """Would the bucket still have what somebody deletes or overwrites?"""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        status = client.get_bucket_versioning(Bucket=remote.bucket).get("Status", "")
    except (BotoCoreError, ClientError) as error:
        needed = "it takes s3:GetBucketVersioning" if _denied(error) else "the server doesn't answer that"
        yield Finding("versioning", "unknown", f"of the bucket can't be seen: {needed}")
        return
    if status == "Enabled":
        yield Finding("versioning", "ok", "the bucket keeps what is deleted or overwritten")
    else:
        fix = f"{_aws(remote, 'put-bucket-versioning')} --versioning-configuration Status=Enabled"
        yield Finding("versioning", "warn", "what is deleted from the bucket is gone", fix)


def _folder(folder: Path) -> Finding:
    """A remote that is a folder."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".dataops-probe-"):
            return Finding("writable", "ok", f"{folder} takes files")
    except FileNotFoundError:
        fix = "is its disk mounted? `dvc push` would make the folder anew"
        return Finding("reachable", "fail", f"{folder} is not there", fix)
    except OSError as error:
        return Finding("writable", "warn", f"read only: {folder}: {error.strerror}", "check its permissions")


def _aws(remote: Remote, action: str) -> str:
    """The beginning of a command of AWS's that an owner of the bucket may give."""
    options = [("--endpoint-url", remote.endpoint_url), ("--profile", remote.profile), ("--region", remote.region)]
    given = "".join(f" {name} {value}" for name, value in options if value)
    return f"aws s3api {action}{given} --bucket {remote.bucket}"


def _denied(error: Exception) -> bool:
    from dataops.store.refusals import DENIED

    response = getattr(error, "response", {})
    return response.get("Error", {}).get("Code") in DENIED
