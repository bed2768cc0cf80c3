"""`dataops lineage record`: was this customer's data in any of our models?"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dataops.cli import options
from dataops.cli.terminal import Help, size, table
from dataops.cli.versiontext import line

if TYPE_CHECKING:
    from dataops.lineage.recordlevel.holdings import Answer, Gone, Held, Reached
    from dataops.repo.registry import Version

EXAMPLES = """\
examples:
  dataops lineage record customer_id=007                  every version, and every model that it reached
  dataops lineage record store_id=3 product_id=17         rows with both
  dataops lineage record store_id=3 --from 2024-03 --to 2024-05
  dataops lineage record store_id=3 --versions v1.4 latest

Exit status: 0 answered, also with "nowhere"; 1 something could not be looked at, which is named; 2 a wrong call.
"""
NOWHERE = "nowhere"
SHOWN = 10  # problems


def register(actions: argparse._SubParsersAction[Any]) -> None:
    """Add the action."""
    parser = actions.add_parser(
        "record",
        help="which versions hold a record, and which models were trained on it",
        description="Which versions hold rows with these keys, in which part and partition, and which models were "
        "trained on them. Every distinct file is asked once, however many versions share it: Parquet's statistics "
        "first, then only the key columns, from the cache, else from the remote by ranges. Nothing is stored.",
        epilog=EXAMPLES,
        formatter_class=Help,
    )
    parser.add_argument("keys", nargs="+", metavar="KEY=VALUE", help="all must match; written as the column has it")
    parser.add_argument("--artifact", default="dataset", metavar="NAME", help="whose versions (dataset)")
    parser.add_argument("--versions", nargs="+", default=[], metavar="VERSION", help="these alone (every version)")
    parser.add_argument("--from", dest="first", metavar="TIME", help="as 2024-06-01, 2024-06 or 2024-06-01T12:00")
    parser.add_argument("--to", dest="last", metavar="TIME", help="the same; a day or month counts to its end")
    parser.add_argument("--time", metavar="COLUMN", help="the column of --from and --to (the contract's time)")
    parser.add_argument("--remote", metavar="NAME", help="the DVC remote (the default one)")
    options.repo(parser)
    parser.add_argument("--offline", action="store_true", help="read the cache alone")
    parser.add_argument("--json", action="store_true", help="as JSON, with every partition")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Ask, and print."""
    from dataops.cli.terminal import progress
    from dataops.files import to_json
    from dataops.lineage.recordlevel.record import Options, record

    wanted = Options(
        arguments.artifact,
        arguments.versions,
        arguments.first,
        arguments.last,
        arguments.time,
        arguments.remote,
        arguments.offline,
    )
    with progress("file") as show:
        there = options.opened(arguments)
        answer = record(there, arguments.keys, wanted, show)
    print(to_json(answer.as_json()) if arguments.json else text(answer), end="" if arguments.json else "\n")
    return 0 if answer.whole else 1


def text(answer: Answer) -> str:
    """The answer for people."""
    return "\n".join(_lines(answer))


def _lines(answer: Answer) -> Iterator[str]:
    asked = ", ".join(f"{line(name)} = {line(value)}" for name, value in answer.asked.items())
    window = " ".join(f"{word} {time}" for word, time in (("from", answer.first), ("to", answer.last)) if time)
    holding = sum(bool(held.rows) for held in answer.held)
    where = f"in {holding} of {_count(len(answer.held), 'version')} of {line(answer.artifact)}" if holding else NOWHERE
    far = "" if answer.whole else ", as far as could be looked at"
    yield f"{asked}{', ' * bool(window)}{window}: {where}{far}"
    if answer.held:
        yield _versions(answer.held)
    if answer.gone is not None:
        yield _gone(answer.gone)
    if answer.reached:
        yield "models"
        yield table([("model", "standing", "rows it was made of", "from"), *map(_model, answer.reached)], indent="  ")
    else:
        yield f"models: none{far}"
    if answer.unknown:
        yield f"of unknown data: {', '.join(map(line, answer.unknown))}"
    yield from _problems(answer.held)
    yield _effort(answer)


def _problems(held: Sequence[Held]) -> Iterator[str]:
    """What could not be looked at, each with the versions that it belongs to."""
    found: dict[str, list[str]] = {}
    for one in held:
        for problem in one.problems:
            found.setdefault(problem, []).append(one.name)
    for problem, names in list(found.items())[:SHOWN]:
        yield f"not looked at: {line(problem)} ({_run(names)})"
    if len(found) > SHOWN:
        yield f"not looked at: {len(found) - SHOWN} more; --json lists them"


def _run(names: Sequence[str]) -> str:
    return line(names[0]) + (f" … {line(names[-1])} ({len(names)})" if len(names) > 1 else "")


def _versions(held: Sequence[Held]) -> str:
    """One line a version; the parts are columns."""
    parts = list(dict.fromkeys(place.part for one in held for place in one.places))
    order = {"train": 0, "validation": 1, "test": 2}
    parts.sort(key=lambda part: (order.get(part, 3), part))
    rows = [("version", "standing", "rows", *(line(part) or "partitions" for part in parts))]
    for (what, standing), run in itertools.groupby(held, lambda one: (_none(one), _standing(one.version))):
        same = list(run)
        if what:  # a version that holds nothing differs from its neighbours in nothing
            rows.append((_run([one.name for one in same]), standing, what, *("" for _ in parts)))
            continue
        for one in same:
            told = f"{one.rows:,}{'+' * bool(one.problems)}"
            rows.append((line(one.name), standing, told, *(_part(one, part) for part in parts)))
    return table(rows, indent="  ")


def _none(one: Held) -> str:
    """Why it has no rows; "" where it has some."""
    if one.rows:
        return ""
    if one.absent:
        return f"the column {line(', '.join(one.absent))} isn't there"
    if one.problems:
        return "could not be looked at" if not one.files or len(one.problems) == one.files else "none so far"
    return line(one.unfit) or "none"


def _part(one: Held, part: str) -> str:
    """Rows and partitions of one part: `730 in 2023-01 … 2024-11 (23)`."""
    names = sorted({line(place.partition) for place in one.places if place.part == part})
    if not names:
        return ""
    where = ", ".join(names) if len(names) < 3 else f"{names[0]} … {names[-1]} ({len(names)})"
    return f"{one.parts[part]:,} in {where}"


def _model(one: Reached) -> tuple[str, str, str, str]:
    parts = one.parts
    told = " + ".join(f"{rows:,} {line(part)}".rstrip() for part, rows in parts.items() if part != "test")
    if "test" in parts:
        told = f"{told}; test: {parts['test']:,}" if told else f"none: it was only tested on them ({parts['test']:,})"
    return line(one.model.name), _standing(one.model), told, ", ".join(line(held.name) for held in one.on)


def _standing(version: Version | None) -> str:
    """The stages that it holds, and whether it was taken back."""
    if version is None:
        return ""
    return ", ".join([*map(line, version.stages), *(["deprecated"] if version.deprecated else [])])


def _gone(gone: Gone) -> str:
    why = f" (excluded{' ' + line(gone.added) if gone.added else ''}: {line(gone.reason)})" if gone.reason else ""
    return f"gone from {line(gone.version)} on{why}; {line(gone.last)} is the last that holds it"


def _effort(answer: Answer) -> str:
    effort = answer.effort
    least = "at least " * any(held.bytes is None for held in answer.held)
    ruled = [
        (effort.by_name, "ruled out by name"),
        (effort.by_statistics, "by statistics"),
    ]
    told = "".join(f", {number} {how}" for number, how in ruled if number)
    return (
        f"read {size(effort.local + effort.remote)} of {least}{size(effort.total)} "
        f"(cache {size(effort.local)}, remote {size(effort.remote)}): "
        f"{effort.files} files of {_count(len(answer.held), 'version')}, {effort.distinct} distinct{told}"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
