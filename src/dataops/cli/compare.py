"""`dataops compare`: what differs between two versions."""

from __future__ import annotations

import argparse
from typing import Any

from dataops.cli import options
from dataops.cli.terminal import Help

EXAMPLES = """\
examples:
  dataops compare v1.0.0 v1.1.0
  dataops compare latest HEAD --rows          what a release would be, from the data
  dataops compare model@v1.0.0 model@v1.1.0 --json
  dataops compare v1.0.0 latest --markdown >> "$GITHUB_STEP_SUMMARY"
"""


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "compare",
        description="Files, rows, bytes, columns, what the keys cover, and every column's statistics, out of the cards "
        "and profiles in git. No data is fetched, but with --rows.",
        epilog=EXAMPLES,
        formatter_class=Help,
    )
    parser.add_argument("old", metavar="A", help="v1.0.0, latest, dataset@v1.0.0, a date, a git revision, …")
    parser.add_argument("new", metavar="B", help="the same of the other; a bare name means A's artifact")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument("--markdown", action="store_true", help="for a pull request, long lists folded")
    parser.add_argument("--rows", action="store_true", help="fetch both and compare row by row")
    options.repo(parser)
    parser.add_argument("--remote", metavar="NAME", help="the DVC remote (the default one)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare and print."""
    from dataops.cli import comparetext
    from dataops.cli.terminal import progress
    from dataops.files import to_json
    from dataops.versions.compare import compare

    context = options.opened(arguments)
    with progress() as show:
        found = compare(
            context, arguments.old, arguments.new, rows=arguments.rows, remote=arguments.remote, progress=show
        )
    if arguments.json:
        print(to_json(found.as_json()), end="")
    else:
        print((comparetext.markdown if arguments.markdown else comparetext.table)(found.facts), end="")
    return 0
