"""Stages and deprecations: tags of GTO's on a version's commit, made the way a release makes its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dataops import yamls
from dataops.errors import DataOpsError, Refused
from dataops.repo import publish_tag, registry, tags
from dataops.repo.git import TAGS, Git
from dataops.repo.names import Target
from dataops.repo.registry import Artifact, Registry, Version

ATTEMPTS = 10  # somebody else may be quicker, again and again


@dataclass(frozen=True)
class Done:
    """What is true now."""

    version: Version
    tag: str | None
    """The tag that says so."""
    already: bool
    """It was true before."""
    pushed: str | None
    """The git remote that has the tag; None with --no-push."""
    artifact: Artifact
    """As it stands now."""
    notes: tuple[str, ...] = ()


def promote(git: Git, target: Target, stage: str, *, push: bool = True) -> Done:
    """Give `stage` to a version; whoever had it keeps a place in history.

    Raises:
        Refused: the version is deprecated.
        DataOpsError: no version, no such stage, or the git remote refuses.
    """
    wanted = _version(target)
    if not tags.is_stage_name(stage):
        raise DataOpsError(f"{stage!r} is no name of a stage", "letters, digits, -, _ and / between them, as prod")
    _allowed(git, stage)

    def holds(artifact: Artifact) -> tuple[str, str] | None:
        version = _current(artifact, wanted)
        if version.deprecated is not None:
            raise Refused(f"{version.name} is deprecated: {version.deprecated}", "promote another one")
        if artifact.staged.get(stage) != version.commit:
            return None
        given = [ref for tag, ref in artifact.events if (tag.action, tag.stage) == ("stage", stage)]
        newest = [ref for ref in given if ref.commit == version.commit][-1]
        return newest.name, newest.sha

    text = f"{wanted.name} is {stage}\n"
    return _make(git, wanted, holds, lambda counter: tags.stage(wanted.artifact, stage, counter), text, push=push)


def deprecate(git: Git, target: Target, why: str = "", *, push: bool = True) -> Done:
    """Take a version back: `latest` and stages pass it over. It stays readable.

    Raises:
        DataOpsError: no version, or the git remote refuses.
    """
    wanted = _version(target)

    def holds(artifact: Artifact) -> tuple[str, str] | None:
        version = _current(artifact, wanted)
        if version.deprecated is None:
            return None
        number, commit = version.number, version.commit
        taken = [ref for tag, ref in artifact.events if tag.action == "cancel" and tag.number == number]
        taken = [ref for ref in taken if ref.commit == commit] or [
            ref for tag, ref in artifact.events if tag.action == "deprecate"
        ]
        return taken[-1].name, taken[-1].sha

    text = why.strip() or f"{wanted.name} is deprecated"
    return _make(git, wanted, holds, lambda n: tags.cancel(wanted.artifact, wanted.number, n), text + "\n", push=push)


def _make(
    git: Git,
    wanted: Version,
    holds: Callable[[Artifact], tuple[str, str] | None],
    name: Callable[[int], str],
    text: str,
    *,
    push: bool,
) -> Done:
    """Make the tag under the next free counter unless what it says holds already."""
    remote = publish_tag.remote_of(git) if push else None
    notes: list[str] = []
    before: set[str] | None = None
    for _ in range(ATTEMPTS):
        there = _synchronise(git, remote, wanted) if remote else {}
        known = registry.read(git, wanted.artifact)
        artifact = known.artifacts[wanted.artifact]
        notes += _news(artifact, before)
        before = {ref.name for _, ref in artifact.events}
        held = holds(artifact)
        if held is not None:
            if remote and there.get(TAGS + held[0]) != held[1]:
                publish_tag.push(git, remote, held[1], held[0])  # made before with --no-push, or killed in between
            return Done(_current(artifact, wanted), held[0], True, remote, artifact, tuple(notes))
        tag = name(_counter(known, wanted.artifact, there) + 1)
        newest = max(ref.seconds for _, ref in artifact.events)
        sha = publish_tag.make_object(git, tag, wanted.commit, text, after=newest)
        if remote and publish_tag.push(git, remote, sha, tag) == "exists":
            continue
        publish_tag.keep(git, tag, sha)
        now = registry.read(git, wanted.artifact).artifacts[wanted.artifact]
        return Done(_current(now, wanted), tag, False, remote, now, tuple(notes))
    raise DataOpsError(f"others keep making tags of {wanted.artifact} on {remote}", "try again in a moment")


def _synchronise(git: Git, remote: str, wanted: Version) -> dict[str, str]:
    """Bring the artifact's tags that only `remote` has; what it has.

    Raises:
        DataOpsError: the version itself isn't there, or is another one there.
    """
    named = TAGS + wanted.artifact.replace(":", "=", 1)
    there = publish_tag.listed(git, remote, f"{named}@*", f"{named}#*")
    if there.get(TAGS + wanted.tag) != wanted.tag_sha:
        if TAGS + wanted.tag in there:
            raise DataOpsError(
                f"{remote} has another tag {wanted.tag} than this clone", f"git ls-remote --tags {remote}"
            )
        hint = f"git push {remote} '{wanted.tag}', or --no-push"
        raise DataOpsError(f"{wanted.name} itself is not on {remote} yet", hint)
    here = {ref.full for ref in git.refs(f"{named}@*", f"{named}#*", f"{named}#*/**")}
    parsed = {full: tags.parse(full[len(TAGS) :]) for full in there if full not in here}
    publish_tag.fetch(
        git, remote, [full[len(TAGS) :] for full, tag in parsed.items() if tag and tag.artifact == wanted.artifact]
    )
    return there


def _counter(known: Registry, artifact: str, there: dict[str, str]) -> int:
    """The greatest counter in use, here or on the remote."""
    parsed = [tags.parse(full[len(TAGS) :]) for full in there]
    return max([known.last_counter(artifact), *(t.counter or 0 for t in parsed if t and t.artifact == artifact)])


def _news(artifact: Artifact, before: set[str] | None) -> list[str]:
    """What somebody else did while this was going on."""
    if before is None:
        return []
    fresh = [(tag, ref) for tag, ref in artifact.events if ref.name not in before]
    return [f"{ref.author or 'somebody'} made {ref.name} ({ref.commit[:7]}) at the same time" for _, ref in fresh]


def _version(target: Target) -> Version:
    if target.version is None:
        what = f"{target.asked} ({target.commit[:7]})"
        raise DataOpsError(f"{what} is no version", "only versions have stages; `dataops versions` lists them")
    return target.version


def _current(artifact: Artifact, wanted: Version) -> Version:
    """`wanted` as the registry has it by now."""
    return next(v for v in artifact.versions if (v.number, v.commit) == (wanted.number, wanted.commit))


def _allowed(git: Git, stage: str) -> None:
    """GTO's own configuration may list the stages there are.

    Raises:
        DataOpsError: this is none of them.
    """
    content = git.blob("HEAD", ".gto")
    stages = yamls.load(content, ".gto").get("stages") if content else None
    if isinstance(stages, list) and stages and stage not in stages:
        raise DataOpsError(f"{stage} is none of the stages of .gto", f"there is: {', '.join(map(str, stages))}")
