"""Forward from some data: every version, model, tag and branch whose pipeline consumed it.

A commit is looked at when its dvc.lock or .dvc files mention the hash. There the pipeline is followed downstream, by
what each stage recorded that it read: a stage that has run again since, on other data, is not reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dataops.errors import DataOpsError
from dataops.lineage import index
from dataops.repo import dvcroots, recorded, trees
from dataops.repo.git import TAGS, Git
from dataops.repo.holders import holders
from dataops.repo.names import Target
from dataops.repo.recorded import Snapshot, outside
from dataops.repo.records import Artifact, Output
from dataops.repo.registry import Version
from dataops.repo.scanned import hashes, is_record
from dataops.store.agreement import Agreement
from dataops.store.objects import Progress, silent
from dataops.versions.context import Context

REFS = (TAGS, "refs/heads/", "refs/remotes/")
CARD = "its card"


@dataclass(frozen=True)
class Reached:
    """Something that was made of the data: one content of one output."""

    path: str
    digest: str
    artifact: str | None
    """As tags call it; None of an output that no dvc.yaml declares as an artifact."""
    kind: str | None
    """The artifact's type, as `model`."""
    versions: tuple[Version, ...]
    refs: tuple[str, ...]
    """Every tag and branch whose commit has it."""
    via: tuple[str, ...]
    """The stages on the way, the first one read the data."""


@dataclass(frozen=True)
class Impact:
    """What some data reached."""

    name: str
    outputs: tuple[Output, ...]
    """The data: one output, or those that lie in the artifact's folder."""
    same: tuple[Version, ...]
    """Other versions that have the same content."""
    reached: tuple[Reached, ...]
    commits: int
    """How many tags' and branches' commits were asked."""
    problems: tuple[str, ...] = ()
    """What could not be read and was passed over."""


def impact(context: Context, target: Target, path: str | None = None, progress: Progress = silent) -> Impact:
    """What the content of the target's artifact, or of its output `path`, reached.

    Raises:
        DataOpsError: the target names no artifact and no path, or nothing is recorded of it.
    """
    whole = context
    context, path = context.focused(target, path)
    problems: list[str] = []
    outputs = _origin(recorded.snapshot(context.git, target.commit, context.prefix, problems), target, path)
    digests = {out.digest for out in outputs}
    if target.version is not None and path is None:
        name = target.version.name
    else:
        name = f"{path or target.artifact} at {target.commit[:7]}"
    tips: dict[str, list[str]] = {}
    for ref, commit in context.git.tips(*REFS):
        if not (ref.startswith("refs/remotes/") and ref.endswith("/HEAD")):  # another name of a remote's branch
            tips.setdefault(commit, []).append(ref.removeprefix(next(start for start in REFS if ref.startswith(start))))
    held = holders(context.git, context.registry, digests, context.prefix)
    own = target.artifact if path is None else None
    same = [one for digest in digests for one in held.get(digest, ()) if one.name != name and one.artifact == own]
    hits = list(_mentioning(context.git, target.commit, list(tips), outputs, progress))
    found = _Found(whole, outputs, tips)
    for done, commit in enumerate(sorted(hits), 1):
        found.look(commit, problems)
        progress(done, len(hits), "commits")
    reached = [*found.reached, *_written(context, {name, *(one.name for one in same)}, digests, found.versions)]
    return Impact(
        name, outputs, tuple(same), tuple(sorted(reached, key=_rank)), len(tips), tuple(dict.fromkeys(problems))
    )


def _mentioning(
    git: Git, origin: str, tips: Sequence[str], data: Sequence[Output], progress: Progress
) -> Iterable[str]:
    """The commits that are worth parsing.

    All of them where the data's own commit doesn't spell the content out as MD5: ETags of external outputs, the list of
    files of a cloud-versioned folder.
    """
    records = git.batch(sorted(trees.blobs(git, [origin], is_record).get(origin, ())))
    spelled = {digest for record in records if record for digest in hashes(record.content)}
    if any(out.stage is not None and out.digest not in spelled for out in data):
        return tips
    return index.mentioning(git, tips, {out.digest for out in data}, progress)


def downstream(
    snapshot: Snapshot, digests: Iterable[str], paths: Iterable[str], agreement: Agreement
) -> dict[str, tuple[str, ...]]:
    """Every output that was made of these contents, by path: the names of the stages on the way to it.

    An output at one of `paths` that has the content is the data itself; one elsewhere, too, unless it was made of them
    (a stage that only copies).
    """
    wanted, places = set(digests), set(paths)
    via: dict[str, tuple[str, ...]] = {
        out.path: () for stage in snapshot.stages for out in stage.outs if out.digest in wanted and out.path in places
    }
    for stage in snapshot.ordered:
        ways = [
            via.get(out.path, ())
            for dep in stage.deps
            for out, _ in snapshot.feeding(dep.path)
            if out.path in via and agreement(out, dep) is not False
        ]
        if ways or any(dep.digest in wanted for dep in stage.deps):
            way = (*min(ways, key=len, default=()), stage.address.removeprefix("dvc.yaml:"))
            via = {out.path: way for out in stage.outs} | via
        else:
            via = {out.path: () for out in stage.outs if out.digest in wanted} | via
    return {path: way for path, way in via.items() if way}


def _origin(snapshot: Snapshot, target: Target, path: str | None) -> tuple[Output, ...]:
    """The outputs whose content is asked for."""
    at = target.commit[:7]
    if path is None and target.artifact is None:
        raise DataOpsError(
            f"{target.asked} is a whole commit", f"which data: dataset@…, or --path with an output of {at}"
        )
    artifact = snapshot.artifact(target.artifact) if target.artifact and path is None else None
    place = path or (artifact.path if artifact else None)
    found = tuple(out for out, _ in snapshot.feeding(place) if out.digest) if place else ()
    card = (target.version.card if target.version else None) or {}
    if not found and path is None and isinstance(card.get("hash"), str):  # the tag knows more than its commit
        return (Output(str(card.get("path") or target.artifact), card["hash"], "md5", None, None, True, None),)
    if not found:
        raise DataOpsError(
            f"nothing is recorded of {place or target.artifact} at {at}", f"`dataops lineage trace {at}`"
        )
    return found


class _Found:
    """What was reached, by content, as commit after commit is looked at."""

    def __init__(self, context: Context, data: Sequence[Output], tips: Mapping[str, list[str]]) -> None:
        self.context, self.tips = context, tips
        self.digests, self.paths = {out.digest for out in data}, {out.path for out in data}
        self.agreement = Agreement(context.cache)
        self.versions: set[tuple[str, str]] = set()
        self._rows: dict[tuple[str | None, str, str], Reached] = {}
        self._at: dict[tuple[str, str], list[Version]] = {}
        for artifact in context.registry.artifacts.values():
            for version in artifact.versions:
                self._at.setdefault((artifact.name, version.commit), []).append(version)

    @property
    def reached(self) -> list[Reached]:
        """So far."""
        return list(self._rows.values())

    def look(self, commit: str, problems: list[str]) -> None:
        """Follow the data through one commit."""
        context = self.context
        for prefix in dvcroots.roots(context.git, commit) if context.whole else [context.prefix]:
            snapshot = recorded.snapshot(context.git, commit, prefix, problems)
            via = downstream(snapshot, self.digests, self.paths, self.agreement)
            taken: set[str] = set()
            for artifact in snapshot.artifacts.values():
                for out, _ in snapshot.feeding(artifact.path):
                    if out.path in via:
                        self._add(commit, prefix, out, via[out.path], artifact)
                        taken.add(out.path)
            for path in via.keys() - taken:
                other = snapshot.output(path)
                if other is not None and other.digest:
                    self._add(commit, prefix, other, via[path], None)

    def _add(self, commit: str, prefix: str, out: Output, via: tuple[str, ...], artifact: Artifact | None) -> None:
        name = outside(artifact.name, prefix) if artifact else None
        path = f"{prefix}/{out.path}" if prefix and self.context.whole else out.path
        here = self._at.get((name, commit), []) if name else []
        self.versions |= {(version.name, version.commit) for version in here}
        known = self._rows.get((name, path, out.digest))
        refs = [*(known.refs if known else ()), *self.tips[commit]]
        versions = (*(known.versions if known else ()), *here)
        kind = artifact.type if artifact else None
        self._rows[(name, path, out.digest)] = Reached(path, out.digest, name, kind, versions, tuple(refs), via)


def _written(context: Context, names: set[str], digests: set[str], known: set[tuple[str, str]]) -> Iterator[Reached]:
    """Versions whose cards name the data, and whose pipeline is not recorded: models that were trained elsewhere."""
    marks = [text.encode() for text in (*names, *digests)]
    for artifact in context.registry.artifacts.values():
        for version in artifact.versions:
            if (version.name, version.commit) in known or not any(m in ref.raw for ref in version.refs for m in marks):
                continue
            card = version.read_card() or {}
            data: Any = card.get("data")
            for one in data if isinstance(data, list) else ():
                if isinstance(one, dict) and (str(one.get("hash")) in digests or str(one.get("version")) in names):
                    path, digest = str(card.get("path") or ""), str(card.get("hash") or "")
                    yield Reached(path, digest, artifact.name, card.get("type"), (version,), (version.tag,), (CARD,))
                    break


def _rank(one: Reached) -> tuple[Any, ...]:
    """Models first, then other artifacts, then outputs; released ones by their number."""
    number = one.versions[0].number.key if one.versions else ()
    return one.artifact is None, one.kind != "model", one.artifact or "", not one.versions, number, one.path, one.digest
