"""Which versions have a content: asked of the tags' cards first, and only of those without one in dvc.lock."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from dataops.repo.git import Git
from dataops.repo.hashes import content_hashes
from dataops.repo.registry import Registry, Version

STATED = re.compile(rb'"hash":\s*"([0-9a-f]{32}(?:\.dir)?)"')  # parsing ten thousand cards is for the few that match


def holders(git: Git, registry: Registry, digests: Iterable[str], prefix: str = "") -> dict[str, list[Version]]:
    """By hash of DVC's: every version, of whatever artifact, whose own content it is; ascending."""
    wanted = {digest for digest in digests if digest}
    names = {digest.encode() for digest in wanted}
    found: dict[str, list[Version]] = {}
    bare: list[Version] = []
    for artifact in registry.artifacts.values():
        for version in artifact.versions:
            stated = [one for ref in version.refs for one in STATED.findall(ref.raw)]
            if not stated:
                bare.append(version)
            elif not names.isdisjoint(stated):
                card = version.read_card()
                if card is None:
                    bare.append(version)
                elif card.get("hash") in wanted:
                    found.setdefault(card["hash"], []).append(version)
    for version, digest in zip(bare, _recorded(git, tuple(bare), prefix) if wanted else (), strict=False):
        if digest in wanted:
            found.setdefault(str(digest), []).append(version)
    return {digest: sorted(held, key=lambda one: (one.artifact, one.number.key)) for digest, held in found.items()}


@functools.lru_cache(maxsize=1)
def _recorded(git: Git, bare: tuple[Version, ...], prefix: str) -> tuple[str | None, ...]:
    """What dvc.lock has of each, read once however many traces ask: a commit doesn't change."""
    return tuple(content_hashes(git, bare, prefix))
