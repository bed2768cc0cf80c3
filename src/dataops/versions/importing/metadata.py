"""The metadata.json of an old version, read as what it is: text that some script, or anybody, wrote.

The shape, as the scripts wrote it; in brackets what is taken for the same:

    {
      "version": "v1.0",
      "upload_timestamp": "2024-01-15T10:30:00Z",     [TIMES; ISO 8601, seconds since 1970, or 20240115-103000]
      "uploaded_by": "jane@example.com",              [AUTHORS]
      "git_commit": "a1b2c3d",                        [kept with all else]
      "description": "…",                             [MESSAGES]
      "files": {                                      [FILES; or a list whose entries have a name, NAMES]
        "train.csv": {
          "size": 1234,                               [SIZES]
          "sha256": "9f86d08…",                       [DIGESTS; 32 digits are an md5; "sha256:…" as well]
          "rows": 100,                                [ROWS]
          "columns": ["store_id", …],                 [COLUMNS; or {name: type}]
          "dtypes": {"store_id": "int64", …}          [TYPES]
        }
      }
    }

Everything else is carried along unread. A file may be named without its suffix (`train`) or by its whole key.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dataops.repo import cardtext
from dataops.store import manifest
from dataops.versions.importing.old import Stated

TIMES = (
    "upload_timestamp",
    "upload_time",
    "uploaded_at",
    "upload_date",
    "created_at",
    "creation_time",
    "created",
    "timestamp",
    "datetime",
    "date",
    "time",
)
AUTHORS = ("uploaded_by", "uploader", "created_by", "author", "user")
MESSAGES = ("description", "message", "comment", "notes")
FILES = ("files", "file_metadata", "file_info", "file_details", "datasets")
NAMES = ("name", "filename", "file_name", "file", "path", "key", "s3_key")
SIZES = ("size", "size_bytes", "file_size", "file_size_bytes", "bytes")
DIGESTS = ("sha256", "sha256_hash", "sha256sum", "checksum", "file_hash", "hash", "content_hash", "md5", "digest")
ROWS = ("rows", "row_count", "num_rows", "n_rows", "total_rows")
COLUMNS = ("columns", "column_names", "schema", "fields")
TYPES = ("dtypes", "data_types", "column_types", "types", "schema")
COMPACT = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})[-_T ]?(\d{2}):?(\d{2}):?(\d{2})", re.ASCII)
HEX = re.compile(r"(?:sha-?256:|md5:)?([0-9a-f]{64}|[0-9a-f]{32})")
LARGEST = cardtext.LARGEST  # bytes of a document
MOST = 10_000  # files that a document may list
SHOWN = 60  # characters of a hostile name


@dataclass(frozen=True)
class Metadata:
    """What a document says, as far as it is understood."""

    time: dt.datetime | None = None
    author: str = ""
    message: str = ""
    files: Mapping[str, Stated] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def parse(content: bytes, *, what: str = "metadata.json") -> Metadata:
    """The document's content. What can't be understood is left out; what can't be true is a problem."""
    document = cardtext.report(content)
    if document is None:
        reason = f"has {len(content):,} bytes, more than {LARGEST:,}" if len(content) > LARGEST else "is no JSON object"
        return Metadata(problems=(f"{what} {reason}",))
    problems: list[str] = []
    files = dict(_files(document, what, problems))
    return Metadata(
        moment(first(document, TIMES)),
        text(document, AUTHORS),
        text(document, MESSAGES),
        files,
        document,
        tuple(problems),
    )


def first(document: Mapping[str, Any], names: Iterable[str]) -> Any:
    """The value of the first of these keys that has one."""
    return next((document[name] for name in names if document.get(name) not in (None, "", {}, [])), None)


def text(document: Mapping[str, Any], names: Iterable[str]) -> str:
    """The same, where it is a text."""
    found = first(document, names)
    return found.strip() if isinstance(found, str) else ""


def count(value: object) -> int | None:
    """A number of bytes or rows."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63 else None


def moment(value: object) -> dt.datetime | None:
    """A time in UTC, where the value is one; without a zone it is taken for UTC."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _seconds(value / 1000 if value > 1e11 else value)
    if not isinstance(value, str):
        return None
    compact = COMPACT.match(value.strip())
    written = "{}-{}-{}T{}:{}:{}".format(*compact.groups()) if compact else ""
    found = _iso(value.strip()) or _iso(written)
    if found is None:
        return None
    found = found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found
    return _seconds(found.timestamp()) if 1 < found.year < 9999 else None


def _iso(value: str) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(value)
    except ValueError:
        return None


def _seconds(value: float) -> dt.datetime | None:
    """What no version can have been made at is no time: before 1980, or tomorrow and later."""
    try:
        found = dt.datetime.fromtimestamp(int(value), dt.UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.year >= 1980 and found < dt.datetime.now(dt.UTC) + dt.timedelta(days=1) else None


def _files(document: Mapping[str, Any], what: str, problems: list[str]) -> Iterator[tuple[str, Stated]]:
    """What it says of each file, by the name it gives it."""
    listed = first(document, FILES)
    if isinstance(listed, Mapping):
        entries = [(str(name), entry) for name, entry in listed.items()]
    elif isinstance(listed, list):
        entries = [(one, {}) if isinstance(one, str) else (_name(one), one) for one in listed]
    else:
        return
    if len(entries) > MOST:
        problems.append(f"{what} lists {len(entries):,} files, more than {MOST:,}")
        return
    for given, entry in entries:
        name = re.sub(r"^s3://[^/]*/", "", given)
        if wrong := manifest.unsafe(name):
            problems.append(f"{what} lists {given[:SHOWN]!r}: {wrong}")
            continue
        yield name, _stated(entry if isinstance(entry, Mapping) else {})


def _name(entry: object) -> str:
    return text(entry, NAMES) if isinstance(entry, Mapping) else ""


def _stated(entry: Mapping[str, Any]) -> Stated:
    return Stated(count(first(entry, SIZES)), digest_of(entry), count(first(entry, ROWS)), _columns(entry))


def digest_of(entry: Mapping[str, Any]) -> str:
    """The md5 or SHA-256 that stands there; empty where none does."""
    return next((found for name in DIGESTS if (found := _digest(entry.get(name)))), "")


def _digest(value: object) -> str:
    found = HEX.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    return found[1] if found else ""


def _columns(entry: Mapping[str, Any]) -> Mapping[str, str] | None:
    types: Mapping[str, Any] = next((entry[name] for name in TYPES if isinstance(entry.get(name), Mapping)), {})
    kinds = {str(name): kind if isinstance(kind, str) else "" for name, kind in types.items()}
    for name in COLUMNS:
        listed = entry.get(name)
        if isinstance(listed, Mapping):
            return {str(one): kind if isinstance(kind, str) else "" for one, kind in listed.items()} | kinds
        if isinstance(listed, list) and listed and all(isinstance(one, str) for one in listed):
            return {one: kinds.get(one, "") for one in listed}
    return kinds or None


def matched(names: Iterable[str], there: Iterable[str]) -> dict[str, str]:
    """Which of the files that are there each listed name means: itself, its end, or itself without a suffix."""
    paths = list(there)
    found = {}
    for name in names:
        same = [path for path in paths if path == name] or [path for path in paths if name.endswith(f"/{path}")]
        same = same or [path for path in paths if path.partition(".")[0] == name]
        if len(same) == 1:
            found[name] = same[0]
    return found
