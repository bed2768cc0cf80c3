"""`dataops reproduce`: run what made a version again, and say whether the same comes out."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dataops.cli.terminal import Help

if TYPE_CHECKING:
    from dataops.lineage.reproduction.outcomes import Outcome
    from dataops.lineage.reproduction.reproduce import Ran, Reproduced, Watcher

EXAMPLES = """\
examples:
  dataops reproduce v1.2.0                   the dataset, from the data that came in
  dataops reproduce model@v2.0.0             a model, through the whole pipeline
  dataops reproduce model@v2.0.0 --from-data the same from the dataset it was trained on
  dataops reproduce HEAD --path data/raw     any output of any commit; --path . is all of them
  dataops reproduce v1.2.0 --keep            leaves the worktree there to look at

exit status: 0 identical or equivalent; 1 different, or a stage failed; 2 it could not be tried
"""


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "reproduce",
        description="Check the version's commit out into a git worktree of its own, fetch the data that came in, run "
        "every stage up to the artifact for real, and compare each output with what dvc.lock recorded. Your work "
        "tree, index, branches and tags stay as they are; the cache gains the fetched data and nothing else.",
        epilog=EXAMPLES,
        formatter_class=Help,
    )
    parser.add_argument("version", metavar="VERSION", help="v1.1.0, latest, model@v2.0.0, a date, a git revision, …")
    parser.add_argument("--path", metavar="PATH", help="an output of that commit, instead of the artifact")
    parser.add_argument(
        "--from-data", action="store_true", help="begin at the nearest artifacts upstream, not where the data came in"
    )
    parser.add_argument(
        "--tolerance",
        type=_tolerance,
        default=1e-6,
        metavar="X",
        help="relative difference of equivalent numbers (1e-6)",
    )
    parser.add_argument("--keep", action="store_true", help="leave the worktree there")
    parser.add_argument("--out", metavar="DIR", help="make the worktree there, in a new folder, and leave it")
    parser.add_argument("--remote", metavar="NAME", help="the DVC remote (the default one)")
    parser.add_argument("--json", action="store_true", help="the result with every output, as JSON")
    parser.set_defaults(run=run)


def _tolerance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError("a number from 0 to 1, as 1e-6")
    return value


def run(arguments: argparse.Namespace) -> int:
    """Reproduce, and say how it went."""
    from pathlib import Path

    from dataops.cli.terminal import progress
    from dataops.files import to_json
    from dataops.lineage.reproduction.reproduce import reproduce
    from dataops.versions import context

    with contextlib.ExitStack() as bar:
        show = bar.enter_context(progress())
        made = reproduce(
            context.here(),
            arguments.version,
            path=arguments.path,
            from_data=arguments.from_data,
            keep=arguments.keep,
            out=Path(arguments.out) if arguments.out else None,
            tolerance=arguments.tolerance,
            remote=arguments.remote,
            watcher=None if arguments.json else _printer(bar.close),
            progress=show,
        )
    print(
        to_json(made.as_json()) if arguments.json else "\n".join(_conclusion(made)), end="" if arguments.json else "\n"
    )
    return 0 if made.verdict in ("identical", "equivalent") else 1


def _printer(fetched: Callable[[], None]) -> Watcher:
    """Prints each stage as it runs; calls `fetched` when everything has come."""
    from dataops.cli.versiontext import line
    from dataops.lineage.reproduction.reproduce import Watcher
    from dataops.lineage.reproduction.rerunplan import Plan, label

    live = sys.stdout.isatty()

    class Printer(Watcher):
        """For people."""

        width = 0

        def planned(self, made: Reproduced, plan: Plan) -> None:
            names = [line(label(stage)) for stage in plan.stages]
            self.width = max(map(len, names))
            start = f"from {line(', '.join(made.fetched), 200)}: " if made.fetched else ""
            print(f"{line(made.name)} ({made.commit[:7]}), {start}{', '.join(names)}", flush=True)

        def noted(self, text: str) -> None:
            fetched()
            print(f"note: {line(text)}", flush=True)

        def running(self, name: str) -> None:
            fetched()
            if live:
                print(f"  {line(name):{self.width}}  …", end="", flush=True)

        def ran(self, stage: Ran) -> None:
            back = "\r\x1b[K" if live else ""
            print(f"{back}  {line(stage.name):{self.width}}  {stage.verdict:10}  {stage.seconds:.1f} s", flush=True)
            for text in _details(stage):
                print(f"      {text}", flush=True)

    return Printer()


def _details(stage: Ran) -> list[str]:
    """What differs in it, or how it failed."""
    from dataops.cli.versiontext import line

    told = [_output(one) for one in stage.outcomes if one.likeness.verdict != "identical"]
    if stage.failed:
        told += [line(stage.failed), *(f"| {line(text)}" for text in stage.last)]
    return told


def _output(one: Outcome) -> str:
    from dataops.cli.versiontext import line

    aside = "" if one.leads else " (a by-product: nothing of the artifact is made of it)"
    return f"{line(one.path)} is {one.likeness.verdict}{aside}: {line(one.likeness.how, 300)}"


def _conclusion(made: Reproduced) -> list[str]:
    """The last lines."""
    from dataops.cli.versiontext import line

    name, first = line(made.name), made.first
    if made.broken is not None:
        earlier = f"; {line(first.name)} before it made something different" if first is not None else ""
        said = f"failed: {line(made.broken.name)} of {name} does not run here{earlier}"
    elif made.verdict == "different" and first is not None:
        own = "" if made.artifact == "different" else f"; {line(made.path)} itself is {made.artifact}"
        said = f"different: {name} first differs in {line(first.name)}{own}"
    elif made.verdict == "equivalent":
        figure = f"largest relative difference {made.largest:.2g}, tolerance {made.tolerance:g}"
        said = f"equivalent: {name} comes out with the same values ({figure})"
    else:
        said = f"identical: {name} comes out byte for byte"
    kept = [f"the worktree: {made.kept}", f"   remove it: git worktree remove --force {made.kept}"] if made.kept else []
    if made.broken is not None and made.kept is None:
        kept = ["--keep leaves its worktree and logs to look at"]
    return [said, *kept]
