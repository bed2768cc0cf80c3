"""DVC is called through what a killed command of its left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dataops.errors import DataOpsError
from dataops.processes import lives
from dataops.store import dvccommand


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository of DVC's alone, with a file to add."""
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q", "--no-scm"], cwd=tmp_path, check=True)
    (tmp_path / "data.csv").write_text("1\n")
    return tmp_path


def held_by(repo: Path, pid: int) -> None:
    """DVC's note that a command writes the file."""
    note = {"write": {str(repo / "data.csv"): {"pid": pid, "cmd": "dvc add data.csv"}}, "read": {}}
    (repo / ".dvc/tmp").mkdir(exist_ok=True)
    (repo / ".dvc/tmp/rwlock").write_text(json.dumps(note))


@pytest.fixture
def killed() -> subprocess.Popen[bytes]:
    """A process that ended and isn't waited for: to the system, and to DVC, it exists."""
    process = subprocess.Popen(["sleep", "60"])
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not lives(process.pid)
    return process


def test_killed_and_soon_forgotten(repo: Path, killed: subprocess.Popen[bytes]) -> None:
    """Its parent asks how it ended a moment later, as process 1 does: that is waited for."""
    held_by(repo, killed.pid)
    later = threading.Thread(target=lambda: (time.sleep(3), killed.wait()))  # after DVC's start
    later.start()
    dvccommand.dvc(repo, "add", "data.csv")
    later.join()
    assert (repo / "data.csv.dvc").exists()


def test_killed_and_never_forgotten(
    repo: Path, killed: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container without an init: said with what helps, which does."""
    monkeypatch.setattr(dvccommand, "PATIENCE", 0.1)
    held_by(repo, killed.pid)
    with pytest.raises(DataOpsError, match=rf"blocked by: \(PID {killed.pid}\): dvc add data.csv") as raised:
        dvccommand.dvc(repo, "add", "data.csv")
    assert raised.value.hint == (
        f"{killed.pid} was killed, unnoticed by its parent (a container without init?): remove .dvc/tmp/rwlock"
    )
    (repo / ".dvc/tmp/rwlock").unlink()
    dvccommand.dvc(repo, "add", "data.csv")
    killed.wait()


def test_at_work(repo: Path) -> None:
    """A living one is not waited for, but named."""
    held_by(repo, os.getpid())
    with pytest.raises(DataOpsError, match=rf"blocked by: \(PID {os.getpid()}\): dvc add data.csv") as raised:
        dvccommand.dvc(repo, "add", "data.csv")
    assert raised.value.hint == "wait for the other dvc command to end"
