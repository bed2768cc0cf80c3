"""dataops.files: nobody ever sees half of anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from dataops.files import is_stream, new_folder, to_json, write_json, write_text


def test_json_has_no_nan():
    """NaN and infinities become null, numpy's scalars Python's, keys text."""
    value = {"a": [float("nan"), np.float64("inf"), np.int64(3)], 1: np.bool_(True), "t": (1.5, "é")}
    assert json.loads(to_json(value)) == {"a": [None, None, 3], "1": True, "t": [1.5, "é"]}
    assert "é" in to_json(value)
    assert to_json(value).endswith("}\n")


def test_failing_write_leaves_the_old_file(tmp_path):
    """What can't be written changes nothing and leaves nothing behind."""
    path = tmp_path / "a" / "report.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")
    assert json.loads(path.read_text()) == {"a": 1}
    assert [p.name for p in path.parent.iterdir()] == ["report.json"]


def test_a_pipe_is_written_into(tmp_path):
    """Renamed onto it, a file would take the place of the pipe; of /dev/null, for the whole machine."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)
    write_text(pipe, "told\n")
    assert reader.communicate(timeout=60)[0] == b"told\n"
    assert pipe.is_fifo()


def test_what_is_a_stream(tmp_path):
    """Devices and their names; no file, no folder, and no link of a work tree, wherever it leads."""
    link = tmp_path / "link"
    link.symlink_to("/dev/null")
    assert [is_stream(Path(name)) for name in ("/dev/null", "/dev/stdout", "/dev/fd/1")] == [True, True, True]
    assert [is_stream(path) for path in (link, tmp_path, tmp_path / "none", Path(__file__))] == [False] * 4
    write_text(link, "x")
    assert link.is_file()
    assert not link.is_symlink()


def test_folder_replaced_in_one_step(tmp_path, monkeypatch):
    """A block that ends well replaces the folder: files of before are gone, no temporary stays."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".dvc").mkdir()
    target = tmp_path / "data" / "raw"
    for name in ("old", "new"):
        with new_folder(target) as folder:
            (folder / name).write_text(name)
    assert [p.name for p in target.iterdir()] == ["new"]
    assert list((tmp_path / ".dataops/tmp").iterdir()) == []
    assert target.stat().st_mode & 0o777 == 0o755


def test_failing_folder_leaves_the_old_one(tmp_path, monkeypatch):
    """A block that raises leaves the folder as it was."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".dvc").mkdir()
    target = tmp_path / "raw"
    with new_folder(target) as folder:
        (folder / "kept").touch()

    def stopped():
        with new_folder(target) as folder:
            (folder / "half").touch()
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        stopped()
    assert [p.name for p in target.iterdir()] == ["kept"]
    assert list((tmp_path / ".dataops/tmp").iterdir()) == []


def test_of_two_folders_at_once_one_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Processes that end at the same moment don't fail over each other, and nothing is mixed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".dvc").mkdir()
    target = tmp_path / "raw"

    def write(name: str):
        for _ in range(200):
            with new_folder(target) as folder:
                for part in ("a", "b"):
                    (folder / part).write_text(name)

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(write, "xyz"))
    assert len({path.read_text() for path in target.iterdir()}) == 1
    assert sorted(path.name for path in target.iterdir()) == ["a", "b"]
    assert list((tmp_path / ".dataops/tmp").iterdir()) == []


def test_a_killed_write_leaves_nothing_for_git(tmp_path: Path):
    """In a repository the unfinished file lies in the scratch folder, which git ignores, not beside its target."""
    (tmp_path / ".dvc").mkdir()
    code = (
        "import os, sys; from pathlib import Path; from dataops import files\n"
        "os.fsync = lambda _: os._exit(9)\n"  # killed while it writes
        "files.write_text(Path(sys.argv[1]), 'half')\n"
    )
    target = tmp_path / "reports/a.json"
    done = subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    assert done.returncode == 9
    assert list((tmp_path / "reports").iterdir()) == []
    assert len(list((tmp_path / ".dataops/tmp").iterdir())) == 1
