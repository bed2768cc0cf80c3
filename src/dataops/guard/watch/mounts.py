"""Which file system a folder is on, and whether the kernel tells of every change there."""

from __future__ import annotations

import os
import re
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
# somebody else's kernel changes the files of these, and ours doesn't hear of it
SILENT = frozenset(
    {
        "9p",
        "afs",
        "ceph",
        "cifs",
        "drvfs",
        "fuse",
        "fuseblk",
        "glusterfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "prl_fs",
        "smb3",
        "smbfs",
        "v9fs",
        "vboxsf",
        "virtiofs",
        "vmhgfs",
    }
)
ESCAPED = re.compile(r"\\([0-7]{3})")


def silent(folder: Path, mounts: str | None = None) -> str:
    """The type of the file system that `folder` is on if it has no reliable events; else empty.

    `mounts`: the text of Linux's mountinfo; where there is none (macOS) events are trusted.
    """
    if mounts is None:
        try:
            mounts = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return ""
    kind = _kind(os.path.realpath(folder), mounts)
    return kind if kind.partition(".")[0] in SILENT else ""


def _kind(path: str, mounts: str) -> str:
    """The type of what is mounted at the longest beginning of `path`, the last one where several are."""
    best, kind = "", ""
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if len(fields) < 5 or not right:
            continue
        point = ESCAPED.sub(lambda found: chr(int(found[1], 8)), fields[4])
        if (point == "/" or path == point or path.startswith(f"{point}/")) and len(point) >= len(best):
            best, kind = point, right.split(" ")[0]
    return kind
