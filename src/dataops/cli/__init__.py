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
from dataops.cli.commands import COMMANDS


def index() -> argparse.ArgumentParser:
    """Every command by its name alone, for `dataops --help`: no command's module is imported."""
    top, commands = _top()
    with _english():
        for name, (_, line) in COMMANDS.items():
            commands.add_parser(name, help=line)
    return top


def parser(*names: str) -> argparse.ArgumentParser:
    """The commands of these names (all) with their arguments, and what their modules have besides.

    Imports nothing that costs: a command imports what it needs when it runs.
    """
    top, commands = _top()
    with _english():
        for module in dict.fromkeys(COMMANDS[name][0] for name in names or COMMANDS):
            importlib.import_module(f"dataops.cli.{module}").register(commands)
    return top


def _top() -> tuple[argparse.ArgumentParser, argparse._SubParsersAction[argparse.ArgumentParser]]:
    top = argparse.ArgumentParser(
        prog="dataops",
        description="Data versions, gates and lineage for a DVC repository.",
        epilog="Exit status: 0 fine; 1 the answer is no; 2 the call or the environment is wrong.",
        allow_abbrev=False,
    )
    return top, top.add_subparsers(title="commands", metavar="COMMAND", required=True)


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
    if not words:
        index().print_help(sys.stderr)
        sys.exit(errors.WRONG)
    if words[0] in ("-h", "--help"):
        index().parse_args(words)
    arguments = parser(*[word for word in words[:1] if word in COMMANDS]).parse_args(words)
    errors.run(lambda: arguments.run(arns.named(arguments)))
