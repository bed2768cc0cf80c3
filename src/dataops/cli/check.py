"""`dataops check`."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from dataops.cli.terminal import Help
from dataops.cli.versiontext import line

if TYPE_CHECKING:
    from dataops.guard.check import Broken, Result

SHOWN = 10  # findings of one rule
EXAMPLES = """\
examples:
  dataops check                  what the pre-commit hook would say now
  dataops check --all            also of what is committed already, as CI asks
  dataops check --rules          every rule, and what goes wrong without it
  dataops check DATA003          one rule alone

A case that is meant to be so is added to the table in pyproject.toml, by patterns as in .gitignore:
  [tool.dataops.guard]
  allow = {DATA001 = ["tests/**/*.csv"], DATA003 = ["data/scratch/"]}
"""


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "check",
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
    from pathlib import Path

    from dataops.guard import check

    if arguments.listing:
        return _list(as_json=arguments.json)
    results = check.check(Path.cwd(), whole=arguments.all, only=[one.upper() for one in arguments.rules])
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
    from dataops.guard.rules import PUSH, RULES

    rows = [(rule.number, rule.title, rule.why, rule.blocks) for rule in RULES] + [(*PUSH, True)]
    if as_json:
        from dataops.files import to_json

        print(to_json([dict(zip(("rule", "title", "why", "blocks"), row, strict=True)) for row in rows]), end="")
        return 0
    for number, title, why, blocks in rows:
        verb = "warns" if not blocks else "blocks" if number != PUSH[0] else "a push"
        print(f"{number}  {verb:6}  {title}\n{'':17}{why}")
    return 0


def _show(result: Result) -> None:
    from pathlib import Path

    for broken in result.broken:
        _rule(broken)
    # git starts hooks at its top, and says where the person is
    here = Path(os.environ.get("GIT_PREFIX") or "").resolve()
    if result.broken and here != result.root.resolve():
        print(f"Run the commands in {line(result.root)}")
    if result.blocks:
        print("Such a commit is refused. On purpose? Add it to allow in [tool.dataops.guard]: `dataops check -h`.")


def _rule(broken: Broken) -> None:
    """The places; a command that serves several stands once, after the last of them."""
    rule = broken.rule
    print(f"{rule.number} {'' if rule.blocks else 'warning: '}{rule.title}")
    shown = broken.findings[:SHOWN]
    for finding, following in zip(shown, [*shown[1:], None], strict=True):
        print(f"  {line(finding.path)}: {line(finding.what)}")
        for command in finding.fix if following is None or following.fix != finding.fix else ():
            print(f"      {line(command)}")
    if len(broken.findings) > SHOWN:
        print(f"  and {len(broken.findings) - SHOWN:,} more: `dataops check {rule.number} --json`")
