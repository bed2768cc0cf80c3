"""How far two files are from each other: values counted, the largest relative difference remembered."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["identical", "equivalent", "different"]
WORST: tuple[Verdict, ...] = ("identical", "equivalent", "different")

TOLERANCE = 1e-6
NEAR_ZERO = 1e-9  # a number nearer to zero counts as this one: the rounding of a sum that should be 0 is no difference
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])")
SHOWN = 3


class UnlikeError(Exception):
    """Two files can't be compared value by value; the message says why, or what differs."""


@dataclass(frozen=True)
class Likeness:
    """How two files compare."""

    verdict: Verdict
    how: str = ""
    """A line for people; "" of identical ones."""
    largest: float = 0.0
    """The largest relative difference of two numbers."""
    differing: int = 0
    values: int = 0
    """Values that differ, of those that were compared."""


@dataclass
class Tally:
    """Counts while two files are read side by side."""

    tolerance: float = TOLERANCE
    values: int = 0
    differing: int = 0
    beyond: int = 0
    """Those that no tolerance forgives."""
    largest: float = 0.0
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By column, key or line: values beyond the tolerance, and all that differ."""
    notes: list[str] = field(default_factory=list)

    def same(self, count: int = 1) -> None:
        """Values that are equal."""
        self.values += count

    def other(self, place: str, count: int = 1) -> None:
        """Values that differ and are no numbers to be rounded: texts, integers, a value that is missing."""
        self.values += count
        self._differ(place, count, count)

    def numbers(self, old: float, new: float, place: str) -> None:
        """Two numbers, of which at least one is no integer."""
        apart = relative(old, new)
        self.values += 1
        if apart:
            self._differ(place, int(apart > self.tolerance), 1)
            self.largest = max(self.largest, apart)

    def many(self, values: int, differing: int, beyond: int, largest: float, place: str) -> None:
        """A column of numbers, counted already."""
        self.values += values
        if differing:
            self._differ(place, beyond, differing)
            self.largest = max(self.largest, largest)

    def text(self, old: str, new: str, place: str) -> None:
        """Two texts, each a value or a number as it is written."""
        if old == new:
            self.same()
        elif (pair := _floats(old, new)) is not None:
            self.numbers(*pair, place)
        else:
            self.other(place)

    def add(self, inner: Tally, place: str) -> None:
        """What a file within this one came to."""
        self.values += inner.values
        self.largest = max(self.largest, inner.largest)
        self.notes += [f"{place}: {note}" for note in inner.notes]
        for name, (beyond, differing) in inner.places.items():
            self._differ(f"{place} {name}".strip(), beyond, differing)

    def likeness(self) -> Likeness:
        """What it comes to."""
        counted = self.largest, self.differing, self.values
        if self.beyond:
            return Likeness("different", self._told(), *counted)
        if self.differing:
            return Likeness("equivalent", self._told(), *counted)
        return Likeness("equivalent", "; ".join(["the same values in other bytes", *self.notes]), *counted)

    def _differ(self, place: str, beyond: int, differing: int) -> None:
        self.differing += differing
        self.beyond += beyond
        known = self.places.get(place, (0, 0))
        self.places[place] = known[0] + beyond, known[1] + differing

    def _told(self) -> str:
        names = sorted(filter(None, self.places), key=self.places.__getitem__, reverse=True)
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        where = f" ({', '.join(names[:SHOWN])}{more})" if names else ""
        figure = f", largest relative difference {self.largest:.2g}" if self.largest else ""
        far = f", {self.beyond:,} of them beyond the tolerance" if 0 < self.beyond < self.differing else ""
        told = f"{self.differing:,} of {self.values:,} values differ{where}{far}{figure}"
        return "; ".join([told, *self.notes])


def relative(old: float, new: float) -> float:
    """|old - new| / max(|old|, |new|, NEAR_ZERO); two NaN are equal, NaN or infinity and a number infinitely apart."""
    if old == new or (math.isnan(old) and math.isnan(new)):
        return 0.0
    apart = (
        abs(old - new) / max(abs(old), abs(new), NEAR_ZERO) if math.isfinite(old) and math.isfinite(new) else math.inf
    )
    return apart if math.isfinite(apart) else math.inf


def _floats(old: str, new: str) -> tuple[float, float] | None:
    """Both as numbers where they are two, and at least one of them is no integer; an integer is a count or a name."""
    if not (NUMBER.fullmatch(old) and NUMBER.fullmatch(new)) or (_whole(old) and _whole(new)):
        return None
    pair = float(old), float(new)
    return pair if all(map(math.isfinite, pair)) else None


def _whole(text: str) -> bool:
    return text.lstrip("+-").isdigit()
