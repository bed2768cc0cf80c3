"""GTO's grammar of tags, compared with GTO's own."""

from __future__ import annotations

import random

import gto.constants
import pytest

from dataops.repo import tags
from dataops.repo.tags import Number

PIECES = (
    *("a", "dataset", "d/x=", "=", "@v1.0.0", "@v1.0.0-rc.1", "#prod", "!", "#3", "@", "#", "-", "_", "/", "x", "."),
    *("@deprecated", "@created", "+b.1", "-01", "@v01.0.0", "@v1.0", "1", "#a/b", ":", " ", "@v1.0.0-0a.b+c"),
)


def test_the_same_grammar_as_gto() -> None:
    """What GTO reads in a name, and what it doesn't, on 50,000 names."""
    draw = random.Random(7)
    for _ in range(50_000):
        name = "".join(draw.choices(PIECES, k=draw.randint(1, 5)))
        theirs, ours = gto.constants.tag_re.search(name), tags.parse(name)
        assert (theirs is None) == (ours is None), name
        if theirs and ours:
            assert gto.constants.tag_to_name(theirs["artifact"]) == ours.artifact
            assert theirs["stage"] == ours.stage
            assert theirs["version"] == (str(ours.number) if ours.number else None)
            assert theirs["counter"] == (str(ours.counter) if ours.counter is not None else None)
            assert bool(theirs["cancel"]) == (ours.action in ("cancel", "unstage"))


def test_what_is_written_is_read() -> None:
    """Names of tags come back as what they were made of."""
    number = Number.parse("v1.2.3-rc.1+b")
    assert tags.parse(tags.version("sub/dir:data", number)) == tags.Tag("sub/dir:data", "version", number)
    assert tags.parse(tags.cancel("d", number, 4)) == tags.Tag("d", "cancel", number, None, 4)
    assert tags.parse(tags.stage("d", "a/b", 4)) == tags.Tag("d", "stage", None, "a/b", 4)
    assert tags.parse(tags.unstage("d", "prod", 4)) == tags.Tag("d", "unstage", None, "prod", 4)
    assert tags.parse("d@v" + "9" * 5000 + ".0.0") is None


def test_order_is_semver() -> None:
    """The example of semver.org, shuffled."""
    right = [
        *("v1.0.0-alpha", "v1.0.0-alpha.1", "v1.0.0-alpha.beta", "v1.0.0-beta", "v1.0.0-beta.2", "v1.0.0-beta.11"),
        *("v1.0.0-rc.1", "v1.0.0", "v1.0.1", "v1.2.0", "v1.10.0", "v2.0.0"),
    ]
    shuffled = random.Random(3).sample(right, len(right))
    assert [str(number) for number in sorted(map(Number.parse, shuffled))] == right
    assert [str(n) for n in sorted(map(Number.parse, shuffled), key=lambda number: number.key)] == right


@pytest.mark.parametrize(
    ("before", "kind", "after"),
    [
        ("v1.2.3", "major", "v2.0.0"),
        ("v1.2.3", "minor", "v1.3.0"),
        ("v1.2.3", "patch", "v1.2.4"),
        ("v1.2.0-rc.1", "patch", "v1.2.0"),
        ("v1.2.0-rc.1", "minor", "v1.2.0"),
        ("v2.0.0-rc.1", "major", "v2.0.0"),
        ("v1.2.3+b", "patch", "v1.2.4"),
    ],
)
def test_bumps(before: str, kind: tags.Bump, after: str) -> None:
    """The next number."""
    assert str(Number.parse(before).bumped(kind)) == after
