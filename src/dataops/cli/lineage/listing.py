"""`dataops lineage list`: every released model with its data."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dataops.cli import options
from dataops.cli.terminal import Help

if TYPE_CHECKING:
    import datetime as dt

    from dataops.lineage.listing import Entry, Wanted
    from dataops.versions.context import Context

EXAMPLES = """\
examples:
  dataops lineage list                               every model version, newest first
  dataops lineage list --data dataset@v1.1.0         those trained on that data
  dataops lineage list --model v1.2.0                one of them
  dataops lineage list --since 2024-06-01 --until 2024-07-01
  dataops lineage list --artifact features           another artifact than the models
"""
WIDEST = 44


def register(actions: argparse._SubParsersAction[Any]) -> None:
    """Add the action."""
    parser = actions.add_parser(
        "list",
        help="every released model with the data it was made of",
        description="Newest first, from git's tags; of tags that plain gto made, from dvc.lock at their commits.",
        epilog=EXAMPLES,
        formatter_class=Help,
    )
    parser.add_argument("--artifact", metavar="NAME", help="one artifact (every one that is a model)")
    parser.add_argument("--data", metavar="VERSION", help="made of this data version alone, under any of its names")
    parser.add_argument("--model", metavar="VERSION", help="this version alone")
    parser.add_argument("--since", type=_day, metavar="DATE", help="released on this day (UTC) or later, as 2024-06-01")
    parser.add_argument("--until", type=_day, metavar="DATE", help="released before this day (UTC)")
    options.repo(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List and print."""
    from dataops.cli.terminal import progress, table
    from dataops.cli.versiontext import line
    from dataops.files import to_json
    from dataops.lineage import listing

    there = options.opened(arguments)
    with progress("") as show:
        known = listing.entries(there, [arguments.artifact] if arguments.artifact else None, show)
    found = listing.select(known, _wanted(arguments, there))
    if arguments.json:
        print(to_json([_json(entry) for entry in found]), end="")
    elif not found:
        print("no model was released yet: `dataops release model`" if not known else f"none of {len(known)} versions")
    else:
        rows = [("version", "date", "author", "made of", "evaluation", "training", "stages"), *map(_row, found)]
        print(table([[line(cell, WIDEST) for cell in row] for row in rows]))
    return 0


def _wanted(arguments: argparse.Namespace, there: Context) -> Wanted:
    """The filters; a name that means nothing is an error, not an empty list."""
    from dataops.lineage import listing

    data = models = None
    if arguments.data:
        target = there.resolve(arguments.data)
        if target.version is not None:
            data = listing.names_of(there, target.version)
        else:
            out = there.snapshot(target.commit)
            artifact = out.artifact(target.artifact or "dataset")
            recorded = out.output(artifact.path) if artifact else None
            data = frozenset([recorded.digest] if recorded else [])
    if arguments.model:
        known = listing.models(there)
        default = arguments.artifact or (known[0] if known and listing.MODEL not in known else listing.MODEL)
        version = there.resolve(arguments.model, default).version
        models = frozenset([version.name] if version else [])
    return listing.Wanted(data, models, arguments.since, arguments.until)


def _row(entry: Entry) -> tuple[str, ...]:
    version = entry.version
    state = (*version.stages, *(["deprecated"] if version.deprecated else []))
    data = ", ".join(one.version or f"{one.path} {(one.digest or '')[:7]}" for one in entry.data)
    return (
        version.name,
        f"{version.time:%Y-%m-%d}",
        version.author,
        data or entry.problem,
        note(entry),
        trained(entry.training or {}),
        ", ".join(state),
    )


def trained(record: Mapping[str, Any]) -> str:
    """The job by its name (an ARN's end, which a narrow column would cut off), else the backend."""
    return str(record.get("job") or record.get("backend") or "").rpartition("/")[2]


def note(entry: Entry) -> str:
    """The first error of the model's evaluation, as `wape 0.183`; "" where there is none."""
    model = (entry.evaluation or {}).get("model")
    for name, value in model.items() if isinstance(model, dict) else ():
        if isinstance(value, int | float) and not isinstance(value, bool):
            return f"{name} {value:.4g}"
    return ""


def _json(entry: Entry) -> dict[str, Any]:
    from dataops.lineage import tojson

    return {
        **tojson.version(entry.version),
        "type": entry.kind,
        "data": [{"version": one.version, "hash": one.digest, "path": one.path} for one in entry.data],
        "evaluation": entry.evaluation,
        "training": entry.training,
        "problem": entry.problem or None,
    }


def _day(text: str) -> dt.datetime:
    import datetime as dt

    try:
        return dt.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=dt.UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date like 2024-06-01") from None
