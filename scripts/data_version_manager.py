"""Single files with versions, which a JSON registry and copies with a version in their names once were.

  version FILE NAME   FILE becomes a version of the artifact NAME: recorded by DVC, committed on the git remote's
                      branch (that record and nothing else of yours), proven on the DVC remote, tagged
  list [NAME]         every version of every name, or of one
  info NAME           one version: the latest, or --version

`latest` is a name of the greatest version; no link has to be kept. An old data_registry.json comes along by
`dataops import registry`.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from old import common

from dataops.errors import DataOpsError
from dataops.repo.recorded import outside
from dataops.versions import context as contexts
from dataops.versions.context import Context
from dataops.versions.track import require_artifact_name

NEW = "`dataops track`, `release`, `versions` and `show`"


def parser() -> argparse.ArgumentParser:
    """The old actions and flags."""
    made = common.parser(__doc__ or "", NEW)
    actions = made.add_subparsers(title="actions", metavar="ACTION", required=True)
    version = actions.add_parser("version", help="a file becomes a version")
    version.add_argument("file", type=Path, metavar="FILE", help="what it is")
    version.add_argument("name", metavar="NAME", help="of the artifact")
    version.add_argument("--version", metavar="vX.Y.Z", help="its number (it comes from the data)")
    version.add_argument("--description", metavar="TEXT", help="what it is")
    version.add_argument("--branch", metavar="NAME", help="new: of the git remote (the one checked out)")
    version.set_defaults(run=run_version)
    listed = actions.add_parser("list", help="every version")
    listed.add_argument("name", nargs="?", metavar="NAME", help="of one artifact")
    listed.set_defaults(run=run_list)
    info = actions.add_parser("info", help="one version")
    info.add_argument("name", metavar="NAME", help="of the artifact")
    info.add_argument("--version", default="latest", metavar="VERSION", help="any of its names (latest)")
    info.set_defaults(run=run_info)
    return made


def run_version(arguments: argparse.Namespace) -> int:
    """Record, commit, push, release."""
    from old.delivery import Delivery, deliver

    from dataops.cli.terminal import progress, size
    from dataops.cli.versiontext import line
    from dataops.versions.plan import Options

    context = common.opened(arguments)
    name, file = require_artifact_name(arguments.name), arguments.file
    if not file.is_file():
        raise DataOpsError(f"there is no file {line(file)}", "a folder is uploaded by upload_data.py")
    number = (
        common.number("--version", arguments.version)
        if arguments.version
        else common.following(context, [outside(name, context.prefix)])
    )
    options = Options(name, message=arguments.description or "", number=number)
    work = Delivery(options, {"": file}, _place(context, file, name), arguments.description, branch=arguments.branch)
    with progress("objects") as show:
        version = deliver(context, work, common.say, show).version
    facts = version.card or {}
    print(
        f"Created version {version.number} of {name}: {size(facts.get('bytes', 0))}, sha256 {facts.get('sha256', '')}"
    )
    return 0


def run_list(arguments: argparse.Namespace) -> int:
    """List."""
    name = [outside(require_artifact_name(arguments.name), contexts.here().prefix)] if arguments.name else []
    return common.dataops("versions", *name)


def run_info(arguments: argparse.Namespace) -> int:
    """Show one."""
    context = contexts.here()
    name = outside(require_artifact_name(arguments.name), context.prefix)
    return common.dataops("show", common.version(context, f"{name}@{arguments.version}", [name]).name)


def _place(context: Context, file: Path, name: str) -> str:
    """Where a new artifact lies: where the file is, if that is in the repository; else below data/."""
    path = Path(os.path.normpath(Path.cwd() / file))  # links stay links
    if context.root is not None and path.is_relative_to(context.root):
        return path.relative_to(context.root).as_posix()
    return f"data/{name}{file.suffix}"


if __name__ == "__main__":
    made = parser()
    common.main(made, NEW, lambda arguments: int(arguments.run(arguments)))
