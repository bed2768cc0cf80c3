"""What a version needs on the remote: its own objects, and those of every stage before it."""

from __future__ import annotations

from dataclasses import dataclass, field

from dataops.repo.recorded import Snapshot
from dataops.repo.records import Output, Stage


@dataclass(frozen=True)
class Needed:
    """Outputs of one artifact's history in dvc.lock."""

    own: Output
    upstream: tuple[Output, ...]
    """Everything before it that DVC keeps on the remote, the nearest first."""
    elsewhere: tuple[Output, ...] = field(default=())
    """Imported, or not pushed on purpose: not ours to prove."""

    @property
    def all(self) -> tuple[Output, ...]:
        """What has to be on the remote."""
        return (self.own, *self.upstream)


def needed(snapshot: Snapshot, own: Output) -> Needed:
    """The outputs behind `own`, each once."""
    upstream: dict[str, Output] = {}
    elsewhere: dict[str, Output] = {}
    for stage in reversed(history(snapshot, own)):
        for out in stage.outs:
            if not out.cached or out.path == own.path:
                continue
            (elsewhere if out.imported or not out.push else upstream)[out.path] = out
    return Needed(own, tuple(upstream.values()), tuple(elsewhere.values()))


def history(snapshot: Snapshot, own: Output) -> tuple[Stage, ...]:
    """The stages that led to `own`, its own stage last; none for what no stage and no .dvc file made."""
    return snapshot.ancestors(own.stage) if own.stage else ()


def sources(snapshot: Snapshot, own: Output) -> list[dict[str, str]]:
    """The roots: what came in from outside, by .dvc files."""
    roots = [out for stage in history(snapshot, own) if stage.address.endswith(".dvc") for out in stage.outs]
    return [{"path": out.path, "hash": out.digest} | ({"url": out.url} if out.url else {}) for out in roots]
