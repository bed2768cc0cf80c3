"""`dataops drift`: has the data moved between two versions; and which version the pipeline compares with."""

from __future__ import annotations

import argparse
from typing import Any

from dataops.cli import options
from dataops.cli.terminal import Help

PIN = "pin"
FORMS = (".json", ".md", ".html")
EXAMPLES = """\
examples:
  dataops drift v1.0.0 latest
  dataops drift v1.0.0 HEAD --output drift.html        a page to look at, or .md, .json
  dataops drift v1.0.0 latest --new                    only what came after v1.0.0: a month that five years hide
  dataops drift v1.0.0 latest --exact                  every value instead of the profiles in git
  dataops drift v1.0.0 latest --threshold 0.2 --columns price,sales
  dataops drift pin v1.0.0                             what `dvc repro` compares with from now on
"""


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "drift",
        description="How far B has moved from A, column by column, out of the profiles in git. Exit status 1 where it "
        "drifted. `dataops drift pin VERSION` makes a version the reference of the stage `drift`.",
        epilog=EXAMPLES,
        formatter_class=Help,
    )
    parser.add_argument("old", metavar="A", help="v1.0.0, latest, dataset@v1.0.0, a date, a git revision, …; or `pin`")
    parser.add_argument("new", metavar="B", help="the same of the other; after `pin`: the version to pin")
    parser.add_argument("--exact", action="store_true", help="fetch both and read every value")
    parser.add_argument("--new", dest="after", action="store_true", help="only B's rows after A's last; fetches those")
    parser.add_argument("--threshold", type=float, metavar="SHARE", help="of a distribution that must have moved (0.1)")
    parser.add_argument("--columns", metavar="NAME,…", help="only these; with --exact any that the data have")
    parser.add_argument("--output", type=options.path, metavar="FILE", help="write the report: .json, .md or .html")
    parser.add_argument("--json", action="store_true", help="as JSON")
    options.repo(parser)
    parser.add_argument("--remote", metavar="NAME", help="the DVC remote (the default one)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare and print; 1 where it drifted."""
    from dataops.cli import drifttext
    from dataops.errors import NO, DataOpsError
    from dataops.files import to_json, write_text
    from dataops.versions.drift import drift

    if arguments.old == PIN:
        return _pin(arguments)
    target = arguments.output
    if target is not None and target.suffix not in FORMS:
        raise DataOpsError(f"--output {target}: the name says the form", f"end it in {', '.join(FORMS)}")
    report = drift(
        options.opened(arguments),
        arguments.old,
        arguments.new,
        threshold=arguments.threshold,
        columns=arguments.columns.split(",") if arguments.columns else None,
        exact=arguments.exact,
        after=arguments.after,
        remote=arguments.remote,
    )
    if target is not None:
        if target.suffix == ".html":
            from dataops.report.drift_page import page

            write_text(target, page(report))
        else:
            write_text(target, drifttext.markdown(report) if target.suffix == ".md" else to_json(report))
    print(to_json(report) if arguments.json else drifttext.text(report), end="")
    return NO if report["drifted"] else 0


def _pin(arguments: argparse.Namespace) -> int:
    from dataops.cli.versiontext import line
    from dataops.files import to_json
    from dataops.versions.pin import REFERENCE, pin

    done = pin(options.opened(arguments), arguments.new)
    if arguments.json:
        print(to_json(done.as_json()), end="")
    elif done.changed:
        print(f"pinned {line(done.name)}, {done.rows:,} rows; commit {REFERENCE}, `dvc repro drift` compares with it")
    else:
        print(f"{line(done.name)} is pinned already")
    return 0
