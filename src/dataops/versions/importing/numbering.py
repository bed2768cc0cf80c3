"""Semantic numbers for old names: one that has a number keeps it, all others get free ones in between."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set

from dataops.repo.tags import NUMBER, Bump, Number

PART = r"(0|[1-9]\d{0,5})"
SEMANTIC = re.compile(rf"[vV]{PART}(?:\.{PART})?(?:\.{PART})?|{PART}\.{PART}(?:\.{PART})?", re.ASCII)
HYBRID = re.compile(r"(.+?)-(?:\d{4}-\d{2}-\d{2}|\d{8})(?:-[0-9a-fA-F]{4,64})?", re.ASCII)
YEARS = range(1900, 2200)  # 2024.1 is a month
KINDS: Sequence[Bump] = ("major", "minor", "patch")
NONE = Number(0, 0, 0)
FIRST = Number(1, 0, 0)


def stated(name: str) -> Number | None:
    """The number that a name is: `v1.0`, `1.2.3`, `v2`, `v1.0.0-rc.1`."""
    if found := SEMANTIC.fullmatch(name):
        major, minor, patch = [int(part) for part in found.groups() if part is not None] + [0] * (3 - _parts(found))
        return Number(major, minor, patch) if major not in YEARS else None
    if HYBRID.fullmatch(name) or not NUMBER.fullmatch(name) or len(name) > 60:
        return None
    return Number.parse(name)


def within(name: str) -> Number | None:
    """The number that a hybrid name begins with: v1.0.0 of `v1.0-2024-01-15-a1b2c3d`."""
    found = HYBRID.fullmatch(name)
    return stated(found[1]) if found else None


def assign(
    names: Sequence[str], steps: Sequence[Bump], known: Mapping[str, Number], used: Set[Number]
) -> list[Number | None]:
    """A number for each name, oldest first; None where the one that a name is belongs to another version already.

    What lies between `v1.0` and `v1.1` in time gets a number between v1.0.0 and v1.1.0: of the kind that its step says
    where there is room, else of a smaller one.

    Args:
        names: of every old version, also of those that won't be imported now: their numbers stay free.
        steps: the kind of change that led to each.
        known: the numbers of those that were imported before.
        used: every number that the artifact has in this repository.
    """
    foreign = used - set(known.values())
    fixed: list[Number | None] = [known.get(name) for name in names]
    claimed = set(known.values())
    for claim in (stated, within):
        for place, name in enumerate(names):
            number = claim(name) if fixed[place] is None else None
            if number is not None and number not in claimed and number not in foreign:
                fixed[place] = number
                claimed.add(number)
    taken = set(used) | claimed
    below: Number | None = None
    found: list[Number | None] = []
    for place, name in enumerate(names):
        number = fixed[place]
        if number is None and stated(name) is None:
            above = [one for one in fixed[place + 1 :] if one is not None and (below is None or below < one)]
            number = _between(below, min(above, default=None), steps[place], taken)
            taken.add(number)
        found.append(number)
        below = max(below, number) if below and number else number or below
    return found


def _between(below: Number | None, above: Number | None, step: Bump, taken: Set[Number]) -> Number:
    """A free number between the two."""
    if below is None and above is None:
        return _free(FIRST, "minor", taken)
    for kind in KINDS[KINDS.index(step) :] if below is not None else KINDS[1:]:
        number = _free((below or NONE).bumped(kind), kind, taken)
        if above is None or number < above:
            return number
    assert above is not None
    count = 1
    while (number := Number(above.major, above.minor, above.patch, f"imported.{count}")) in taken:
        count += 1
    if number < above and (below is None or below < number):
        return number
    return _free(max(taken).bumped("minor"), "minor", taken)  # two prereleases with nothing between them


def _free(number: Number, kind: Bump, taken: Set[Number]) -> Number:
    while number in taken:
        number = number.bumped(kind)
    return number


def _parts(found: re.Match[str]) -> int:
    return sum(part is not None for part in found.groups())
