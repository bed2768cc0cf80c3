"""Logs files that are created or modified under data/raw, data/processed and data/staging, as JSON lines.

As before it is .json, .csv, .parquet and .pkl that count, and where a file system tells of no changes (/mnt/c on WSL,
network drives) it looks every so often. What happened while nobody watched is told of at the next start. `dataops
watch` says more: moved and deleted files, and whether DVC has recorded them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from old import common

NEW = "`dataops watch`"
FOLDERS = ("data/raw", "data/processed", "data/staging")
SUFFIXES = (".json", ".csv", ".parquet", ".pkl")
LOG = Path(".dataops/data_changes.jsonl")
TOLD = {"created": "created", "moved": "created", "modified": "modified"}  # a rename into the folder is a new file


def parser() -> argparse.ArgumentParser:
    """It had no flags; these are new."""
    made = common.parser(__doc__ or "", NEW)
    made.add_argument("folders", nargs="*", metavar="PATH", help=f"instead of {', '.join(FOLDERS)}")
    made.add_argument("--poll", type=_seconds, metavar="SECONDS", help="look so often, for all changes")
    return made


def _seconds(text: str) -> float:
    from dataops.cli.watch import seconds

    return seconds(text)


def run(arguments: argparse.Namespace) -> int:
    """Watch until told to stop."""
    from dataops.cli.watch import stop_on_signals, within
    from dataops.guard.watch.journal import Journal
    from dataops.guard.watch.looking import Looks
    from dataops.guard.watch.monitor import Monitor, Options
    from dataops.repo import root

    top = root.find()
    folders = tuple(within(top, name) for name in arguments.folders) or FOLDERS
    options = Options(folders, outputs=False, suffixes=SUFFIXES, poll=arguments.poll)
    monitor = Monitor(top, options, Journal(top / LOG), _tell, common.say, Looks(common.say, arguments.poll))
    stop_on_signals(monitor)
    monitor.run()
    return 0


def _tell(lines: list[dict[str, Any]]) -> None:
    """The old line: when, what, which file."""
    for line in lines:
        if line["event"] in TOLD:
            old = {
                "timestamp": line["time"],
                "event_type": TOLD[line["event"]],
                "file_path": line["path"],
                "file_size": line["size"],
            }
            print(json.dumps(old), flush=True)


if __name__ == "__main__":
    common.main(parser(), NEW, run)
