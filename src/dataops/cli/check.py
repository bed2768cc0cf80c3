"""`dataops check`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataops.cli.terminal import Help

if TYPE_CHECKING:
    from dataops.guard.check import Broken, Result

SHOWN = 10  # findings of one rule
EXAMPLES = """\
examples:
  dataops check                  what the pre-commit hook would say now
  dataops check --all            also of what is committed already, as CI asks
  dataops check --rules          every rule, and what goes wrong without it
  dataops check DATA003          one rule alone

A case that is meant to be so is allowed in pyproject.toml, with patterns as in .gitignore:
  [tool.dataops.guard]
  allow = {DATA001 = ["tests/**/*.csv"], DATA003 = ["data/scratch/"]}
"""


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "check",
        help="what the pre-commit hook runs: would this commit lose or leak data?",
        description="Check the commit that `git commit` would make now. It reads git and the work tree, "
        "never the network, and asks nothing. Exit status 1: a rule that blocks is broken; warnings leave it 0.",
        epilog=EXAMPLES,
        formatter_class=Help,
    )
    parser.add_argument("rules", nargs="*", metavar="RULE", help="only these, as DATA001")
    parser.add_argument("--all", action="store_true", help="also what is committed already")
    parser.add_argument("--rules", dest="listing", action="store_true", help="list the rules, and check nothing")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check, and say what was found; nothing when all is well."""
    from dataops.guard import check

    if arguments.listing:
        return _list(as_json=arguments.json)
    results = check.check(Path.cwd(), whole=arguments.all, only=arguments.rules)
    if arguments.json:
        from dataops.files import to_json

        print(
            to_json({"passed": not any(one.blocks for one in results), "roots": [one.as_json() for one in results]}),
            end="",
        )
    else:
        for one in results:
            _show(one)
    return 1 if any(one.blocks for one in results) else 0


def _list(*, as_json: bool) -> int:
    from dataops.guard.rules import RULES

    if as_json:
        from dataops.files import to_json

        print(to_json([{"rule": r.number, "title": r.title, "why": r.why, "blocks": r.blocks} for r in RULES]), end="")
        return 0
    for rule in RULES:
        print(f"{rule.number}  {'blocks' if rule.blocks else 'warns '}  {rule.title}\n{'':17}{rule.why}")
    return 0


def _show(result: Result) -> None:
    for broken in result.broken:
        _rule(broken)
    if result.broken:
        where = os.path.relpath(result.root)
        if where != ".":
            print(f"The commands are for {where}.")
    if result.blocks:
        print("Such a commit is refused. On purpose? [tool.dataops.guard] allow in pyproject.toml; `dataops check -h`.")


def _rule(broken: Broken) -> None:
    from dataops.cli.versiontext import line

    rule = broken.rule
    print(f"{rule.number} {'' if rule.blocks else 'warning: '}{rule.title}")
    for finding in broken.findings[:SHOWN]:
        print(f"  {line(finding.path)}: {line(finding.what)}")
        for command in finding.fix:
            print(f"      {line(command)}")
    if len(broken.findings) > SHOWN:
        print(f"  and {len(broken.findings) - SHOWN:,} more: `dataops check {rule.number} --json`")
