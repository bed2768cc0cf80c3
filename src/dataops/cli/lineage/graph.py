"""`dataops lineage graph`: a picture of one version's lineage, or of the whole history."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from dataops.cli import options
from dataops.cli.terminal import Help

if TYPE_CHECKING:
    from pathlib import Path

    from dataops.lineage.draw.graph import Graph
    from dataops.versions.context import Context

FORMATS = ("mermaid", "dot", "svg", "png")
SUFFIXES = {".mmd": "mermaid", ".mermaid": "mermaid", ".dot": "dot", ".gv": "dot", ".svg": "svg", ".png": "png"}
LIMIT = 200
EXAMPLES = """\
examples:
  dataops lineage graph                                   the history, as Mermaid: paste it into a README or an issue
  dataops lineage graph --out history.svg                 the same as a picture
  dataops lineage graph model@latest --out lineage.svg    what the newest model was made of
  dataops lineage graph model#prod --code --out prod.png  with the code and parameters of every stage
"""


def register(actions: argparse._SubParsersAction[Any]) -> None:
    """Add the action."""
    parser = actions.add_parser(
        "graph",
        help="a picture: of one version, or of the whole history",
        description="Draw what a version was made of: sources, stages, outputs, model. Without a version: which "
        "version was made of which, over time.",
        epilog=EXAMPLES,
        formatter_class=Help,
    )
    parser.add_argument("version", nargs="?", metavar="VERSION", help="any name of it, a revision of git, or an output")
    parser.add_argument("--path", metavar="PATH", help="an output at that version, instead of its artifact")
    parser.add_argument(
        "--history",
        nargs="?",
        const="",
        metavar="ARTIFACT",
        help="the history: of every artifact, or of one and what is joined to it",
    )
    parser.add_argument("--limit", type=int, default=LIMIT, metavar="N", help=f"the newest N of a history ({LIMIT})")
    parser.add_argument("--format", choices=FORMATS, help="by default as FILE's name ends, else mermaid")
    parser.add_argument("--out", type=options.path, metavar="FILE", help="write it there (.mmd, .dot, .svg, .png)")
    parser.add_argument("--code", action="store_true", help="code and parameters in boxes of their own")
    parser.add_argument("--unfold", action="store_true", help="every stage of a foreach, every file of a large group")
    options.repo(parser)
    parser.add_argument("--json", action="store_true", help="boxes and arrows as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Draw, and print or write it."""
    from dataclasses import asdict

    from dataops.errors import DataOpsError
    from dataops.files import to_json

    if arguments.version and arguments.history is not None:
        raise DataOpsError("a version's lineage or a history, not both", "leave out VERSION or --history")
    if arguments.path and not arguments.version:
        raise DataOpsError(
            "--path is an output of a version", f"as `dataops lineage graph HEAD --path {arguments.path}`"
        )
    if arguments.limit < 1:
        raise DataOpsError(f"--limit {arguments.limit} leaves nothing to draw", "--limit 50")
    form = _format(arguments)
    context = options.opened(arguments)
    graph = _of_version(context, arguments) if arguments.version else _history(context, arguments)
    if arguments.out is not None:
        size = _write(graph, form, arguments.out)
        if not arguments.json:
            print(
                f"{arguments.out}: {_count(len(graph.nodes), 'box', 'es')}, {_count(len(graph.edges), 'arrow')}{size}"
            )
    elif not arguments.json:
        print(_text(graph, form), end="")
    if arguments.json:
        print(to_json(asdict(graph)), end="")
    return 0


def _count(number: int, noun: str, plural: str = "s") -> str:
    return f"{number:,} {noun}{plural if number != 1 else ''}"


def _format(arguments: argparse.Namespace) -> str:
    """What was asked for, or what the file's name says.

    Raises:
        DataOpsError: the name says nothing, or a PNG would go to the terminal.
    """
    from dataops.errors import DataOpsError

    if arguments.out is None:
        if arguments.format == "png" and not arguments.json:
            raise DataOpsError("a PNG is no text", "--out lineage.png")
        return arguments.format or "mermaid"
    found = arguments.format or SUFFIXES.get(arguments.out.suffix.lower())
    if found is None:
        raise DataOpsError(f"{arguments.out}: no format is called so", f"one of {', '.join(SUFFIXES)}, or --format")
    return found


def _of_version(context: Context, arguments: argparse.Namespace) -> Graph:
    from dataops.cli.versiontext import line
    from dataops.lineage import trace
    from dataops.lineage.draw import picture

    target, path = trace.find(context, arguments.version, arguments.path)
    traced = trace.trace(context, target, path)
    for warning in traced.warnings:
        print(f"note: {line(warning)}", file=sys.stderr)
    versions = (version for artifact in context.registry.artifacts.values() for version in artifact.versions)
    deprecated = frozenset(version.name for version in versions if version.deprecated)
    return picture.of_trace(traced, code=arguments.code, fold=not arguments.unfold, deprecated=deprecated)


def _history(context: Context, arguments: argparse.Namespace) -> Graph:
    from dataops.cli.lineage.listing import note
    from dataops.cli.terminal import progress
    from dataops.errors import DataOpsError
    from dataops.lineage import listing
    from dataops.lineage.draw import history

    known = sorted(name for name, artifact in context.registry.artifacts.items() if artifact.versions)
    name = arguments.history
    if not known:
        raise DataOpsError("there are no versions yet", "`dataops release` makes the first")
    if name and name not in known:
        raise DataOpsError(f"there is no artifact {name} with a version", f"there is: {', '.join(known[:5])}")
    with progress("") as show:
        found = listing.entries(context, known, show)
    entries = []
    for one in found:
        made_of = tuple(dict.fromkeys(data.version for data in one.data if data.version))
        told = note(one) or ("data never released" if one.kind == listing.MODEL and one.data and not made_of else "")
        entries.append(history.Entry(one.version, made_of, told, one.kind))
    chosen = history.connected(entries, name) if name else entries
    shown = history.newest(chosen, arguments.limit)
    title = f"History of {name}" if name else history.TITLE
    left = len(chosen) - len(shown)
    return history.of_history(shown, f"{title} ({left:,} older ones left out)" if left else title)


def _text(graph: Graph, form: str) -> str:
    from dataops.lineage.draw.dot import dot
    from dataops.lineage.draw.mermaid import LIMIT as LONGEST
    from dataops.lineage.draw.mermaid import mermaid
    from dataops.lineage.draw.svg import svg

    text = {"mermaid": mermaid, "dot": dot, "svg": svg}[form](graph)
    if form == "mermaid" and len(text) > LONGEST:
        told = (
            f"Mermaid draws at most {LONGEST:,} characters where nobody raised its maxTextSize; this has {len(text):,}"
        )
        print(f"note: {told}: a smaller --limit, or --out history.svg", file=sys.stderr)
    return text


def _write(graph: Graph, form: str, out: Path) -> str:
    """Write it; what to say of its size."""
    from dataops.errors import DataOpsError
    from dataops.files import write_text

    try:
        if form == "png":
            from dataops.lineage.draw.png import png

            width, height = png(graph, out)
            return f", {width:,} by {height:,} pixels"
        write_text(out, _text(graph, form))
    except OSError as error:
        raise DataOpsError(f"{out} can't be written: {error.strerror or error}", "--out names a file") from None
    return ""
