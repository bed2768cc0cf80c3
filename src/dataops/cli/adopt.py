"""`dataops adopt`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from dataops.cli.terminal import Help

if TYPE_CHECKING:
    from pathlib import Path

    from dataops.ingest.adopt import Adopted

EXAMPLES = """\
examples:
  dataops adopt sales.csv.xz --time date --target sales --keys store,item --horizon 90
  dataops adopt invoices/ --time date=InvoiceDate --target sales=Quantity \\
      --keys store_id=Country,product_id=StockCode --columns price=UnitPrice
Names are the file's own, or OURS=THEIRS. Nothing is ingested: look at params.yaml, then `dataops ingest FILE`.
"""


ALWAYS = (
    "`featurize.known_ahead`: which columns are planned, such as price and promotion",
    "`featurize.holidays`: yours; only New Year and Christmas are listed",
    "`contract.columns`: limits above zero are not inferred; `validate.max_age_days` is off",
)


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "adopt",
        description="Infer types, ranges, nullability and frequency from your data and write them into params.yaml, "
        "whose comments stay; set lags, windows and split to fit.",
        epilog=EXAMPLES,
        formatter_class=Help,
    )
    parser.add_argument("file", nargs="+", metavar="FILE", help="a file, folder, pattern or archive")
    parser.add_argument(
        "--time", metavar="COLUMN", help="when a row happened; without it or --target: which columns could be"
    )
    parser.add_argument("--target", metavar="COLUMN", help="what is forecast")
    parser.add_argument("--keys", default="", metavar="A,B", help="what a series is, as store,item; none: one series")
    parser.add_argument("--columns", metavar="A,B", help="further columns to keep (default: what is worth keeping)")
    parser.add_argument("--known-ahead", default="", metavar="A,B", help="columns known for the day that is forecast")
    parser.add_argument("--horizon", type=int, metavar="N", help="steps ahead the forecast is made (28 days, 24 h, …)")
    parser.add_argument("--date-format", metavar="FORMAT", help="as %%d/%%m/%%Y, where dates can be read in two ways")
    parser.add_argument("--encoding", help="of text files; like the next three, by default as collect.read says")
    parser.add_argument("--delimiter", help="of text files (a comma in .csv, a tab in .tsv)")
    parser.add_argument("--sheet", help="of Excel files (the first)")
    parser.add_argument("--records", metavar="KEY", help="where a JSON file keeps its list")
    parser.add_argument("--dry-run", action="store_true", help="say what would be written")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    import json
    from pathlib import Path

    from dataops.checked import check
    from dataops.ingest.adopt import adopt
    from dataops.ingest.check import expected
    from dataops.repo.root import find
    from dataops.tables.infer import Roles
    from dataops.tables.sources import ReadOptions

    import os  # isort: skip

    here, root = Path.cwd(), find()
    os.chdir(root)
    given_roles = {name: getattr(arguments, name) for name in ("time", "target")}
    one = {name: {} if text is None else _pairs(text, f"--{name}", single=True) for name, text in given_roles.items()}
    roles = Roles(
        one["time"],
        one["target"],
        _pairs(arguments.keys, "--keys"),
        None if arguments.columns is None else _pairs(arguments.columns, "--columns"),
        arguments.date_format,
    )
    given = {name: getattr(arguments, name) for name in ("encoding", "delimiter", "sheet", "records")}
    read = expected(root).read.model_dump() | {name: value for name, value in given.items() if value is not None}
    done = adopt(
        root,
        arguments.file,
        roles,
        check(ReadOptions, read, "adopt"),
        horizon=arguments.horizon,
        known_ahead=list(_pairs(arguments.known_ahead, "--known-ahead")),
        here=here,
        dry_run=arguments.dry_run,
    )
    if arguments.json:
        print(
            json.dumps(
                {"rows": done.rows, "files": done.files, "notes": done.inferred.notes, "params": done.params}, indent=2
            )
        )
        return 0
    _show(done, arguments, here)
    return 0


def _pairs(text: str, option: str, *, single: bool = False) -> dict[str, str]:
    """`ours=theirs,name` as {ours: theirs, cleaned name: name}."""
    from dataops.errors import DataOpsError
    from dataops.tables.guess import clean

    found: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        ours, equals, theirs = item.partition("=")
        name = clean(ours)
        if name in found:
            raise DataOpsError(f"{option} names {name} twice")
        found[name] = theirs.strip() if equals else ours
    if single and len(found) != 1:
        raise DataOpsError(f"{option} takes one column, found {text!r}")
    return found


def _show(done: Adopted, arguments: argparse.Namespace, here: Path) -> None:
    from pathlib import Path

    found, params = done.inferred, done.params
    steps = {"h": "hours", "D": "days", "W": "weeks", "M": "months"}[found.frequency]
    print(f"{done.rows:,} rows of {done.files} file(s), {found.series:,} series in {steps}")
    print(f"{found.first} to {found.last}\n")
    rows = [("column", "source", "type", "null", "range")]
    for column in found.columns:
        low, high = ("" if value is None else f"{value:g}" for value in (column.min, column.max))
        limits = f"{low}..{high}" if low or high else ""
        rows.append((column.name, column.source, column.type, "yes" if column.nullable else "no", limits))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    for row in rows:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    written, read = found.written, params["collect"]["read"]
    dates = written.date_format or "ISO 8601"
    print(f"\ndates {dates}, decimal {written.decimal!r}, thousands {written.thousands!r}, encoding {read['encoding']}")
    horizon, parts, partition = params["featurize"]["horizon"], params["split"]["test"], params["contract"]["partition"]
    sparse = " with rows" if found.spacing > 1 else ""
    print(f"horizon {horizon} {steps}; {parts} {partition}(s){sparse} each to validate and test")
    print("\nlook at, before `dvc repro`:")
    for note in [*found.notes, *ALWAYS]:
        print(f"  - {note}")
    landed = all((here / name).resolve().is_relative_to(Path("data/landing").resolve()) for name in arguments.file)
    ingest = "" if landed else f"`dataops ingest {' '.join(arguments.file)} --replace`, "
    verb = "would be written" if arguments.dry_run else "is written"
    print(f"\nparams.yaml {verb}; next: `git diff params.yaml`, {ingest}`dvc repro`")
