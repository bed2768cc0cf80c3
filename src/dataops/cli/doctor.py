"""`dataops doctor`."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import TYPE_CHECKING, Any

from dataops.cli.terminal import Help

if TYPE_CHECKING:
    from dataops.guard.doctor.finding import Finding, State

MARKS = {"ok": "ok", "warn": "WARN", "fail": "FAIL", "unknown": "?"}
DETAILS = """\
Exit status 0 when nothing fails, 1 when something does. What the network is asked, side by side and for seconds: the
git remote for its tags; DVC's remote for a listing, its encryption and versioning, and to take a small object, which
is removed again.

examples:
  dataops doctor
  dataops doctor --offline        only what this machine knows
"""


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "doctor",
        description="One line for each thing that has to be in place, with the command that puts it right.",
        epilog=DETAILS,
        formatter_class=Help,
    )
    parser.add_argument("--offline", action="store_true", help="ask nothing of the network")
    parser.add_argument("--json", action="store_true", help="the findings as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Ask, and say what was found."""
    from dataclasses import asdict
    from pathlib import Path

    from dataops.files import to_json
    from dataops.guard.doctor.examine import examine

    found = examine(Path.cwd(), offline=arguments.offline)
    states = Counter(one.state for one in found)
    if arguments.json:
        print(to_json({"fine": not states["fail"], "findings": [asdict(one) for one in found]}), end="")
    else:
        _show(found, states)
    return 1 if states["fail"] else 0


def _show(found: list[Finding], states: Counter[State]) -> None:
    from dataops.cli.versiontext import line

    for one in found:
        print(f"{MARKS[one.state]:4}  {one.name:13}  {line(one.found)}")
        if one.fix:
            print(f"{'':4}  {'':13}  -> {line(one.fix)}")
    print(f"{states['ok']} ok, {states['warn']} to look at, {states['fail']} wrong")
