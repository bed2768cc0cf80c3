"""`dataops versions`, `show`, `promote` and `deprecate`: what git's tags say, and saying more."""

from __future__ import annotations

import argparse
import gc
from typing import TYPE_CHECKING, Any

from dataops.cli import options
from dataops.cli.terminal import Help

if TYPE_CHECKING:
    from dataops.repo.registry import Version
    from dataops.versions.stages import Done

NAMES = """\
a version is named by
  v1.2.0  v1.2  dataset@v1.2.0     its number, or the greatest that begins so
  latest  model@latest             the greatest that is not deprecated
  2024-01-15                       the newest of a day (UTC)
  model#prod                       what holds a stage
  commit-a1b2c3d  hash-abc1234     its commit, its content
  v1.2.0-2024-01-15-a1b2c3d        all three
  v1.0  20240115-103000  …         what it was called before `dataops import`
  main  HEAD~2  …                  any revision of git
  arn:aws:sagemaker:…              the training job that made it, or its model package
A name without an artifact means the dataset.
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the four commands."""
    versions = commands.add_parser(
        "versions",
        description="List versions, newest first. Reads git's tags alone: no network, no data.",
        epilog="example: dataops versions model",
    )
    versions.add_argument("artifact", nargs="?", metavar="ARTIFACT", help="one artifact only (all, grouped)")
    _reading(versions)
    versions.set_defaults(run=run_versions)

    show = commands.add_parser(
        "show",
        description="The card of a version, who made it and from which commit, and what dvc.lock says there.",
        epilog=NAMES,
        formatter_class=Help,
    )
    show.add_argument("version", metavar="VERSION", help="see below")
    _reading(show)
    show.set_defaults(run=run_show)

    promote = commands.add_parser(
        "promote",
        description="Make and push the tag that gives a version a stage (GTO's grammar). Nothing is moved: who held "
        "it before stays in history.",
        epilog="example: dataops promote model@v2.0.1 prod",
    )
    promote.add_argument("version", metavar="VERSION", help="as model@v2.0.1 or model@latest")
    promote.add_argument("stage", metavar="STAGE", help="as dev, staging or prod")
    _writing(promote)
    promote.set_defaults(run=run_promote)

    deprecate = commands.add_parser(
        "deprecate",
        description="Make and push the tag that cancels a version (GTO's grammar). Its data stays where it is.",
        epilog="example: dataops deprecate dataset@v1.3.0 --message 'Store 7 counted twice'",
    )
    deprecate.add_argument("version", metavar="VERSION", help="as dataset@v1.3.0")
    deprecate.add_argument("-m", "--message", default="", metavar="WHY", help="kept in the tag, and shown")
    _writing(deprecate)
    deprecate.set_defaults(run=run_deprecate)


def _reading(parser: argparse.ArgumentParser) -> None:
    options.repo(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")


def _writing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-push", action="store_true", help="keep the tag in this clone")
    parser.add_argument("--json", action="store_true", help="the result as JSON")


def run_versions(arguments: argparse.Namespace) -> int:
    """List them."""
    import json

    from dataops.cli import versiontext
    from dataops.versions import listing

    gc.disable()  # ten thousand cards are no garbage, and looking for some takes a quarter of the time
    context = options.opened(arguments)
    found = listing.newest_first(context.registry, arguments.artifact)
    if arguments.json:
        lines = [json.dumps(entry, ensure_ascii=False) for entry in listing.as_json(context, found)]
        print("[" + ",\n ".join(lines) + "]")
        return 0
    if not found:
        print("no versions yet: `dataops release` makes the first")
        light = context.registry.lightweight
        if light:
            told = f"{versiontext.line(light[0])}{f' and {len(light) - 1} more' if light[1:] else ''}"
            print(f"lightweight tags are none, for GTO neither: {told}; `git tag -a` makes an annotated one")
        return 0
    print("\n\n".join(versiontext.table(name, versions) for name, versions in found.items()))
    return 0


def run_show(arguments: argparse.Namespace) -> int:
    """Show one."""
    import json

    from dataops.cli import versiontext
    from dataops.versions import shown

    context = options.opened(arguments)
    found = shown.gather(context, context.resolve(arguments.version))
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        print(versiontext.text(found))
    return 0


def run_promote(arguments: argparse.Namespace) -> int:
    """Give a stage."""
    from dataops.versions import context, stages

    here = context.here()
    target = here.resolve(arguments.version)
    done = stages.promote(here.git, target, arguments.stage, push=not arguments.no_push)
    word = "already is" if done.already else "is"
    return _say(arguments, done, f"{done.version.name} {word} {arguments.stage}")


def run_deprecate(arguments: argparse.Namespace) -> int:
    """Take back."""
    from dataops.versions import context, stages

    here = context.here()
    target = here.resolve(arguments.version)
    held = target.version.stages if target.version else ()
    done = stages.deprecate(here.git, target, arguments.message, push=not arguments.no_push)
    word = "already is" if done.already else "is"
    latest = done.artifact.latest
    lines = [f"{done.version.name} {word} deprecated", f"latest is {latest.name if latest else 'none'} now"]
    lines += [f"{stage} is {_holder(done.artifact.stages.get(stage))} now" for stage in held if not done.already]
    return _say(arguments, done, *lines)


def _holder(version: Version | None) -> str:
    return version.name if version else "no version"


def _say(arguments: argparse.Namespace, done: Done, *lines: str) -> int:
    import json

    latest = done.artifact.latest
    if arguments.json:
        facts: dict[str, Any] = {
            "version": done.version.name,
            "tag": done.tag,
            "already": done.already,
            "pushed": done.pushed,
            "stages": {stage: version.name for stage, version in done.artifact.stages.items()},
            "latest": latest.name if latest else None,
            "notes": list(done.notes),
        }
        print(json.dumps(facts, ensure_ascii=False, indent=2))
        return 0
    for note in done.notes:
        print(f"note: {note}; this one comes after it")
    where = f"tag {done.tag}, pushed to {done.pushed}" if done.pushed else f"tag {done.tag}, in this clone only"
    print(f"{lines[0]} ({where})")
    for line in lines[1:]:
        print(line)
    return 0
