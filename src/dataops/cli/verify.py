"""`dataops verify`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from dataops.cli.terminal import Help

if TYPE_CHECKING:
    from dataops.versions.findings import Finding, Report

SHOWN = 5
EXAMPLES = """\
examples:
  dataops verify                             the latest dataset, by the store's own checksums
  dataops verify --all --read-data           every version of everything, every byte fetched and hashed
  dataops verify --all --subset 10%          a random tenth of the bytes; 3/10 is the third of ten fixed tenths
  dataops verify v1.2.0 --repair             restore what is damaged or missing from this clone's cache
  dataops verify --repair --from backup      or from another DVC remote
"""


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "verify",
        description="Check that a version's tag, commit and list of files agree and that every object of it, and of "
        "the stages before it, is on the remote with the right hash. Exit status 1: something is damaged or missing.",
        epilog=EXAMPLES,
        formatter_class=Help,
    )
    parser.add_argument("version", nargs="?", metavar="VERSION", help="any name of it (dataset@latest)")
    parser.add_argument("--all", action="store_true", help="every version of every artifact; what they share once")
    parser.add_argument("--read-data", action="store_true", help="fetch and hash every byte")
    parser.add_argument("--subset", metavar="PART", help="fetch and hash a part: 10%% at random, or 3/10")
    parser.add_argument("--repair", action="store_true", help="restore what can be from a verified copy")
    parser.add_argument("--from", dest="spare", metavar="REMOTE", help="with --repair: another DVC remote to take from")
    parser.add_argument("--remote", metavar="NAME", help="the DVC remote to check (the default one)")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check, and say what was found."""
    from dataops.cli.terminal import progress
    from dataops.errors import DataOpsError
    from dataops.files import to_json
    from dataops.versions import context
    from dataops.versions.verify import Options, Sample, sample, verify

    if arguments.version and arguments.all:
        raise DataOpsError("a VERSION and --all exclude each other")
    if arguments.spare and not arguments.repair:
        raise DataOpsError("--from restores, so it needs --repair")
    read = sample(arguments.subset) if arguments.subset else Sample() if arguments.read_data else None
    options = Options(arguments.all, read, arguments.repair, arguments.remote, arguments.spare)
    with progress("objects") as show:
        report = verify(context.here(), arguments.version, options, progress=show)
    if arguments.json:
        print(to_json(report.as_json()), end="")
    else:
        _show(report, repair=arguments.repair)
    return 0 if report.sound else 1


def _show(report: Report, *, repair: bool) -> None:
    for one in report.versions:
        print(f"{one.subject.name:24} {'sound' if one.sound else 'NOT SOUND'}{_bad(one.bad, one.bad_inputs)}  "
              f"({one.objects:,} objects; inputs {one.inputs:,})")  # fmt: skip
        for text in one.problems:
            print(f"  wrong: {text}")
        for text in one.notes:
            print(f"  note: {text}")
    for finding in report.findings:
        _finding(finding)
    if not report.versions:
        print("there is no version yet: `dataops release` makes one")
        return
    read = f", {report.read:,} of them read" if report.read else ""
    repaired = sum(bool(one.repaired) for one in report.findings)
    print(f"{report.objects:,} objects on {report.url}{read}: " + _summary(len(report.findings), repaired))
    if report.unknown:
        print(f"{report.unknown:,} are there and keep no checksum that says more: --read-data fetches and hashes them")
    if any(not one.repaired and one.state != "hostile" for one in report.findings):
        which = report.versions[0].subject.name if len(report.versions) == 1 else "--all"
        which = which.partition(" at ")[2] or which  # a commit that is no version
        here = "" if repair else f"`dataops verify {which} --repair` restores from this clone's cache, "
        print(f" hint: {here}`dataops verify {which} --repair --from REMOTE` from another remote")


def _bad(own: int, inputs: int) -> str:
    words = [f"{own:,} bad"] * bool(own) + [f"{inputs:,} bad inputs"] * bool(inputs)
    return f": {', '.join(words)}" if words else ""


def _summary(bad: int, repaired: int) -> str:
    if not bad:
        return "none missing, none damaged"
    return f"{bad:,} missing or damaged" + (f", {repaired:,} repaired and proven again" if repaired else "")


def _finding(finding: Finding) -> None:
    """One object, with what it is and whose."""
    state = f"repaired from {finding.repaired} (was {finding.state})" if finding.repaired else finding.state
    print(f"{state}: {finding.uri}" + (f" ({finding.detail})" if finding.detail and finding.state != "missing" else ""))
    for path in sorted({use.path for use in finding.uses})[:SHOWN]:
        users = [f"{use.version}{' (input)' * (use.role == 'input')}" for use in finding.uses if use.path == path]
        more = f" and {len(users) - SHOWN} more" if len(users) > SHOWN else ""
        print(f"  {path}: {', '.join(users[:SHOWN])}{more}")
    for note in finding.notes:
        print(f"  {note}")
