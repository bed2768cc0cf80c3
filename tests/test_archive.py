"""dataops.archive: the same files are the same bytes, and damage is told."""

from __future__ import annotations

import contextlib
import os
import random
import tarfile

import pytest

from dataops.archive import member, pack
from dataops.errors import DataOpsError


@pytest.fixture
def folder(tmp_path):
    """Two files."""
    (tmp_path / "model/deep").mkdir(parents=True)
    (tmp_path / "model/model.txt").write_text("tree\n" * 1000)
    (tmp_path / "model/deep/model.json").write_text("{}")
    return tmp_path / "model"


def test_same_files_same_bytes(folder, tmp_path):
    """Neither times nor modes nor the archive's name get in."""
    pack(folder, tmp_path / "a.tar.gz")
    os.utime(folder / "model.txt", (1, 1))
    (folder / "model.txt").chmod(0o600)
    pack(folder, tmp_path / "other/b.tar.gz")
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "other/b.tar.gz").read_bytes()
    with tarfile.open(tmp_path / "a.tar.gz") as opened:
        assert opened.getnames() == ["deep/model.json", "model.txt"]
        assert {(m.mtime, m.uid, m.mode) for m in opened.getmembers()} == {(0, 0, 0o644)}


def test_round_trip(folder, tmp_path):
    """What went in comes out."""
    pack(folder, tmp_path / "a.tar.gz")
    assert member(tmp_path / "a.tar.gz", "model.txt") == b"tree\n" * 1000
    assert member(tmp_path / "a.tar.gz", "deep/model.json") == b"{}"


def test_missing(folder, tmp_path):
    """No archive, and no such file in it, are one line each."""
    with pytest.raises(DataOpsError, match="is missing"):
        member(tmp_path / "a.tar.gz", "model.txt")
    pack(folder, tmp_path / "a.tar.gz")
    with pytest.raises(DataOpsError, match="is damaged"):
        member(tmp_path / "a.tar.gz", "other.txt")


def test_one_flipped_bit_is_no_traceback(folder, tmp_path):
    """Wherever a bit flips, the content is right or the damage is told in one line."""
    (folder / "model.txt").write_bytes(random.Random(1).randbytes(3000))
    good = (folder / "model.txt").read_bytes()
    path = tmp_path / "a.tar.gz"
    pack(folder, path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        with contextlib.suppress(DataOpsError):
            assert member(path, "model.txt") == good
    for cut in range(0, len(whole) - 1, 97):
        path.write_bytes(whole[:cut])
        with pytest.raises(DataOpsError):
            member(path, "model.txt")
    path.write_bytes(whole)
    assert member(path, "model.txt") == good


def test_long_and_foreign_names(tmp_path):
    """A job may name its files as it likes."""
    for name in (f"{'d' * 120}/{'n' * 200}", "日本.txt"):
        path = tmp_path / "odd" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        pack(tmp_path / "odd", tmp_path / "odd.tar.gz")
        assert member(tmp_path / "odd.tar.gz", name) == name.encode()
