"""`dataops lineage diff`: what changed between two models, next to the metrics that moved."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataops.lineage.diff import Change, Difference, Moved
    from dataops.versions.context import Context

EXAMPLES = """\
examples:
  dataops lineage diff model@v1.0.0 model@v1.1.0
  dataops lineage diff model@v1.0.0 HEAD          what a release of the model would change
  dataops lineage diff dataset@v1.0.0 v1.1.0      a bare second name means the first one's artifact
"""
WIDEST = 90


def register(actions: argparse._SubParsersAction[Any]) -> None:
    """Add the action."""
    parser = actions.add_parser(
        "diff",
        help="what changed between two models: data, code, parameters, next to the metrics that moved",
        description="Lays two traces side by side. Each metric that moved is told with the changes upstream of the "
        "stage that wrote it: only those can have moved it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("old", metavar="A", help="a version, a git revision, or the path of an output")
    parser.add_argument("new", metavar="B", help="the same; a revision means A's artifact there")
    parser.add_argument("--path", metavar="PATH", help="an output of both commits, in place of the artifact")
    parser.add_argument("--repo", metavar="URL", help="somebody's git repository: a URL or path, or URL#FOLDER")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare and print."""
    from dataclasses import replace

    from dataops.files import to_json
    from dataops.lineage import trace
    from dataops.lineage.diff import diff
    from dataops.versions import context

    there = context.there(arguments.repo) if arguments.repo else context.here()
    old, path = trace.find(there, arguments.old, arguments.path)
    default = old.artifact or trace.default(there)
    new = there.resolve(arguments.new, default)
    if new.artifact is None and path is None:  # a plain revision: the same artifact as it is there
        new = replace(new, artifact=old.artifact)
    found = diff(there, (old, path), (new, path))
    if arguments.json:
        print(to_json(_json(found)), end="")
    else:
        print("\n".join(_text(found, there)))
    return 0


def _text(found: Difference, there: Context) -> Iterator[str]:
    from dataops.cli.versiontext import line

    yield (
        line(f"{found.old.name}  {found.old.commit.sha[:7]}  {found.old.commit.time:%Y-%m-%d}")
        + "  ->  "
        + line(f"{found.new.name}  {found.new.commit.sha[:7]}  {found.new.commit.time:%Y-%m-%d}")
    )
    yield line(f"  made of {', '.join(found.old.versions) or 'nothing released'}")
    yield line(f"       -> {', '.join(found.new.versions) or 'nothing released'}")
    for name in found.new.versions:
        if name not in found.old.versions and (why := _reason(there, name)):
            yield line(f"          {name}: {why}", 2 * WIDEST)
    yield ""
    if not found.changes:
        yield "data, code, parameters and commands are the same"
    for number, change in enumerate(found.changes, 1):
        yield line(f"{number:>3}  {_change(change)}")
    yield ""
    if not found.moved:
        yield f"{found.same} metrics, all the same" if found.same else "no metrics are recorded"
    by: dict[tuple[int, ...], list[Moved]] = {}
    for one in found.moved:
        by.setdefault(one.changes, []).append(one)
    for places, metrics in by.items():
        after = ", ".join(str(place + 1) for place in places)
        yield f"after {after}" if places else "after no change that is recorded"
        yield from (line(f"  {_moved(one)}") for one in metrics)
    if found.moved and found.same:
        yield f"{found.same} more metrics are the same"
    yield from (f"warning: {line(one)}" for one in dict.fromkeys((*found.old.warnings, *found.new.warnings)))


def _change(one: Change) -> str:
    told = _short if one.kind in ("data", "code") else str
    if one.how == "changed":
        what = "" if one.kind == "code" else f"  {_cut(told(one.old))} -> {_cut(told(one.new))}"
    else:
        value = told(one.new if one.how == "added" else one.old)
        what = f"  {one.how}" + (f" ({_cut(value)})" if one.kind in ("params", "data") else "")
    return f"{one.kind:8} {one.name}{what}"


def _moved(one: Moved) -> str:
    share = f"  ({(one.new - one.old) / abs(one.old):+.2%})" if one.old and one.new is not None else ""
    return f"{one.path}  {one.name}  {_number(one.old)} -> {_number(one.new)}{share}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}" if isinstance(value, float) else f"{value:,}"


def _short(digest: Any) -> str:
    return str(digest)[:7] if digest else "nothing"


def _cut(text: str) -> str:
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def _reason(there: Context, name: str) -> str:
    """Why a version is one, in the words of its card."""
    found = (one for one in there.registry.versions(name.rpartition("@")[0]) if one.name == name)
    return next((str((one.read_card() or {}).get("reason") or one.subject) for one in found), "")


def _json(found: Difference) -> dict[str, Any]:
    from dataclasses import asdict

    from dataops.lineage import tojson

    changes = [asdict(one) for one in found.changes]
    return {
        "old": tojson.of_trace(found.old),
        "new": tojson.of_trace(found.new),
        "changes": changes,
        "metrics": [{**asdict(one), "changes": [changes[place] for place in one.changes]} for one in found.moved],
        "metrics_same": found.same,
    }
