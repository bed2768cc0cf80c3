"""Who made a commit, and when."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dataops.lineage.traced import Commit
from dataops.repo.git import Git, Object
from dataops.repo.gittext import message, moment

AUTHOR = re.compile(rb"^author (?P<who>.*?) ?<(?P<mail>[^<>\n]*)> (?P<time>-?[0-9]+) [-+0-9]+$", re.MULTILINE)


def read(git: Git, shas: Sequence[str]) -> list[Commit]:
    """The commits of these ids; of one that is not here nothing but its id is known."""
    return [_commit(sha, found) for sha, found in zip(shas, git.batch(shas), strict=True)]


def _commit(sha: str, found: Object | None) -> Commit:
    head, _, raw = found.content.partition(b"\n\n") if found else (b"", b"", b"")
    author = AUTHOR.search(head)
    if author is None:
        return Commit(sha, "", "", moment(0), "")
    who, mail = (author[name].decode(errors="replace") for name in ("who", "mail"))
    return Commit(sha, who, mail, moment(int(author["time"])), message(raw)[0])
