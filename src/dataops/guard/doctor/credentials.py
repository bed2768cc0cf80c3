"""Where the keys to DVC's remote come from, and until when they hold; never the keys themselves."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from typing import Any

from dataops.guard.doctor.finding import Finding, Place
from dataops.store import dvcconfig
from dataops.store import remote as remotes
from dataops.store.dvcconfig import COMMITTED, KEYS, Remote, remote_section

NAME = "credentials"
SOON = dt.timedelta(minutes=15)
SOURCES = {
    "env": "the environment (AWS_ACCESS_KEY_ID)",
    "shared-credentials-file": "~/.aws/credentials",
    "config-file": "~/.aws/config",
    "iam-role": "the instance's role",
    "container-role": "the container's role",
    "assume-role": "an assumed role",
    "assume-role-with-web-identity": "a role assumed by web identity (OIDC)",
    "sso": "AWS IAM Identity Center (`aws sso login`)",
    "custom-process": "a program that ~/.aws/config names",
}


def source(place: Place) -> Iterator[Finding]:
    """The first place where boto3 and DVC find keys."""
    default = remotes.default(place.root) if place.root else None
    if place.root is None or default is None or not default.remote.url.startswith("s3://") or default.template:
        return
    remote = default.remote
    levels = dvcconfig.levels(place.root)
    section = remote_section(remote.name)
    holding = [file for file, config in levels if any(dvcconfig.get(config, section, key) for key in KEYS)]
    if str(COMMITTED) in holding:
        fix = "take them out and make new ones, as git keeps the old; `dvc remote modify --local` takes keys"
        yield Finding(NAME, "fail", f"{COMMITTED}, which is committed, holds keys of {remote.name}", fix)
    elif remote.anonymous:
        yield Finding(NAME, "ok", "none: requests aren't signed (allow_anonymous_login)")
    elif remote.access_key_id:
        temporary = ", temporary: until when nobody knows" if remote.session_token else ""
        yield Finding(NAME, "ok", f"{holding[-1]}{temporary}")
    else:
        yield _found(remote)


def _found(remote: Remote) -> Finding:
    """What boto3 finds; asks the instance's or container's service where nothing else has any."""
    import boto3
    from botocore.exceptions import BotoCoreError

    from dataops.store.refusals import CREDENTIALS, explain

    try:
        found = boto3.Session(profile_name=remote.profile).get_credentials()
        expires = _expires(found)
        past = expires is not None and expires <= dt.datetime.now(dt.UTC)
        token = found.get_frozen_credentials().token if found and not past else None  # botocore raises where it is past
    except (BotoCoreError, ValueError, RuntimeError) as error:
        told = explain(error, "sign in", remote)
        return Finding(NAME, "fail", told.message, told.hint)
    if found is None:
        return Finding(NAME, "fail", "found no AWS credentials", CREDENTIALS)
    profile = remote.profile or os.environ.get("AWS_PROFILE")
    named = SOURCES.get(found.method, found.method)
    named += f", profile {profile}" if profile and found.method != "env" else ""
    if expires is None:
        return Finding(NAME, "ok", f"{named}{', temporary: until when nobody knows' if token else ''}")
    until = f"{named}, until {expires:%Y-%m-%d %H:%M} UTC"
    fix = "sign in again, as with `aws sso login`"
    if past:
        return Finding(NAME, "fail", f"{until}, which is past", fix)
    soon = expires - dt.datetime.now(dt.UTC) < SOON
    return Finding(NAME, "warn", until, fix) if soon else Finding(NAME, "ok", until)


def _expires(found: Any) -> dt.datetime | None:
    """When the keys end, where anybody says so; those that boto3 renews by itself don't count."""
    text = os.environ.get("AWS_CREDENTIAL_EXPIRATION") if found and found.method == "env" else None
    try:
        time = dt.datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return time.replace(tzinfo=dt.UTC) if time and time.tzinfo is None else time
