"""What arguments of several commands mean: paths, and the repository that a reading command is about."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from dataops.versions.context import Context


def path(text: str) -> Path:
    """An argument that is a path; pathlib is a tenth of what `dataops --help` imports."""
    from pathlib import Path

    return Path(text)


def repo(parser: argparse.ArgumentParser) -> None:
    """`--repo`, for what works on somebody's repository, too."""
    parser.add_argument("--repo", metavar="URL", help="somebody's git repository: a URL or path, or URL#FOLDER")


def opened(arguments: argparse.Namespace) -> Context:
    """The repository of `--repo`, else the one around the current folder."""
    from dataops.versions import context

    return context.there(arguments.repo) if arguments.repo else context.here()
