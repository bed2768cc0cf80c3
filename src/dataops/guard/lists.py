"""DVC's list of a folder's files, read for its hashes: any name that Linux has counts, as nothing is written by it."""

from __future__ import annotations

import hashlib
import json

from dataops.store.manifest import DIGEST, SUFFIX


def files(content: bytes | None, digest: str) -> dict[str, str] | None:
    """Path below the folder: md5, of each file. None where there is no list, another one, or none that DVC wrote."""
    if content is None or not digest.endswith(SUFFIX):
        return None
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != digest.removesuffix(SUFFIX):
        return None
    try:
        listed = json.loads(content)
        found = {str(entry["relpath"]): str(entry["md5"]) for entry in listed}
    except (ValueError, RecursionError, TypeError, KeyError):
        return None
    return found if all(map(DIGEST.fullmatch, found.values())) else None
