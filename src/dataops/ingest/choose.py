"""Which source the words of a command line mean."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

from dataops.errors import DataOpsError
from dataops.ingest.local import Files
from dataops.ingest.source import Taker

KINDS = "sample, files and folders, s3://bucket/prefix, http URL"
BELONGS = {  # option: the source it goes with
    **dict.fromkeys(("until", "start", "stores", "products"), "sample"),
    **dict.fromkeys(("endpoint_url", "profile"), "s3"),
    **dict.fromkeys(
        (
            *("key_env", "key_param", "key_header", "param", "items", "page_param", "total_pages", "max_pages"),
            *("rate", "retries", "timeout", "name"),
        ),
        "http",
    ),
}


def choose(words: list[str], given: dict[str, Any], folder: Path) -> Taker:
    """The source that `words` name, with the options in `given` (those left out by the user are absent).

    Raises:
        DataOpsError: no source, two of them, or an option that goes with another.
    """
    if not words:
        raise DataOpsError("say what to bring in", f"sources: {KINDS}")
    kind = _kind(words)
    for option in given:
        if BELONGS[option] != kind:
            name = option.replace("_", "-")
            raise DataOpsError(f"--{name} goes with the source {BELONGS[option]}, not with {kind}")
    if kind == "files":
        found = Files(words, folder)
        list(found.paths())  # a mistyped name is said before anything about the landing
        return found
    if kind == "sample":
        from dataops.ingest.sample import Sample

        _alone(words, 1, "sample")
        return Sample(**given)
    if kind == "s3":
        from dataops.ingest.s3 import S3

        _alone(words, 1, "s3://bucket/prefix")
        return S3(words[0], **given)
    from dataops.ingest.http import Http

    words = words[words[0] == "http" :]
    _alone(words, 1, "http URL")
    return Http(words[0], **given)


def moment(text: str) -> dt.datetime:
    """`2024-01-31` or `2024-01-31T06:30`, UTC unless it says otherwise.

    Raises:
        DataOpsError: it is neither, or in the future.
    """
    try:
        value = dt.datetime.fromisoformat(text)
    except ValueError:
        raise DataOpsError(f"{text!r} is no date", "as 2024-01-31 or 2024-01-31T06:30 (UTC)") from None
    value = value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)
    if value > dt.datetime.now(dt.UTC) + dt.timedelta(days=1):
        raise DataOpsError(f"{text} is in the future: nothing can have been received then")
    return value


def _kind(words: list[str]) -> str:
    first = words[0]
    if first == "sample":
        return "sample"
    if first.startswith("s3://"):
        return "s3"
    return "http" if first == "http" or re.match("https?://", first) else "files"


def _alone(words: list[str], count: int, form: str) -> None:
    if len(words) != count:
        raise DataOpsError(f"the source is written `{form}` and comes alone", f"sources: {KINDS}")
