"""A folder's list of files may have been written by anybody."""

from __future__ import annotations

import contextlib
import hashlib
import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataops.errors import DataOpsError
from dataops.store import manifest

MD5 = "0123456789abcdef0123456789abcdef"
NAME = st.text(string.ascii_letters + string.digits + "äß -_.()", min_size=1, max_size=12).filter(
    lambda name: name not in (".", "..")
)
PATH = st.lists(NAME, min_size=1, max_size=4).map("/".join)
DIGEST = st.text("0123456789abcdef", min_size=32, max_size=32)


def written(entries: object) -> tuple[bytes, str]:
    """A list with its true digest, so that only what it says can be wrong."""
    content = json.dumps(entries).encode()
    return content, hashlib.md5(content).hexdigest() + ".dir"


@given(st.dictionaries(PATH, DIGEST, max_size=20).filter(lambda files: not manifest.clash(files)))
def test_what_is_dumped_is_parsed(files: dict[str, str]) -> None:
    """Every folder that can exist survives the way through the manifest."""
    entries = manifest.parse(manifest.dump(files), manifest.digest(files))
    assert {entry.path: entry.digest for entry in entries} == files


def test_the_digest_is_dvcs() -> None:
    """As `dvc add` gave it for a folder of two files."""
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.meta import Meta
    from dvc_data.hashfile.tree import Tree

    tree = Tree()
    files = {"train/2024-01.csv": MD5, "test/ü.csv": MD5[::-1]}
    for path, md5 in files.items():
        tree.add(tuple(path.split("/")), Meta(), HashInfo("md5", md5))
    tree.digest()
    assert manifest.digest(files) == tree.oid
    assert manifest.dump(files) == tree.as_bytes()


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../up", "a/../../b", "a//b", "a/", ".", "a/./b", "C:/x", "c:x", "a\\b", "nul\0", "a\nb",
     "x" * 256, "d/" * 2100 + "x", "\ud800"],
)  # fmt: skip
def test_paths_that_no_folder_holds_are_refused(path: str) -> None:
    """Absolute, upward, empty, of Windows, with control characters, too long."""
    with pytest.raises(DataOpsError, match="is refused") as error:
        manifest.parse(*written([{"md5": MD5, "relpath": path}]))
    assert "\n" not in error.value.message


@pytest.mark.parametrize("md5", ["", "xyz", MD5[:-1], MD5.upper(), MD5 + ".dir", "../" + MD5[3:], 5, None, [MD5]])
def test_digests_that_are_none_are_refused(md5: object) -> None:
    """A digest becomes a part of a path."""
    with pytest.raises(DataOpsError, match="is refused"):
        manifest.parse(*written([{"md5": md5, "relpath": "a"}]))


@pytest.mark.parametrize("entries", [{}, "text", 5, None, [5], [[]], [{}], [{"md5": MD5}], [{"relpath": "a"}]])
def test_other_shapes_are_refused(entries: object) -> None:
    """Anything that is JSON and no list of files."""
    with pytest.raises(DataOpsError, match="is refused"):
        manifest.parse(*written(entries))


@pytest.mark.parametrize("content", [b"", b"[", b"\xff\xfe", b"[" * 100_000])
def test_no_json_is_refused(content: bytes) -> None:
    """Also what would exhaust a recursive parser."""
    with pytest.raises(DataOpsError, match="is refused"):
        manifest.parse(content, hashlib.md5(content).hexdigest() + ".dir")


@pytest.mark.parametrize("paths", [["a", "a"], ["a", "a/b"], ["a/b/c", "x", "a/b"], ["a/b", "a/b/c/d"]])
def test_clashes_are_refused(paths: list[str]) -> None:
    """The same name twice; a name that is a file and a folder."""
    with pytest.raises(DataOpsError, match=r"stands twice|a file and a folder"):
        manifest.parse(*written([{"md5": MD5, "relpath": path} for path in paths]))


@given(st.binary(max_size=200))
def test_other_content_is_damage(content: bytes) -> None:
    """Whatever is in the object, its hash decides first."""
    with pytest.raises(DataOpsError, match="damaged"):
        manifest.parse(content, MD5 + ".dir")


@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)
       | st.dictionaries(st.sampled_from(["md5", "relpath", "x"]), inner, max_size=3), max_leaves=8))  # fmt: skip
def test_nothing_else_escapes(value: object) -> None:
    """Any JSON is a list of files or one line of refusal."""
    with contextlib.suppress(DataOpsError):
        manifest.parse(*written(value))


def test_a_part() -> None:
    """A folder's files, or one file; not what only begins alike."""
    entries = [manifest.Entry(path, MD5) for path in ("train/a", "train/b", "training/c", "d")]
    assert [entry.path for entry in manifest.subset(entries, "train/")] == ["train/a", "train/b"]
    assert [entry.path for entry in manifest.subset(entries, "d")] == ["d"]
    assert len(manifest.subset(entries, ".")) == 4
