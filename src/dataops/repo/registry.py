"""Versions and their stages, as git's tags tell them: one process for all tags, and the semantics of GTO.

A lightweight tag is none. A version is a number at a commit: it counts from its registration until it is cancelled
there. The newest assignment of a stage wins, and belongs to the version at its commit. Where two events have the same
second, GTO's order decides, which puts cancelling last.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dataops.repo import cardtext, tags
from dataops.repo.git import TAGS, Git, Ref
from dataops.repo.tags import Number, Tag

ALIASES = b'"aliases": ['


@dataclass(frozen=True)
class Version:
    """A number at a commit, and the annotated tag that says so."""

    artifact: str
    number: Number
    tag: str
    tag_sha: str
    commit: str
    refs: tuple[Ref, ...]
    """Every tag that registers it, the newest first; nearly always one."""
    stages: tuple[str, ...] = ()
    deprecated: str | None = None
    """None, or who took it back, when and why, in one line."""

    @property
    def name(self) -> str:
        """As people write it: `dataset@v1.2.0`."""
        return f"{self.artifact}@{self.number}"

    @property
    def author(self) -> str:
        """Who made the tag."""
        return self.refs[0].author

    @property
    def email(self) -> str:
        """Of the author."""
        return self.refs[0].email

    @property
    def time(self) -> dt.datetime:
        """When the tag was made, in UTC."""
        return self.refs[0].time

    @property
    def subject(self) -> str:
        """The first line of the tag's message."""
        return self.refs[0].subject

    @property
    def body(self) -> str:
        """The rest of it."""
        return self.refs[0].body

    @cached_property
    def card(self) -> dict[str, Any] | None:
        """The JSON block of the tag; None where plain `gto` made it. Registered again: the newest that has one."""
        return self.read_card()

    @property
    def aliases(self) -> tuple[str, ...]:
        """What it was called before it was imported, as its card says."""
        if not any(ALIASES in ref.raw for ref in self.refs):  # nearly always; parsing a card costs
            return ()
        listed = (self.read_card() or {}).get("aliases", ())
        return tuple(name for name in listed if isinstance(name, str) and name)

    def read_card(self) -> dict[str, Any] | None:
        """The card, not kept: of ten thousand versions they are 100 MB."""
        for ref in self.refs:
            card = cardtext.read(ref.raw)
            if card is not None:
                return card
        return None


@dataclass(frozen=True)
class Artifact:
    """What is versioned under one name."""

    name: str
    versions: tuple[Version, ...]
    """Ascending by number."""
    stages: Mapping[str, Version]
    """Who holds a stage now."""
    deprecated: bool = False
    """GTO's `name@deprecated`, with nothing after it: every version is deprecated then."""
    staged: Mapping[str, str] = field(default_factory=dict)
    """The same by commit, also where the commit was never registered as a version."""
    events: tuple[tuple[Tag, Ref], ...] = ()
    """Every annotated tag, oldest first."""

    @property
    def latest(self) -> Version | None:
        """The greatest by semver that is not deprecated. Of two that differ in build metadata alone: the later one."""
        good = [version for version in self.versions if version.deprecated is None]
        if not good:
            return None
        same = [version for version in good if version.number.key[:4] == good[-1].number.key[:4]]
        return same[0] if len(same) == 1 else max(same, key=lambda version: self._first(version))

    def _first(self, version: Version) -> int:
        known = {ref.full for ref in version.refs}
        return next((place for place, (_, ref) in enumerate(self.events) if ref.full in known), -1)


@dataclass(frozen=True)
class Registry:
    """Everything that the tags of a repository say."""

    artifacts: Mapping[str, Artifact]
    counters: Mapping[str, int] = field(default_factory=dict)
    lightweight: tuple[str, ...] = ()
    """Tags that are called as versions are and count for nothing: lightweight ones, to GTO as well."""

    def versions(self, artifact: str) -> tuple[Version, ...]:
        """Of one artifact, ascending by number; none of an unknown one."""
        found = self.artifacts.get(artifact)
        return found.versions if found else ()

    def last_counter(self, artifact: str) -> int:
        """The greatest `#N` of any of its tags; 0 where there is none."""
        return self.counters.get(artifact, 0)

    def at(self, artifact: str, commit: str) -> Version | None:
        """The version that this commit is: the greatest that is not deprecated, else the greatest."""
        here = [version for version in self.versions(artifact) if version.commit == commit]
        return max(here, key=lambda version: (version.deprecated is None, version.number.key), default=None)


def read(git: Git, artifact: str | None = None, merged: str | None = None) -> Registry:
    """What the tags say: all of them or one artifact's; `merged`: those of this commit and its ancestors."""
    patterns = [TAGS]
    if artifact is not None:
        named = TAGS + artifact.replace(":", "=", 1)
        patterns = [f"{named}@*", f"{named}#*", f"{named}#*/**"]  # `*` ends at a slash
        if not tags.is_artifact_name(artifact):
            return Registry({})
    return build(git.refs(*patterns, merged=merged), artifact)


def build(refs: Iterable[Ref], artifact: str | None = None) -> Registry:
    """The registry that these refs make."""
    events: dict[str, list[tuple[Tag, Ref]]] = {}
    counters: dict[str, int] = {}
    lightweight: list[str] = []
    for ref in refs:
        tag = tags.parse(ref.full[len(TAGS) :])
        if tag is None or (artifact is not None and tag.artifact != artifact):
            continue
        if tag.counter is not None and tag.counter > counters.get(tag.artifact, 0):
            counters[tag.artifact] = tag.counter
        if ref.annotated and ref.commit and tag.action != "create":
            events.setdefault(tag.artifact, []).append((tag, ref))
        elif not ref.annotated and tag.action == "version":
            lightweight.append(ref.full[len(TAGS) :])
    artifacts = {name: _artifact(name, found) for name, found in events.items()}
    return Registry(artifacts, counters, tuple(lightweight))


@dataclass
class _Held:
    """When something was last given and last taken away."""

    given: list[Ref] = field(default_factory=list)
    taken: list[Ref] = field(default_factory=list)

    @property
    def active(self) -> bool:
        return bool(self.given) and (not self.taken or self.given[-1].seconds > self.taken[-1].seconds)


def _artifact(name: str, found: list[tuple[Tag, Ref]]) -> Artifact:
    """One artifact of its events, which come sorted by the tags' names."""
    found.sort(key=lambda event: event[1].seconds)
    registered: dict[tuple[Number, str], _Held] = {}
    whole = _Held()
    for tag, ref in found:
        if tag.number is not None:
            held = registered.setdefault((tag.number, ref.commit), _Held())
            (held.given if tag.action == "version" else held.taken).append(ref)
        elif tag.action == "deprecate":
            whole.taken.append(ref)
    last = max((ref.seconds for tag, ref in found if tag.action != "deprecate"), default=None)
    gone = bool(whole.taken) and (last is None or whole.taken[-1].seconds > last)
    staged = {} if gone else _staged(registered, [event for event in found if event[0].stage is not None])
    stages_of: dict[tuple[Number | None, str], list[str]] = {}
    for stage, key in staged.items():
        stages_of.setdefault(key, []).append(stage)
    versions = {
        (number, commit): Version(
            name,
            number,
            held.given[-1].full[len(TAGS) :],
            held.given[-1].sha,
            commit,
            tuple(reversed(held.given)),
            tuple(sorted(stages_of.get((number, commit), ()))),
            _why(whole.taken[-1]) if gone else None if held.active else _why(held.taken[-1]),
        )
        for (number, commit), held in registered.items()
        if held.given
    }
    return Artifact(
        name,
        tuple(sorted(versions.values(), key=lambda version: version.number.key)),
        {stage: versions[(key[0], key[1])] for stage, key in sorted(staged.items()) if key[0] is not None},
        gone,
        {stage: commit for stage, (_, commit) in sorted(staged.items())},
        tuple(found),
    )


def _staged(
    registered: Mapping[tuple[Number, str], _Held], found: Sequence[tuple[Tag, Ref]]
) -> dict[str, tuple[Number | None, str]]:
    """Who holds each stage: the version, or the bare commit, whose assignment is the newest that still holds."""
    at: dict[str, list[Number]] = {}
    for number, commit in registered:
        at.setdefault(commit, []).append(number)
    held: dict[tuple[str, str], _Held] = {}
    for tag, ref in found:
        assert tag.stage is not None
        of = held.setdefault((tag.stage, ref.commit), _Held())
        (of.given if tag.action == "stage" else of.taken).append(ref)
    best: dict[str, tuple[tuple[int, int], tuple[Number | None, str]]] = {}
    for (stage, commit), of in held.items():
        if not of.active:
            continue
        numbers = at.get(commit)
        active = [number for number in numbers or () if registered[(number, commit)].active]
        if numbers and not active:
            continue  # its version was cancelled
        owner = (max(active, key=lambda number: number.key) if active else None, commit)
        made = registered[(owner[0], commit)].given[-1].seconds if owner[0] is not None else of.given[-1].seconds
        rank = (of.given[-1].seconds, -made)  # GTO: of the same second, the version that is older
        if stage not in best or rank > best[stage][0]:
            best[stage] = (rank, owner)
    return {stage: owner for stage, (_, owner) in best.items()}


def _why(ref: Ref) -> str:
    """Who, when and why, in one line."""
    told = " ".join(f"{ref.subject} {ref.body}".split())
    return f"{ref.author or 'somebody'}, {ref.time:%Y-%m-%d}" + (f": {told}" if told else "")
