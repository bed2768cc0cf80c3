"""What a stage made, beside what dvc.lock says that it made: output by output, and file by file where they differ."""

from __future__ import annotations

import itertools
import os
import posixpath
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataops.errors import DataOpsError
from dataops.lineage.reproduction.equivalence import compare
from dataops.lineage.reproduction.tally import WORST, Likeness, Verdict
from dataops.repo.ignored import NAME, Ignored
from dataops.repo.recorded import Snapshot
from dataops.repo.records import Output
from dataops.store.hashing import hash_file
from dataops.store.objects import Object
from dataops.store.transfer import fetch
from dataops.versions import files
from dataops.versions.context import Context
from dataops.versions.get import wanted
from dataops.versions.sources import Sources

AT_ONCE = 16  # files fetched and compared before the next ones are
ENOUGH = 5  # different files after which the others are only counted


@dataclass(frozen=True)
class Outcome:
    """One output."""

    path: str
    recorded: str
    made: str
    likeness: Likeness
    leads: bool
    """Whether the artifact is made of it; else it is a by-product."""

    def as_json(self) -> dict[str, Any]:
        """Every field."""
        like = self.likeness
        largest = like.largest if like.largest != float("inf") else None
        return {"path": self.path, "recorded": self.recorded, "made": self.made, "verdict": like.verdict,
                "how": like.how, "largest_relative_difference": largest, "differing_values": like.differing,
                "compared_values": like.values, "leads_to_artifact": self.leads}  # fmt: skip


@dataclass
class Judge:
    """Compares outputs in a worktree with the record of its commit."""

    context: Context
    snapshot: Snapshot
    store: Sources
    root: Path
    """The DVC root in the worktree."""
    folder: Path
    """For recorded files that are looked at."""
    tolerance: float
    _rules: Ignored | None = field(default=None, init=False)
    _count: Iterator[int] = field(default_factory=itertools.count, init=False)

    def outcome(self, out: Output, made: str, leads: bool) -> Outcome:
        """One output of a stage that has run."""
        if made and made == out.digest:
            return Outcome(out.path, out.digest, made, Likeness("identical"), leads)
        try:
            likeness = self._look(out)
        except (DataOpsError, OSError) as error:
            reason = error.message if isinstance(error, DataOpsError) else str(error)
            likeness = Likeness("different", f"its hash differs; how, can't be said: {reason}")
        return Outcome(out.path, out.digest, made, likeness, leads)

    def _look(self, out: Output) -> Likeness:
        """File by file."""
        if not (self.root / out.path).exists():
            return Likeness("different", "it is not made")
        found = files.listing(
            self.context.git, self.context.prefix, self.snapshot, out.path, self.store, self.context.cache
        )
        here = dict(self._files(out.path))
        before: dict[str, Object | str] = {**found.in_git, **found.objects}
        if out.digest.endswith(".dir") != (self.root / out.path).is_dir():
            return Likeness("different", "a file is a folder now, or the other way round")
        went, came = sorted(set(before) - set(here)), sorted(set(here) - set(before))
        differ = [name for name in sorted(set(before) & set(here)) if not self._same(here[name], before[name])]
        if not (went or came or differ):  # DVC 2 hashed it otherwise
            return Likeness("identical")
        likes = list(self._compared(differ, before, here))
        return _summary(likes, differ, went, came, len(before))

    def _same(self, path: Path, before: Object | str) -> bool:
        if isinstance(before, Object):
            return hash_file(path, before.algorithm).matches(before.digest)
        content = self.context.git.blob(self.snapshot.commit, before)
        return content is not None and path.read_bytes() == content

    def _compared(
        self, names: Sequence[str], before: Mapping[str, Object | str], here: Mapping[str, Path]
    ) -> Iterator[tuple[str, Likeness]]:
        """The files that differ, until enough is known."""
        different = 0
        for start in range(0, len(names), AT_ONCE):
            if different >= ENOUGH:
                return
            some = names[start : start + AT_ONCE]
            place = self.folder / str(next(self._count))
            self._bring({name: before[name] for name in some}, place)
            for name in some:
                like = compare(place / name, here[name], name, self.tolerance)
                different += like.verdict == "different"
                yield name, like

    def _bring(self, before: Mapping[str, Object | str], place: Path) -> None:
        """The recorded files."""
        place.mkdir(parents=True, exist_ok=True)
        objects = {name: obj for name, obj in before.items() if isinstance(obj, Object)}
        if objects:
            fetch(wanted(objects), self.store, self.context.cache, place, force=True)
        for name, path in before.items():
            if isinstance(path, str):
                target = place / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(self.context.git.blob(self.snapshot.commit, path) or b"")

    def _files(self, path: str) -> Iterator[tuple[str, Path]]:
        """What lies there now, as DVC sees it, by the names that a listing has.

        Raises:
            DataOpsError: something that is neither file nor folder.
        """
        top = self.root / path
        if not top.is_dir():
            _require_file(top)
            yield posixpath.basename(path), top
            return
        for folder, _, names in os.walk(top, followlinks=True):
            for name in names:
                file = Path(folder, name)
                if not self._ignored(file.relative_to(self.root).as_posix()):
                    _require_file(file)
                    yield file.relative_to(top).as_posix(), file

    def _ignored(self, path: str) -> bool:
        if self._rules is None:
            texts = {"": self.root / NAME}
            self._rules = Ignored({base: file.read_bytes() for base, file in texts.items() if file.is_file()})
        return self._rules(path)


def worst(verdicts: Iterator[Verdict] | Sequence[Verdict]) -> Verdict:
    """The one that counts."""
    return max(verdicts, key=WORST.index, default="identical")


def _require_file(path: Path) -> None:
    """A pipe would be waited for, for ever."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise DataOpsError(f"{path.name} is no file")


def _summary(
    likes: Sequence[tuple[str, Likeness]], differ: Sequence[str], went: Sequence[str], came: Sequence[str], before: int
) -> Likeness:
    """One line and one verdict for an output."""
    verdict = "different" if went or came else worst([like.verdict for _, like in likes])
    bad = [(name, like) for name, like in likes if like.verdict == verdict] or list(likes)
    parts = []
    for told, names in (("missing", went), ("new", came)):
        if names:
            parts.append(f"{len(names)} file{'s' * (len(names) > 1)} {told}, as {names[0]}")
    if differ and before > 1:
        parts.append(f"{len(differ)} of {before} files differ")
    if bad:
        first = max(bad, key=lambda pair: pair[1].largest)
        parts.append(f"{first[0]}: {first[1].how}" if before > 1 else first[1].how)
    return Likeness(
        verdict,
        "; ".join(parts),
        max((like.largest for _, like in likes), default=0.0),
        sum(like.differing for _, like in likes),
        sum(like.values for _, like in likes),
    )
