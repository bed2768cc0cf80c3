"""What a release would do, worked out without touching anything: the gates, the number and its reason, the card."""

from __future__ import annotations

import difflib
import json
import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from dataops.errors import DataOpsError, Refused
from dataops.repo import cardtext, publish_tag, registry, tags
from dataops.repo.hashes import content_hashes
from dataops.repo.recorded import Snapshot, outside
from dataops.repo.records import Artifact, Output
from dataops.repo.registry import Version
from dataops.repo.tags import Number
from dataops.store import dvccommand
from dataops.versions import card, content, facts, gates, inputs, standing, upload
from dataops.versions.changes import Change
from dataops.versions.context import DEFAULT, Context
from dataops.versions.gates import Gate
from dataops.versions.standing import Head

Bump = Literal["major", "minor", "patch"]
FIRST = Number(1, 0, 0)


@dataclass(frozen=True)
class Options:
    """What a person may say about a release."""

    artifact: str = DEFAULT
    message: str = ""
    bump: Bump | None = None
    number: Number | None = None
    allow_invalid: str | None = None
    """Why an artifact goes out although a gate says no."""
    push: bool = True
    """Whether the tag goes to the git remote."""
    remote: str | None = None
    """The DVC remote that the bytes are proven on; None: the default one."""


@dataclass(frozen=True)
class Plan:
    """A release that has not happened."""

    artifact: Artifact
    head: Head
    git_remote: str | None
    output: Output
    gates: tuple[Gate, ...]
    change: Change
    number: Number
    previous: Version | None
    objects: upload.Objects
    card: dict[str, Any]
    message: str = ""

    @property
    def tag(self) -> str:
        """The tag's name."""
        return tags.version(self.artifact.name, self.number)

    @property
    def text(self) -> str:
        """The tag's message."""
        return card.text(self.card, self.message)


def silent(_: Gate) -> None:
    """Say nothing."""


def plan(context: Context, options: Options, *, fetch: bool = False, tell: Callable[[Gate], None] = silent) -> Plan:
    """Judge what is checked out and work out its version.

    `fetch`: whether commits of the git remote that aren't here may be fetched, to see if HEAD is among them.
    `tell` is called with every gate as it is decided.

    Raises:
        Refused: a gate says no, nothing changed, or only the encoding did.
        DataOpsError: the repository, a report or the previous version can't be read.
    """
    root = _work_tree(context)
    git, at = context.git, standing.head(context.git)
    git_remote = publish_tag.remote_of(git) if options.push else None
    passed = [standing.clean(git)]
    if git_remote is not None:
        passed.append(standing.pushed(git, git_remote, at, fetch=fetch))
    _require(options, passed, tell)
    snapshot = context.snapshot(at.commit)
    artifact, output = find(snapshot, options.artifact)
    hashes = _hashes(context, artifact, snapshot)
    found, data = _judged(context, root, artifact, output, snapshot, hashes)
    overrides = _require(options, found, tell)
    unchanged(output, hashes.get(artifact.name, []), at)

    before = registry.read(git, artifact.name, merged=at.commit).versions(artifact.name)
    previous = before[-1] if before else None
    about = [facts.data(version, hashes) for version in data]
    described, change = content.describe(context, artifact, output, at.commit, previous, about, options.remote)
    change = _override(change, options)
    number = _number(context, artifact, previous, change, options)
    known = facts.of(context, artifact, output, snapshot)
    built = card.build(
        **known,
        **described,
        version=str(number),
        previous=facts.previous(previous, hashes),
        bump=change.kind,
        reason=change.reason,
        data=about or None,
        message=options.message or None,
        overrides=[facts.overridden(gate, options.allow_invalid, known) for gate in overrides] or None,
    )
    made = Plan(
        artifact=artifact,
        head=at,
        git_remote=git_remote,
        output=output,
        gates=(*passed, *found),
        change=change,
        number=number,
        previous=previous,
        objects=upload.objects(context, inputs.needed(snapshot, output), options.remote),
        card=built,
        message=options.message,
    )
    if (cardtext.read(made.text.encode()) or {}).get("hash") != output.digest:
        reason = f"the card of {made.tag} could not be read back: it has {len(made.text):,} characters"
        raise DataOpsError(reason, "a shorter --message, or reports without what is nested so deep")
    if standing.head(git) != at or not standing.clean(git).passed:
        raise DataOpsError("the work tree changed while it was looked at", "run this again when nothing else does")
    return made


def _judged(
    context: Context, root: Path, artifact: Artifact, output: Output, snapshot: Snapshot, hashes: facts.Hashes
) -> tuple[list[Gate], list[Version]]:
    """How the pipeline, the reports and the data of a model stand; and which versions those data are."""

    def committed(path: str) -> bool:
        return context.git.blob(snapshot.commit, posixpath.join(context.prefix, path)) is not None

    reports = [gate.report for gate in gates.declared(artifact) or []]
    trained, data = gates.trained_on(artifact, snapshot, context.registry, hashes)
    judged = [*gates.judge(root, artifact, snapshot, committed), fresh(root, output, reports, snapshot), *trained]
    return judged, data


def find(snapshot: Snapshot, name: str) -> tuple[Artifact, Output]:
    """The artifact `name` and what dvc.lock or its .dvc file records of it.

    Raises:
        DataOpsError: there is no such artifact, or nothing is recorded.
    """
    artifact = snapshot.artifact(name)
    if artifact is None:
        known = ", ".join(sorted(snapshot.artifacts)) or "none"
        close = difflib.get_close_matches(name, snapshot.artifacts, 1)
        hint = "`dataops track FILE --name NAME` makes one, or declare it under `artifacts:` in dvc.yaml"
        hint = f"did you mean {close[0]}?" if close else hint
        if name[:1] == "v" and name[1:2].isdigit():
            hint = f"`dataops release --version {name}` gives it that number"
        raise DataOpsError(f"dvc.yaml declares no artifact {name} (it has {known})", hint)
    output = snapshot.output(artifact.path)
    if output is None:
        hint = "`dvc repro` makes it, then `git add dvc.lock` and commit"
        raise DataOpsError(f"{artifact.path} is in no dvc.lock or .dvc file of this commit", hint)
    if not output.cached:
        raise DataOpsError(f"{artifact.path} lies in git, not with DVC", "take `cache: false` out of dvc.yaml")
    return replace(artifact, name=outside(artifact.name, snapshot.prefix)), output


def unchanged(output: Output, versions: list[tuple[str, Version]], at: Head) -> None:
    """Refuse what is a version already.

    Raises:
        Refused: naming the version.
    """
    for digest, version in reversed(versions):
        if digest == output.digest:
            where = "this very commit" if version.commit == at.commit else f"commit {version.commit[:7]}"
            again = f"; it is deprecated ({version.deprecated})" if version.deprecated else ""
            raise Refused(
                f"{output.path} is unchanged since {version.name} ({where}){again}", f"`dataops show {version.name}`"
            )


def fresh(root: Path, output: Output, reports: Sequence[str], snapshot: Snapshot) -> Gate:
    """The artifact, the reports that judge it and every stage before them are as dvc.lock records them."""
    stages = [stage.address for path in reports if (stage := snapshot.stage_of(path))]
    targets = list(dict.fromkeys(filter(None, [output.stage, *stages])))
    if not targets:
        return Gate("pipeline", True, "no stage makes it")
    found = json.loads(dvccommand.dvc(root, "status", "--json", "--with-deps", *targets) or "{}")
    if not found:
        return Gate("pipeline", True, f"{output.path} and all before it are as recorded")
    stage, problems = next(iter(found.items()))
    reason = f"{stage} is out of date: {_problem(problems)}"
    missing = "deleted" in str(problems) and "changed deps" not in str(problems)
    hint = "`dvc pull`, if it only isn't here; else `dvc repro`, and commit" if missing else "`dvc repro`, and commit"
    return Gate("pipeline", False, reason, hint, overridable=False)


def _problem(found: Any) -> str:
    """The first of what `dvc status` says of a stage."""
    entry = found[0] if isinstance(found, list) and found else found
    if not isinstance(entry, dict):
        return str(entry)
    what, paths = next(iter(entry.items()))
    if not isinstance(paths, dict):
        return f"{what}: {paths}"
    path, how = next(iter(paths.items()))
    if isinstance(how, dict):
        path, how = next(iter(how.items()))
    return f"{path} {how}"


def _work_tree(context: Context) -> Path:
    if context.root is None:
        raise DataOpsError("there is no work tree to release from", "release in a clone of your own")
    return context.root


def _hashes(context: Context, artifact: Artifact, snapshot: Snapshot) -> dict[str, list[tuple[str, Version]]]:
    """The hash of every version of the artifact, and of the datasets that a model is made of."""
    names = {artifact.name}
    if artifact.type == "model":
        names |= {outside(other.name, snapshot.prefix) for other, _ in gates.datasets(artifact, snapshot)}
    found = {}
    for name in names:
        versions = context.registry.versions(name)
        digests = content_hashes(context.git, versions, context.prefix)
        found[name] = [(digest, one) for digest, one in zip(digests, versions, strict=True) if digest]
    return found


def _require(options: Options, found: Sequence[Gate], tell: Callable[[Gate], None]) -> list[Gate]:
    """Go on, or say everything that stands in the way; returns what was gone past on purpose.

    Raises:
        Refused: some gate says no and may not, or need not, be passed.
    """
    for gate in found:
        tell(gate)
    past = [gate for gate in found if not gate.passed and gate.overridable and options.allow_invalid is not None]
    closed = [gate for gate in found if not gate.passed and gate not in past]
    if not closed:
        return past
    lines = [f"{gate.name}: {gate.reason}" for gate in closed]
    hint = closed[0].hint
    if all(gate.overridable for gate in closed):
        hint += "; `--allow-invalid WHY` releases it all the same, and records it"
    raise Refused(f"{options.artifact} is not released: " + "\n       ".join(lines), hint)


def _override(change: Change, options: Options) -> Change:
    """The kind of change that a person names instead; the reason says so.

    Raises:
        Refused: only the encoding changed, and nobody says that it matters.
    """
    if options.bump is not None and options.bump != change.kind:
        return replace(change, kind=options.bump, reason=f"{change.reason} (--bump {options.bump})")
    if options.number is not None:
        return replace(change, reason=f"{change.reason} (--version {options.number})")
    if change.kind == "re-encoded":
        hint = "the version that has these rows is as good; `--bump patch` releases the new bytes all the same"
        raise Refused(f"re-encoded only: {change.reason}", hint)
    return change


def _number(context: Context, artifact: Artifact, previous: Version | None, change: Change, options: Options) -> Number:
    """The version's number.

    Raises:
        Refused: it is taken, or not above the previous one.
    """
    number = options.number
    if number is None:
        number = FIRST if previous is None else previous.number.bumped(_kind(change))
        standing.after_imports(context.registry.versions(artifact.name), number)
    elif previous is not None and not previous.number < number:
        raise Refused(f"{number} is not above {previous.number}, which comes before this commit")
    name = tags.version(artifact.name, number)
    for version in context.registry.versions(artifact.name):
        if version.number == number:
            reason = f"{name} is taken, by commit {version.commit[:7]}, which is not before this one"
            hint = "merge that branch first, or name another number with --version"
            raise Refused(reason, hint)
    return number


def _kind(change: Change) -> Bump:
    return change.kind if change.kind in ("major", "minor", "patch") else "patch"
