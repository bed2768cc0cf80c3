"""Where the monitor looks, and when: where an event came from, everywhere now and then, or everywhere all the time."""

from __future__ import annotations

import itertools
import posixpath
import time
from collections.abc import Callable, Sequence

from dataops.guard.watch import mounts, scan
from dataops.guard.watch.changes import Changes
from dataops.guard.watch.events import MOST, Inbox, Observers
from dataops.guard.watch.scan import Found, Scope
from dataops.repo import recorded

POLL = 2.0  # seconds between two looks at everything, where there are no events
SWEEP = 60.0  # seconds between two looks at everything, where there are: for what no event told of
SHARE = 4  # looking at everything takes at most one part in so many of the time
PROBE = 5.0  # seconds between two questions whether new folders can still be watched
FOLDERS = 50  # with more folders to look at than this, everything is


class Looks:
    """Compares what is there with what is known.

    `poll`: seconds between two looks at everything, instead of events; None: events, where the file system has them.
    `most`: paths whose events are kept apart; with more of them, everything is looked at.
    """

    def __init__(self, say: Callable[[str], None], poll: float | None = None, most: int = MOST) -> None:
        self._say = say
        self._poll = poll
        self._inbox = Inbox(most)
        self._observers: Observers | None = None
        self._next = 0.0  # when everything is looked at
        self._records = False
        self._grown, self._probed = False, 0.0

    @property
    def how(self) -> str:
        """In words."""
        return "by events" if self._poll is None else f"every {self._poll:g} s"

    def start(self, scope: Scope) -> None:
        """Listen to the targets, unless one of them is where nothing can be heard."""
        if self._poll is not None:
            return
        silent = {target: kind for target in scope.targets if (kind := mounts.silent(scope.root / target))}
        if silent:
            target, kind = next(iter(silent.items()))
            self._give_up(f"{target} is on {kind}, which tells of no changes")
            return
        try:
            if self._observers is None:
                self._observers = Observers(scope, self._inbox)
                self._observers.start()
            self._observers.check(scope)
            self._observers.probe()
        except OSError as error:
            self._give_up(f"the system gives no events ({error.strerror or error})")

    def stop(self) -> None:
        """Listen no more."""
        if self._observers is not None:
            self._observers.stop()
            self._observers = None

    def hasten(self) -> None:
        """Look at everything, next time."""
        self._next = 0.0

    def records_touched(self) -> bool:
        """Did an event name one of DVC's own files since this was last asked?"""
        touched, self._records = self._records, False
        return touched

    def look(self, scope: Scope, changes: Changes) -> bool:
        """Look where it is time to; says whether changes may be told of now.

        Without events only a look at everything shows both ends of a move, so nothing settles between two of them.
        """
        paths, everything = self._inbox.take()
        paths |= self._renewed(scope)
        if everything:
            self._say("more happened than events could tell of: looking at everything")
        self._records |= any(recorded.is_dvc(path) for path in paths)
        if everything or time.monotonic() >= self._next:
            self.compare(changes, self.everything(scope, changes), None)
            return True
        self._some(scope, changes, paths)
        return self._poll is None

    def everything(self, scope: Scope, changes: Changes) -> Found:
        """Every file of every target."""
        begun = time.monotonic()
        found = Found()
        for target in scope.targets:
            one = scan.look(scope, target, changes.known)
            found.files |= one.files
            found.unreadable += one.unreadable
        now = time.monotonic()
        self._next = now + max(SWEEP if self._poll is None else self._poll, SHARE * (now - begun))
        return found

    def compare(
        self, changes: Changes, found: Found, folders: Sequence[str] | None, *, while_stopped: bool = False
    ) -> None:
        """Notice what was found, and that whatever else is known below `folders` (None: anywhere) is gone."""
        now = time.monotonic()
        for path, seen in found.files.items():
            changes.notice(path, seen, now, while_stopped=while_stopped)
        unreadable = _below(found.unreadable)
        below = None if folders is None else _below(folders)
        if below == ():
            return
        for path in [*itertools.chain(changes.known, changes.pending)]:
            absent = path not in found.files and (below is None or path.startswith(below))
            if absent and path not in found.unreadable and not path.startswith(unreadable):
                changes.notice(path, None, now, while_stopped=while_stopped)

    def _some(self, scope: Scope, changes: Changes, paths: set[str]) -> None:
        """Look at these paths."""
        found, folders, gone = Found(), [], []
        now = time.monotonic()
        for path in paths:
            one = scan.look(scope, path, changes.known)
            found.files |= one.files
            found.unreadable += one.unreadable
            if path not in one.files and not one.unreadable and (path in changes.known or path in changes.pending):
                changes.notice(path, None, now)
            elif one.folder:
                folders.append(path)
            elif not one.files and not one.unreadable:
                gone.append(path)
            self._grown |= one.folder
            if one.folder and path in changes.known:  # a folder took a file's place
                folders.append(path)
        if gone:
            were = _folders(changes)
            folders += [path for path in gone if path in were]
        if len(folders) > FOLDERS:
            self.compare(changes, self.everything(scope, changes), None)
        else:
            self.compare(changes, found, folders)

    def _renewed(self, scope: Scope) -> set[str]:
        """The targets that must be looked at because they are new, or no folders; polls if they can't be watched."""
        if self._observers is None:
            return set()
        now = time.monotonic()
        try:
            if self._grown and now - self._probed > PROBE:
                self._grown, self._probed = False, now
                self._observers.probe()
            return set(self._observers.check(scope))
        except OSError as error:
            self._give_up(f"the system gives no further events ({error.strerror or error})")
            return set()

    def _give_up(self, reason: str) -> None:
        """Poll from now on."""
        self.stop()
        self._poll, self._next = POLL, 0.0
        self._say(f"{reason}: looking at everything every {POLL:g} s instead (--poll SECONDS sets that)")


def _below(folders: Sequence[str]) -> tuple[str, ...]:
    """What paths below these folders begin with."""
    return tuple("" if folder == "." else f"{folder}/" for folder in folders)


def _folders(changes: Changes) -> set[str]:
    """Every folder that holds something known."""
    folders: set[str] = set()
    for path in itertools.chain(changes.known, changes.pending):
        parent = posixpath.dirname(path)
        while parent and parent not in folders:
            folders.add(parent)
            parent = posixpath.dirname(parent)
    return folders
