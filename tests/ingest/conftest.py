"""A real git and DVC repository with a local-folder remote, made once and copied for each test."""

from __future__ import annotations

import contextlib
import io
import shutil
import warnings
from pathlib import Path

import pytest
from ingest_repo import PARAMS, call, dvc

from dataops.store import dvccommand


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """A repository as the template makes it, its list of exclusions recorded, nothing ingested."""
    from dataops.ingest.exclusions import ensure_exclusions

    root = tmp_path_factory.mktemp("template")
    call(root, "git", "init", "-q", "-b", "main")
    dvc(root, "init", "-q")
    (root / ".dvc/config").write_text(
        "[core]\n    remote = storage\n    analytics = false\n['remote \"storage\"']\n    url = ../../remote\n"
    )
    shutil.copy(PARAMS, root)
    (root / "data").mkdir()
    shutil.copy(PARAMS.parent / "data/.gitignore", root / "data")
    (root / ".gitignore").write_text("/.dataops/\n")
    ensure_exclusions(root)
    call(root, "git", "config", "user.email", "a@b.c")
    call(root, "git", "config", "user.name", "A")
    call(root, "git", "add", "-A")
    call(root, "git", "commit", "-qm", "start")
    return root


@pytest.fixture(autouse=True)
def quick_dvc(request, monkeypatch):
    """DVC itself, but in this process: its start-up is most of what these tests would wait for.

    Where it fails it is called again as a process, whose message the user would see; the tests that kill keep to that.
    """
    called = dvccommand.dvc

    def quick(root: Path, *words: str) -> str:
        if words[0] in ("add", "fetch"):
            from dvc.cli import main

            with contextlib.chdir(root), contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of DVC's own libraries
                if main(list(words)) == 0:
                    return ""
        return called(root, *words)

    if "killed" not in request.node.name:
        monkeypatch.setattr(dvccommand, "dvc", quick)


@pytest.fixture
def repo(template, tmp_path):
    """A copy of the template; its remote is the folder `remote` beside it."""
    root = tmp_path / "repo"
    shutil.copytree(template, root, symlinks=True)
    config = root / ".dvc/config"
    config.write_text(config.read_text().replace("../../remote", str(tmp_path / "remote")))
    call(root, "git", "commit", "-qam", "remote")
    return root
