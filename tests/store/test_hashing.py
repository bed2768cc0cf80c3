"""The hashes are DVC's own, also those of DVC 2."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from dvc_data.hashfile.hash import fobj_md5
from remotes import noise

from dataops.store.hashing import Hasher, hash_file

TEXT = b"date,store\r\n2024-01-01,1\r\n"
CASES = {
    "empty": b"",
    "text": TEXT,
    "lines of Unix": TEXT.replace(b"\r\n", b"\n"),
    "binary": noise(2000) + b"\0\r\n",
    "long text": TEXT * 100_000,
    "CRLF across the block's end": b"x" * ((1 << 20) - 1) + b"\r\n" + b"y" * 100,
    "text, then binary": b"a\r\n" * 400_000 + b"\0\1\r\n" * 400_000,
    "mostly not ASCII": "жзк\r\n".encode() * 50,
}


@pytest.mark.parametrize("algorithm", ["md5", "md5-dos2unix"])
@pytest.mark.parametrize("name", CASES)
def test_it_is_what_dvc_computes(name: str, algorithm: str, tmp_path: Path) -> None:
    """Fed in any pieces."""
    content = CASES[name]
    digest = fobj_md5(io.BytesIO(content), name=algorithm)
    for piece in (700, 1 << 20, 3_000_001):
        hasher = Hasher(algorithm)
        for start in range(0, len(content), piece):
            hasher.update(content[start : start + piece])
        assert hasher.matches(digest)
        assert hasher.size == len(content)
        assert not hasher.matches("0" * 32)
    (tmp_path / "file").write_bytes(content)
    assert hash_file(tmp_path / "file", algorithm).matches(digest)


def test_line_ends_count_in_dvc_3() -> None:
    """Only DVC 2 took CRLF for LF."""
    unix = fobj_md5(io.BytesIO(CASES["lines of Unix"]))
    for algorithm, same in (("md5", False), ("md5-dos2unix", True)):
        hasher = Hasher(algorithm)
        hasher.update(TEXT)
        assert hasher.matches(unix) is same
