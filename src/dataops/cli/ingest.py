"""`dataops ingest` and `dataops exclude`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from dataops.cli.terminal import Help

if TYPE_CHECKING:
    import datetime as dt

    from dataops.ingest.run import Outcome

SHOWN = 5

SOURCES = """\
sources:
  sample                a generated shop: 10 stores, 50 products, three years, the same everywhere
  PATH …                files, folders, quoted patterns, .tar and .zip archives
  s3://bucket/prefix    every data file below the prefix; unchanged objects are not fetched again
  http URL              a paged JSON API: {"page": 1, "results": [...], "total_pages": 50}

examples:
  dataops ingest sample --until 2023-12-31
  dataops ingest exports/*.csv.gz --received 2024-02-01
  dataops ingest s3://team-bucket/sales/ --profile retail
  dataops ingest http https://api.themoviedb.org/3/movie/popular --key-env TMDB_API_KEY --max-pages 50
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add both commands."""
    _register_ingest(commands)
    exclude = commands.add_parser(
        "exclude",
        description="Add a row to data/exclusions.csv: `validate` leaves out what it names. A key left out means any.",
    )
    exclude.add_argument("where", nargs="*", metavar="KEY=VALUE", help="a key or the time column, as store_id=3")
    exclude.add_argument("--reason", metavar="TEXT", help="why; kept in the list and in the quarantine")
    exclude.add_argument("--json", action="store_true", help="the result as JSON")
    exclude.set_defaults(run=run_exclude)


def _register_ingest(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    ingest = commands.add_parser(
        "ingest",
        description="Add new data to data/landing as an immutable batch and record it with DVC. Content that is there "
        "already is skipped, so the same call again is harmless.",
        epilog=SOURCES,
        formatter_class=Help,
    )
    ingest.add_argument("source", nargs="*", metavar="SOURCE", help="see below")
    ingest.add_argument("--replace", action="store_true", help="start over: the landing will hold this batch alone")
    ingest.add_argument(
        "--received", metavar="DATE", help="when the data came in, for backfills (2024-01-31[T06:30], UTC)"
    )
    ingest.add_argument("--any-columns", action="store_true", help="take files that lack columns of collect.columns")
    ingest.add_argument("--mix", action="store_true", help="put it beside the generated sample, to correct rows of it")
    ingest.add_argument("--dry-run", action="store_true", help="say what would be taken")
    ingest.add_argument("--json", action="store_true", help="the result as JSON")
    left_out: dict[str, Any] = {"default": argparse.SUPPRESS}
    sample = ingest.add_argument_group("sample")
    sample.add_argument("--until", type=_date, metavar="DATE", help="last day (2024-12-31)", **left_out)
    sample.add_argument("--start", type=_date, metavar="DATE", help="first day (2022-01-01)", **left_out)
    sample.add_argument("--stores", type=int, metavar="N", help="(10)", **left_out)
    sample.add_argument("--products", type=int, metavar="N", help="(50)", **left_out)
    s3 = ingest.add_argument_group("s3")
    s3.add_argument("--endpoint-url", metavar="URL", help="of another S3 than AWS", **left_out)
    s3.add_argument("--profile", metavar="NAME", help="of your AWS configuration", **left_out)
    http = ingest.add_argument_group("http")
    http.add_argument("--key-env", metavar="NAME", help="environment variable with the key", **left_out)
    key = http.add_mutually_exclusive_group()
    key.add_argument("--key-param", metavar="NAME", help="query parameter that takes the key (api_key)", **left_out)
    key.add_argument("--key-header", metavar="NAME", help="header that takes the key, as Authorization", **left_out)
    http.add_argument("--param", action="append", metavar="K=V", help="a query parameter; repeatable", **left_out)
    http.add_argument("--items", metavar="KEY", help="where the records are (results)", **left_out)
    http.add_argument("--page-param", metavar="NAME", help="query parameter that counts pages (page)", **left_out)
    http.add_argument("--total-pages", metavar="KEY", help="where the number of pages is (total_pages)", **left_out)
    http.add_argument("--max-pages", type=int, metavar="N", help="stop after N pages", **left_out)
    http.add_argument("--rate", type=float, metavar="N", help="requests a second (4)", **left_out)
    http.add_argument("--retries", type=int, metavar="N", help="of one page (8)", **left_out)
    http.add_argument("--timeout", type=float, metavar="SECONDS", help="of one request (30)", **left_out)
    http.add_argument("--name", metavar="NAME", help="of the file (the last part of the URL)", **left_out)
    ingest.set_defaults(run=run_ingest)


def run_ingest(arguments: argparse.Namespace) -> int:
    """Bring data in and say what came."""
    import json
    from pathlib import Path

    from dataops.ingest import choose, exclusions
    from dataops.ingest.run import Options, ingest
    from dataops.ingest.source import silent
    from dataops.repo import root

    given = {name: value for name, value in vars(arguments).items() if name in choose.BELONGS}
    source = choose.choose(arguments.source, given, Path.cwd())
    options = Options(
        replace=arguments.replace,
        any_columns=arguments.any_columns,
        mix=arguments.mix,
        dry_run=arguments.dry_run,
        received=choose.moment(arguments.received) if arguments.received else None,
        progress=_progress() if sys.stderr.isatty() else silent,
    )
    here = root.find()
    outcome = ingest(here, source, options)
    if options.replace and (left_out := exclusions.listed(here)):
        lines = f"{exclusions.FILE} still leaves out {len(left_out)} key(s) of the old data"
        outcome.warnings.append(f"{lines}: `dataops exclude` lists them; delete the lines that no longer hold")
    if arguments.json:
        print(json.dumps(outcome.as_json(), indent=2, ensure_ascii=False))
    else:
        _show(outcome)
    return 0


def run_exclude(arguments: argparse.Namespace) -> int:
    """Add to the list of exclusions, or show it."""
    import json

    from dataops.errors import DataOpsError
    from dataops.ingest import exclusions
    from dataops.repo import root

    wrong = [word for word in arguments.where if "=" not in word[1:]]
    if wrong:
        raise DataOpsError(f"{wrong[0]!r} is not KEY=VALUE", "as `dataops exclude store_id=3 --reason 'closed'`")
    here = root.find()
    if arguments.where or arguments.reason is not None:
        values = dict(word.split("=", 1) for word in arguments.where)
        if len(values) < len(arguments.where):
            raise DataOpsError("a key is given twice", "one row excludes one combination; call it once for each")
        rows = [exclusions.exclude(here, values, arguments.reason or "")]
        what = f"excluded in {exclusions.FILE}; next: `dvc repro`, `git add {exclusions.FILE}.dvc`"
    else:
        rows = exclusions.listed(here)
        what = f"{len(rows)} exclusion{'s' * (len(rows) != 1)}"
    if arguments.json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return 0
    for row in rows:
        named = " ".join(f"{name}={value}" for name, value in list(row.items())[:-2] if value)
        print(f"{row['added']}  {named}  {row['reason']}")
    print(what)
    return 0


def _show(outcome: Outcome) -> None:
    for warning in outcome.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    for folder in outcome.recovered:
        print(f"recorded {folder}, which an interrupted ingest had left")
    if outcome.skipped:
        more = f", … ({len(outcome.skipped)})" if len(outcome.skipped) > SHOWN else ""
        print(f"skipped, no data: {', '.join(outcome.skipped[:SHOWN])}{more}")
    if outcome.batch is None:
        print(f"nothing new: {outcome.description} is in data/landing already" + _known(outcome.known))
        return
    for file in outcome.files[:SHOWN]:
        print(f"  {file.name}  {_measure(file.rows, file.bytes)}")
    if len(outcome.files) > SHOWN:
        print(f"  … and {len(outcome.files) - SHOWN} more")
    number = len(outcome.files)
    print(f"{number} file{'s' * (number != 1)}, {_measure(outcome.rows, outcome.bytes)}" + _known(outcome.known))
    print(f"{'would be' if outcome.dry_run else 'batch'} {outcome.batch}")
    if outcome.replaced:
        what = f"{outcome.replaced} batch{'es' * (outcome.replaced > 1)}"
        print(f"instead of {what} (git and DVC's cache keep what was recorded)")
    if not outcome.dry_run:
        print("next: `dvc repro`, `git add data/landing.dvc`")


def _known(count: int) -> str:
    return f" ({count} file{'s' * (count != 1)} known already)" if count else ""


def _measure(rows: int | None, count: int) -> str:
    """Rows and bytes, as far as they are known."""
    size = f"{count} bytes" if count < 10_000 else f"{count / 1e3:.0f} kB" if count < 1e6 else f"{count / 1e6:.1f} MB"
    parts = [] if rows is None else [f"{rows:,} row{'s' * (rows != 1)}"]
    return ", ".join([*parts, size] if count else parts)


def _date(text: str) -> dt.date:
    import datetime as dt

    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date like 2024-01-31") from None


def _progress() -> Any:
    """A bar on standard error that changes its meaning as the work does."""
    from tqdm import tqdm

    bar = tqdm(leave=False, file=sys.stderr, disable=None)

    def show(done: int, total: int | None, what: str) -> None:
        bar.set_description(what, refresh=False)
        bar.total, bar.n = total, done
        bar.refresh()

    return show
