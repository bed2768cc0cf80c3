"""The rules of `dataops check`, numbered for good: DATA0xx block a commit, DATA1xx warn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dataops.guard.commit import Commit
from dataops.guard.findings import Finding
from dataops.guard.rules import attributes, changed, ingit, leaving, links, recording, secrets, stale, unknown


@dataclass(frozen=True)
class Rule:
    """One rule."""

    number: str
    title: str
    """What it finds, in a line."""
    why: str
    """What goes wrong otherwise."""
    find: Callable[[Commit], Iterable[Finding]]

    @property
    def blocks(self) -> bool:
        """Does it refuse the commit?"""
        return self.number.startswith("DATA0")


PUSH = ("DATA201", "data of pushed commits is not on the DVC remote", "nobody else can get it")  # hooks/prepush.py
RULES = (
    Rule(
        "DATA001",
        "data committed into git",
        "git keeps it for ever in every clone, and no version, gate or lineage knows of it",
        ingit.find,
    ),
    Rule(
        "DATA002",
        "tracked data changed, but not recorded",
        "the commit would name the old data; the change is lost at the next `dvc checkout`",
        changed.unrecorded,
    ),
    Rule(
        "DATA003",
        "data that neither git nor DVC knows",
        "nobody else can get it, and no one notices when it is gone",
        unknown.find,
    ),
    Rule(
        "DATA004",
        "half a change: data and its record don't agree in this commit",
        "whoever checks this commit out gets one half with the other's past",
        changed.half_staged,
    ),
    Rule(
        "DATA005",
        "a link that leaves the repository",
        "it leads nowhere on another machine",
        links.find,
    ),
    Rule(
        "DATA006",
        "git ignores DVC's own record",
        "without its .dvc file or dvc.lock the data can't be found again",
        recording.ignored_by_git,
    ),
    Rule(
        "DATA007",
        "a record that can't be read: conflict markers, or no valid YAML",
        "every DVC command on this commit fails",
        recording.unreadable,
    ),
    Rule(
        "DATA008",
        "a secret in DVC's configuration",
        "whoever can read the repository can use it, for as long as its history exists",
        secrets.find,
    ),
    Rule(
        "DATA009",
        "files leave a folder of dvc add that were never here",
        "`dvc repro` before `dvc pull` records what a colleague added as deleted",
        leaving.unseen,
    ),
    Rule(
        "DATA101",
        "out of date: made by other code, parameters or data than the commit's",
        "a release refuses it",
        stale.find,
    ),
    Rule(
        "DATA102",
        "data that may be run as a program",
        "DVC records that as a change",
        attributes.executable,
    ),
    Rule(
        "DATA103",
        "recorded, but not in this commit",
        "the commit names other data than lies here; both are kept",
        changed.unstaged,
    ),
    Rule(
        "DATA104",
        "files leave a folder of dvc add",
        "nobody who checks this commit out has them",
        leaving.find,
    ),
)
