"""A version of the dataset: its files, its metadata, its address on S3.

Every old name of a version works: v1.0, a day, commit-…, hash-…, v1.0.0-2024-01-15-a1b2c3d, latest. With none of
--download, --metadata and --uri its metadata are printed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import posixpath
from pathlib import Path
from typing import Any

from old import common

from dataops.errors import DataOpsError
from dataops.repo.registry import Version
from dataops.versions.context import Context

NEW = "`dataops get`, `show`, `uri`, `compare` and `versions`"


def parser() -> argparse.ArgumentParser:
    """The old flags."""
    made = common.parser(__doc__ or "", NEW)
    which = made.add_mutually_exclusive_group()
    which.add_argument("--version-id", metavar="VERSION", help="any of its names")
    which.add_argument("--latest", action="store_true", help="the greatest one")
    common.bucket(made)
    made.add_argument("--download", action="store_true", help="fetch it, every file verified")
    made.add_argument("--local-dir", metavar="DIR", help="where to (./ARTIFACT-VERSION)")
    made.add_argument("--files", nargs="+", default=[], metavar="NAME", help="only these files")
    made.add_argument("--metadata", action="store_true", help="print what is known of it, as JSON")
    made.add_argument("--uri", action="store_true", help="print where it lies on S3")
    made.add_argument("--compare", nargs=2, metavar="VERSION", help="say what differs between two, and end")
    made.add_argument("--list-versions", action="store_true", help="list them and end")
    return made


def run(arguments: argparse.Namespace) -> int:
    """Do all that is asked, in the order: address, metadata, files."""
    context = common.opened(arguments)
    if arguments.list_versions:
        return common.list_versions(context)
    if arguments.compare:
        return common.dataops("compare", *(common.version(context, name).name for name in arguments.compare))
    if not arguments.version_id and not arguments.latest:
        raise DataOpsError("which version? --version-id VERSION or --latest", "--list-versions lists them")
    version = common.version(context, arguments.version_id or "latest")
    if arguments.download or arguments.uri:  # else it is JSON and nothing else
        print(f"Using version ID: {version.number}", flush=True)
    if arguments.uri:
        _print_uri(context, version, arguments.files)
    if arguments.metadata or not (arguments.download or arguments.uri):
        from dataops.files import to_json

        print(to_json(_metadata(context, version)), end="")
    if arguments.download:
        _download(version, arguments)
    return 0


def _print_uri(context: Context, version: Version, files: list[str]) -> None:
    """The readable copy's folder, as the old command meant; where nobody published one, DVC's own objects."""
    from dataops.versions.uri import uri

    published = None if files else _published(context, version)
    if published is not None:
        print(f"S3 URI: {published}")
        return
    found = uri(version.name, files=files)
    for address in [found.uri] if found.uri else found.files.values():
        print(f"S3 URI: {address}")
    if not files:
        common.say(
            f"note: that is the list of its files; `dataops publish {version.name}` copies them to a folder of its name"
        )


def _published(context: Context, version: Version) -> str | None:
    """Where `dataops publish` wrote the version under its number; None where it didn't, or there is no S3."""
    from dataops.versions import publish

    with contextlib.suppress(DataOpsError):
        there = publish.plan(context, version.name, publish.Options()).destination
        said = json.loads(there.content(publish.METADATA) or b"{}")
        if said.get("published", {}).get("tag") == version.tag:
            return there.uri()
    return None


def _metadata(context: Context, version: Version) -> dict[str, Any]:
    """What metadata.json said: the card, and of uploaded files each one's rows, columns and SHA-256."""
    card = version.card or {}
    name = version.artifact.rpartition(":")[2]
    told = context.git.blob(version.commit, posixpath.join(context.prefix, f"reports/{name}.json"))
    report: Any = {}
    with contextlib.suppress(ValueError, RecursionError):
        report = json.loads(told or b"{}")
    files = report.get("files") if isinstance(report, dict) else None
    known = {
        "version_id": str(version.number),
        "version": version.name,
        "created_at": f"{version.time:%Y-%m-%dT%H:%M:%SZ}",
        "uploaded_by": f"{version.author} <{version.email}>",
        "git_commit": version.commit,
    }
    return {**known, "files": files if isinstance(files, dict) else {}, "card": card}


def _download(version: Version, arguments: argparse.Namespace) -> None:
    """Fetch; a file of the same name is replaced, as it was, and what else lies in the folder is told of."""
    from dataops.cli.terminal import progress, size
    from dataops.versions.get import get

    with progress() as show:
        got = get(version.name, arguments.local_dir, files=arguments.files, force=True, progress=show)
    for note in got.notes:
        common.say(f"note: {note}")
    amount = f"{got.files} file{'s' * (got.files != 1)}, {size(got.bytes)}"
    print(f"Downloaded {version.name}: {amount}, verified, to {got.out}")
    others = sum(path.is_file() for path in Path(got.out).rglob("*")) - got.files
    if others > 0 and not arguments.files:
        common.say(f"note: {got.out} holds {others} more file{'s' * (others != 1)}, which {version.name} has not")


if __name__ == "__main__":
    common.main(parser(), NEW, run)
