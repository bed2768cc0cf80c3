"""`dataops lineage impact`: what some data reached."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from dataops.cli import options
from dataops.cli.terminal import Help

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataops.lineage.impact import Impact, Reached

EXAMPLES = """\
examples:
  dataops lineage impact dataset@v1.1.0          this dataset was wrong: what did it reach?
  dataops lineage impact v1.1.0                  the same
  dataops lineage impact data/raw                an output as HEAD has it
  dataops lineage impact HEAD~3 --path data/raw  any output of any commit
"""
FEW = 6  # tags and branches that are named
SOME = 3  # outputs that are


def register(actions: argparse._SubParsersAction[Any]) -> None:
    """Add the action."""
    parser = actions.add_parser(
        "impact",
        help="from some data forward to every version, model, tag and branch that consumed it",
        description="Asks the commit of every tag and branch whether its pipeline read this very content, and follows "
        "it downstream there. No network, no data. What commits mention is kept in an index in git's own folder, which "
        "may be deleted at any time.",
        epilog=EXAMPLES,
        formatter_class=Help,
    )
    parser.add_argument("version", metavar="VERSION", help="a dataset version, or the path of an output")
    parser.add_argument(
        "--path", metavar="PATH", help="an output at that version or git revision, in place of its artifact"
    )
    parser.add_argument("--all", action="store_true", help="name every output that it reached, not artifacts alone")
    options.repo(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Follow and print."""
    import gc

    from dataops.cli.terminal import progress
    from dataops.files import to_json
    from dataops.lineage import tojson, trace
    from dataops.lineage.impact import impact
    from dataops.versions import context

    gc.disable()  # ten thousand tags are no garbage, and looking for some takes a sixth of the time
    there = options.opened(arguments)
    with progress("") as show:
        found = impact(there, *trace.find(there, arguments.version, arguments.path, context.DEFAULT), show)
    if arguments.json:
        print(to_json(tojson.of_impact(found)), end="")
    else:
        print("\n".join(_text(found, every=arguments.all)))
    return 0


def _text(found: Impact, *, every: bool) -> Iterator[str]:
    from dataops.cli.terminal import table
    from dataops.cli.versiontext import line

    alone = len(found.outputs) == 1 and found.name.startswith(f"{found.outputs[0].path} ")  # its path says it already
    data = ", ".join(f"{'' if alone else out.path} {out.digest[:7]}".strip() for out in found.outputs[:FEW])
    yield line(f"{found.name}  {data}")
    if found.same:
        yield "  " + line(f"the same content: {', '.join(one.name for one in found.same)}")
    artifacts = [one for one in found.reached if one.artifact]
    others = [one for one in found.reached if not one.artifact]
    if every or not artifacts:
        artifacts, others = [*artifacts, *others], []
    if not artifacts:
        yield f"  reached nothing: no stage of {found.commits:,} tags' and branches' commits read it"
    else:
        rows = [("reached", "hash", "released as", "stages", "at", "by"), *(_row(one) for one in artifacts)]
        yield table([[line(cell) for cell in row] for row in rows], indent="  ")
    if others:
        names = list(dict.fromkeys(one.path for one in others))
        more = f" and {len(names) - SOME} more" if len(names) > SOME else ""
        yield "  " + line(f"and {', '.join(names[:SOME])}{more}, which no artifact holds (--all)")
    yield from (f"warning: {line(one)}" for one in found.problems)


def _row(one: Reached) -> tuple[str, ...]:
    names = [f"{each.name}{' (deprecated)' if each.deprecated else ''}" for each in one.versions]
    stages = sorted({stage for each in one.versions for stage in each.stages})
    own = {each.tag for each in one.versions}
    events = tuple("#" if one.versions else "")  # of GTO, as `model#prod#3`: the versions' own columns say it
    refs = [ref for ref in one.refs if ref not in own and not any(event in ref for event in events)]
    at = ", ".join(refs[:FEW]) + (f" and {len(refs) - FEW} more" if len(refs) > FEW else "")
    return (
        one.artifact or one.path,
        one.digest[:7],
        ", ".join(names) or "not released",
        ", ".join(stages),
        at,
        " > ".join(one.via),
    )
