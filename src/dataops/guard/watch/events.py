"""Where to look: what watchdog tells of the targets, gathered until the monitor has time."""

from __future__ import annotations

import logging
import os
import stat
import threading
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import ObservedWatch

from dataops.guard.watch.scan import Scope

COMPLAINING = ("watchdog", "py.warnings")  # loggers
# opening and reading is no change: without this list the monitor would hear of itself
KINDS: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]
MOST = 100_000  # paths that are remembered; with more of them, everything is looked at


class Inbox:
    """Paths that something happened to, each once; too many of them become "everywhere"."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._paths: set[str] = set()
        self._everything = False

    def add(self, *paths: str) -> None:
        """Something happened at these paths; both ends of a move come together."""
        with self._lock:
            if self._everything:
                return
            self._paths.update(paths)
            if len(self._paths) > self._most:
                self._overflowed()

    def everything(self) -> None:
        """Events were lost."""
        with self._lock:
            self._overflowed()

    def take(self) -> tuple[set[str], bool]:
        """What came since it was last asked, and whether everything must be looked at."""
        with self._lock:
            paths, everything = self._paths, self._everything
            self._paths, self._everything = set(), False
        return paths, everything

    def _overflowed(self) -> None:
        self._paths, self._everything = set(), True


class Observers:
    """A watch on every target that is a folder, renewed when another folder takes its place.

    Raises:
        OSError: the system allows no (further) watches.
    """

    def __init__(self, scope: Scope, inbox: Inbox) -> None:
        self._scope, self._inbox = scope, inbox
        self._observer = Observer()
        self._watches: dict[str, ObservedWatch] = {}
        self._places: dict[str, tuple[int, int, bool] | None] = {}  # what each target was, and whether a folder
        self._failure: BaseException | None = None
        self._complaints = _Complaints(inbox)
        self._hook = threading.excepthook

    def start(self) -> None:
        """Begin to listen."""
        threading.excepthook = self._failed
        logging.captureWarnings(True)  # it also warns as Python does, of a folder that is put back
        for name in COMPLAINING:
            log = logging.getLogger(name)
            log.addHandler(self._complaints)
            log.propagate = False
        self._observer.start()
        for target in self._scope.targets:
            self._renew(target)

    def stop(self) -> None:
        """Listen no more."""
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join()
        threading.excepthook = self._hook
        logging.captureWarnings(False)
        for name in COMPLAINING:
            logging.getLogger(name).removeHandler(self._complaints)

    def probe(self) -> None:
        """Could one more folder be watched? watchdog passes over those that can't.

        Raises:
            OSError: the system allows no further watch, so some folders are not watched.
        """
        place = self._scope.root / ".dvc"  # is there, and in no target
        self._observer.unschedule(self._observer.schedule(FileSystemEventHandler(), place, event_filter=KINDS))

    def check(self, scope: Scope) -> list[str]:
        """The targets that are no longer the folder that is watched, or are single files: look there.

        Raises:
            OSError: watchdog's own threads ended, as when the system allows no further watches.
        """
        if self._failure is not None:
            raise OSError(str(self._failure)) from self._failure
        self._scope = scope
        for target in set(self._watches) - set(scope.targets):
            self._drop(target)
        return [target for target in scope.targets if self._renew(target)]

    def _renew(self, target: str) -> bool:
        """Watch a target if it isn't; says whether that, or what it has become, is a reason to look there."""
        place = os.path.realpath(self._scope.full(target))
        try:
            info = Path(place).stat()
        except OSError:
            info = None
        folder = info is not None and stat.S_ISDIR(info.st_mode)
        now = None if info is None else (info.st_dev, info.st_ino, folder)
        changed = target not in self._places or self._places[target] != now or (folder and not self._listening(target))
        self._places[target] = now
        if changed or not folder:
            self._drop(target)
        if changed and folder:
            handler = _Handler(self._inbox, place, "" if target == "." else target)
            try:
                self._watches[target] = self._observer.schedule(handler, place, recursive=True, event_filter=KINDS)
            except (FileNotFoundError, NotADirectoryError):  # gone again
                self._places[target] = None
        return changed or (info is not None and not folder)  # a single file is looked at every time

    def _listening(self, target: str) -> bool:
        """Is the watch alive? It ends with its folder, and the next folder may get the same inode."""
        watch = self._watches.get(target)
        return any(emitter.watch == watch and emitter.is_alive() for emitter in self._observer.emitters)

    def _drop(self, target: str) -> None:
        watch = self._watches.pop(target, None)
        if watch is not None:
            self._observer.unschedule(watch)

    def _failed(self, failure: threading.ExceptHookArgs) -> None:
        """One of watchdog's threads ended by an error; ours hand theirs to the main thread."""
        self._failure = failure.exc_value or RuntimeError(failure.exc_type.__name__)


class _Handler(FileSystemEventHandler):
    """Puts what happens below one target into the inbox, named as the repository names it."""

    def __init__(self, inbox: Inbox, place: str, target: str) -> None:
        self._inbox, self._place, self._target = inbox, place, target

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Remember both ends."""
        self._inbox.add(*(self._named(os.fsdecode(path)) for path in (event.src_path, event.dest_path) if path))

    def _named(self, path: str) -> str:
        inner = path.removeprefix(self._place).strip("/")
        return "/".join(filter(None, (self._target, inner))) or "."


class _Complaints(logging.Handler):
    """Whatever watchdog warns of (the kernel's queue overflowed, a watch couldn't be rebuilt): look everywhere."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__(logging.WARNING)
        self._inbox = inbox

    def emit(self, record: logging.LogRecord) -> None:
        """Events may have been lost."""
        if record.levelno >= logging.WARNING:
            self._inbox.everything()
