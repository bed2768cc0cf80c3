"""Files made elsewhere become a version of the dataset, as datasets/VERSION/ once was.

The files are put side by side into one folder that DVC tracks, checked (empty, columns without any value, missing
required columns, duplicate rows), committed on the git remote's branch, proven on the DVC remote and tagged. The commit
holds what DVC records of them and nothing of your work tree; no hook runs for it; killed anywhere, the same call again
finishes it. A version is never overwritten.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from old import common

from dataops.errors import DataOpsError, Refused
from dataops.repo.recorded import outside
from dataops.repo.registry import Version
from dataops.repo.tags import Number
from dataops.versions.context import Context
from dataops.versions.plan import Options
from dataops.versions.track import require_artifact_name

NEW = "`dataops release` (of a folder that DVC tracks)"
TYPES = ("semantic", "timestamp", "git_commit", "content_hash", "hybrid")


def parser() -> argparse.ArgumentParser:
    """The old flags, and three new ones."""
    made = common.parser(__doc__ or "", NEW)
    made.add_argument(
        "--files", nargs="+", metavar="FILE", help="what the version consists of, each under its own name"
    )
    common.bucket(made)
    made.add_argument("--version-id", metavar="vX.Y.Z", help="its number (it comes from the data)")
    made.add_argument(
        "--version-type", choices=TYPES, default="semantic", help="which of its names is printed (semantic)"
    )
    made.add_argument("--git-commit", metavar="COMMIT", help="of the code that made the files; kept in the report")
    made.add_argument("--dry-run", action="store_true", help="say what would happen; change nothing")
    made.add_argument("--force", action="store_true", help="refused where there is something to overwrite")
    made.add_argument("--list-versions", action="store_true", help="list them and end")
    made.add_argument("--allow-invalid", metavar="WHY", help="new: past the check; who and why stay in the version")
    made.add_argument("--artifact", metavar="NAME", help="new: of dvc.yaml (dataset; uploads where a stage makes that)")
    made.add_argument("--branch", metavar="NAME", help="new: of the git remote, for the commit (the one checked out)")
    return made


def run(arguments: argparse.Namespace) -> int:
    """Upload, or list."""
    context = common.opened(arguments)
    if arguments.list_versions:
        return common.list_versions(context)
    if not arguments.files:
        raise DataOpsError("which files? --files FILE …", "--list-versions lists what is there")
    from old import quality
    from old.delivery import Delivery, deliver, planned

    from dataops.cli.terminal import progress

    artifact = require_artifact_name(arguments.artifact or common.delivered(context))
    files = _named(arguments.files)
    options = Options(
        artifact, number=_number(context, arguments, artifact, files), allow_invalid=arguments.allow_invalid
    )
    made_by = _code(context, arguments.git_commit)
    report = quality.judge(files, quality.required_columns(context.contract(context.git.commit_of("HEAD") or "")))
    for problem in report["problems"]:
        common.say(f"{'WARNING' if options.allow_invalid else 'ERROR'}: {problem}")
    if report["problems"] and not options.allow_invalid:
        raise Refused("the files are not uploaded: see above", "--allow-invalid WHY uploads them all the same")
    report |= {"git_commit": made_by} if made_by else {}
    options = replace(options, message=f"uploaded: {', '.join(files)}")
    work = Delivery(options, files, f"data/{artifact}", report=report, branch=arguments.branch)
    if arguments.dry_run:
        plan = planned(context, work)
        number = plan.number
        known = {"semantic": number, "content_hash": f"hash-{plan.output.digest[:12]}"}
        print(
            f"Using version ID: {known.get(arguments.version_type, f'{number} (and a {arguments.version_type} name)')}"
        )
        print(f"would release {plan.artifact.name}@{number} ({plan.change.reason}); nothing was changed")
        return 0
    with progress("objects") as show:
        version = deliver(context, work, common.say, show).version
    digest = str((version.card or {}).get("hash", ""))
    day, commit = f"{version.time:%Y-%m-%d}", version.commit[:7]
    names = {
        "timestamp": day,
        "git_commit": f"commit-{commit}",
        "content_hash": f"hash-{digest[:12]}",
        "hybrid": f"{version.number}-{day}-{commit}",
    }
    print(f"Using version ID: {names.get(arguments.version_type, version.number)}")
    print(f"Successfully uploaded {version.name}: {len(files)} file{'s' * (len(files) != 1)}, commit {commit}")
    if arguments.version_type == "timestamp":
        common.say(f"note: a day means its newest version; {version.name} is this one for ever")
    return 0


def _named(given: Sequence[str]) -> Mapping[str, Path]:
    """The files by the names that they will have.

    Raises:
        DataOpsError: one is missing, can't be read or kept, or two have the same name.
    """
    from dataops.cli.versiontext import line
    from dataops.store import manifest

    found: dict[str, Path] = {}
    for text in given:
        path = Path(text)
        if not path.is_file():
            raise DataOpsError(f"there is no file {line(text)}", "each of --files is a file")
        if wrong := manifest.unsafe(path.name):
            raise DataOpsError(f"{line(ascii(path.name))} can't be kept: {wrong}", "give it another name")
        if path.name in found:
            raise DataOpsError(
                f"two files are called {line(path.name)}: {line(found[path.name])} and {line(path)}",
                "in a version each has a name of its own",
            )
        found[path.name] = path
    return found


def _number(context: Context, arguments: argparse.Namespace, artifact: str, files: Mapping[str, Path]) -> Number | None:
    """What `--version-id` asks for; None: the data say it.

    Raises:
        DataOpsError: a version's number can't be that, or `--force` would overwrite one.
        Refused: a version has it already.
    """
    asked, artifacts = arguments.version_id, [outside(artifact, context.prefix), *common.candidates(context)]
    if asked is None:
        return common.following(context, artifacts)
    number = common.number("--version-id", asked)
    for name in dict.fromkeys(artifacts):
        for one in context.registry.versions(name):
            if one.number == number:
                _taken(one, files, force=arguments.force)
    return number


def _taken(version: Version, files: Mapping[str, Path], *, force: bool) -> None:
    """Say that the number is given away.

    Raises:
        Refused: it is, to these very files or to others.
        DataOpsError: `--force` would have overwritten it.
    """
    from dataops.store import manifest
    from dataops.store.hashing import hash_file

    if (version.card or {}).get("hash") == manifest.digest({name: hash_file(path).md5 for name, path in files.items()}):
        raise Refused(f"these very files are {version.name} already", f"`dataops show {version.name}`")
    hint = f"leave --version-id out for the next number; `dataops deprecate {version.name}` takes the old one back"
    if force:
        since = f"{version.time:%Y-%m-%d}"
        raise DataOpsError(f"--force: {version.name} is never overwritten: others may use it since {since}", hint)
    raise Refused(f"{version.name} exists already, with other files", hint)


def _code(context: Context, asked: str | None) -> str | None:
    """The commit that `--git-commit` names.

    Raises:
        DataOpsError: there is none.
    """
    if asked is None:
        return None
    commit = context.git.commit_of(asked)
    if commit is None:
        raise DataOpsError(f"--git-commit {asked}: no commit here is called so", "git fetch, or leave it out")
    return commit


if __name__ == "__main__":
    common.main(parser(), NEW, run)
