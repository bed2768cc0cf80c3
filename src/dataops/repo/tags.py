"""GTO's grammar of tag names, in one place: `dataset@v1.2.0`, `model#prod#3`, `dir=name@v1.0.0!#4`, `name@deprecated`.

The grammar is that of gto 1.10 (gto/constants.py, tag_re). A nested artifact is `dir:name`, and `dir=name` in a tag.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, total_ordering
from typing import Literal

Action = Literal["version", "cancel", "stage", "unstage", "deprecate", "create"]
Bump = Literal["major", "minor", "patch"]

INTEGER = r"(?:0|[1-9][0-9]*)"
IDENTIFIER = rf"(?:{INTEGER}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
SEMVER = (
    rf"v(?P<major>{INTEGER})\.(?P<minor>{INTEGER})\.(?P<patch>{INTEGER})"
    rf"(?:-(?P<pre>{IDENTIFIER}(?:\.{IDENTIFIER})*))?"
    r"(?:\+(?P<build>[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?"
)
FOLDER = "[a-zA-Z0-9_./-]+"
NAME = "[a-zA-Z0-9](?:[a-zA-Z0-9/_-]*[a-zA-Z0-9])?"
IN_TAG = f"(?:{FOLDER}=)?{NAME}"
NUMBER = re.compile(SEMVER)
TAG = re.compile(
    f"(?P<artifact>{IN_TAG})(?:(?:#(?P<stage>{NAME})|@(?P<version>{SEMVER}))(?P<off>!?)"
    "|@(?P<whole>deprecated|created))(?:#(?P<counter>[0-9]+))?"
)
ARTIFACT = re.compile(f"(?:{FOLDER}:)?{NAME}")
STAGE = re.compile(NAME)


@total_ordering
@dataclass(frozen=True)
class Number:
    """A version's number, in the order of semver 2.0 (build metadata last, so that the order is total)."""

    major: int
    minor: int
    patch: int
    pre: str = ""
    build: str = ""

    @classmethod
    def parse(cls, text: str) -> Number:
        """`v1.2.0-rc.1+build`.

        Raises:
            ValueError: it is no such number.
        """
        match = NUMBER.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no version like v1.2.0")
        return _number(match)

    @cached_property
    def key(self) -> tuple[object, ...]:
        """What to sort many by: comparing tuples is quicker than comparing numbers."""
        release = (1,) if not self.pre else (0, tuple(_rank(part) for part in self.pre.split(".")))
        return (self.major, self.minor, self.patch, release, self.build)

    def __lt__(self, other: Number) -> bool:
        return self.key < other.key

    def __str__(self) -> str:
        pre, build = (f"-{self.pre}" if self.pre else ""), (f"+{self.build}" if self.build else "")
        return f"v{self.major}.{self.minor}.{self.patch}{pre}{build}"

    def bumped(self, kind: Bump) -> Number:
        """The next one; of v1.2.0-rc.1 the next patch is v1.2.0."""
        if kind == "major":
            return Number(self.major + (not (self.pre and self.minor == self.patch == 0)), 0, 0)
        if kind == "minor":
            return Number(self.major, self.minor + (not (self.pre and self.patch == 0)), 0)
        return Number(self.major, self.minor, self.patch + (not self.pre))


@dataclass(frozen=True)
class Tag:
    """What a tag's name says."""

    artifact: str  # dir:name
    action: Action
    number: Number | None = None
    stage: str | None = None
    counter: int | None = None


def parse(name: str) -> Tag | None:
    """What GTO reads in a tag's name; None where it reads nothing."""
    match = TAG.fullmatch(name)
    if match is None:
        return None
    artifact = match["artifact"].replace("=", ":", 1)
    try:
        counter = int(match["counter"]) if match["counter"] else None
        if match["whole"]:
            return Tag(artifact, "deprecate" if match["whole"] == "deprecated" else "create", counter=counter)
        if match["stage"]:
            return Tag(artifact, "unstage" if match["off"] else "stage", stage=match["stage"], counter=counter)
        return Tag(artifact, "cancel" if match["off"] else "version", number=_number(match), counter=counter)
    except ValueError:  # thousands of digits
        return None


def version(artifact: str, number: Number) -> str:
    """The tag of a version: `dataset@v1.2.0`."""
    return f"{_in_tag(artifact)}@{number}"


def cancel(artifact: str, number: Number, counter: int) -> str:
    """The tag that takes a version back: `dataset@v1.2.0!#4`."""
    return f"{_in_tag(artifact)}@{number}!#{counter}"


def stage(artifact: str, stage: str, counter: int) -> str:
    """The tag that gives a version a stage: `model#prod#3`."""
    return f"{_in_tag(artifact)}#{stage}#{counter}"


def unstage(artifact: str, stage: str, counter: int) -> str:
    """The tag that takes a stage away: `model#prod!#4`."""
    return f"{_in_tag(artifact)}#{stage}!#{counter}"


def is_artifact_name(name: str) -> bool:
    """May an artifact be called so, as `name` or `dir:name`?"""
    return ARTIFACT.fullmatch(name) is not None


def is_stage_name(name: str) -> bool:
    """May a stage be called so?"""
    return STAGE.fullmatch(name) is not None


def _in_tag(artifact: str) -> str:
    return artifact.replace(":", "=", 1)


def _number(match: re.Match[str]) -> Number:
    return Number(
        int(match["major"]), int(match["minor"]), int(match["patch"]), match["pre"] or "", match["build"] or ""
    )


def _rank(part: str) -> tuple[int, int, str]:
    """Numbers come before words, and by their value."""
    return (0, int(part), "") if part.isdigit() else (1, 0, part)
