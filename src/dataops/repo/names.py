"""Every name that a version has, resolved in one place: a number, a day, a commit, a content hash, a stage, a revision.

An imported version has its old name as well (an alias in its card), which is one more meaning; but `v1.0` is the
version that was called so before it is short for the greatest v1.0.x. A name that means two things is an error that
lists both; a name that means nothing comes back with the nearest ones.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dataops.errors import DataOpsError
from dataops.repo import tags
from dataops.repo.git import TAGS, Git
from dataops.repo.registry import Artifact, Registry, Version

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
PART = re.compile(r"v(0|[1-9]\d{0,8})(?:\.(0|[1-9]\d{0,8}))?")
COMMIT = re.compile(r"commit-([0-9a-fA-F]{4,64})")
HASH = re.compile(r"hash-([0-9a-fA-F]{4,64}(?:\.dir)?)")
HYBRID = re.compile(r"(v[0-9].*)-(\d{4}-\d{2}-\d{2})-([0-9a-fA-F]{4,64})")
GREATEST = ("latest", "greatest")
PATIENCE = 5.0  # seconds for asking a git remote, for the sake of a hint
SHOWN = 5


@dataclass(frozen=True)
class Target:
    """What somebody asked for."""

    asked: str
    artifact: str | None
    """None: a plain revision that is no version of the default artifact."""
    commit: str
    version: Version | None


@dataclass(frozen=True)
class _Meaning:
    says: str
    target: Target
    revision: bool = False
    """Only git knows it."""


def resolve(git: Git, registry: Registry, asked: str, default: str = "dataset", prefix: str = "") -> Target:
    """The version or commit that `asked` names; a bare name means the artifact `default`.

    Raises:
        DataOpsError: it names nothing, or two things.
    """
    asked = asked.strip()
    if not asked or "\0" in asked or "\n" in asked:
        raise DataOpsError(f"{asked!r} is no name of a version", "as latest, v1.2.0 or dataset@v1.2.0")
    meanings = list(_meanings(git, registry, asked, default, prefix))
    versions = {m.target.commit for m in meanings if not m.revision}
    meanings = [m for m in meanings if not m.revision or m.target.commit not in versions]
    different = {(m.target.commit, m.target.version.tag_sha if m.target.version else ""): m for m in meanings}
    if len(different) > 1:
        says = [f"{m.says} ({m.target.commit[:7]})" for m in different.values()]
        raise DataOpsError(
            f"{asked} means {' and '.join(says)}", "write out which one, as dataset@v1.2.0 or its commit"
        )
    if not different:
        raise _unknown(git, registry, asked, default, prefix)
    return next(iter(different.values())).target


def _meanings(git: Git, registry: Registry, asked: str, default: str, prefix: str) -> Iterator[_Meaning]:
    artifact, kind, name = _split(asked)
    artifact = artifact or default
    found = False
    for called in _called(registry, artifact, prefix):
        made = list(_named(git, registry, asked, called, kind, name, prefix))
        found = found or bool(made)
        yield from made
        if found:
            artifact = called
            break
    default = _called(registry, default, prefix)[0]
    yield from _revision(git, registry, asked, asked, default)
    if kind == "@" and not found and artifact in registry.artifacts:
        yield from _revision(git, registry, asked, name, artifact)


def _split(asked: str) -> tuple[str, str, str]:
    """Artifact ("" where it is bare), `@` or `#` or "", and the name."""
    for sign in "@#":
        artifact, found, name = asked.partition(sign)
        artifact = artifact.replace("=", ":", 1)
        named = tags.is_artifact_name(artifact) or (sign == "#" and not artifact)
        if found and named and name and not name.startswith("{"):
            return artifact, sign, name
    return "", "", asked


def _called(registry: Registry, artifact: str, prefix: str) -> list[str]:
    """What tags may call an artifact of a DVC repository in a folder: from git's top, as GTO does, or from there."""
    folder, _, name = artifact.rpartition(":")
    full = f"{prefix}/{folder}".rstrip("/") + f":{name}"
    return [full, artifact] if prefix and full in registry.artifacts else [artifact]


def _named(
    git: Git, registry: Registry, asked: str, artifact: str, kind: str, name: str, prefix: str
) -> Iterator[_Meaning]:
    """What a name means as one of an artifact's."""
    if kind == "#":
        yield from _stage(registry, asked, artifact, name)
        return
    versions = _versions(git, registry, artifact, name, prefix)
    yield from (_Meaning(found.name, Target(asked, artifact, found.commit, found)) for found in versions)
    if not versions and (match := COMMIT.fullmatch(name)):
        yield from _commits(git, registry, asked, artifact, match[1].lower())


def _versions(git: Git, registry: Registry, artifact: str, name: str, prefix: str) -> list[Version]:
    """The versions of one artifact that a name without it means; more than one: it isn't clear which."""
    known = registry.versions(artifact)
    if name in GREATEST and artifact in registry.artifacts:
        latest = registry.artifacts[artifact].latest
        return [latest] if latest else []
    aliased = [version for version in known if name in version.aliases]
    if exact := [version for version in known if str(version.number) == name]:
        return [*_living(exact), *(version for version in aliased if version not in exact)]
    if aliased and PART.fullmatch(name):
        return _living(aliased)
    return [*aliased, *(version for version in _described(git, known, name, prefix) if version not in aliased)]


def _described(git: Git, known: Sequence[Version], name: str, prefix: str) -> list[Version]:
    """Those that a name means by what it says of them: how their number begins, their day, content or commit."""
    if match := PART.fullmatch(name):
        part = [int(number) for number in match.groups() if number is not None]
        return _living([v for v in known if [v.number.major, v.number.minor][: len(part)] == part])[-1:]
    if DAY.fullmatch(name):
        day = _living([version for version in known if f"{version.time:%Y-%m-%d}" == name])
        return [max(day, key=lambda version: (version.refs[0].seconds, version.number.key))] if day else []
    if match := HASH.fullmatch(name):
        from dataops.repo import hashes

        digests = hashes.content_hashes(git, known, prefix)
        return [v for v, digest in zip(known, digests, strict=True) if digest and digest.startswith(match[1].lower())]
    if match := COMMIT.fullmatch(name):
        return _living([version for version in known if version.commit.startswith(match[1].lower())])
    return [v for v in known if _is_hybrid(v, name)]


def _is_hybrid(version: Version, name: str) -> bool:
    """Is it `v1.2.0-2024-01-15-a1b2c3d`, in all three?"""
    match = HYBRID.fullmatch(name)
    if match is None or match[1] != str(version.number):
        return False
    return f"{version.time:%Y-%m-%d}" == match[2] and version.commit.startswith(match[3].lower())


def _living(versions: list[Version]) -> list[Version]:
    """Those that are not deprecated; all, where every one is."""
    return [version for version in versions if version.deprecated is None] or versions


def _stage(registry: Registry, asked: str, artifact: str, stage: str) -> Iterator[_Meaning]:
    found = registry.artifacts.get(artifact)
    if found is None or stage not in found.staged:
        return
    version = found.stages.get(stage)
    target = Target(asked, artifact, found.staged[stage], version)
    yield _Meaning(f"{artifact}#{stage}", target)


def _commits(git: Git, registry: Registry, asked: str, artifact: str, start: str) -> Iterator[_Meaning]:
    """Commits whose id begins so; asked where none of them is a version."""
    for sha in git.out("rev-parse", f"--disambiguate={start}").splitlines():
        if git.shas([f"{sha}^{{commit}}"]) == [sha]:
            yield _Meaning(f"commit {sha[:12]}", Target(asked, artifact, sha, registry.at(artifact, sha)))


def _revision(git: Git, registry: Registry, asked: str, revision: str, artifact: str) -> Iterator[_Meaning]:
    """A branch, tag or id of git's."""
    commit = git.commit_of(revision)
    if commit is None:
        return
    tag = tags.parse(revision.removeprefix(TAGS))
    if tag is not None:
        artifact = tag.artifact
    version = registry.at(artifact, commit)
    if tag is not None and tag.number is not None:
        version = next((v for v in registry.versions(artifact) if (v.number, v.commit) == (tag.number, commit)), None)
    yield _Meaning(f"git's {revision}", Target(asked, artifact if version or tag else None, commit, version), True)


def _unknown(git: Git, registry: Registry, asked: str, default: str, prefix: str) -> DataOpsError:
    """What to say of a name that means nothing."""
    artifact, kind, name = _split(asked)
    artifact = artifact or default
    elsewhere = _elsewhere(git, registry, artifact, kind, name)
    if elsewhere:
        return DataOpsError(f"{elsewhere[0]} is on the git remote {elsewhere[1]} only", "git fetch --tags")
    if not registry.artifacts:
        return DataOpsError(
            f"{asked} is no revision of git, and there are no versions yet", "`dataops release` makes the first"
        )
    known = sorted(registry.artifacts)
    if asked in registry.artifacts:
        return DataOpsError(f"{asked} is an artifact, not a version", f"{asked}@latest, or `dataops versions {asked}`")
    if other := _content_of(git, registry, artifact, name, prefix):
        return DataOpsError(f"no version of {artifact} has the content {name}", f"{other.name} has it")
    found = registry.artifacts.get(artifact)
    if found is not None:
        return _no_such(found, asked, name, kind)
    close = difflib.get_close_matches(artifact, known, 1)
    if not kind:
        hint = f"there is: {_some(known)}; as {known[0]}@latest"
        return DataOpsError(f"{asked}: there is no version of {artifact} yet", hint)
    hint = f"did you mean {close[0]}{kind}{name}?" if close else f"there is: {_some(known)}"
    return DataOpsError(f"there is no artifact {artifact} with a version", hint)


def _content_of(git: Git, registry: Registry, artifact: str, name: str, prefix: str) -> Version | None:
    """The version of another artifact that `hash-…` means."""
    others = [other for other in registry.artifacts if other != artifact] if HASH.fullmatch(name) else []
    found = (version for other in others for version in _versions(git, registry, other, name, prefix))
    return next(found, None)


def _no_such(found: Artifact, asked: str, name: str, kind: str) -> DataOpsError:
    """The artifact is known, the name isn't."""
    if kind == "#":
        hint = (
            f"there is: {_some(sorted(found.staged))}"
            if found.staged
            else f"`dataops promote {found.name}@latest {name}`"
        )
        return DataOpsError(f"no version of {found.name} has the stage {name}", hint)
    if name in GREATEST:
        return DataOpsError(f"every version of {found.name} is deprecated", f"`dataops versions {found.name}`")
    if match := HYBRID.fullmatch(name):
        near = next((version for version in found.versions if str(version.number) == match[1]), None)
        if near:
            right = f"it is {near.number}-{near.time:%Y-%m-%d}-{near.commit[:7]}"
            return DataOpsError(f"{asked}: the day or the commit is not that of {near.name}", right)
    if DAY.fullmatch(name):
        days = sorted({f"{version.time:%Y-%m-%d}" for version in found.versions})
        near_days = sorted(sorted(days, key=lambda day: abs(_ordinal(day) - _ordinal(name)))[:3])
        return DataOpsError(f"no version of {found.name} was made on {name}", f"the nearest: {_some(near_days)}")
    numbers = [str(version.number) for version in found.versions]
    aliases = [alias for version in found.versions for alias in version.aliases]
    close = difflib.get_close_matches(name, [*numbers, *aliases, *GREATEST], 3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there is: {_some(numbers[::-1])}"
    return DataOpsError(f"{name} is no version of {found.name}" + ("" if kind else ", and no revision of git"), hint)


def _ordinal(day: str) -> int:
    """Days, roughly, also of a date that no calendar has."""
    year, month, number = map(int, day.split("-"))
    return (year * 12 + month) * 31 + number


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")


def _elsewhere(git: Git, registry: Registry, artifact: str, kind: str, name: str) -> tuple[str, str] | None:
    """A tag of that name that only the git remote has; a remote that can't be asked has none."""
    if not tags.is_artifact_name(artifact):
        return None
    named = artifact.replace(":", "=", 1)
    if kind == "#" and tags.is_stage_name(name):
        patterns = [f"{TAGS}{named}#{name}#*"]
    elif kind != "#" and tags.NUMBER.fullmatch(name):
        patterns = [f"{TAGS}{named}@{name}"]
    elif not registry.versions(artifact):
        patterns = [f"{TAGS}{named}@v*"]
    else:
        return None
    from dataops.repo import publish_tag

    try:
        remote = publish_tag.remote_of(git)
        there = publish_tag.listed(git, remote, *patterns, timeout=PATIENCE)
    except DataOpsError:
        return None
    missing = [full for full in there if tags.parse(full[len(TAGS) :])]
    return (missing[-1][len(TAGS) :], remote) if missing else None
