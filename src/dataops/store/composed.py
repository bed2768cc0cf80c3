"""The embedded store as compose runs it: the same server, in a container, at one loopback address inside and outside.

scripts/compose_env.sh writes its port and keys into `.env`, which compose reads, too. On the host compose publishes the
port; in the container `dvc` a relay listens at the same one. So one .dvc/config.local serves both.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from dataops.errors import DataOpsError
from dataops.store import local, s3
from dataops.store.state import BUCKET

FILE = Path(".env")
PORT, ACCESS_KEY, SECRET_KEY = "DATAOPS_S3_PORT", "DATAOPS_S3_ACCESS_KEY_ID", "DATAOPS_S3_SECRET_ACCESS_KEY"
# as much of the format as these values need: a value in quotes, or one that ends before a comment
LINE = re.compile(r"""(?:export\s+)?(\w+)\s*=\s*(?:'([^']*)'|"([^"]*)"|([^'"#\s].*?)?)(?:\s+#.*)?""")
STARTS = "`make up` starts it"
REFUSED = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "403", "Forbidden")
PATIENCE = 10.0  # seconds that a server which answers may take until it can store


@dataclass(frozen=True)
class Composed:
    """What `.env` says of compose's S3. Its keys are never shown."""

    endpoint: str
    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    bucket: str = BUCKET


def read(root: Path) -> Composed:
    """Port and keys from the `.env` of the clone at `root`; of a name that comes twice the last counts, as in compose.

    Raises:
        DataOpsError: there is no such file, or it lacks one of the three.
    """
    path = root / FILE
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise DataOpsError(f"{path} is not there, so compose never ran here", f"{STARTS} and makes the file") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataOpsError(
            f"{path} can't be read: {reason}", "it should be yours, and of the user DATAOPS_UID"
        ) from None
    matches = [match for line in lines if (match := LINE.fullmatch(line.strip()))]
    found = {match[1]: match[2] or match[3] or match[4] or "" for match in matches}
    missing = [name for name in (PORT, ACCESS_KEY, SECRET_KEY) if not found.get(name)]
    if missing:
        raise DataOpsError(f"{path} has no {missing[0]}", "`bash scripts/compose_env.sh` adds what is missing")
    expanded = {match[1]: "$" in (match[3] or match[4] or "") for match in matches}
    if name := next((name for name in (ACCESS_KEY, SECRET_KEY) if expanded[name]), None):
        raise DataOpsError(f"{path}: compose expands the $ in {name}", "put the value into single quotes")
    if not found[PORT].isascii() or not found[PORT].isdecimal() or not 0 < int(found[PORT]) < 65536:
        raise DataOpsError(f"{path}: {PORT} is {found[PORT]!r}, which is no port", "a number from 1 to 65535")
    return Composed(f"http://127.0.0.1:{int(found[PORT])}", found[ACCESS_KEY], found[SECRET_KEY])


def answers(server: Composed) -> bool:
    """Whether it runs and takes these keys."""
    try:
        s3.client(local.remote_of(server), attempts=1).head_bucket(Bucket=server.bucket)
    except (BotoCoreError, ClientError):
        return False
    return True


def require(server: Composed) -> None:
    """Have its bucket there and writable.

    Raises:
        DataOpsError: it doesn't run, or has other keys.
    """
    client = s3.client(local.remote_of(server), attempts=1)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return s3.ready(client, server.bucket, write=True)
        except BotoCoreError as error:
            message = f"compose's S3 doesn't answer at {server.endpoint}: {error}"
            own = "; `dataops store connect .` goes back to this clone's own server"
            hint = STARTS + ("" if "DATAOPS_VENV" in os.environ else own)  # that one is the host's
            raise DataOpsError(message, hint) from None
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in REFUSED:
                message = f"{server.endpoint} refuses the keys of {FILE} ({code})"
                raise DataOpsError(message, "`make up` starts compose's S3 anew with those of now") from None
            if time.monotonic() > deadline:
                message = f"{server.endpoint} can't store: {error}"
                raise DataOpsError(message, "is it full? `docker compose exec s3 df -h /store`") from None
        time.sleep(0.2)
