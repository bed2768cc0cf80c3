"""`dataops publish`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from dataops.cli.terminal import Help

if TYPE_CHECKING:
    from dataops.versions.publish import Plan

SHOWN = 8
EXAMPLES = """\
examples:
  dataops publish v1.1.0                      s3://bucket/datasets/v1.1.0/train/… and metadata.json
  dataops publish latest --format csv         train.csv, validation.csv and test.csv instead
  dataops publish v1.1.0 --as 2024-01-15      under another of its names
  dataops publish model@v2.0.0                s3://bucket/models/v2.0.0/model.tar.gz
Where to: [tool.dataops.publish] url in pyproject.toml, by default the root of the remote's bucket. metadata.json is
written last: where it is, the version is complete.
"""


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "publish",
        description="Copy a version's files to datasets/VERSION/ with its card as metadata.json, and its reports. The "
        "copies are made by S3 itself; what is there is never replaced, and a second call goes on where one ended.",
        epilog=EXAMPLES,
        formatter_class=Help,
    )
    parser.add_argument("version", metavar="VERSION", help="any name of it, as v1.1.0, latest or model@v2.0.0")
    parser.add_argument("--format", choices=("parquet", "csv"), default="parquet", help="the files as they are, or CSV")
    parser.add_argument("--as", dest="name", metavar="NAME", help="a date, commit-…, hash-… or hybrid name of it")
    parser.add_argument("--to", metavar="s3://BUCKET/PREFIX", help="instead of the settings' url")
    parser.add_argument("--remote", metavar="NAME", help="the DVC remote that has the objects (the default one)")
    parser.add_argument("--dry-run", action="store_true", help="say what would be written")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Publish, or say what would be."""
    from dataops.cli.terminal import progress, size
    from dataops.files import to_json
    from dataops.versions import context
    from dataops.versions.publish import Options, plan, publish

    here = context.here()
    planned = plan(here, arguments.version, Options(arguments.format, arguments.name, arguments.to, arguments.remote))
    uri = planned.destination.uri()
    facts: dict[str, Any] = {"version": planned.version.name, "uri": uri, "format": planned.form, "keys": planned.keys}
    if arguments.dry_run:
        if arguments.json:
            print(to_json({**facts, "published": False}), end="")
        else:
            _show(planned)
            print(f"would be written to {uri}; nothing was")
        return 0
    with progress("files") as show:
        done = publish(here, planned, progress=show)
    if arguments.json:
        more = {"files": done.files, "bytes": done.bytes, "written": done.written, "already": done.already}
        print(to_json({**facts, **more, "published": True}), end="")
    elif done.already:
        print(f"{planned.version.name} is published already: {uri} ({done.files:,} files, {size(done.bytes)})")
    else:
        before = done.files - 1 - done.written
        went = f", {before:,} of them there before" if before else ""
        print(f"{planned.version.name} is published: {uri} ({done.files:,} files, {size(done.bytes)}{went})")
    return 0


def _show(planned: Plan) -> None:
    for key in planned.keys[:SHOWN]:
        print(f"  {key}")
    if len(planned.keys) > SHOWN:
        print(f"  and {len(planned.keys) - SHOWN:,} more, {planned.keys[-1]} last")
