"""Which changes have settled: what is known of every file against what was seen of it, and for how long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dataops.guard.watch.scan import Seen

Identity = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Known:
    """A file as it was last told of."""

    seen: Seen | None
    """None where only its hash is known, as after a restart."""
    size: int
    hash: str | None
    """None until it was read, or where it can't be (a link that leads nowhere)."""


@dataclass(frozen=True, slots=True)
class Change:
    """One settled change."""

    event: str
    """created, modified, moved or deleted."""
    path: str
    size: int
    """Bytes; of a deleted file those that it had."""
    hash: str | None
    """md5; of a deleted file the one it had."""
    source: str | None = None
    """Where a moved file was."""
    was: str | None = None
    """The md5 before, of a modified or moved one."""
    while_stopped: bool = False
    """It happened before the monitor was started."""


@dataclass(slots=True, eq=False)
class Pending:
    """Something that was seen and differs from what is known."""

    seen: Seen | None
    """None: there is no file any more."""
    since: float
    """Seconds of a clock that never runs backwards, when it was first seen like this."""
    while_stopped: bool = False
    reading: bool = False
    asked: bool = False
    """Were the other names of its bytes looked for?"""


class Changes:
    """Every file's last known state, and what is not settled yet."""

    def __init__(self, known: dict[str, Known], settle: float) -> None:
        self.known = known
        self.pending: dict[str, Pending] = {}
        self._settle = settle
        self._fleeting: dict[Identity, float] = {}
        """What was seen somewhere new and is gone from there, and when: on its way to a third place, maybe."""

    def notice(self, path: str, seen: Seen | None, now: float, *, while_stopped: bool = False) -> None:
        """A look at `path` found this."""
        known = self.known.get(path)
        if seen == (known.seen if known else None) and (seen is not None or known is None):
            before = self.pending.pop(path, None)
            if before is not None and before.seen is not None and seen is None:
                self._fleeting[before.seen.identity] = now
            return
        before = self.pending.get(path)
        if before is None or before.seen != seen:
            self.pending[path] = Pending(seen, now, while_stopped or (before is not None and before.while_stopped))

    def namesakes(self) -> list[str]:
        """Known files that are the same bytes as one that was seen changed: hard links, and links to it.

        No event tells of them. Each sight of a change is asked about once.
        """
        new = [one for one in self.pending.values() if one.seen is not None and not one.asked]
        inodes = {inode for one in new if one.seen for inode in (one.seen.inode, one.seen.target) if inode > 0}
        for one in new:
            one.asked = True
        if not inodes:
            return []
        same = (
            path
            for path, one in self.known.items()
            if one.seen and not inodes.isdisjoint((one.seen.inode, one.seen.target))
        )
        return [path for path in same if path not in self.pending]

    def settled(self, now: float) -> list[str]:
        """The paths that have not changed for the settle time, as far as was looked."""
        return [path for path, one in self.pending.items() if not one.reading and now - one.since >= self._settle]

    def decide(self, paths: Iterable[str], now: float) -> tuple[list[Change], list[str]]:
        """The changes that need no reading, and the paths that must be read first; `paths` have settled."""
        told, unread = [], []
        patience = 2 * self._settle + 1
        self._fleeting = {one: since for one, since in self._fleeting.items() if now - since < patience}
        coming = {one.seen.identity for one in self.pending.values() if one.seen} | set(self._fleeting)
        gone = self._gone()
        for path in paths:
            one = self.pending.get(path)
            if one is None:  # the source of a move that was told of just now
                continue
            known = self.known.get(path)
            if one.seen is None:
                moving = known is not None and known.seen is not None and known.seen.identity in coming
                if not moving:
                    told.append(self._deleted(path, one))
                continue
            source = _taken(gone, one.seen, self.known)
            if source is not None and self.known[source].hash is not None:
                told.append(self._moved(path, one, source))
            else:
                unread.append(path)
        return told, unread

    def read(self, path: str, one: Pending, digest: str | None) -> Change | None:
        """The change that reading `path` made certain; None where the bytes are the known ones after all."""
        if self.pending.get(path) is not one or one.seen is None:
            return None
        known = self.known.get(path)
        source = next((gone for gone in self._gone().get(one.seen.identity, ()) if gone != path), None)
        if source is not None:
            return self._moved(path, one, source, digest)
        del self.pending[path]
        self.known[path] = Known(one.seen, one.seen.size, digest)
        if known is None:
            return Change("created", path, one.seen.size, digest, while_stopped=one.while_stopped)
        unread = known.hash is None and known.seen is not None and known.seen.identity == one.seen.identity
        if unread or (known.hash == digest and (digest is not None or known.seen is None)):
            return None  # the former: it was never read, and no more than its mode or its number of links has changed
        return Change("modified", path, one.seen.size, digest, was=known.hash, while_stopped=one.while_stopped)

    def again(self, path: str, one: Pending, now: float) -> None:
        """It changed while it was read: it has to settle again."""
        if self.pending.get(path) is one:
            self.pending[path] = Pending(one.seen, now, one.while_stopped)

    def _gone(self) -> dict[Identity, list[str]]:
        """Files that are known and not there any more."""
        gone: dict[Identity, list[str]] = {}
        for path, one in self.pending.items():
            known = self.known.get(path)
            if one.seen is None and known is not None and known.seen is not None:
                gone.setdefault(known.seen.identity, []).append(path)
        return gone

    def _deleted(self, path: str, one: Pending) -> Change:
        del self.pending[path]
        known = self.known.pop(path)
        return Change("deleted", path, known.size, known.hash, while_stopped=one.while_stopped)

    def _moved(self, path: str, one: Pending, source: str, digest: str | None = None) -> Change:
        assert one.seen is not None
        replaced = self.known.get(path)
        before = self.known.pop(source)
        self.pending.pop(source, None)
        self.pending.pop(path, None)
        self.known[path] = Known(one.seen, one.seen.size, before.hash or digest)
        was = replaced.hash if replaced else None
        return Change("moved", path, one.seen.size, before.hash or digest, source, was, one.while_stopped)


def _taken(gone: dict[Identity, list[str]], seen: Seen, known: Mapping[str, Known]) -> str | None:
    """A vanished file that this one is; each is given away once."""
    places = gone.get(seen.identity)
    while places:
        place = places.pop(0)
        if place in known:
            return place
    return None


def replayed(known: dict[str, Known], lines: Iterable[Mapping[str, object]]) -> None:
    """Bring `known` forward by lines of the log that are younger than it."""
    for line in lines:
        path, source, size, digest = line.get("path"), line.get("from"), line.get("size"), line.get("hash")
        if not isinstance(path, str):
            continue
        if isinstance(source, str):
            known.pop(source, None)
        if line.get("event") == "deleted":
            known.pop(path, None)
        else:
            bytes_ = size if isinstance(size, int) else 0
            known[path] = Known(None, bytes_, digest if isinstance(digest, str) else None)
