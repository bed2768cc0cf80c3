"""The transaction that makes a version: gate, push, prove, then the tag; killed anywhere and run again, it ends well.

    plan ─ upload ─ prove ─ make the tag object ─ push it by its id ─ write the local ref

Until the push nothing names the version; after it everything does. What a kill leaves behind is at most objects on the
remote, which the next run finds there, or a tag on the git remote, which the next run fetches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from dataops.errors import DataOpsError, Refused
from dataops.repo import publish_tag, registry
from dataops.repo.git import Git
from dataops.repo.registry import Version
from dataops.store.objects import Progress
from dataops.versions import standing
from dataops.versions.context import Context
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


def release(context: Context, options: Options, *, reached: Reached = silent, progress: Progress = silent) -> Released:
    """Make the next version of an artifact out of what is checked out.

    `reached` is called with the name of every step that is done; a test kills the process there.

    Raises:
        Refused: a gate says no, nothing changed, or somebody else was quicker.
        DataOpsError: git, the network or the remote is in the way. Nothing is named then.
    """
    git_remote = publish_tag.remote_of(context.git) if options.push else None
    if git_remote is not None:
        came = synchronise(context, options.artifact, git_remote)
        reached("synchronised")
        context = replace(context)  # its tags are read anew
        if found := _left_over(context, options, git_remote, came, progress):
            return found
    planned = plan(context, options, fetch=True)
    reached("planned")
    done = bring(context, planned.objects, reached, progress)
    reached("proven")
    sha = publish_tag.make_object(context.git, planned.tag, planned.head.commit, planned.text)
    reached("made")
    if git_remote is not None and publish_tag.push(context.git, git_remote, sha, planned.tag) == "exists":
        raise _beaten(context, planned, git_remote)
    reached("pushed")
    publish_tag.keep(context.git, planned.tag, sha)
    reached("kept")
    return Released(_version(context.git, planned.artifact.name, planned.tag), planned, done, git_remote is not None)


def synchronise(context: Context, artifact: str, git_remote: str) -> list[str]:
    """Fetch the tags of the artifact that only the git remote has; returns their names.

    Raises:
        Refused: a tag names something else here than there.
        DataOpsError: the git remote can't be asked.
    """
    git = context.git
    there = publish_tag.listed(git, git_remote, *(f"refs/tags/{artifact.replace(':', '=')}{mark}*" for mark in "@#"))
    names = [name.removeprefix("refs/tags/") for name in there if not name.endswith("^{}")]
    here = {ref.name: ref.sha for ref in git.refs("refs/tags")}
    for name in names:
        if name in here and here[name] != there[f"refs/tags/{name}"]:
            hint = f"`git fetch {git_remote} --tags --force` takes theirs; `git show {name}` first"
            raise Refused(f"the tag {name} is not the same here and on {git_remote}", hint)
    missing = [name for name in names if name not in here]
    publish_tag.fetch(git, git_remote, missing)
    return missing


def _left_over(
    context: Context, options: Options, git_remote: str, came: list[str], progress: Progress
) -> Released | None:
    """What an interrupted release of this very commit, or one with --no-push, left to be done."""
    at = standing.head(context.git)
    mine = [one for one in context.registry.versions(options.artifact) if one.commit == at.commit]
    if not mine or (options.number is not None and mine[-1].number != options.number):
        return None
    version = mine[-1]
    nothing = Bytes()
    if version.tag in came:
        return Released(version, None, nothing, True, f"it was on {git_remote} already; the local tag was missing")
    if version.tag in _remote_tags(context.git, git_remote, version.tag):
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


def _remote_tags(git: Git, git_remote: str, tag: str) -> list[str]:
    return [name.removeprefix("refs/tags/") for name in publish_tag.listed(git, git_remote, f"refs/tags/{tag}")]


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
        "run it again for the next number; `git pull` first if theirs should come before yours",
    )


def _version(git: Git, artifact: str, tag: str) -> Version:
    """The version that was just written."""
    for version in registry.read(git, artifact).versions(artifact):
        if version.tag == tag:
            return version
    raise DataOpsError(f"the tag {tag} was written and is gone again", f"`git show {tag}`")
