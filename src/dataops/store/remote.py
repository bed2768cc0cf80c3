"""Which remote `dvc push` goes to, and putting the team's own bucket in the template's place."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from configobj import ConfigObj

from dataops.errors import DataOpsError
from dataops.store import dvcconfig
from dataops.store.dvcconfig import COMMITTED, EMBEDDED, KEYS, LOCAL, STORAGE, Remote, remote_section

PLACEHOLDER = "s3://replace-me"
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@dataclass(frozen=True)
class Default:
    """The remote that a plain `dvc push` goes to."""

    remote: Remote
    chosen_in: str
    """The file that made it the default."""
    embedded: bool
    template: bool
    """Its URL is still the template's placeholder."""


@dataclass(frozen=True)
class Used:
    """What `use` did."""

    remote: Remote
    checked: bool
    bring: tuple[str, ...]
    """Commands that bring the embedded store's data along; none where it was not in use."""
    notes: tuple[str, ...]


def is_template(root: Path) -> bool:
    """Whether the committed default remote is still the placeholder (or there is none at all)."""
    config = dvcconfig.read(root / COMMITTED)
    name = dvcconfig.get(config, "core", "remote")
    return name is None or (dvcconfig.get(config, remote_section(name), "url") or "").startswith(PLACEHOLDER)


def default(root: Path) -> Default | None:
    """The default remote with all its options, or None where the repository has none.

    Raises:
        DataOpsError: a configuration file can't be read, or the default names a remote without a URL.
    """
    named = dvcconfig.levels(root)
    name, chosen_in = dvcconfig.default_remote(named)
    if name is None:
        return None
    remote = dvcconfig.merged(named, name)
    if remote is None:
        raise DataOpsError(f"{chosen_in} makes {name} the default remote, and nothing says where that is")
    return Default(remote, chosen_in, name == EMBEDDED, remote.url.startswith(PLACEHOLDER))


def use(
    root: Path,
    url: str,
    *,
    endpoint_url: str | None = None,
    region: str | None = None,
    profile: str | None = None,
    check: bool = True,
) -> Used:
    """Make `url` the repository's remote `storage`, after proving that it can be listed, written, read and deleted.

    URL, endpoint and region go into the committed .dvc/config, the profile into this clone's config.local. The embedded
    remote is taken out of config.local; its server and data stay.

    Raises:
        DataOpsError: the URL is none, or `check` fails. Then nothing has changed.
    """
    url = _bucket_url(url)
    _require_plain_endpoint(endpoint_url)
    committed, local = dvcconfig.read(root / COMMITTED), dvcconfig.read(root / LOCAL)
    section = remote_section(STORAGE)
    for key, value in (("url", url), ("endpointurl", endpoint_url), ("region", region)):
        dvcconfig.put(committed, section, key, value)
        dvcconfig.put(local, section, key, None)  # it would win over the committed one
    if profile is not None:
        _require_no_keys(local, section)
        dvcconfig.put(committed, section, "profile", None)
        dvcconfig.put(local, section, "profile", profile)
    dvcconfig.put(committed, "core", "remote", STORAGE)
    outside = [level for level in dvcconfig.levels(root) if level[0] not in (str(COMMITTED), str(LOCAL))]
    remote = dvcconfig.merged([*outside, (str(COMMITTED), committed), (str(LOCAL), local)], STORAGE)
    if remote is None:
        raise AssertionError("its URL was set above")
    if check:
        from dataops.store import s3

        s3.probe(remote)
    bring = _bring(remote) if _leave_embedded(local) else []
    notes = _warnings(remote, local, os.environ)
    dvcconfig.write(root / COMMITTED, committed)
    if (root / LOCAL).is_file() or local:
        dvcconfig.write(root / LOCAL, local, 0o600)
    return Used(remote, check, tuple(bring), tuple(notes))


def _bucket_url(url: str) -> str:
    """`url` without a final slash.

    Raises:
        DataOpsError: it doesn't name a bucket.
    """
    hint = "write s3://bucket/prefix: a bucket has 3 to 63 lower-case letters, digits, dots or hyphens"
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    if not url.startswith("s3://") or not BUCKET.fullmatch(bucket):
        raise DataOpsError(f"{url} is no S3 URL", hint)
    if url.startswith(PLACEHOLDER):
        raise DataOpsError(f"{url} is the template's placeholder", "name your own bucket: s3://bucket/prefix")
    if re.search(r"[\s?#%\"',\\]|//", prefix):
        raise DataOpsError(f"the prefix {prefix!r} has characters that DVC can't keep", "use letters, digits, - _ . /")
    return url.rstrip("/")


def _require_plain_endpoint(endpoint_url: str | None) -> None:
    """An http(s) address without a name and password in it: the file is committed."""
    if endpoint_url is None:
        return
    try:
        parts = urlsplit(endpoint_url)
        good = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        good = False
    if not good:
        raise DataOpsError(f"{endpoint_url} is no endpoint URL", "write https://host or http://host:port")
    if parts.username or parts.password:
        raise DataOpsError("the endpoint URL holds a password, and it would be committed", "use --profile instead")


def _require_no_keys(local: ConfigObj, section: str) -> None:
    """Keys written down in config.local would win over a profile, silently."""
    for key in KEYS:
        if dvcconfig.get(local, section, key) is not None:
            hint = f"`dvc remote modify --local --unset {STORAGE} {key}`, then try again"
            raise DataOpsError(f"{LOCAL} holds {key} for {STORAGE}, which wins over --profile", hint)


def _leave_embedded(local: ConfigObj) -> bool:
    """Take the embedded remote and its being the default out of config.local; says whether it was there."""
    if (dvcconfig.get(local, "core", "remote") or "").lower() == EMBEDDED:
        dvcconfig.put(local, "core", "remote", None)
    return dvcconfig.drop(local, remote_section(EMBEDDED))


def _bring(remote: Remote) -> list[str]:
    """The commands that carry every branch's and tag's data from the embedded store to `remote`.

    They name a remote of their own: for an older commit dvc reads that commit's .dvc/config, where `storage` is still
    the placeholder, but config.local counts for every commit.
    """
    every = "--all-branches --all-tags"
    options = [("endpointurl", remote.endpoint_url), ("region", remote.region), ("profile", remote.profile)]
    return [
        "dataops store up",
        f"dvc fetch {every} -r {EMBEDDED}",
        f"dvc remote add --local bring {remote.url}",
        *(f"dvc remote modify --local bring {key} {value}" for key, value in options if value),
        f"dvc push {every} -r bring",
        "dvc remote remove --local bring",
    ]


def _warnings(remote: Remote, local: ConfigObj, environ: Mapping[str, str]) -> list[str]:
    """What works here and would surprise elsewhere."""
    notes = []
    if other := dvcconfig.get(local, "core", "remote"):
        notes.append(f"the default remote in this clone stays {other}, as {LOCAL} says")
    if remote.endpoint_url is None and (environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL")):
        notes.append("AWS_ENDPOINT_URL is set, was not used, and would lead dvc elsewhere: unset it or --endpoint-url")
    if remote.endpoint_url and urlsplit(remote.endpoint_url).hostname in ("127.0.0.1", "localhost", "::1"):
        notes.append(f"{remote.endpoint_url} is this machine: other people's clones won't find it")
    return notes
