"""`dataops store` as a person types it: from a subfolder, with exit statuses, and never a secret on the screen."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataops.cli import main
from dataops.store import state, weed
from dataops.store.state import Place


def repository(path: Path) -> Path:
    """A folder as DVC knows it, with the template's placeholder remote."""
    (path / ".dvc").mkdir(parents=True)
    (path / "deep/er").mkdir(parents=True)
    (path / ".dvc/config").write_text("[core]\nremote = storage\n['remote \"storage\"']\nurl = s3://replace-me/dvc\n")
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository, entered in one of its subfolders; its server is killed afterwards."""
    root = repository(tmp_path / "here")
    monkeypatch.chdir(root / "deep/er")
    yield root
    place = Place(root)
    while place.folder.is_dir() and (pid := weed.find(place)):
        os.kill(pid, signal.SIGKILL)
    if place.held.is_file() and (current := state.load(place)):
        weed.stop(place, current.model_copy(update={"pid": None}))


def dataops(*arguments: str) -> int:
    """The exit status."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return int(caught.value.code or 0)


def test_a_day_of_the_embedded_store(here, capsys):
    """Not running, up, up again, status, down, down again."""
    assert dataops("store", "status") == 1
    assert "not running: `dataops store up` starts it" in capsys.readouterr().out

    assert dataops("store", "up") == 0
    first = capsys.readouterr().out
    current = state.load(Place(here))
    assert current is not None
    assert f"running at {current.endpoint} (pid {current.pid})" in first
    assert "s3://dataops/dvc, the default remote here" in first
    assert dataops("store", "up") == 0
    assert f"already running (pid {current.pid})" in capsys.readouterr().out

    assert dataops("store", "status", "--json") == 0
    text = capsys.readouterr().out
    facts = json.loads(text)
    assert (facts["running"], facts["endpoint"], facts["bucket"]) == (True, current.endpoint, "dataops")
    assert facts["bytes_used"] > 0
    assert facts["bytes_free"] > 0
    for secret in (current.secret_access_key, current.kek, current.access_key_id):
        assert secret not in text + first

    assert dataops("store", "down") == 0
    assert f"stopped (pid {current.pid})" in capsys.readouterr().out
    assert dataops("store", "down") == 0
    assert "it was not running" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["connect", "/no/such/folder"], 2, "error: there is no folder /no/such/folder"),
        (["connect", "../.."], 2, "leads to this clone itself"),
        (["connect"], 2, "one of the arguments PATH --compose is required"),
        ([], 2, "the following arguments are required: ACTION"),
        (["dwon"], 2, "invalid choice"),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback(here, capsys, arguments, status, message):
    """One line, a hint, exit status 2."""
    assert dataops("store", *arguments) == status
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_down_in_a_connected_clone_is_refused(here, tmp_path, capsys):
    """Exit status 1: everything works, and the answer is no."""
    state.link(here, repository(tmp_path / "other"))
    assert dataops("store", "down") == 1
    assert "dataops store down --shared" in capsys.readouterr().err


def test_full_disk_and_outside_a_repository(here, tmp_path, capsys, monkeypatch):
    """Both are the environment's fault: exit status 2 and one line."""
    from dataops.store import embedded

    monkeypatch.setattr(embedded, "MINIMUM_FREE", 1 << 60)
    assert dataops("store", "up") == 2
    assert "is full" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)
    for action in ("up", "status", "down"):
        assert dataops("store", action) == 2
        assert "is not inside a DVC repository" in capsys.readouterr().err
