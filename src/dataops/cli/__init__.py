"""The `dataops` command: arguments and printing, nothing else. One file a group of commands."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from dataops import errors
from dataops.cli import (
    adopt,
    arns,
    check,
    compare,
    gc,
    get,
    ingest,
    lineage,
    publish,
    release,
    remote,
    reproduce,
    store,
    train,
    verify,
    versions,
)

GROUPS = (
    *(adopt, check, compare, gc, get, ingest, lineage, publish, release, remote, reproduce, store, train, verify),
    versions,
)


def parser() -> argparse.ArgumentParser:
    """Every command with its arguments. Imports nothing that costs: a command imports what it needs when it runs."""
    top = argparse.ArgumentParser(
        prog="dataops",
        description="Data versions, gates and lineage for a DVC repository.",
        epilog="Exit status: 0 fine; 1 the answer is no; 2 the call or the environment is wrong.",
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for group in GROUPS:
        group.register(commands)
    return top


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit status."""
    arguments = parser().parse_args(argv)
    errors.run(lambda: arguments.run(arns.named(arguments)))
