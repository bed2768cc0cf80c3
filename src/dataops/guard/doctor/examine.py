"""Ask every question: what is here at once, what the network has to say side by side and not for long."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from dataops.errors import DataOpsError
from dataops.guard.doctor import bucket, credentials, gittags, machine, repository
from dataops.guard.doctor.finding import Finding, Place
from dataops.repo import git, root

SECONDS = 12.0  # that the network has, all in all
Question = Callable[[Place], Iterator[Finding]]
HERE: tuple[tuple[str, Question], ...] = (
    ("python", machine.python),
    ("git", machine.git),
    ("dvc", machine.dvc),
    ("files", repository.readable),
    ("records", repository.unignored),
    ("hooks", repository.hooks),
    ("cache", machine.links),
    ("disk", machine.disk),
    ("training", repository.backend),
    ("dvc remote", bucket.configured),
)
THERE: tuple[tuple[str, Question], ...] = (
    ("credentials", credentials.source),
    ("reachable", bucket.reached),
    ("git remote", gittags.fetched),
)
LAST: tuple[tuple[str, Question], ...] = (("tags kept", gittags.kept),)


def examine(folder: Path, *, offline: bool = False, seconds: float = SECONDS) -> list[Finding]:
    """Every finding about the repository around `folder`, or about none; in their order.

    `offline`: without what only the network can say, which otherwise has `seconds` for all of it together.
    """
    place = placed(folder)
    waiting = [] if offline else [_Asked(name, question, place) for name, question in THERE]
    found = [one for name, question in HERE for one in _answers(name, question, place)]
    deadline = time.monotonic() + seconds
    for asked in waiting:
        found += asked.answers(deadline)
    found += [one for name, question in LAST for one in _answers(name, question, place)]
    return list({(one.state, one.found): one for one in reversed(found)}.values())[::-1]


def placed(folder: Path) -> Place:
    """The repositories around a folder."""
    top = around = None
    with contextlib.suppress(DataOpsError):
        top = root.find(folder)
    with contextlib.suppress(DataOpsError):
        around = git.of(top or folder)
    return Place(folder, top, around)


def _answers(name: str, question: Question, place: Place) -> Iterator[Finding]:
    """The findings; what can't be read, as a broken configuration, is one."""
    try:
        yield from question(place)
    except DataOpsError as error:
        yield Finding(name, "fail", error.message, error.hint)
    except OSError as error:
        yield Finding(name, "fail", str(error), "check its permissions")


class _Asked:
    """A question that is being answered by a thread, which may never come back."""

    def __init__(self, name: str, question: Question, place: Place) -> None:
        self._name = name
        self._found: list[Finding] = []
        self._done = False
        self._thread = threading.Thread(target=self._ask, args=(question, place), daemon=True)
        self._thread.start()

    def answers(self, deadline: float) -> list[Finding]:
        """What has come until then."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        found = list(self._found)
        if not self._done and not self._thread.is_alive():  # a bug, whose traceback the thread has printed
            found.append(
                Finding(self._name, "fail", "the question failed", "the traceback above belongs into a bug report")
            )
        elif not self._done:
            found.append(Finding(self._name, "fail", "no answer in time", "check the address, the network and proxies"))
        return found

    def _ask(self, question: Question, place: Place) -> None:
        for one in _answers(self._name, question, place):
            self._found.append(one)
        self._done = True
