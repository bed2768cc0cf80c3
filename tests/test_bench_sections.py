"""scripts/bench.py: a section is replaced by itself, and a name that isn't there is one line."""

from __future__ import annotations

from pathlib import Path

import bench
import pytest

from dataops.errors import DataOpsError


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two benchmarks that take no time, in a folder of their own, and what they wrote."""
    (tmp_path / "benchmarks").mkdir()
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    monkeypatch.setattr(bench, "BENCHMARKS", {"quick": "The `quick` one", "slow": "The slow one"})
    monkeypatch.setattr(bench, "measured", lambda name: iter([f"{name} took {len(list(tmp_path.iterdir()))} s"]))
    bench.main([])
    return tmp_path / "benchmarks/RESULTS.md"


def test_all_are_written(written: Path) -> None:
    """Each in a section of its own, in order, below the name of the machine that it was measured on."""
    text = written.read_text()
    assert text.startswith("# Benchmarks\n")
    begin = f"## The `quick` one\n\nOn {bench.machine()}:\n\n```\nquick took 1 s\n```\n"
    assert text.index(begin) < text.index("## The slow")
    assert bench.page(bench.sections(text)) == text


def test_one_is_replaced(written: Path) -> None:
    """With --write, and no other; without it nothing is written."""
    before = written.read_text()
    (written.parents[1] / "more").mkdir()
    bench.main(["slow"])
    assert written.read_text() == before
    bench.main(["--write", "slow"])
    assert written.read_text() == before.replace("slow took 1 s", "slow took 2 s")


def test_a_first_section(written: Path) -> None:
    """It is written where there is no page yet."""
    written.unlink()
    bench.main(["--write", "quick"])
    assert "quick took 1 s" in written.read_text()
    assert "slow" not in written.read_text()


@pytest.mark.parametrize("names", [["quik"], ["quick", "--wirte"], ["--write", "quick", "Slow"]])
def test_unknown_names(written: Path, names: list[str]) -> None:
    """Before anything runs, with those there are."""
    with pytest.raises(DataOpsError, match="there is no benchmark") as caught:
        bench.main(names)
    assert "quick, slow" in str(caught.value.hint)
    assert "took" not in written.read_text().split("slow took 1 s")[1]
