"""The transaction that makes a version: gate, push, prove, then the tag; killed anywhere and run again, it ends well.

    plan ─ upload ─ prove ─ make the tag object ─ push it by its id ─ write the local ref

Until the push nothing names the version; after it everything does. What a kill leaves behind is at most objects on the
remote, which the next run finds there, or a tag on the git remote, which the next run fetches.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass, replace

from dataops.errors import DataOpsError, Refused
from dataops.repo import publish_tag, registry, tags
from dataops.repo.git import TAGS, Git
from dataops.repo.recorded import outside
from dataops.repo.registry import Version
from dataops.store.objects import Progress
from dataops.versions import standing
from dataops.versions.context import Context
from dataops.versions.gates import Gate
from dataops.versions.inputs import needed
from dataops.versions.plan import Options, Plan, find, plan
from dataops.versions.upload import Bytes, bring, objects

Reached = Callable[[str], None]


@dataclass(frozen=True)
class Released:
    """A version that exists."""

    version: Version
    plan: Plan | None
    """None where an earlier, interrupted release was only finished."""
    bytes: Bytes
    pushed: bool
    finished: str = ""
    """What was left to do of an earlier one."""


def silent(*_: object) -> None:
    """Say nothing."""


def release(
    context: Context,
    options: Options,
    *,
    reached: Reached = silent,
    progress: Progress = silent,
    tell: Callable[[Gate], None] = silent,
) -> Released:
    """Make the next version of an artifact out of what is checked out.

    `reached` is called with the name of every step that is done (a test kills the process there), `tell` with every
    gate as it is decided.

    Raises:
        Refused: a gate says no, nothing changed, or somebody else was quicker.
        DataOpsError: git, the network or the remote is in the way. Nothing is named then.
    """
    git_remote, there = publish_tag.remote_of(context.git) if options.push else None, frozenset[str]()
    if git_remote is not None:
        came, there = synchronise(context, outside(options.artifact, context.prefix), git_remote)
        reached("synchronised")
        context = replace(context)  # its tags are read anew
        if found := _left_over(context, options, git_remote, came, there, progress):
            return found
    planned = plan(context, options, fetch=True, tell=tell)
    if git_remote is not None and planned.previous is not None and planned.previous.tag not in there:
        name = planned.previous.name
        hint = f"git push {git_remote} 'refs/tags/{planned.previous.tag}'; or --no-push here too"
        raise Refused(f"{name} comes before and is in this clone only: somebody else may give its number away", hint)
    reached("planned")
    done = bring(context, planned.objects, reached, progress)
    reached("proven")
    sha = publish_tag.make_object(context.git, planned.tag, planned.head.commit, planned.text)
    reached("made")
    if git_remote is not None and publish_tag.push(context.git, git_remote, sha, planned.tag) == "exists":
        raise _beaten(context, planned, git_remote)
    reached("pushed")
    try:
        publish_tag.keep(context.git, planned.tag, sha)
    except DataOpsError as error:
        if git_remote is None:
            raise
        told = f"{planned.tag} is released and on {git_remote}, but not here: {error.message}"
        raise DataOpsError(told, f"nothing is lost: `git fetch {git_remote} --tags` brings it") from None
    reached("kept")
    return Released(_version(context.git, planned.artifact.name, planned.tag), planned, done, git_remote is not None)


def synchronise(context: Context, artifact: str, git_remote: str) -> tuple[list[str], frozenset[str]]:
    """Fetch the tags of the artifact that only the git remote has; returns their names, and those of all it has.

    Raises:
        Refused: a tag names something else here than there.
        DataOpsError: the git remote can't be asked.
    """
    git = context.git
    there = publish_tag.listed(git, git_remote, *(f"{TAGS}{artifact.replace(':', '=')}{mark}*" for mark in "@#"))
    names = [name.removeprefix(TAGS) for name in there if name.startswith(TAGS)]
    names = [name for name in names if (tag := tags.parse(name)) and tag.artifact == artifact]  # others mean nothing
    here = {ref.name: ref.sha for ref in git.refs(TAGS)}
    for name in names:
        if name in here and here[name] != there[TAGS + name]:
            hint = f"`git fetch {git_remote} --tags --force` takes theirs; `git show {name}` first"
            raise Refused(f"the tag {name} is not the same here and on {git_remote}", hint)
    missing = [name for name in names if name not in here]
    publish_tag.fetch(git, git_remote, missing)
    return missing, frozenset(names)


def _left_over(
    context: Context, options: Options, git_remote: str, came: list[str], there: Set[str], progress: Progress
) -> Released | None:
    """What an interrupted release of this very commit, or one with --no-push, left to be done."""
    at = standing.head(context.git)
    versions = context.registry.versions(outside(options.artifact, context.prefix))
    mine = [one for one in versions if one.commit == at.commit]
    if not mine or (options.number is not None and mine[-1].number != options.number):
        return None
    version = mine[-1]
    nothing = Bytes()
    if version.tag in came:
        return Released(version, None, nothing, True, f"it was on {git_remote} already; the local tag was missing")
    if version.tag in there:
        return None  # plain "unchanged", which `plan` says
    gate = standing.pushed(context.git, git_remote, at, fetch=True)
    if not gate.passed:
        raise Refused(f"{version.name} is here only: {gate.reason}", gate.hint)
    snapshot = context.snapshot(at.commit)
    _, output = find(snapshot, options.artifact)
    done = bring(context, objects(context, needed(snapshot, output), options.remote), silent, progress)
    if publish_tag.push(context.git, git_remote, version.tag_sha, version.tag) == "exists":
        raise Refused(f"{version.name} was released by somebody else meanwhile", f"git fetch {git_remote} --tags")
    return Released(version, None, done, True, f"it was here only; now it is on {git_remote}")


def _beaten(context: Context, planned: Plan, git_remote: str) -> DataOpsError:
    """Somebody else's tag took the name between our look and our push."""
    publish_tag.fetch(context.git, git_remote, [planned.tag])
    theirs = _version(context.git, planned.artifact.name, planned.tag)
    if theirs.card and theirs.card.get("hash") == planned.output.digest:
        return Refused(
            f"{theirs.author} released the same content as {theirs.name} a moment ago; it is fetched",
            f"`dataops show {theirs.name}`",
        )
    return Refused(
        f"{theirs.author} released other content as {theirs.name} a moment ago; it is fetched, yours is not released",
        "`git pull`, or merge their branch, if theirs comes before yours; else --version names another number",
    )


def _version(git: Git, artifact: str, tag: str) -> Version:
    """The version that was just written."""
    for version in registry.read(git, artifact).versions(artifact):
        if version.tag == tag:
            return version
    raise DataOpsError(f"the tag {tag} was written and is gone again", f"`git show {tag}`")
