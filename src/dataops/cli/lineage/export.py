"""`dataops lineage export`."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from dataops.cli import options
from dataops.cli.terminal import Help

EXAMPLES = """\
examples:
  dataops lineage export                          every released model's runs, one JSON event a line
  dataops lineage export model@v1.2.0 --out runs.ndjson
  dataops lineage export dataset@latest --json    the same as one JSON array
  dataops lineage export --croissant v1.2.0 --out croissant.json
Events are OpenLineage run events (spec 2-0-2), one a stage; a run has the same id whenever it is exported. The data of
this repository are named by its git remote's address, so that what one repository imports is what the other made.
Croissant beside the files, as `dataops get` lays them out, loads with mlcroissant. It says licence, citation and url as
dvc.yaml declares them: artifacts.NAME.meta.license, .citation, .url.
"""


def register(actions: argparse._SubParsersAction[Any]) -> None:
    """Add the action."""
    parser = actions.add_parser(
        "export",
        help="for other tools: OpenLineage events, or a dataset's Croissant metadata",
        description="Tell a catalogue of lineage (Marquez, DataHub, …) what made a version, or describe a dataset "
        "version for those who load it. Passwords and signatures in URLs are left out.",
        epilog=EXAMPLES,
        formatter_class=Help,
    )
    parser.add_argument("version", nargs="?", metavar="VERSION", help="a version, revision or output (every model)")
    parser.add_argument("--croissant", action="store_true", help="the dataset version as Croissant 1.0 (JSON-LD)")
    parser.add_argument("--out", type=options.path, metavar="FILE", help="into a file (standard output)")
    parser.add_argument("--namespace", metavar="NAME", help="of the jobs and data (the git remote's address)")
    options.repo(parser)
    parser.add_argument("--json", action="store_true", help="the events as one JSON array, not one a line")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Export."""
    import json

    from dataops import files
    from dataops.cli import versiontext
    from dataops.errors import DataOpsError
    from dataops.lineage.exports import export

    def told(note: str) -> None:
        print(f"note: {versiontext.line(note)}", file=sys.stderr)

    if arguments.croissant and arguments.version is None:
        raise DataOpsError("--croissant describes one version", "as `dataops lineage export --croissant latest`")
    there = options.opened(arguments)
    if arguments.croissant:
        from dataops.lineage.exports.described import described

        text = files.to_json(described(there, arguments.version, told))
        what = "1 dataset"
    else:
        events = export.events(there, arguments.version, arguments.namespace, told)
        lines = [json.dumps(event, ensure_ascii=False, allow_nan=False) for event in events]
        text = "[" + ",\n ".join(lines) + "]\n" if arguments.json else "".join(f"{line}\n" for line in lines)
        what = f"{len(events):,} run{'s' * (len(events) != 1)}"
    if arguments.out is None:
        print(text, end="")
        return 0
    try:
        files.write_text(arguments.out, text)
    except OSError as error:
        raise DataOpsError(f"{arguments.out} can't be written: {error.strerror}", "--out names a file") from None
    print(f"{what} in {arguments.out}")
    return 0
