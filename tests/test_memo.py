"""dataops.memo: a result is found where all that it was made of is the same, and nowhere else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dataops import memo
from dataops.memo import Memo

STAGE = """\
stages:
  tidy:
    cmd: python tidy.py
    deps: [data, code, tidy.py, pins.txt]
    params: [tidy, shared.deep, {other.yaml: [x]}]
"""


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one stage."""
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "dvc.yaml": STAGE,
        "params.yaml": "tidy: {a: 1}\nshared: {deep: 2, shallow: 3}\n",
        "other.yaml": "x: 1\n",
        "tidy.py": "pass\n",
        "pins.txt": "pandas==3\n",
        "code/deep/one.py": "1\n",
        "data/part.csv": "a\n1\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def known(repo: Path) -> bool:
    """Whether what a run put is found by the next."""
    found = Memo.of("tidy", [Path("data")])
    return found.get(found.key("part")) is not None


@pytest.fixture
def kept(repo: Path) -> Path:
    """The same, after a run."""
    before = Memo.of("tidy", [Path("data")])
    before.put(before.key("part"), {"rows": 1})
    before.save()
    assert known(repo)
    return repo


def text(name: str, content: str) -> Callable[[Path, pytest.MonkeyPatch], None]:
    """Write a file."""

    def write(repo: Path, _: pytest.MonkeyPatch) -> None:
        (repo / name).write_text(content)

    return write


def other_pandas(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed is what isn't pinned."""
    monkeypatch.setattr(memo.metadata, "version", lambda _: "99")


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (text("data/part.csv", "a\n2\n"), True),  # its parts come into the keys one by one
        (text("params.yaml", "tidy: {a: 1}\nshared: {deep: 2, shallow: 4}\nmore: 1\n"), True),
        (text("code/deep/__pycache__", ""), True),
        (text("params.yaml", "tidy: {a: 2}\nshared: {deep: 2}\n"), False),
        (text("params.yaml", "tidy: {a: 1}\nshared: {deep: 3}\n"), False),
        (text("other.yaml", "x: 2\n"), False),
        (text("tidy.py", "pass  # other\n"), False),
        (text("pins.txt", "pandas==4\n"), False),
        (text("code/deep/one.py", "2\n"), False),
        (text("code/deep/two.py", ""), False),
        (text("dvc.yaml", STAGE.replace("tidy.py\n", "tidy.py --fast\n")), False),
        (other_pandas, False),
        # what can't be told from dvc.yaml
        (text("dvc.yaml", STAGE.replace("tidy.py\n", "${script}\n")), False),
        (text("dvc.yaml", STAGE + "    wdir: code\n"), False),
        (text("dvc.yaml", STAGE.replace("pins.txt", "s3://bucket/pins.txt")), False),
        (text("dvc.yaml", STAGE.replace("pins.txt", "gone.txt")), False),
        (text("dvc.yaml", STAGE.replace("tidy:", "other:")), False),
        (text("dvc.yaml", "stages: ["), False),
        (text("dvc.yaml", "stages: []"), False),
        (text("dvc.yaml", "stages: {tidy: {cmd: x, deps: 3}}"), False),
    ],
)
def test_what_a_result_depends_on(
    kept: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path, pytest.MonkeyPatch], None], same: bool
) -> None:
    """Whatever dvc.yaml names, and what is installed."""
    change(kept, monkeypatch)
    assert known(kept) == same


def test_a_file_comes_from_the_cache_and_is_what_it_was(repo: Path) -> None:
    """By its md5, checked; a wrong entry, or one of another time, finds nothing."""
    (repo / ".dvc").mkdir()
    found = Memo.of("tidy", [Path("data")])
    content = b"some bytes"
    (repo / "made").write_bytes(content)
    found.put_file("key", repo / "made", rows=3)
    assert found.restored({"again": "key"}, repo) == {}
    digest = hashlib.md5(content).hexdigest()
    cached = repo / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
    cached.parent.mkdir(parents=True)
    cached.write_bytes(content)
    assert found.restored({"again": "key", "other": "nothing"}, repo) == {"again": {"rows": 3, "md5": digest}}
    assert (repo / "again").read_bytes() == content
    for md5 in ("../../x", "", None, 3, "0" * 32):
        found.put("key", {"md5": md5})
        assert found.restored({"more": "key"}, repo) == {}
    assert not (repo / "more").exists()


def test_the_index_stays_small(kept: Path) -> None:
    """A run's own entries and a few of those before."""
    for run in range(20):
        again = Memo.of("tidy", [Path("data")])
        for number in range(10):
            again.put(again.key(run, number), {})
        again.save()
    entries = json.loads((kept / ".dataops/memo/tidy.json").read_text())
    assert len(entries) == 10 * (1 + memo.KEPT)


def test_where_nothing_can_be_written(kept: Path) -> None:
    """The index is worth no failure."""
    index = kept / ".dataops/memo/tidy.json"
    index.unlink()
    index.mkdir()
    again = Memo.of("tidy", [Path("data")])
    again.put(again.key("part"), {})
    again.save()
    assert not known(kept)
