"""`dataops get` and `dataops uri`: a version's bytes, and where they lie."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from dataops.cli import options
from dataops.cli.terminal import Help, size

if TYPE_CHECKING:
    from dataops.versions.get import Got

GET = """\
examples:
  dataops get v1.1.0                          the dataset's version 1.1.0 into ./dataset-v1.1.0/
  dataops get latest --file train --out here  its folder train alone
  dataops get model@v2.0.0                    another artifact
  dataops get HEAD~2 --path data/raw          any output of any commit
  dataops get v1.0.0 --repo https://example.org/team/data.git
  dataops get HEAD --repo https://example.org/monorepo --path teams/a/data     as `dvc get` counts paths
"""
URI = """\
examples:
  dataops uri latest                     the address of the folder's manifest
  dataops uri latest --file 'train/*'    the addresses of files
  dataops uri latest --json              every file's
"""


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add both commands."""
    get = commands.add_parser(
        "get",
        description="Fetch a version straight from the remote's content-addressed objects, in parallel and checked by "
        "hash, without touching the working tree. Objects in the cache are reused. Interrupted, it goes on where it "
        "was. Nothing appears in the folder unless everything is right.",
        epilog=GET,
        formatter_class=Help,
    )
    _common(get)
    get.add_argument("--out", metavar="DIR", help="the folder (./ARTIFACT-VERSION, as dataset-v1.1.0)")
    get.add_argument("--force", action="store_true", help="replace files that are there with other content")
    get.add_argument("--jobs", type=_jobs, default=8, metavar="N", help="connections at once (8)")
    get.add_argument("--json", action="store_true", help="what was done, as JSON")
    get.set_defaults(run=run_get)

    uri = commands.add_parser(
        "uri",
        description="The address of the object that a version is: of a folder, the manifest that lists its files.",
        epilog=URI,
        formatter_class=Help,
    )
    _common(uri)
    uri.add_argument("--json", action="store_true", help="with every file's object")
    uri.set_defaults(run=run_uri)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("version", metavar="VERSION", help="v1.1.0, latest, model@v2.0.0, a date, a git revision, …")
    parser.add_argument(
        "--file", nargs="+", action="extend", default=[], metavar="NAME", help="files, folders, patterns"
    )
    parser.add_argument("--path", metavar="PATH", help="an output of that commit, instead of the artifact")
    options.repo(parser)
    parser.add_argument("--remote", metavar="NAME", help="the DVC remote (the default one)")


def _jobs(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 128:
        raise argparse.ArgumentTypeError("a number from 1 to 128")
    return int(text)


def run_get(arguments: argparse.Namespace) -> int:
    """Fetch, and say what came."""
    from dataops.cli.terminal import progress
    from dataops.files import to_json
    from dataops.versions.get import get

    with progress() as show:
        got = get(
            arguments.version,
            arguments.out,
            files=arguments.file,
            path=arguments.path,
            repo=arguments.repo,
            remote=arguments.remote,
            force=arguments.force,
            threads=arguments.jobs,
            progress=show,
        )
    for note in got.notes:
        print(f"note: {note}", file=sys.stderr)
    print(to_json(got.as_json()) if arguments.json else _said(got, arguments.path), end="" if arguments.json else "\n")
    return 0


def run_uri(arguments: argparse.Namespace) -> int:
    """Print addresses."""
    from dataops.errors import DataOpsError
    from dataops.files import to_json
    from dataops.versions.uri import uri

    found = uri(
        arguments.version,
        files=arguments.file,
        path=arguments.path,
        repo=arguments.repo,
        remote=arguments.remote,
    )
    if arguments.json:
        print(to_json(found.as_json()), end="")
        return 0
    if found.uri is None and not found.files:
        raise DataOpsError(f"{found.path} lies in git, not on the remote", f"`git show {found.commit[:7]}:PATH`")
    for address in [found.uri] if found.uri else found.files.values():
        print(address)
    return 0


def _said(got: Got, path: str | None) -> str:
    """One line for people."""
    sources = [
        f"{number} {where}"
        for number, where in (
            (got.from_remote, "from the remote"),
            (got.from_cache, "from the cache"),
            (got.from_git, "from git"),
            (got.already, "there already"),
        )
        if number
    ]
    name = got.version or f"{got.path} at {got.commit[:7]}"
    if path is not None and got.version is not None:
        name = f"{path} of {got.version}"
    files = f"{got.files} file{'s' * (got.files != 1)}"
    return f"{name}: {files}, {size(got.bytes)} in {got.out} ({', '.join(sources) or 'empty'}), verified"
