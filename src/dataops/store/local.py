"""What `.dvc/config.local` says of the embedded store in one clone."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dataops.store import dvcconfig, remote
from dataops.store.dvcconfig import COMMITTED, EMBEDDED, LOCAL, Remote, remote_section
from dataops.store.state import PRIVATE, State

if TYPE_CHECKING:
    from dataops.store.composed import Composed

REGION = "us-east-1"  # any would do; named, so that AWS_REGION has no say


def url(bucket: str) -> str:
    """Where DVC keeps its objects in the embedded store."""
    return f"s3://{bucket}/dvc"


def remote_of(server: State | Composed) -> Remote:
    """The embedded store as a remote, its keys included."""
    return Remote(
        name=EMBEDDED,
        url=url(server.bucket),
        endpoint_url=server.endpoint,
        region=REGION,
        access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key,
        defined_in=str(LOCAL),
    )


def attach(root: Path, server: State | Composed) -> list[str]:
    """Make `embedded` a remote of the clone at `root`, and its default while the repository names no real one.

    A default that you chose yourself in .dvc/config.local stays. Returns what deserves a line.
    """
    config = dvcconfig.read(root / LOCAL)
    section = remote_section(EMBEDDED)
    there = remote_of(server)
    dvcconfig.put(config, section, "url", there.url)
    dvcconfig.put(config, section, "endpointurl", there.endpoint_url)
    dvcconfig.put(config, section, "region", there.region)
    dvcconfig.put(config, section, "access_key_id", there.access_key_id)
    dvcconfig.put(config, section, "secret_access_key", there.secret_access_key)
    chosen = dvcconfig.get(config, "core", "remote")
    yours = chosen is not None and chosen.lower() != EMBEDDED
    notes = proxy_warning(os.environ)
    if yours:
        notes.append(f"the default remote stays {chosen}, as {LOCAL} says: `dvc push -r {EMBEDDED}` goes here")
    elif remote.is_template(root):
        dvcconfig.put(config, "core", "remote", EMBEDDED)
    else:
        dvcconfig.put(config, "core", "remote", None)
        notes.append(f"the default remote stays the one in {COMMITTED}: `dvc push -r {EMBEDDED}` goes here")
    dvcconfig.write(root / LOCAL, config, PRIVATE)
    return notes


def is_default(root: Path) -> bool:
    """Whether a plain `dvc push` at `root` goes to the embedded store."""
    return dvcconfig.default_remote(dvcconfig.levels(root))[0] == EMBEDDED


def proxy_warning(environ: Mapping[str, str]) -> list[str]:
    """Our own calls go past a proxy; dvc's would not."""
    proxied = any(environ.get(name) for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"))
    if proxied and not urllib.request.proxy_bypass("127.0.0.1"):
        return ["HTTP_PROXY would send dvc's calls to 127.0.0.1 astray: export NO_PROXY=127.0.0.1,localhost"]
    return []
