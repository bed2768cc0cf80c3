"""`dataops lineage diff`: what changed between two models, next to the metrics that moved."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from dataops.cli import options
from dataops.cli.terminal import Help

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataops.lineage.diff import Change, Difference, Moved
    from dataops.lineage.traced import Trace
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
        formatter_class=Help,
    )
    parser.add_argument("old", metavar="A", help="a version, a git revision, or the path of an output")
    parser.add_argument("new", metavar="B", help="a version or a git revision, which means A's artifact there")
    parser.add_argument("--path", metavar="PATH", help="an output of both commits, in place of the artifact")
    options.repo(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare and print; 1 where nothing is recorded on one side."""
    from dataclasses import replace

    from dataops.files import to_json
    from dataops.lineage import trace
    from dataops.lineage.diff import diff

    there = options.opened(arguments)
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
    return 0 if _recorded(found.old) and _recorded(found.new) else 1


def _recorded(side: Trace) -> bool:
    return bool(side.steps or side.trained_on)


def _text(found: Difference, there: Context) -> Iterator[str]:
    from dataops.cli.terminal import table
    from dataops.cli.versiontext import line

    def rows(cells: list[tuple[str, ...]]) -> str:
        return table([[line(cell, WIDEST) for cell in row] for row in cells], indent="  ")

    old, new = found.old, found.new
    yield line(f"{old.name} ({old.commit.sha[:7]}, {old.commit.time:%Y-%m-%d}) -> {new.name} ({new.commit.sha[:7]}, "
               f"{new.commit.time:%Y-%m-%d})")  # fmt: skip
    made = [f"{name}: {why}" if (why := _reason(there, name)) and name not in old.versions else name
            for name in new.versions]  # fmt: skip
    if old.versions or new.versions:
        yield "  made of  " + line(", ".join(old.versions) or "nothing released")
        yield "        -> " + line(", ".join(made) or "nothing released")
    if found.changes:
        yield "\nchanged"
        yield rows([(str(number), *_change(one)) for number, one in enumerate(found.changes, 1)])
    elif _recorded(old) and _recorded(new):
        yield "\ndata, code, parameters and commands are the same"
    by: dict[tuple[int, ...], list[Moved]] = {}
    for one in found.moved:
        by.setdefault(one.changes, []).append(one)
    for places, moved in by.items():
        after = ", ".join(str(place + 1) for place in places)
        yield f"\nmetrics after {after}" if places else "\nmetrics after no change that is recorded"
        yield rows([_moved(one) for one in moved])
    if not found.moved:
        yield f"\n{found.same} metrics, all the same" if found.same else "\nno metrics are recorded"
    elif found.same:
        yield f"\n{found.same} more metric{'s are' if found.same > 1 else ' is'} the same"
    yield from (f"warning: {line(one)}" for one in dict.fromkeys((*old.warnings, *new.warnings)))


def _change(one: Change) -> tuple[str, str, str]:
    told = _short if one.kind in ("data", "code") else str
    if one.how == "changed":
        return one.kind, one.name, f"{told(one.old)} -> {told(one.new)}"
    value = told(one.new if one.how == "added" else one.old)
    return one.kind, one.name, one.how + (f" ({value})" if one.kind in ("params", "data") else "")


def _moved(one: Moved) -> tuple[str, str, str, str]:
    share = f"{(one.new - one.old) / abs(one.old):+.2%}" if one.old and one.new is not None else ""
    return one.path, one.name, f"{_number(one.old)} -> {_number(one.new)}", share


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}" if isinstance(value, float) else f"{value:,}"


def _short(digest: Any) -> str:
    return str(digest)[:7] if digest else "nothing"


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
