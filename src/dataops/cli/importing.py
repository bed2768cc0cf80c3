"""`dataops import datasets` and `dataops import registry`: the versions that scripts made become this repository's."""

from __future__ import annotations

import argparse
from typing import Any

from dataops.cli import options
from dataops.cli.terminal import Help

DATASETS = """\
examples:
  dataops import datasets s3://bucket/datasets/ --dry-run     old name, new version, size; what identical files save
  dataops import datasets s3://bucket/datasets/               interrupted, it goes on where it was
  dataops import datasets s3://bucket/datasets/ --lineage s3://bucket/lineage/      the models, bound to their data
  dataops import datasets s3://bucket/datasets/ --allow-damaged v1.3                what is there of it, and why
"""
REGISTRY = """\
examples:
  dataops import registry data_registry.json --dry-run
  dataops import registry data/data_registry.json --name movies ratings
"""


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `import` with its two commands."""
    top = commands.add_parser(
        "import",
        description="Make the versions that scripts kept before versions of this repository, with their names and "
        "times: commits on a branch of their own, and tags.",
    )
    inner = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    datasets = inner.add_parser(
        "datasets",
        help="folders datasets/VERSION/ of a bucket",
        description="Every folder below the address becomes a version: a commit on the branch imported/datasets and an "
        "annotated tag, with the time of its metadata.json (else that of its objects) and the document itself in the "
        "card. Identical files are stored once. Old names go on to work wherever a version is named. Your branch, "
        "index and work tree are not touched. A damaged version is left out and named; exit status 1 then.",
        epilog=DATASETS,
        formatter_class=Help,
    )
    datasets.add_argument("url", metavar="URL", help="as s3://bucket/datasets/")
    datasets.add_argument(
        "--artifact", default="dataset", metavar="NAME", help="what they become versions of (dataset)"
    )
    datasets.add_argument("--lineage", metavar="URL", help="records of trainings, as s3://bucket/lineage/: models, too")
    datasets.add_argument("--model-artifact", default="model", metavar="NAME", help="what models become (model)")
    datasets.add_argument("--endpoint-url", metavar="URL", help="of the bucket's S3 (that of the DVC remote)")
    datasets.add_argument("--profile", metavar="NAME", help="of ~/.aws for the bucket (as the DVC remote signs in)")
    _common(datasets)
    datasets.set_defaults(run=run_datasets)

    registry = inner.add_parser(
        "registry",
        help="a data_registry.json and the files it names",
        description="Every name of the registry becomes an artifact, each of its versions a commit on the branch "
        "imported/registry and an annotated tag, with its time, and its description in the card. A file that is "
        "missing or was changed since is left out and named; exit status 1 then.",
        epilog=REGISTRY,
        formatter_class=Help,
    )
    registry.add_argument("file", type=options.path, metavar="FILE", help="the data_registry.json")
    registry.add_argument("--name", nargs="+", action="extend", default=[], metavar="NAME", help="these alone (all)")
    _common(registry)
    registry.set_defaults(run=run_registry)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="say what would happen; write nothing")
    parser.add_argument(
        "--allow-damaged",
        nargs="+",
        action="extend",
        default=[],
        metavar="VERSION",
        help="import what is there of these, and record what is wrong",
    )
    parser.add_argument("--no-push", action="store_true", help="keep tags and branch in this clone; run again to push")
    parser.add_argument("--remote", metavar="NAME", help="the DVC remote to store them on (the default one)")
    parser.add_argument("--json", action="store_true", help="the result as JSON")


def run_datasets(arguments: argparse.Namespace) -> int:
    """Import, or say what would be."""
    from dataops.cli import importtext
    from dataops.cli.terminal import progress
    from dataops.versions import context
    from dataops.versions.importing import datasets
    from dataops.versions.importing.plan import stored

    here = context.here()
    wanted = datasets.Options(
        artifact=arguments.artifact,
        model=arguments.model_artifact,
        lineage=arguments.lineage,
        allow=frozenset(arguments.allow_damaged),
        push=not arguments.no_push,
        remote=arguments.remote,
        endpoint_url=arguments.endpoint_url,
        profile=arguments.profile,
    )
    with progress("file") as show:
        if arguments.dry_run:
            planned, _ = datasets.look(here, arguments.url, wanted, show)
            there = stored(here, planned, wanted.remote, show)
        else:
            done = datasets.bring(here, arguments.url, wanted, progress=show)
    if arguments.dry_run:
        return importtext.plan(planned, there, as_json=arguments.json)
    return importtext.done(done, as_json=arguments.json)


def run_registry(arguments: argparse.Namespace) -> int:
    """The same with files."""
    from dataops.cli import importtext
    from dataops.cli.terminal import progress
    from dataops.versions import context
    from dataops.versions.importing import filenames
    from dataops.versions.importing.plan import stored

    here, allow = context.here(), frozenset(arguments.allow_damaged)
    if arguments.dry_run:
        planned = filenames.look(here, arguments.file, arguments.name, allow)
        return importtext.plan(planned, stored(here, planned, arguments.remote), as_json=arguments.json)
    with progress("file") as show:
        done = filenames.bring(
            here,
            arguments.file,
            arguments.name,
            allow=allow,
            push=not arguments.no_push,
            remote=arguments.remote,
            progress=show,
        )
    return importtext.done(done, as_json=arguments.json)
