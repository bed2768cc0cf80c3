"""What .dvcignore hides: git's patterns, applied from the top, so that nothing below a hidden folder counts."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

NAME = ".dvcignore"
ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True)
class _Rule:
    """One line of one file."""

    base: str  # the file's folder, "" or with a slash at its end
    forms: tuple[re.Pattern[str] | None, ...]  # of the path's parts; None: any number of them
    negated: bool
    folders: bool  # only those

    @cached_property
    def name(self) -> re.Pattern[str] | None:
        """The form of the last part, where that alone decides: most rules are a name at any depth."""
        return self.forms[1] if len(self.forms) == 2 and self.forms[0] is None else None

    def matches(self, path: str, *, folder: bool) -> bool:
        """Does the line mean this path, whatever lies above it?"""
        if (self.folders and not folder) or not path.startswith(self.base):
            return False
        if self.name is not None:
            return self.name.match(path[path.rfind("/") + 1 :]) is not None
        parts = path[len(self.base) :].split("/")
        places = {0}
        for form in self.forms:
            if form is None:
                places = set(range(min(places), len(parts) + 1))
            else:
                places = {place + 1 for place in places if place < len(parts) and form.match(parts[place])}
            if not places:
                return False
        return len(parts) in places


class Ignored:
    """The rules of every .dvcignore of a commit, by the folders that these lie in."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._rules = [
            rule
            for folder in sorted(files, key=lambda folder: (folder.count("/"), folder))
            for line in files[folder].decode(errors="replace").splitlines()
            if (rule := _rule(line.strip(), f"{folder}/" if folder else ""))
        ]
        plain = all(rule.name is not None and not rule.negated and not rule.base for rule in self._rules)
        self._names = {folder: _any(self._rules, folder=folder) for folder in (False, True)} if plain else None

    def __call__(self, path: str) -> bool:
        """Is the file hidden, or a folder above it?"""
        if not self._rules:
            return False
        parts = path.split("/")
        ends = range(1, len(parts) + 1)
        return any(self.itself("/".join(parts[:end]), folder=end < len(parts)) for end in ends)

    def itself(self, path: str, *, folder: bool) -> bool:
        """What the last line that matches says, whatever becomes of the folders above: for who walks down to it."""
        if self._names is not None:
            return self._names[folder].match(path[path.rfind("/") + 1 :]) is not None
        last = next((rule for rule in reversed(self._rules) if rule.matches(path, folder=folder)), None)
        return last is not None and not last.negated


def _any(rules: Sequence[_Rule], *, folder: bool) -> re.Pattern[str]:
    """One expression for names that any of the rules hides; of none, one that nothing matches."""
    forms = [rule.name.pattern for rule in rules if rule.name is not None and (folder or not rule.folders)]
    return re.compile("|".join(forms) or r"(?!)")


def _rule(line: str, base: str) -> _Rule | None:
    if not line or line.startswith("#"):
        return None
    negated = line.startswith("!")
    pattern = line.removeprefix("!")
    folders = pattern.endswith("/")
    parts = pattern.strip("/").split("/")
    if "/" not in pattern.rstrip("/"):
        parts = ["**", *parts]  # without a slash: at any depth
    if parts[-1] == "**":
        parts.append("*")  # what is in it, not the folder itself
    return _Rule(base, tuple(_forms(parts)), negated, folders)


def _forms(parts: Sequence[str]) -> list[re.Pattern[str] | None]:
    """Each part by itself, as fnmatch's patterns can't be made to run for ever."""
    forms: list[re.Pattern[str] | None] = []
    for part in parts:
        if part == "**":
            if forms[-1:] != [None]:
                forms.append(None)
            continue
        plain = ESCAPED.sub(lambda found: f"[{found[1]}]", part).replace("[^", "[!")
        forms.append(re.compile(fnmatch.translate(plain)))
    return forms
