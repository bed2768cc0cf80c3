"""The options that every reading command has, and the repository that they mean."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataops.versions.context import Context


def repo(parser: argparse.ArgumentParser) -> None:
    """`--repo`, for what works on somebody's repository, too."""
    parser.add_argument("--repo", metavar="URL", help="somebody's git repository: a URL or path, or URL#FOLDER")


def opened(arguments: argparse.Namespace) -> Context:
    """The repository of `--repo`, else the one around the current folder."""
    from dataops.versions import context

    return context.there(arguments.repo) if arguments.repo else context.here()
