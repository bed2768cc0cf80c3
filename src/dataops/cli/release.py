"""`dataops release` and `dataops track`: what makes versions."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from dataops.cli import registering
from dataops.cli.terminal import Help, size

if TYPE_CHECKING:
    from dataops.versions.context import Context
    from dataops.versions.gates import Gate
    from dataops.versions.plan import Options, Plan
    from dataops.versions.release import Released
    from dataops.versions.upload import Bytes

RELEASE = """\
examples:
  dataops release --dry-run                  what would happen, and why not
  dataops release -m "Sales up to January"   the dataset's next version; the number comes from the data
  dataops release model                      the model's, trained on a released dataset
  dataops release --version v2.0.0           another number
  dataops release --no-push                  the tag stays in this clone until `dataops release` is run again
"""
TRACK = """\
examples:
  dataops track data/stores.csv --name stores --description "Addresses and opening hours"
  dataops track models/tuned.pkl --name tuned --trained-on dataset@v1.2.0 --description "From the notebook of May"
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add both commands."""
    release = commands.add_parser(
        "release",
        description="Check the gates, put every object on the remote and prove it there, then name this commit with an "
        "annotated tag and push the tag. Branches are never pushed and versions never moved.",
        epilog=RELEASE,
        formatter_class=Help,
    )
    release.add_argument("artifact", nargs="?", default="dataset", metavar="ARTIFACT", help="of dvc.yaml (dataset)")
    release.add_argument("-m", "--message", default="", metavar="TEXT", help="what people should know; kept in the tag")
    release.add_argument("--dry-run", action="store_true", help="say what would happen; touch nothing")
    number = release.add_mutually_exclusive_group()
    number.add_argument("--bump", choices=("major", "minor", "patch"), help="instead of what the data say")
    number.add_argument("--version", metavar="vX.Y.Z", help="this number")
    release.add_argument("--allow-invalid", metavar="WHY", help="release although a gate says no; records who and why")
    release.add_argument("--no-push", action="store_true", help="keep the tag in this clone")
    release.add_argument("--remote", metavar="NAME", help="the DVC remote to prove it on (the default one)")
    release.add_argument("--json", action="store_true", help="the result as JSON")
    release.set_defaults(run=run_release)

    track = commands.add_parser(
        "track",
        description="Record a file with DVC and declare it an artifact in dvc.yaml: then `release`, `versions`, `show` "
        "and `get` know it by name. Called again after the file changed, it records the change.",
        epilog=TRACK,
        formatter_class=Help,
    )
    track.add_argument("file", metavar="FILE", help="a file of this repository that no stage makes")
    track.add_argument("--name", required=True, metavar="N", help="of the artifact: letters, digits, - and _")
    track.add_argument("--description", metavar="TEXT", help="what it is; needed the first time")
    track.add_argument(
        "--type", metavar="TYPE", help="dataset, model or a word of your own (by what it was trained on)"
    )
    track.add_argument("--label", action="append", metavar="WORD", help="repeatable")
    track.add_argument("--trained-on", metavar="VERSION", help="of the data that a model was trained on elsewhere")
    track.add_argument("--json", action="store_true", help="the result as JSON")
    track.set_defaults(run=run_track)


def run_release(arguments: argparse.Namespace) -> int:
    """Release, or say what would be."""
    from dataops.cli.terminal import progress
    from dataops.errors import Refused
    from dataops.versions import context
    from dataops.versions.plan import plan
    from dataops.versions.release import release
    from dataops.versions.upload import look

    options = _options(arguments)
    here = context.here()
    if not arguments.dry_run:
        try:
            with progress("objects") as show:
                done = release(here, options, progress=show, tell=_quiet if arguments.json else _gate)
        except Refused as error:
            from dataops.training import registration

            raise registration.hinted(here, options.artifact, error) from None
        return _released(here, done, as_json=arguments.json)
    planned = plan(here, options, tell=_quiet if arguments.json else _gate)
    stands, proofs = look(here, planned.objects)
    damaged = [proof.obj.digest for proof in proofs if proof.state == "damaged"]
    if arguments.json:
        _print({**_json(planned), "bytes": vars(stands), "damaged": damaged, "released": False})
        return 1 if damaged else 0
    _plan(planned)
    print(_stands(stands))
    if damaged:
        print(f"  no   {len(damaged)} objects are damaged there, as {damaged[0]}: `dataops verify HEAD --repair`")
        return 1
    where = f"push it to {planned.git_remote}" if planned.git_remote else "keep it in this clone"
    print(f"would tag {planned.head.commit[:7]} as {planned.tag} and {where}; nothing was touched")
    return 0


def run_track(arguments: argparse.Namespace) -> int:
    """Track one file."""
    from dataops.versions import context
    from dataops.versions.track import track

    done = track(
        context.here(),
        arguments.file,
        arguments.name,
        description=arguments.description,
        kind=arguments.type,
        labels=arguments.label,
        trained_on=arguments.trained_on,
    )
    if arguments.json:
        _print(vars(done))
        return 0
    print(f"{done.name}: {done.path}, {done.size:,} bytes, md5 {done.digest[:7]}" + (" (as before)" * done.unchanged))
    if done.trained_on:
        print(f"trained on {done.trained_on}")
    print(f"next: git add {' '.join(done.files)}, commit, push, `dataops release {done.name}`")
    return 0


def _options(arguments: argparse.Namespace) -> Options:
    from dataops.errors import DataOpsError
    from dataops.repo.tags import Number
    from dataops.versions.plan import Options

    number = None
    if arguments.version:
        try:
            number = Number.parse(arguments.version if arguments.version[:1] == "v" else f"v{arguments.version}")
        except ValueError:
            raise DataOpsError(f"--version: {arguments.version!r} is no version number", "as v1.2.0") from None
    if arguments.allow_invalid is not None and not arguments.allow_invalid.strip():
        raise DataOpsError("--allow-invalid: say why, in a few words", "it is kept in the tag for years")
    return Options(
        artifact=arguments.artifact,
        message=arguments.message,
        bump=arguments.bump,
        number=number,
        allow_invalid=arguments.allow_invalid,
        push=not arguments.no_push,
        remote=arguments.remote,
    )


def _released(here: Context, done: Released, *, as_json: bool) -> int:
    """Say what was done, and tell SageMaker of a model that was trained there."""
    version = done.version
    if not as_json:
        _told(done)
    status, registered, lines = registering.after_release(here, version) if done.pushed else (0, None, [])
    if not as_json:
        print("\n".join(lines), end="\n" * bool(lines))
        return status
    planned = _json(done.plan) if done.plan else {"tag": version.tag, "card": version.card, "commit": version.commit}
    more = {"registration": registered} if registered else {}
    _print(
        {
            **planned,
            "bytes": vars(done.bytes),
            "released": True,
            "pushed": done.pushed,
            "finished": done.finished or None,
            **more,
        }
    )
    return status


def _told(done: Released) -> None:
    """What was released, as soon as it is."""
    version = done.version
    if done.plan is None:
        print(f"{version.name} is released: {done.finished}", flush=True)
        return
    _plan(done.plan)
    print(_proven(done.bytes))
    where = f"pushed to {done.plan.git_remote}" if done.pushed else "in this clone only: run it without --no-push later"
    print(f"{version.name} is released: {version.commit[:7]}, {where}", flush=True)


def _quiet(_: Gate) -> None:
    """For --json."""


def _gate(gate: Gate) -> None:
    """One gate, as soon as it is decided: the whole may take some seconds."""
    print(f"  {'ok' if gate.passed else 'NO':4} {gate.name}: {gate.reason}", flush=True)


def _plan(planned: Plan) -> None:
    """The number with its reason."""
    change = f" (after {planned.previous.number}, {planned.change.kind})" if planned.previous else ""
    print(f"{planned.artifact.name} {planned.number}{change}: {planned.change.reason}")
    for override in planned.card.get("overrides", ()):
        print(f"  past {override['gate']}, because: {override['why']}")


def _stands(there: Bytes) -> str:
    line = (
        f"  ok   {there.objects:,} object{'s' * (there.objects != 1)}, {size(there.size)}; {there.uploaded:,} to upload"
    )
    line += f" ({size(there.uploaded_size)})" if there.uploaded else ""
    return line + f"; {there.read_back:,} to be read back, the others have checksums" if there.read_back else line


def _proven(there: Bytes) -> str:
    line = f"  ok   {there.objects:,} object{'s' * (there.objects != 1)}, {size(there.size)}, proven on {there.url}"
    line += f"; {there.uploaded:,} uploaded ({size(there.uploaded_size)})" if there.uploaded else ""
    return line + (f"; {there.read_back:,} read back" if there.read_back else "")


def _json(planned: Plan) -> dict[str, Any]:
    return {
        "artifact": planned.artifact.name,
        "version": str(planned.number),
        "tag": planned.tag,
        "commit": planned.head.commit,
        "previous": str(planned.previous.number) if planned.previous else None,
        "bump": planned.change.kind,
        "reason": planned.change.reason,
        "facts": planned.change.facts,
        "gates": [vars(gate) for gate in planned.gates],
        "git_remote": planned.git_remote,
        "card": planned.card,
    }


def _print(value: Any) -> None:
    from dataops.files import to_json

    sys.stdout.write(to_json(value))
