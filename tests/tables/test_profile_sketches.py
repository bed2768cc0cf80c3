"""dataops.tables.profile.sketches: what the library would believe, and crash on, never reaches it."""

from __future__ import annotations

import base64
import random

import datasketches
import pytest

from dataops.tables.profile import sketches


def sketch(count: int, seed: int = 0) -> datasketches.hll_sketch:
    """Of so many values."""
    found = datasketches.hll_sketch(sketches.LG_K)
    for number in range(count):
        found.update(f"{seed}-{number}")
    return found


def united(*some: datasketches.hll_sketch) -> bytes:
    """As profiles of parts are merged."""
    union = datasketches.hll_union(sketches.LG_K)
    for one in some:
        union.update(one)
    return bytes(union.get_result(datasketches.tgt_hll_type.HLL_4).serialize_compact())


def read(content: bytes) -> datasketches.hll_sketch:
    """Out of a profile."""
    return sketches.read(base64.b64encode(content).decode())


@pytest.fixture(scope="module")
def whole() -> list[bytes]:
    """Of a part; merged; and merged with registers that don't fit into half a byte."""
    large = next(found for seed in range(50) if len(found := united(sketch(20_000, seed))) > 1064)
    return [sketch(501).serialize_compact(), united(sketch(501), sketch(700, 1)), large]


def test_those_that_are_sound(whole: list[bytes]) -> None:
    """Fresh ones and merged ones are read as they are."""
    for content, count in zip(whole, (501, 1201, 20_000), strict=True):
        assert read(content).get_estimate() == pytest.approx(count, rel=0.1)


def test_any_damage_is_seen(whole: list[bytes]) -> None:
    """A bit more or less in the header, in the registers, or among the large ones; half of it; more of it."""
    pick = random.Random(1)
    for content in whole:
        tail = [*range(1064, len(content))] if len(content) < 2000 else []
        for place in [*range(4), *range(6, 40), *tail, *pick.sample(range(40, 1064), 40)]:
            damaged = bytearray(content)
            damaged[place] ^= 1 << pick.randrange(3, 8)
            if 8 <= place < 32 and read_quietly(bytes(damaged)):
                continue  # the last digits of a float
            with pytest.raises(ValueError, match="no sketch of distinct values"):
                read(bytes(damaged))
        for cut in (content[:-1], content[: len(content) // 2], content[:7], b"", content + b"\0"):
            with pytest.raises(ValueError, match="no sketch of distinct values"):
                read(cut)


def read_quietly(content: bytes) -> bool:
    """Whether it is taken for a sketch, which then says a number."""
    try:
        return 0 <= read(content).get_estimate() < 1e19
    except ValueError:
        return False


def test_sketches_of_another_kind() -> None:
    """Smaller ones, another size or another algorithm's: a profile has none of these."""
    digest = datasketches.tdigest_double(200)
    digest.update(1.0)
    other = datasketches.hll_sketch(12)
    for number in range(5000):
        other.update(number)
    for content in (
        sketch(3).serialize_compact(),
        sketch(60).serialize_compact(),
        digest.serialize(),
        other.serialize_compact(),
        sketch(501).serialize_updatable(),
    ):
        with pytest.raises(ValueError, match="no sketch of distinct values"):
            read(bytes(content))
    with pytest.raises(ValueError, match="base64"):
        sketches.read("no base64")
