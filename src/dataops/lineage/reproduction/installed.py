"""Is what is installed here what a commit's requirements pin?"""

from __future__ import annotations

import importlib.metadata
import posixpath
import re

from dataops.repo.git import Git

FILES = ("requirements/main.txt", "requirements.txt")
PIN = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*==\s*([^\s;#\\]+)\s*(?:;([^#\\]*))?")
SHOWN = 5


def differing(git: Git, commit: str, prefix: str) -> list[str]:
    """A line, where versions that the commit pins are not those of this environment; none where there are no pins."""
    for name in FILES:
        content = git.blob(commit, posixpath.join(prefix, name))
        if content is not None:
            told = unlike(content.decode(errors="replace"))
            return [f"this environment is not that of {name}: {told}"] if told else []
    return []


def unlike(pins: str) -> str:
    """Which of these pins (the text of a requirements file) this environment doesn't have, in a few words; else ""."""
    told = [line for line in map(_differs, pins.splitlines()) if line]
    more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    return ", ".join(told[:SHOWN]) + more


def _differs(line: str) -> str:
    """`pandas 3.1.1 (there 2.2.0)`, or ""."""
    pin = PIN.match(line)
    if pin is None or not _applies(pin[3]):
        return ""
    try:
        here = importlib.metadata.version(pin[1])
    except importlib.metadata.PackageNotFoundError:
        here = "not installed"
    return "" if here == pin[2] else f"{pin[1]} {here} (there {pin[2]})"


def _applies(marker: str | None) -> bool:
    """Is the line meant for this Python and system?"""
    if not marker or not marker.strip():
        return True
    from packaging.markers import InvalidMarker, Marker

    try:
        return Marker(marker.strip()).evaluate()
    except InvalidMarker:
        return False
