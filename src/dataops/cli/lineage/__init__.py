"""`dataops lineage`: which data made this, and what did that data reach. One file an action."""

from __future__ import annotations

import argparse
from typing import Any, Protocol

from dataops.cli.lineage import diff, export, graph, impact, listing, record, trace


class Action(Protocol):
    """A module with one action of the command."""

    def register(self, actions: argparse._SubParsersAction[Any]) -> None:
        """Add it."""


ACTIONS: tuple[Action, ...] = (trace, impact, record, listing, diff, graph, export)


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command with its actions."""
    parser = commands.add_parser(
        "lineage",
        description="Read from git's tags and dvc.lock alone: nothing was recorded for it, no network is needed.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for action in ACTIONS:
        action.register(actions)
