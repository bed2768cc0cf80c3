"""Many objects at once: a listing where it is cheaper, a question each where not; the answer is the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from remotes import named, put, store_of
from servers import kill, make

from dataops.guard.hooks import absent
from dataops.store import embedded
from dataops.store.objects import LEGACY, Object


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An S3 server."""
    root = make(tmp_path_factory.mktemp("server") / "clone")
    try:
        embedded.up(root)
        yield root
    finally:
        kill(root)


@pytest.mark.parametrize("many", [1, 1000])
@pytest.mark.parametrize("others", [0, 60])
def test_both_ways(server: Path, monkeypatch: pytest.MonkeyPatch, many: int, others: int) -> None:
    """With a remote that holds little else, and one of which a listing ends long before it is through."""
    monkeypatch.setattr(absent, "MANY", many)
    store = store_of(server)
    contents = [bytes([65 + n]) for n in range(12)]
    objects = [named(content) for content in contents]
    for content in contents[::2]:
        put(store, content)
    for n in range(others):
        put(store, f"other {n}".encode())
    old = [Object(named(content).digest, LEGACY) for content in (b"old", b"moved", b"gone")]
    put(store, b"old", old[0])
    put(store, b"moved")
    found = absent._absent(store, [*objects, *old], absent.silent)
    assert found == {obj.digest for obj in (*objects[1::2], old[2])}
