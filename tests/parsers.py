"""What is in a parser, for tests that walk through the commands."""

from __future__ import annotations

import argparse
from collections.abc import Iterator


def commands(top: argparse.ArgumentParser, prefix: str = "dataops") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command that does something, with its parser."""
    inner = [action for action in top._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield prefix, top
    for action in inner:
        for name, child in action.choices.items():
            yield from commands(child, f"{prefix} {name}")
