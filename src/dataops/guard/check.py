"""`dataops check`: every rule on the commit that git would make now."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataops.errors import DataOpsError
from dataops.guard import rules, staged
from dataops.guard.commit import Commit
from dataops.guard.findings import Finding
from dataops.guard.rules import Rule
from dataops.repo import git as gits
from dataops.repo import root as roots
from dataops.repo.dvcroots import CONFIG
from dataops.repo.git import Git


@dataclass(frozen=True)
class Broken:
    """A rule that was broken, with every place."""

    rule: Rule
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Result:
    """What was found in one DVC root."""

    root: Path
    broken: tuple[Broken, ...]

    @property
    def blocks(self) -> bool:
        """Is the commit refused?"""
        return any(one.rule.blocks for one in self.broken)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "root": str(self.root),
            "passed": not self.blocks,
            "broken": [
                {
                    "rule": one.rule.number,
                    "title": one.rule.title,
                    "blocks": one.rule.blocks,
                    "findings": [finding.as_json() for finding in one.findings],
                }
                for one in self.broken
            ],
        }


def check(start: Path, *, whole: bool = False, only: Sequence[str] = ()) -> list[Result]:
    """Check the DVC root that `start` lies in; at git's top, which may itself be none, all of the repository.

    Args:
        whole: also what is committed already, not only what the commit changes.
        only: numbers of rules; all of them where it is empty.

    Raises:
        DataOpsError: no repository of git or DVC, a wrong setting, or a number that no rule has.
    """
    _require_rules("there", only)
    asked = [one for one in rules.RULES if not only or one.number in only]
    git = gits.of(start)
    index = staged.read(git)
    found = []
    for root in _roots(git, index, start):
        commit = Commit(root, git, gits.prefix(root), index, whole=whole)
        _require_rules("[tool.dataops.guard] allow: there", commit.settings.allow)
        found.append(Result(root, _broken(commit, asked)))
        commit.save(whole=not only)
    return found


def _require_rules(said: str, numbers: Iterable[str]) -> None:
    """Each is a rule's.

    Raises:
        DataOpsError: one isn't.
    """
    unknown = set(numbers) - {one.number for one in rules.RULES}
    if unknown:
        raise DataOpsError(f"{said} is no rule {min(unknown)}", "`dataops check --rules` lists them")


def _broken(commit: Commit, asked: Sequence[Rule]) -> tuple[Broken, ...]:
    """What each rule finds, less what the settings allow."""
    found = []
    for rule in asked:
        allowed = commit.allowed(rule.number)
        places = tuple(finding for finding in rule.find(commit) if not allowed(finding.path))
        if places:
            found.append(Broken(rule, places))
    return tuple(found)


def _roots(git: Git, index: staged.Index, start: Path) -> list[Path]:
    """Where DVC has been initialised: around `start`, else below git's top, where hooks run."""
    try:
        found = roots.find(start)
        if found == git.folder.resolve() or git.folder.resolve() in found.parents:
            nested = _below(git, index) if found == start.resolve() == git.folder.resolve() else []
            return [found, *(one for one in nested if one != found)]
    except DataOpsError:
        pass
    listed = _below(git, index)
    if not listed:
        raise DataOpsError(f"{start} is not inside a DVC repository", "cd into the repository, or run `dvc init`")
    return listed


def _below(git: Git, index: staged.Index) -> list[Path]:
    names = (path.removesuffix(CONFIG) for path in index.entries if path == CONFIG or path.endswith(f"/{CONFIG}"))
    found = (git.folder.resolve() / os.path.normpath(name or ".") for name in names)
    return sorted(folder for folder in found if (folder / CONFIG).is_file())
