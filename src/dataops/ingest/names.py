"""Names that strangers gave: made harmless, unique, and the same on every system."""

from __future__ import annotations

import re
import unicodedata

from dataops.errors import DataOpsError

LONGEST = 200  # bytes of one part; file systems allow 255
RESERVED = "batch.json"


def refuse_hostile(name: str, where: str) -> None:
    """A name that leads elsewhere is no accident.

    Raises:
        DataOpsError: it is absolute, climbs up or holds a NUL.
    """
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or "\0" in name or re.match("[A-Za-z]:", name):
        raise DataOpsError(f"{where}: the name {name!r} leads elsewhere", "nothing was taken; ask who made it")


def sanitised(name: str) -> str:
    """A relative path that every file system can hold, and that DVC doesn't ignore as hidden."""
    parts = [_part(part) for part in unicodedata.normalize("NFC", name).replace("\\", "/").split("/")]
    return "/".join(part for part in parts if part) or "unnamed"


def unique(names: list[str]) -> list[str]:
    """`names`, those that would collide numbered: a.csv, a-2.csv; also where only upper and lower case differ, and
    where one's folder is another's file.
    """
    used, folders = {RESERVED}, set[str]()
    last: dict[str, int] = {}  # the number tried last for a name, so that a thousand equal ones stay cheap
    result = []
    for name in names:
        *parents, stem = name.split("/")
        place = ""
        for part in parents:
            place = _free(f"{place}{part}", last, used) + "/"
            folders.add(place[:-1].casefold())
        place = _free(f"{place}{stem}", last, used, folders)
        used.add(place.casefold())
        result.append(place)
    return result


def _part(part: str) -> str:
    if part in ("", "."):
        return ""
    clean = re.sub(r'[<>:"|?*\x00-\x1f\x7f\ud800-\udfff]', "_", part).strip(" ")
    clean = re.sub(r"^[.-]+|[.]+$", "_", clean)
    if len(clean.encode()) > LONGEST:  # keep the suffixes: they say what it is
        clean = clean[:30] + clean[-20:]
    return clean


def _free(name: str, last: dict[str, int], *taken: set[str]) -> str:
    """`name`, or the first numbered form of it that is not taken."""
    candidate, key = name, name.casefold()
    while any(candidate.casefold() in names for names in taken):
        last[key] = last.get(key, 1) + 1
        candidate = _numbered(name, last[key])
    return candidate


def _numbered(name: str, number: int) -> str:
    folder, slash, last = name.rpartition("/")
    stem, dot, suffixes = last.partition(".")
    return f"{folder}{slash}{stem}-{number}{dot}{suffixes}"
