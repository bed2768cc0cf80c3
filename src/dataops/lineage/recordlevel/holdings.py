"""The answer to a question about records: which versions hold them, and which models that reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dataops.repo.registry import Version

TEST = "test"  # the part that no model is fitted on


@dataclass(frozen=True)
class Place:
    """Matching rows in one file."""

    part: str
    """The first folder: train, validation, test; "" at the top."""
    partition: str
    """The file's name below that, without its suffix: 2024-06."""
    file: str
    rows: int


@dataclass(frozen=True)
class Held:
    """What one version holds of the records."""

    name: str
    """`dataset@v1.2.0`; or `dataset of model@v2.0.0`, which was trained on data that nobody released."""
    commit: str
    version: Version | None
    places: tuple[Place, ...] = ()
    absent: tuple[str, ...] = ()
    """Columns that are asked for and in none of its tables."""
    unfit: str = ""
    """A value that is not of its column's type there."""
    problems: tuple[str, ...] = ()
    """What could not be looked at, and why."""
    notes: tuple[str, ...] = ()
    files: int = 0
    """Of its tables."""
    bytes: int | None = None
    """Of all its files."""

    @property
    def rows(self) -> int:
        """All that match."""
        return sum(place.rows for place in self.places)

    @property
    def parts(self) -> dict[str, int]:
        """The same by part."""
        return _by_part((place.part, place.rows) for place in self.places)

    @property
    def certain(self) -> bool:
        """Whether "no rows" means that there are none."""
        return not self.problems and not self.absent and not self.unfit


@dataclass(frozen=True)
class Reached:
    """A model, and the rows that it was made of."""

    model: Version
    on: tuple[Held, ...]
    """The dataset versions that hold some; nearly always one."""

    @property
    def parts(self) -> dict[str, int]:
        """Rows by part, of all of them."""
        return _by_part(item for held in self.on for item in held.parts.items())

    @property
    def trained(self) -> bool:
        """Whether any were in another part than test."""
        return any(rows for part, rows in self.parts.items() if part != TEST)


@dataclass(frozen=True)
class Gone:
    """From which version on no row is left, and why, where the list of exclusions says so."""

    version: str
    last: str
    """The last that holds some."""
    reason: str = ""
    added: str = ""


@dataclass(frozen=True)
class Effort:
    """What the answer cost."""

    local: int
    """Bytes read on this machine."""
    remote: int
    """Bytes read over the network."""
    total: int
    """Bytes of all versions."""
    files: int
    """Tables of all versions."""
    distinct: int
    """Those, each content once."""
    by_name: int
    """Of these, ruled out by the partition's name;"""
    by_statistics: int
    """and by the footer alone."""


@dataclass(frozen=True)
class Answer:
    """Everything that was found."""

    artifact: str
    asked: Mapping[str, str]
    first: str | None
    last: str | None
    held: tuple[Held, ...]
    """Every version, ascending by number."""
    reached: tuple[Reached, ...]
    gone: Gone | None
    effort: Effort
    unknown: tuple[str, ...] = ()
    """Models of which nothing says what they were trained on."""

    @property
    def whole(self) -> bool:
        """Whether everything could be looked at."""
        return not any(held.problems for held in self.held)

    def as_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "artifact": self.artifact,
            "keys": dict(self.asked),
            "from": self.first,
            "to": self.last,
            "found": any(held.rows for held in self.held),
            "complete": self.whole,
            "versions": [_held(held) for held in self.held],
            "models": [_reached(one) for one in self.reached],
            "models_unknown": list(self.unknown),
            "gone": vars(self.gone) if self.gone else None,
            "read": vars(self.effort),
        }


def _held(held: Held) -> dict[str, Any]:
    return {
        "version": held.name,
        "commit": held.commit,
        **_standing(held.version),
        "rows": held.rows,
        "parts": held.parts,
        "places": [vars(place) for place in held.places],
        "columns_absent": list(held.absent),
        "value_unfit": held.unfit or None,
        "problems": list(held.problems),
        "notes": list(held.notes),
        "files": held.files,
        "bytes": held.bytes,
    }


def _reached(one: Reached) -> dict[str, Any]:
    return {
        "model": one.model.name,
        "commit": one.model.commit,
        **_standing(one.model),
        "trained": one.trained,
        "parts": one.parts,
        "on": [held.name for held in one.on],
    }


def _standing(version: Version | None) -> dict[str, Any]:
    return {
        "stages": list(version.stages) if version else [],
        "deprecated": version.deprecated if version else None,
    }


def _by_part(items: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for part, rows in items:
        found[part] = found.get(part, 0) + rows
    return found
