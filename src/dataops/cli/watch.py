"""`dataops watch`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from dataops.cli import options
from dataops.cli.terminal import Help

if TYPE_CHECKING:
    from pathlib import Path

    from dataops.guard.watch.monitor import Monitor

DETAILS = """\
What is watched: the folders given, else those of [tool.dataops.guard] folders and every output that DVC tracks. A
file is told of when it has been left alone for the settle time: created, modified, moved or deleted, with its md5, the
output and artifact that it belongs to, and whether that is what dvc.lock or the .dvc file records. What happened while
nobody watched is found at the next start. The log is .dataops/watch.jsonl, one JSON object a line.

examples:
  dataops watch                          on a terminal a readable line a change, in a pipe JSON
  dataops watch data/raw --suffix .csv   only these
  dataops watch --poll 5                 look every 5 s, where a file system tells of no changes
  dataops watch --summary --since 2h     what changed, and what of it DVC doesn't know yet
"""


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "watch",
        description="Log every change of the data, as it happens and since it last ran.",
        epilog=DETAILS,
        formatter_class=Help,
    )
    parser.add_argument("folders", nargs="*", metavar="PATH", help="what to watch instead of the configured folders")
    parser.add_argument("--suffix", action="append", default=[], metavar=".CSV", help="only such files (repeatable)")
    parser.add_argument("--settle", type=seconds, default=0.5, metavar="SECONDS", help="left alone so long (0.5)")
    parser.add_argument(
        "--poll", nargs="?", type=seconds, const=2.0, metavar="SECONDS", help="look every so often (2) for all changes"
    )
    parser.add_argument("--log", type=options.path, metavar="FILE", help="the log (.dataops/watch.jsonl)")
    parser.add_argument("--summary", action="store_true", help="say what the log has, and end")
    parser.add_argument("--since", metavar="WHEN", help="with --summary: 2h, 7d, 2024-01-15, a UTC time, or a version")
    parser.add_argument("--json", action="store_true", help="JSON, also on a terminal")
    parser.set_defaults(run=run)


def seconds(text: str) -> float:
    """A duration that is neither nothing nor a day."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.05 <= value <= 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0.05 to 86400")
    return value


def run(arguments: argparse.Namespace) -> int:
    """Watch until told to stop; or summarize."""
    from dataops.errors import DataOpsError
    from dataops.guard.watch import journal

    if arguments.since and not arguments.summary:
        raise DataOpsError("--since goes with --summary")
    from dataops.repo import root

    top = root.find()
    log = arguments.log or top / journal.DEFAULT
    if arguments.summary:
        return _summarize(arguments, top, log)
    return _watch(arguments, top, log)


def _watch(arguments: argparse.Namespace, top: Path, log: Path) -> int:
    from dataops.guard.watch.journal import Journal
    from dataops.guard.watch.looking import Looks
    from dataops.guard.watch.monitor import Monitor, Options

    folders = tuple(within(top, name) for name in arguments.folders) or _configured(top)
    suffixes = tuple(name.lower() if name.startswith(".") else f".{name.lower()}" for name in arguments.suffix)
    options = Options(folders, not arguments.folders, suffixes, arguments.settle, arguments.poll)
    readable = sys.stdout.isatty() and not arguments.json
    tell = _tell_people if readable else _tell_programs
    monitor = Monitor(top, options, Journal(log), tell, _say, Looks(_say, arguments.poll))
    stop_on_signals(monitor)
    monitor.run()
    return 0


def _configured(top: Path) -> tuple[str, ...]:
    from dataops import settings

    return tuple(settings.load(top).guard.folders)


def within(top: Path, name: str) -> str:
    """A path as the repository names it; links in it are not resolved.

    Raises:
        DataOpsError: it lies elsewhere.
    """
    from pathlib import Path

    from dataops.errors import DataOpsError

    path = Path(os.path.normpath(Path.cwd() / name))
    if path.is_relative_to(top):
        return path.relative_to(top).as_posix()
    raise DataOpsError(f"{name} is not inside {top}", "what lies elsewhere belongs to another repository")


def stop_on_signals(monitor: Monitor) -> None:
    """The first SIGTERM or SIGINT ends it when everything has settled, the second at once."""

    def stop(_signal: int, _frame: object) -> None:
        if monitor.stopping.is_set():
            monitor.hurry.set()
        monitor.stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _tell_programs(lines: list[dict[str, Any]]) -> None:
    import json

    print("\n".join(map(json.dumps, lines)), flush=True)


def _tell_people(lines: list[dict[str, Any]]) -> None:
    from dataops.cli.watchtext import told

    print("\n".join(map(told, lines)), flush=True)


def _say(text: str) -> None:
    from dataops.cli.versiontext import line

    print(line(text), file=sys.stderr, flush=True)


def _summarize(arguments: argparse.Namespace, top: Path, log: Path) -> int:
    from dataops.cli import watchtext
    from dataops.files import to_json
    from dataops.guard.watch import summary

    found = summary.summarize(top, log, arguments.since)
    print(to_json(found.as_json()) if arguments.json else watchtext.summary(found), end="" if arguments.json else "\n")
    return 0
