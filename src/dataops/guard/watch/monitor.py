"""The monitor itself: look, wait until it has settled, read, tell; until it is told to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataops.guard.watch import lines
from dataops.guard.watch.asked import Asked
from dataops.guard.watch.changes import Change, Changes, Known, Pending
from dataops.guard.watch.journal import Journal, State
from dataops.guard.watch.looking import Looks
from dataops.guard.watch.reading import Job, Readers, Result
from dataops.guard.watch.records import Records
from dataops.guard.watch.scan import Scope, at
from dataops.store.hashing import Hasher

TICK = 0.25  # seconds between two rounds, at most
SWEEP = 60.0  # seconds between two searches for new records of DVC's
CHECKPOINT = 1000  # lines, at least, before the state is saved in the midst of things
QUIET = 10.0  # seconds between two savings when nothing happens
GRACE = 10.0  # seconds that a stopping monitor waits for what is still being written or read
AHEAD_FILES, AHEAD_BYTES = 500, 64 << 20  # what is handed out to be read at once, of files that didn't change

Tell = Callable[[list[dict[str, Any]]], None]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What is watched, and how."""

    folders: tuple[str, ...]
    """POSIX, relative to the root."""
    outputs: bool = True
    """Also every output that DVC tracks."""
    suffixes: tuple[str, ...] = ()
    settle: float = 0.5
    """Seconds that a file must have been left alone."""
    poll: float | None = None
    """Seconds between two looks, instead of events; None: events, where the file system has them."""


@dataclass
class Monitor:
    """Watches the data of the repository at `root`.

    `tell` is given each batch of lines once they are in the log; `say` what the person at the terminal should know.
    """

    root: Path
    options: Options
    journal: Journal
    tell: Tell
    say: Say
    looks: Looks
    stopping: Asked = field(default_factory=Asked)
    hurry: Asked = field(default_factory=Asked)
    """Leave at once: what hasn't settled is found at the next start."""

    def run(self) -> None:
        """Watch until `stopping` is set, then tell of what settles within a few seconds and leave.

        Raises:
            DataOpsError: another monitor has the log, or it can't be written.
        """
        saved = self.journal.open()
        try:
            self._begin(saved)
            pause = min(TICK, self.options.settle / 2, self.options.poll or TICK)
            while not self.stopping.wait(pause):
                self._round()
            self._end(pause)
        finally:
            self.looks.stop()
            self.journal.close()

    def _begin(self, saved: State | None) -> None:
        self._records = Records(self.root)
        self._searched = time.monotonic()
        self._scope = self._scoped(saved.targets if saved and self._records.problems else ())
        self._readers = Readers(lambda: self._scope)
        self._changes = Changes(saved.known if saved else {}, self.options.settle)
        self._unread: list[str] = [path for path, one in self._changes.known.items() if one.hash is None]
        before = Scope(self.root, saved.targets, saved.suffixes) if saved else Scope(self.root, ())
        self.looks.start(self._scope)
        self._adopt(before, while_stopped=True)
        self._save()
        log = self.journal.path.absolute()
        named = log.relative_to(self.root) if log.is_relative_to(self.root) else log
        self.say(
            f"watching {', '.join(self._scope.targets) or 'nothing'} {self.looks.how}: "
            f"{len(self._changes.known):,} files; log {named}"
        )
        for problem in self._records.problems:
            self.say(f"warning: {problem}")

    def _round(self) -> None:
        """Look where something happened, and tell of what has settled."""
        self._refresh()
        looked = self.looks.look(self._scope, self._changes)
        told = [line for result in self._readers.done() if (line := self._taken(result))]
        if looked:
            told += self._decide()
        if told:
            self.tell(self.journal.append(told))
        self._ahead()
        self._keep()

    def _decide(self) -> list[dict[str, Any]]:
        """What has settled: told of, or given to be read."""
        now = time.monotonic()
        changes = self._changes
        ready = changes.settled(now)
        for path in (*changes.namesakes(), *ready):
            try:
                changes.notice(path, at(self._scope, path) if self._scope.shows(path) else None, now)
            except OSError:
                continue  # nobody can tell; it stays as it is
        settled = [path for path in ready if path in changes.pending and changes.pending[path].since < now]
        told, unread = changes.decide(settled, now)
        for path in unread:
            one = changes.pending[path]
            one.reading = True
            assert one.seen is not None
            self._readers.add(Job(path, one.seen, one, self._records.place(path).algorithm))
        return [self._line(change) for change in told]

    def _taken(self, result: Result) -> dict[str, Any] | None:
        """What a file that was read has to tell."""
        path, token = result.job.path, result.job.token
        digest = result.hasher.md5 if result.hasher else None
        if not isinstance(token, Pending):
            known = self._changes.known.get(path)
            if known is not None and known.seen == result.job.seen and not result.changed:
                self._changes.known[path] = Known(known.seen, known.size, digest)
            return None
        if result.changed:
            self._changes.again(path, token, time.monotonic())
            return None
        change = self._changes.read(path, token, digest)
        return self._line(change, result.hasher) if change else None

    def _line(self, change: Change, hasher: Hasher | None = None) -> dict[str, Any]:
        return lines.line(change, self._records.place(change.path), hasher)

    def _ahead(self) -> None:
        """Read some of the files that were there from the start, so that a mere touch of them will be known as one."""
        if not self._unread or self._changes.pending or self._readers.open:
            return
        files = amount = 0
        while self._unread and files < AHEAD_FILES and amount < AHEAD_BYTES:
            path = self._unread.pop()
            known = self._changes.known.get(path)
            if known is not None and known.seen is not None and known.hash is None:
                files, amount = files + 1, amount + known.size
                self._readers.add(Job(path, known.seen, None))

    def _refresh(self) -> None:
        """Read DVC's files again if they changed; what they newly track is watched from now on."""
        now = time.monotonic()
        if not (self._records.changed() or self.looks.records_touched() or now - self._searched > SWEEP):
            return
        self._records.read()
        self._searched = time.monotonic()
        rules, before = self._rules, self._scope
        self._scope = self._scoped(before.targets)
        if (before.targets, rules) != (self._scope.targets, self._rules):
            self.looks.start(self._scope)
            self._adopt(before)
            self._save()

    def _scoped(self, kept: Iterable[str]) -> Scope:
        """What is watched. What was (`kept`) stays so: a dvc.lock may be gone for a moment, as when git replaces it."""
        folders = self.options.folders
        self._rules = self._records.rules
        top = self.root.absolute()
        own = (path.absolute() for path in self.journal.companions())
        return Scope(
            self.root,
            self._records.targets((*folders, *kept)) if self.options.outputs else folders,
            self.options.suffixes,
            frozenset(path.relative_to(top).as_posix() for path in own if path.is_relative_to(top)),
            self._records.ignored,
        )

    def _adopt(self, before: Scope, *, while_stopped: bool = False) -> None:
        """Compare everything; what was not watched `before` is taken as it is, and what no longer is, forgotten."""
        changes = self._changes
        for path in [path for path in changes.known if not self._scope.shows(path)]:
            del changes.known[path]
            changes.pending.pop(path, None)
        found = self.looks.everything(self._scope, changes)
        for path in [path for path in found.files if path not in changes.known and not before.shows(path)]:
            seen = found.files.pop(path)
            changes.known[path] = Known(seen, seen.size, None)
            self._unread.append(path)
        self.looks.compare(changes, found, None, while_stopped=while_stopped)

    def _keep(self) -> None:
        """Save the state when enough was told, or when nothing happens."""
        number, when, unread = self._saved
        young = self.journal.number - number
        quiet = not self._changes.pending and not self._readers.open and time.monotonic() - when > QUIET
        enough = young >= max(CHECKPOINT, len(self._changes.known) // 10) or self.journal.full()
        if enough or (quiet and (young or unread != len(self._unread))):
            self._save()

    def _save(self) -> None:
        self.journal.save(State(self._changes.known, self._scope.targets, self._scope.suffixes))
        if self.journal.full():
            self.journal.rotate()
        self._saved = (self.journal.number, time.monotonic(), len(self._unread))

    def _end(self, pause: float) -> None:
        """Tell of what settles yet."""
        self._unread.clear()
        deadline = time.monotonic() + GRACE
        self.looks.hasten()
        self._round()
        while (self._changes.pending or self._readers.open) and time.monotonic() < deadline:
            if self.hurry.wait(pause):
                break
            self.looks.hasten()
            self._round()
        self._readers.stop()
        self._save()
