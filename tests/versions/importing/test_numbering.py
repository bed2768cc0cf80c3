"""Numbers for old names: what is one stays, all else gets a free one in between."""

from __future__ import annotations

import datetime as dt

import pytest

from dataops.repo.tags import Bump, Number
from dataops.versions.importing import numbering
from dataops.versions.importing.old import Old, OldFile, Stated, step


def numbers(
    *names: str, steps: tuple[Bump, ...] = (), known: dict[str, str] | None = None, used: str = ""
) -> list[str]:
    """As text."""
    before = {name: Number.parse(number) for name, number in (known or {}).items()}
    taken = {Number.parse(one) for one in used.split()} | set(before.values())
    found = numbering.assign(names, steps or ("minor",) * len(names), before, taken)
    return [str(number) if number else "-" for number in found]


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("v1.0", "v1.0.0"),
        ("1.2", "v1.2.0"),
        ("v3", "v3.0.0"),
        ("1.2.3", "v1.2.3"),
        ("v1.0.0-rc.1", "v1.0.0-rc.1"),
        ("2024-01-15", None),
        ("20240115", None),
        ("20240115-103000", None),
        ("2024.1", None),
        ("1", None),
        ("commit-a1b2c3d", None),
        ("hash-abc123", None),
        ("v1.0-2024-01-15-a1b2c3d", None),
        ("v01.0", None),
        ("v1.0.0-2024-01-15-a1b2c3d", None),
        ("final", None),
        ("v1.0.0.0", None),
        ("v1.\N{ARABIC-INDIC DIGIT ONE}", None),
    ],
)
def test_what_a_name_is(name: str, number: str | None) -> None:
    """A date is no number, however it is written."""
    found = numbering.stated(name)
    assert (str(found) if found else None) == number


def test_between() -> None:
    """Dated versions between v1.0 and v1.1 lie between them; after the last they follow what changed."""
    names = ("v1.0", "2024-01-15", "20240201-103000", "v1.1", "commit-a1b2c3d", "hash-abc1", "x")
    steps: tuple[Bump, ...] = ("minor", "major", "patch", "minor", "minor", "patch", "major")
    expected = ["v1.0.0", "v1.0.1", "v1.0.2", "v1.1.0", "v1.2.0", "v1.2.1", "v2.0.0"]
    assert numbers(*names, steps=steps) == expected


def test_before_the_first_and_without_any() -> None:
    """What comes before v1.0 stays below it; where no name is a number they count from v1.0.0."""
    assert numbers("2023-01-01", "2023-02-01", "v1.0") == ["v0.1.0", "v0.2.0", "v1.0.0"]
    assert numbers("2023-01-01", "2023-02-01") == ["v1.0.0", "v1.1.0"]
    assert numbers("a", "v0.0.1") == ["v0.0.1-imported.1", "v0.0.1"]


def test_no_room() -> None:
    """Between v1.0.0 and v1.0.1 there are prereleases alone."""
    assert numbers("v1.0.0", "a", "b", "v1.0.1") == ["v1.0.0", "v1.0.1-imported.1", "v1.0.1-imported.2", "v1.0.1"]
    found = [Number.parse(one) for one in numbers("v1.0.0", "a", "v1.0.1-a", "b", "v1.0.1-b")]
    assert len(set(found)) == 5


def test_a_hybrid_keeps_its_number_unless_a_plain_name_has_it() -> None:
    """`v1.0` is v1.0.0 whichever came first."""
    assert numbers("v1.0-2024-01-15-a1b2c3d", "v1.1") == ["v1.0.0", "v1.1.0"]
    assert numbers("v1.0-2024-01-15-a1b2c3d", "v1.0", "v1.1") == ["v0.1.0", "v1.0.0", "v1.1.0"]
    assert numbers("v1.0", "v1.0-2024-01-15-a1b2c3d", "v1.1") == ["v1.0.0", "v1.0.1", "v1.1.0"]


def test_what_is_there_already() -> None:
    """Numbers given before stay; those of the pipeline's own releases are never given again."""
    assert numbers("v1.0", "x", "y", known={"v1.0": "v1.0.0", "x": "v1.1.0"}) == ["v1.0.0", "v1.1.0", "v1.2.0"]
    assert numbers("v1.0", "x", "y", used="v1.1.0 v1.2.0") == ["v1.0.0", "v1.3.0", "v1.4.0"]
    assert numbers("v1.0", "x", used="v1.0.0") == ["-", "v1.1.0"]
    assert numbers("v1.0", "v1.0.0", "1.0") == ["v1.0.0", "-", "-"]


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (Stated(rows=1, columns={"a": "int64", "b": ""}), Stated(rows=2, columns={"a": "int64"}), "major"),
        (Stated(rows=1, columns={"a": "int64"}), Stated(rows=1, columns={"a": "object"}), "major"),
        (Stated(rows=1, columns={"a": "int64"}), Stated(rows=1, columns={"a": ""}), "patch"),
        (Stated(rows=1, columns={"a": ""}), Stated(rows=2, columns={"a": ""}), "minor"),
        (Stated(rows=1, columns={"a": ""}), Stated(rows=1, columns={"a": "", "b": ""}), "minor"),
        (Stated(), Stated(), "minor"),
    ],
)
def test_what_two_documents_tell(old: Stated, new: Stated, kind: str) -> None:
    """Columns that go are major, other bytes of the same rows a patch; what nobody knows is minor."""
    time = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    first, second = (
        Old("dataset", "dataset", "x", time, "", (OldFile("train.csv", 1, "", etag, stated),))
        for etag, stated in (("e1", old), ("e2", new))
    )
    assert step(first, second) == kind
    assert step(first, first) == "patch"
