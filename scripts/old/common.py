"""What every one of the predecessors' commands does: find the repository, name the new command, check the bucket."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence

try:
    from dataops import errors
    from dataops.cli import parser as commands
    from dataops.errors import DataOpsError
    from dataops.repo import tags
    from dataops.repo.recorded import outside
    from dataops.repo.registry import Version
    from dataops.versions import context as contexts
    from dataops.versions.context import DEFAULT, Context
except ModuleNotFoundError as missing:
    print(f"error: {sys.executable} has no {missing.name}", file=sys.stderr)
    print(f" hint: `make install`, then .venv/bin/python {sys.argv[0]}", file=sys.stderr)
    sys.exit(2)

DOCS = "docs/coming-from-scripts.md"
UPLOADS = "uploads"  # the artifact that files made elsewhere become where the pipeline makes the dataset
SHORT = re.compile(r"v?(?:0|[1-9][0-9]{0,8})(?:\.(?:0|[1-9][0-9]{0,8})){0,2}")
OLD_WORDS = {  # what hints of the new commands say of flags that are called otherwise here, or aren't there
    "--no-push makes it here alone": "git remote add origin URL, and push",
    "; or --no-push": "",
    ", or --no-push": "",
    "`--bump patch`": "--version-id vX.Y.Z",
    "--out goes": "--local-dir goes",
    "--out names a folder": "--local-dir names a folder",
    "take another --out": "take another --local-dir",
}
Run = Callable[[argparse.Namespace], int]


def parser(doc: str, new: str) -> argparse.ArgumentParser:
    """A parser that says which new command the script calls; abbreviations of flags work as they did."""
    description, _, rest = doc.partition("\n\n")
    told = f"now: {new}; {DOCS} tells what became of each flag."
    status = "Exit status: 0 done; 1 the answer is no; 2 the call or the environment is wrong."
    epilog = "\n\n".join(filter(None, [rest.strip(), f"{told}\n{status}"]))
    return argparse.ArgumentParser(
        description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def main(made: argparse.ArgumentParser, new: str, run: Run, words: Sequence[str] | None = None) -> None:
    """Parse, name the new command once on standard error, run, and leave with the exit status."""
    arguments = made.parse_args(words)
    print(f"{made.prog}: now {new}; see {DOCS}", file=sys.stderr, flush=True)
    errors.run(lambda: _run(run, arguments))


def _run(run: Run, arguments: argparse.Namespace) -> int:
    """The same, its hints in the words of the old flags."""
    try:
        return run(arguments)
    except DataOpsError as error:
        for new, old in OLD_WORDS.items():
            error.hint = error.hint.replace(new, old)
        raise


def say(text: str) -> None:
    """A line for people, on standard error: pipelines read standard output."""
    from dataops.cli.versiontext import line

    print(line(text), file=sys.stderr, flush=True)


def bucket(made: argparse.ArgumentParser) -> None:
    """`--bucket`, which every old command had."""
    made.add_argument("--bucket", metavar="NAME", help="of the DVC remote: refused where it is another one")


def opened(arguments: argparse.Namespace) -> Context:
    """The repository around the current folder, once `--bucket` is known to be its remote's.

    Raises:
        DataOpsError: there is none, or the data lie in another bucket.
    """
    here = contexts.here()
    asked = getattr(arguments, "bucket", None)
    if asked is None:
        return here
    from dataops.store.s3objects import S3Store

    store = here.store()
    wanted = asked.removeprefix("s3://").strip("/")
    hint = "leave --bucket out, or `dataops remote use s3://…` (`dataops import datasets` brings an old bucket along)"
    if not isinstance(store, S3Store):
        raise DataOpsError(
            f"--bucket {wanted}: the data of this repository lie at {store.url}, which is no bucket", hint
        )
    if wanted != store.bucket:
        raise DataOpsError(f"--bucket {wanted}: the data of this repository lie in {store.bucket}", hint)
    return here


def delivered(context: Context, commit: str = "HEAD") -> str:
    """The artifact that files made elsewhere become: `dataset`, or `uploads` where a stage makes the dataset."""
    at = context.git.commit_of(commit)
    snapshot = context.snapshot(at) if at else None
    declared = snapshot.artifact(DEFAULT) if snapshot else None
    if snapshot is None or declared is None:
        return DEFAULT
    stage = snapshot.stage_of(declared.path)
    made = (stage is not None and not stage.address.endswith(".dvc")) or declared.path in snapshot.unrecorded
    return UPLOADS if made else DEFAULT


def version(context: Context, asked: str, artifacts: Sequence[str] = ()) -> Version:
    """The version that an old name means, of these artifacts: of what was uploaded and of the dataset.

    A name that one was given (its number, also as v1.1, or what it was called before it was imported) comes before
    what a name may mean else: v1.1 was never a later v1.1.1. `latest` and what is loose, as a day, is of the first
    artifact that has it.

    Raises:
        DataOpsError: it names no version, or was given to two.
    """
    if not asked.isprintable():
        raise DataOpsError(f"{asked!r} is no name of a version", "--list-versions lists them")
    given, _, short = asked.rpartition("@")
    names = [given] if given in context.registry.artifacts else list(artifacts or candidates(context))
    called = {one.name: one for name in names for one in context.registry.versions(name) if is_called(one, short)}
    if len(called) > 1:
        raise DataOpsError(f"{asked} means {' and '.join(called)}", f"write out which one, as {next(iter(called))}")
    failed = None
    for name in names:
        try:
            found = context.taken(next(iter(called), asked), name).version
        except DataOpsError as error:
            failed = failed or error
            continue
        if found is not None:
            return found
    raise failed or DataOpsError(f"{asked} is no version", "--list-versions lists them")


def candidates(context: Context) -> list[str]:
    """The artifacts, as tags call them, that a name without one may mean: those that have versions."""
    names = [outside(name, context.prefix) for name in dict.fromkeys([delivered(context), DEFAULT])]
    return [name for name in names if context.registry.versions(name)] or names[-1:]


def is_called(one: Version, short: str) -> bool:
    """Was this name given to it: its number, or the one that it had before it was imported?"""
    if SHORT.fullmatch(short) and one.number == number("", short):
        return True
    return short in ((one.card or {}).get("aliases") or ())


def number(flag: str, asked: str) -> tags.Number:
    """A version's own name: v1.1.0, also as v1.1, 1.1 and v1.

    Raises:
        DataOpsError: it is no number; other names of a version follow from it.
    """
    text = asked.removeprefix("v")
    try:
        return tags.Number.parse(f"v{text}" + ".0" * max(0, 2 - text.count(".")))
    except ValueError:
        hint = "leave it out and the number comes from the data; days, commits and hashes are names of it by themselves"
        raise DataOpsError(f"{flag} {asked!r}: a version's own name is a number, as v1.1 or v1.1.0", hint) from None


def following(context: Context, artifacts: Sequence[str]) -> tags.Number | None:
    """The first number after the imported versions of these artifacts; None where the data say it.

    Imported versions lie on a branch of their own: a release doesn't come after them, and would begin again at v1.0.0.
    """
    known = {one.tag: one for name in artifacts for one in context.registry.versions(name)}.values()
    imported = [one.number for one in known if (one.card or {}).get("imported")]
    own = [one for one in known if one.artifact == artifacts[0] and one.number not in imported]
    if not imported or own:
        return None
    say(f"note: the first after the imported versions, the greatest of which is {max(imported)}")
    return max(imported).bumped("minor")


def list_versions(context: Context) -> int:
    """Print the versions of what was uploaded and of the dataset, the newest first, as the old list began."""
    from dataops.cli.versiontext import count, line, size
    from dataops.versions import listing

    known = [name for name in candidates(context) if context.registry.versions(name)]
    if not known:
        print("No versions found")
        return 0
    print("Available versions:")
    for name in known:
        for one in listing.newest_first(context.registry, name)[name]:
            card = one.read_card() or {}
            facts = [
                f"{one.time:%Y-%m-%d}",
                f"{count(card.get('rows'))} rows" if card.get("rows") else "",
                size(card.get("bytes")),
            ]
            state = "deprecated" if one.deprecated else ", ".join(one.stages)
            called = str(one.number) if name == known[0] else one.name
            print("  " + line("  ".join(filter(None, [called, *facts, state]))))
    return 0


def dataops(*words: str) -> int:
    """Run a command of `dataops` in this process; its exit status."""
    arguments = commands(words[0]).parse_args(words)
    status: int = arguments.run(arguments)
    return status
