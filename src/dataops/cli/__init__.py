"""The `dataops` command: arguments and printing, nothing else. One file a group of commands."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Sequence

from dataops import errors
from dataops.cli import arns

GROUPS = (
    *(
        "adopt",
        "check",
        "compare",
        "doctor",
        "drift",
        "gc",
        "get",
        "hook",
        "importing",
        "ingest",
        "lineage",
        "publish",
        "release",
        "remote",
        "reproduce",
        "store",
    ),
    *("train", "verify", "versions", "watch"),
)  # modules here; most hold the command of their own name


def parser(asked: str | None = None) -> argparse.ArgumentParser:
    """Every command with its arguments. Imports nothing that costs: a command imports what it needs when it runs.

    `asked`: where that is a command with a module of its own, no other: hooks run one at every commit.
    """
    top = argparse.ArgumentParser(
        prog="dataops",
        description="Data versions, gates and lineage for a DVC repository.",
        epilog="Exit status: 0 fine; 1 the answer is no; 2 the call or the environment is wrong.",
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    with _english():
        for group in (asked,) if asked in GROUPS else GROUPS:
            importlib.import_module(f"dataops.cli.{group}").register(commands)
    return top


@contextlib.contextmanager
def _english() -> Iterator[None]:
    """argparse looks up the translation of its own words anew for every parser, in four folders: half of a start."""
    before = os.environ.get("LANGUAGE")
    os.environ["LANGUAGE"] = "C"
    try:
        yield
    finally:
        del os.environ["LANGUAGE"]
        if before is not None:
            os.environ["LANGUAGE"] = before


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    arguments = parser(words[0] if words else None).parse_args(words)
    errors.run(lambda: arguments.run(arns.named(arguments)))
