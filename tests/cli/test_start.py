"""What `dataops` does before it does anything: little."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from dataops import cli

# each costs a tenth of what `dataops --help` may take, or much more; a command imports them when it runs
COSTLY = {
    "boto3",
    "dataclasses",
    "datetime",
    "dvc",
    "inspect",
    "json",
    "numpy",
    "pandas",
    "pathlib",
    "pyarrow",
    "pydantic",
    "yaml",
}


def test_help_imports_nothing_that_costs() -> None:
    """Every command is described without a library that it needs to run."""
    code = "import sys\nfrom dataops import cli\ncli.parser().format_help()\nprint(*sys.modules)"
    empty = "import argparse, sys\nargparse.ArgumentParser().format_help()\nprint(*sys.modules)"
    started, python = (
        set(subprocess.run([sys.executable, "-c", text], check=True, capture_output=True, text=True).stdout.split())
        for text in (code, empty)
    )
    assert started & COSTLY - python == set()
    assert "dataops.cli.lineage" in started


@pytest.mark.parametrize("language", ["de", None])
def test_the_users_language_stays(language: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """git and dvc, which a command may call, speak as they did before."""
    if language:
        monkeypatch.setenv("LANGUAGE", language)
    else:
        monkeypatch.delenv("LANGUAGE", raising=False)
    cli.parser()
    assert os.environ.get("LANGUAGE") == language
