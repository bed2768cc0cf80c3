"""What changed since when, out of the log, and what of it DVC doesn't know yet."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dataops.errors import DataOpsError
from dataops.guard.watch import journal, records
from dataops.repo.git import Git

AGE = re.compile(r"(\d{1,6})([smhdw])")
DEPTH = 2  # folders of a path that untracked files are told of by, as data/raw
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass
class Group:
    """What became of one output's files, or of one folder's that DVC doesn't track."""

    name: str
    artifact: str | None = None
    tracked: bool = False
    created: int = 0
    modified: int = 0
    moved: int = 0
    deleted: int = 0
    bytes: int = 0
    """Of what was created, modified or moved, as it is now."""
    deleted_bytes: int = 0
    unrecorded: int = 0
    """Changes that DVC has not recorded: `dvc add` or `dvc repro` does."""
    unknown: int = 0
    """Changes of which nobody can tell: DVC's list of the folder's files is not in the cache."""


@dataclass
class Summary:
    """What the log says since a moment; several changes of a file are one."""

    since: str | None
    """UTC; None: from its beginning."""
    first: str | None
    """The time of the first line that counts; None where there is none."""
    last: str | None
    running: bool
    """Is a monitor writing the log now? If not, what changed since `last` isn't in it."""
    groups: list[Group]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


@dataclass
class _Fate:
    """A file that lies somewhere now, or did."""

    origin: str | None
    """Where it was before the first line; None: it wasn't."""
    before: object
    """Its md5 then."""
    hash: object
    size: int


@dataclass
class _Fates:
    """Every file that a line is about."""

    live: dict[str, _Fate] = field(default_factory=dict)
    gone: dict[str, _Fate] = field(default_factory=dict)

    def take(self, line: Mapping[str, Any]) -> None:
        """The next line."""
        event, path = line["event"], str(line.get("path"))
        size = line["size"] if isinstance(line.get("size"), int) else 0
        now = line.get("hash")
        if event == "deleted":
            fate = self._from(path, now, size)
            if fate.origin is not None:
                self.gone[fate.origin] = fate
            return
        if event == "moved":
            fate = self._from(str(line.get("from")), now, size)
        elif path in self.live:
            fate = self.live[path]
        elif event == "modified":
            fate = _Fate(path, line.get("was"), now, size)
        else:
            fate = self.gone.pop(path) if path in self.gone else _Fate(None, None, now, size)
        fate.hash, fate.size = now, size
        self.live[path] = fate

    def _from(self, path: str, digest: object, size: int) -> _Fate:
        """The file that leaves `path`; it had this hash and size."""
        return self.live.pop(path) if path in self.live else _Fate(path, digest, digest, size)


def summarize(root: Path, log: Path, since: str | None = None) -> Summary:
    """What the log at `log` says of the repository at `root`.

    `since`: an age (`2h`), a day or a time (UTC), or whatever names a version.

    Raises:
        DataOpsError: there is no log, or nobody knows when `since` is.
    """
    start = None if since is None else moment(root, since)
    if not log.exists():
        raise DataOpsError(f"{log} doesn't exist: nothing was watched yet", "`dataops watch` starts it")
    fates = _Fates()
    times: list[str] = []
    for line in journal.lines(log):
        time = _time(line.get("time"))
        if time is not None and (start is None or time >= start):
            times = [times[0] if times else line["time"], line["time"]]
            fates.take(line)
    first, last = (times[0], times[-1]) if times else (None, None)
    groups = _grouped(fates, records.Records(root))
    return Summary(_text(start), first, last, journal.running(log), groups)


def moment(root: Path, text: str) -> dt.datetime:
    """The time that `text` means.

    Raises:
        DataOpsError: it means none.
    """
    if found := AGE.fullmatch(text.strip()):
        return dt.datetime.now(dt.UTC) - dt.timedelta(**{UNITS[found[2]]: int(found[1])})
    try:
        time = dt.datetime.fromisoformat(text.strip())
        return time.replace(tzinfo=dt.UTC) if time.tzinfo is None else time.astimezone(dt.UTC)
    except ValueError:
        pass
    from dataops.repo import git
    from dataops.versions.context import Context

    target = Context(git.of(root), root, git.prefix(root)).resolve(text)
    return target.version.time if target.version else _committed(git.of(root), target.commit)


def _committed(of: Git, commit: str) -> dt.datetime:
    return dt.datetime.fromtimestamp(int(of.out("show", "-s", "--format=%ct", commit)), dt.UTC)


def _grouped(fates: _Fates, recorded: records.Records) -> list[Group]:
    """By output, else by folder; whatever came to nothing is left out."""
    groups: dict[str, Group] = {}
    for path, fate in sorted(fates.live.items()):
        kind = _kind(path, fate)
        if kind is not None:
            group, place = _group(groups, recorded, path)
            setattr(group, kind, getattr(group, kind) + 1)
            group.bytes += fate.size
            digest = fate.hash if isinstance(fate.hash, str) else None
            _count(group, place.agrees(digest), tracked=place.output is not None)
    for path, fate in sorted(fates.gone.items()):
        group, place = _group(groups, recorded, path)
        group.deleted += 1
        group.deleted_bytes += fate.size
        if place.output is not None:
            _count(group, place.agrees(None, gone=True), tracked=True)
    return sorted(groups.values(), key=lambda group: (not group.tracked, group.name))


def _kind(path: str, fate: _Fate) -> str | None:
    if fate.origin is None:
        return "created"
    if fate.origin != path:
        return "moved"
    return "modified" if fate.hash != fate.before or fate.hash is None else None


def _group(groups: dict[str, Group], recorded: records.Records, path: str) -> tuple[Group, records.Place]:
    place = recorded.place(path)
    name = place.output.path if place.output else "/".join(path.split("/")[:-1][:DEPTH]) or "."
    group = groups.setdefault(name, Group(name, place.artifact, place.output is not None))
    return group, place


def _count(group: Group, agrees: bool | None, *, tracked: bool) -> None:
    if agrees is None and tracked:
        group.unknown += 1
    elif not agrees:
        group.unrecorded += 1


def _time(text: object) -> dt.datetime | None:
    try:
        time = dt.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return time if time.tzinfo else None


def _text(time: dt.datetime | None) -> str | None:
    return None if time is None else time.isoformat(timespec="seconds").replace("+00:00", "Z")
