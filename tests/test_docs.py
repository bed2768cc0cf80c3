"""The README knows every command, target, package and file it should."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from parsers import commands

from dataops.cli import parser

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_every_command_is_in_the_readme() -> None:
    """A command that nobody can find is not there."""
    for name, _ in commands(parser()):
        *_, group, last = name.split()
        assert name in README or re.search(rf"`(?:{group} )?{last}\b", README), name


def test_every_command_explains_itself() -> None:
    """Each argument has a help text."""
    for name, command in commands(parser()):
        for action in command._actions:
            assert action.help, f"{name}: {action.dest}"


def test_every_package_has_its_job() -> None:
    """README's table names each direct dependency."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for line in [*project["dependencies"], *project["optional-dependencies"]["sagemaker"]]:
        name = re.split(r"[\[<>=~ ]", line)[0]
        assert re.search(rf"^\|[^|]*\b{re.escape(name)}\b[^|]*\|", README, re.MULTILINE), name


def test_the_tree_is_true() -> None:
    """Every place that the annotated tree names exists, or is made by the pipeline."""
    made = (ROOT / "dvc.yaml").read_text() + "data/landing data/exclusions.csv .dataops/"
    tree = README.split("## What is where")[1].split("```")[1]
    for line in filter(None, tree.splitlines()):
        place = line.split()[0]
        assert (ROOT / place).exists() or place in made, place


def test_make_targets() -> None:
    """What CONTRIBUTING and README tell to run is in the Makefile."""
    makefile = (ROOT / "Makefile").read_text()
    for target in set(
        re.findall(r"(?<=[`$] )make ([a-z-]+)|`make ([a-z-]+)`", README + (ROOT / "CONTRIBUTING.md").read_text())
    ):
        name = next(filter(None, target))
        assert re.search(rf"^{name}:", makefile, re.MULTILINE), name
