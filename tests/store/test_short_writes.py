"""A disk that takes only a part of what it is given, as one that fills up: all is written, or it is said."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from dataops.errors import DataOpsError
from dataops.store import partial
from dataops.store.cache import Cache
from dataops.store.folder import FolderStore
from dataops.store.objects import Object
from dataops.store.transfer import Wanted, fetch

CONTENT = os.urandom(3 << 20)


@pytest.fixture
def wanted(tmp_path: Path) -> list[Wanted]:
    """One file, on a folder remote."""
    obj = Object(hashlib.md5(CONTENT).hexdigest())
    path = tmp_path / "remote" / obj.keys[0]
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    return [Wanted(obj, ("file",))]


def test_short_writes(wanted: list[Wanted], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of a block at a time."""
    real = os.pwrite
    monkeypatch.setattr(partial.os, "pwrite", lambda fd, block, at: real(fd, block[: max(1, len(block) // 2)], at))
    fetch(wanted, FolderStore(tmp_path / "remote"), None, tmp_path / "out")
    assert (tmp_path / "out/file").read_bytes() == CONTENT


def test_full_disk(wanted: list[Wanted], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part, then no room: the disk's fault, not the remote's."""
    taken = []

    def pwrite(_: int, block: bytes, at: int) -> int:
        if taken:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken.append(at)
        return len(block) - 1

    monkeypatch.setattr(partial.os, "pwrite", pwrite)
    with pytest.raises(DataOpsError, match="is full"):
        fetch(wanted, FolderStore(tmp_path / "remote"), None, tmp_path / "out")
    assert not (tmp_path / "out/file").exists()


def test_from_the_cache(wanted: list[Wanted], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same where it is copied."""
    monkeypatch.setattr("dataops.store.download.clone", lambda *_: False)
    fetch(wanted, FolderStore(tmp_path / "none"), Cache(tmp_path / "remote"), tmp_path / "out")
    assert (tmp_path / "out/file").read_bytes() == CONTENT
