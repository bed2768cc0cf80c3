"""What the monitor says of DVC's records, while real DVC adds, checks out and reproduces, for each kind of link."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import warm
from watched import Watched, environ, md5, plant, until

PIPELINE = """\
stages:
  split:
    cmd: rm -rf data/dataset; mkdir data/dataset; for f in a b c; do tr , / <data/raw/$f.csv >data/dataset/$f.csv; done
    deps: [data/raw]
    outs: [data/dataset]
  fit:
    cmd: mkdir -p models && cat data/dataset/*.csv > models/model.bin
    deps: [data/dataset]
    outs: [models/model.bin]
artifacts:
  dataset: {path: data/dataset, type: dataset}
  model: {path: models/model.bin, type: model}
"""


class Clone(Watched):
    """A real DVC repository."""

    def run(self, *command: str) -> None:
        """Run a program in it."""
        identity = {f"GIT_{who}_{what}": "t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        done = warm.run(command, self.root, environ(**identity))
        assert done.returncode == 0, (command, done.stdout, done.stderr)

    def dvc(self, *words: str) -> None:
        """Run DVC in it."""
        self.run(sys.executable, "-m", "dvc", *words, "-q")

    def put(self, text: str) -> None:
        """Write the raw data."""
        for name in "abc":
            path = self.root / f"data/raw/{name}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.write_text(f"{text},{name}\n")


@pytest.fixture(params=["copy", "symlink", "hardlink"])
def clone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Clone]:
    """Raw data that `dvc add` tracks and two stages, reproduced, committed, and watched."""
    here = Clone(tmp_path / "repo")
    here.root.mkdir()
    here.run("git", "init", "-q", "-b", "main")
    here.dvc("init")
    here.dvc("config", "cache.type", request.param)
    here.put("one")
    (here.root / "dvc.yaml").write_text(PIPELINE)
    (here.root / ".gitignore").write_text("/.dataops/\n")
    here.dvc("add", "data/raw")
    here.dvc("repro")
    here.run("git", "add", "-A")
    here.run("git", "commit", "-qm", "one")
    here.start()
    yield here
    if not here.ended:
        here.process.kill()
        here.process.wait()


def known(clone: Clone) -> dict[str, str]:
    """What the monitor's log adds up to, on top of what lay there when it began."""
    found: dict[str, str] = {}
    for line in clone.lines:
        if line["event"] == "deleted":
            found.pop(line["path"], None)
        else:
            found.pop(line.get("from", ""), None)
            found[line["path"]] = line["hash"]
    return found


def test_data_edited(clone: Clone) -> None:
    """The output and artifact that a file belongs to, and that it is not what is recorded."""
    (clone.root / "data/raw/b.csv").unlink()
    (clone.root / "data/raw/d.csv").write_text("new\n")
    model = clone.root / "models/model.bin"
    model.unlink()
    model.write_text("another")
    (clone.root / "data/dataset/a.csv").unlink()
    until(lambda: len(clone.lines) == 4, lambda: clone.lines)
    assert clone.stop() == 0
    facts = {(line["event"], line["path"], line["output"], line["artifact"], line["agrees"]) for line in clone.lines}
    assert facts == {
        ("deleted", "data/raw/b.csv", "data/raw", None, False),
        ("created", "data/raw/d.csv", "data/raw", None, False),
        ("modified", "models/model.bin", "models/model.bin", "model", False),
        ("deleted", "data/dataset/a.csv", "data/dataset", "dataset", False),
    }


def test_edited_and_put_back(clone: Clone) -> None:
    """`dvc checkout` brings back what is recorded."""
    (clone.root / "data/raw/b.csv").unlink()
    until(lambda: len(clone.lines) == 1)
    clone.dvc("checkout", "data/raw.dvc")
    until(lambda: len(clone.lines) == 2)
    assert clone.stop() == 0
    assert [(line["event"], line["agrees"]) for line in clone.lines] == [("deleted", False), ("created", True)]


def test_whole_outputs_replaced(clone: Clone) -> None:
    """By dvc repro and by dvc checkout of another commit: in the end all is known as it is, and as recorded."""
    clone.put("two")
    clone.dvc("add", "data/raw")
    clone.dvc("repro")
    tracked = [clone.root / f"data/{folder}/{name}.csv" for folder in ("raw", "dataset") for name in "abc"]
    tracked.append(clone.root / "models/model.bin")

    def settled() -> bool:
        wanted = {path.relative_to(clone.root).as_posix(): md5(path.read_bytes()) for path in tracked}
        return known(clone) == wanted

    until(settled, lambda: clone.lines)
    clone.run("git", "add", "-A")
    clone.run("git", "commit", "-qm", "two")
    count = len(clone.lines)
    clone.run("git", "checkout", "-q", "HEAD~1")
    clone.dvc("checkout")
    until(settled, lambda: clone.lines)
    assert clone.stop() == 0
    assert len(clone.lines) == count + len(tracked)
    assert all(line["agrees"] for line in clone.lines[count:])
    clone.start()
    assert clone.stop() == 0
    assert len(clone.lines) == count + len(tracked)


def test_newly_tracked_is_watched(clone: Clone) -> None:
    """An output that comes to be tracked elsewhere is watched from then on; without a restart."""
    (clone.root / "extra").mkdir()
    (clone.root / "extra/a.bin").write_text("a")
    clone.dvc("add", "extra")
    clone.stop()
    clone.start()
    assert "extra" in clone.said
    clone.dvc("add", "--glob", "data/raw")
    (clone.root / "extra/b.bin").write_text("b")
    until(lambda: len(clone.lines) == 1, lambda: (clone.lines, clone.said))
    assert clone.stop() == 0
    assert clone.lines[0]["output"] == "extra"


def test_broken_records(clone: Clone) -> None:
    """While dvc.lock is in conflict the data is watched on, and nobody can tell what is recorded of it."""
    lock = clone.root / "dvc.lock"
    text = lock.read_text()
    lock.write_text(f"<<<<<<< ours\n{text}")
    (clone.root / "data/dataset/new.csv").write_text("new\n")
    until(lambda: len(clone.lines) == 1)
    model = clone.root / "models/model.bin"
    model.unlink()
    until(lambda: len(clone.lines) == 2)
    model.write_text("another")
    lock.unlink()
    until(lambda: len(clone.lines) == 3)
    model.unlink()
    lock.write_text(text)
    (clone.root / "data/dataset/newer.csv").write_text("newer\n")
    until(lambda: len(clone.lines) == 5)
    assert clone.stop() == 0
    facts = [(line["path"], line["output"], line["agrees"]) for line in clone.lines]
    assert facts[:3] == [("data/dataset/new.csv", None, None), *[("models/model.bin", None, None)] * 2]
    assert set(facts[3:]) == {
        ("models/model.bin", "models/model.bin", False),
        ("data/dataset/newer.csv", "data/dataset", False),
    }


@pytest.mark.parametrize("link", ["data", "data/raw"])
def test_data_lies_elsewhere(tmp_path: Path, link: str) -> None:
    """data/, or a tracked folder in it, as a link to the big disk."""
    root, disk = plant(tmp_path / "repo"), tmp_path / "disk"
    digest = "d41d8cd98f00b204e9800998ecf8427e.dir"
    (root / "data/raw.dvc").write_text(f"outs:\n- md5: {digest}\n  hash: md5\n  path: raw\n")
    (root / "data").rename(disk) if link == "data" else disk.mkdir()
    (root / link).symlink_to(disk)
    watched = Watched(root).start()
    (root / "data/raw").mkdir(exist_ok=True)
    (root / "data/a.csv").write_text("a")
    (root / "data/raw/b.csv").write_text("b")
    until(lambda: len(watched.lines) == 2, lambda: (watched.lines, watched.said))
    assert watched.stop() == 0
    found = {(line["path"], line["output"]) for line in watched.lines}
    output = "data/raw" if link == "data/raw" else None  # what lies behind a link is not git's, so not recorded
    assert found == {("data/a.csv", None), ("data/raw/b.csv", output)}


def test_hidden_by_dvcignore(tmp_path: Path) -> None:
    """What DVC doesn't see is no data; a rule that comes or goes counts at once."""
    root = plant(tmp_path / "repo")
    (root / ".dvcignore").write_text("*.tmp\n/data/scratch\n")
    (root / "data/scratch").mkdir()
    watched = Watched(root).start()
    (root / "data/a.tmp").write_text("a")
    (root / "data/scratch/b").write_text("b")
    (root / "data/c").write_text("c")
    until(lambda: len(watched.lines) == 1, lambda: watched.said)
    (root / ".dvcignore").write_text("/data/scratch\n")
    until(lambda: len(json.loads((root / ".dataops/watch.jsonl.state").read_text())["files"]) == 2)
    (root / "data/d.tmp").write_text("d")
    until(lambda: len(watched.lines) == 2, lambda: watched.said)
    assert watched.stop() == 0
    assert [line["path"] for line in watched.lines] == ["data/c", "data/d.tmp"]
