"""DATA102: data files that became executable, as a copy from another file system makes them."""

from __future__ import annotations

from collections.abc import Iterator

from dataops.guard.commit import Commit
from dataops.guard.findings import Finding, quoted


def executable(commit: Commit) -> Iterator[Finding]:
    """Only where the file system knows the difference (`core.fileMode`)."""
    places = [place for path, place in commit.places.items() if not commit.outputs[path].executable]
    found = [name for place in places if place.content for name in place.content.executable]
    if found and commit.git.out("config", "--type=bool", "--default=true", "core.fileMode") == "true":
        for name in found:
            yield Finding(name, "is executable", (quoted("chmod", "a-x", "--", name),))
