"""What `dataops` does before it does anything: little."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from parsers import commands

from dataops import cli
from dataops.cli.commands import COMMANDS

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


def imported(code: str) -> set[str]:
    """The modules that a new Python has after this code."""
    command = [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def test_no_command_costs_before_it_runs() -> None:
    """Every command has its arguments without a library that it needs to run."""
    started = imported("from dataops import cli\ncli.parser()")
    python = imported("import argparse\nargparse.ArgumentParser().format_help()")
    assert started & COSTLY - python == set()
    assert "dataops.cli.lineage" in started


def test_help_imports_no_command() -> None:
    """`dataops --help` tells of each without its module."""
    started = imported("from dataops import cli\ncli.index().format_help()")
    modules = {f"dataops.cli.{module}" for module, _ in COMMANDS.values()}
    assert started & modules == set()
    assert imported("from dataops import cli\ncli.parser('show')") & modules == {"dataops.cli.versions"}


@pytest.mark.parametrize("words", [["-h"], ["--help"], ["--help", "show"]], ids=" ".join)
def test_help_tells_of_every_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """In the table's words."""
    with pytest.raises(SystemExit) as left:
        cli.main(words)
    told = " ".join(capsys.readouterr().out.split())
    assert left.value.code == 0
    for name, (_, line) in COMMANDS.items():
        assert f" {name} {line} " in told


def test_the_table_names_what_the_modules_have() -> None:
    """No command without a line of help, and none that is only a line."""
    whole, index = ({name for name, _ in commands(top)} for top in (cli.parser(), cli.index()))
    assert {" ".join(name.split()[:2]) for name in whole} == index == {f"dataops {name}" for name in COMMANDS}
    for name in COMMANDS:
        assert f"dataops {name}" in {" ".join(found.split()[:2]) for found, _ in commands(cli.parser(name))}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "bring new data in"),
        (["verison"], "invalid choice: 'verison' (choose from"),
        (["--json", "versions", "--repo", "x"], "unrecognized arguments: --json\n"),
        (["--he"], "required: COMMAND"),
    ],
    ids=" ".join,
)
def test_a_wrong_call(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is wrong, or all there is; status 2."""
    with pytest.raises(SystemExit) as left:
        cli.main(words)
    assert left.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("language", ["de", None])
def test_the_users_language_stays(language: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """git and dvc, which a command may call, speak as they did before."""
    if language:
        monkeypatch.setenv("LANGUAGE", language)
    else:
        monkeypatch.delenv("LANGUAGE", raising=False)
    cli.parser()
    assert os.environ.get("LANGUAGE") == language
