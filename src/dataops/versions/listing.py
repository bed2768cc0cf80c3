"""All versions of a repository newest first and as JSON, from git's tags alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dataops.errors import DataOpsError
from dataops.repo.registry import Registry, Version

if TYPE_CHECKING:
    from dataops.versions.context import Context

Listing = Mapping[str, list[Version]]


def newest_first(registry: Registry, artifact: str | None = None) -> Listing:
    """The versions of one artifact, or of all, the newest first.

    Raises:
        DataOpsError: that artifact has none.
    """
    if artifact is not None and artifact not in registry.artifacts:
        known = ", ".join(sorted(registry.artifacts))
        hint = f"there is: {known}" if known else f"`dataops release {artifact}` makes the first"
        raise DataOpsError(f"{artifact} has no versions", hint)
    names = [artifact] if artifact is not None else sorted(registry.artifacts)
    found = {
        name: sorted(registry.versions(name), key=lambda version: (version.refs[0].seconds, version.number.key))[::-1]
        for name in names
    }
    return {name: versions for name, versions in found.items() if versions}


def as_json(context: Context, found: Listing) -> list[dict[str, Any]]:
    """One entry a version; what plain `gto` didn't write down is null."""
    entries = []
    bare = []
    for version in (version for group in found.values() for version in group):
        card = version.read_card()
        entries.append(_entry(version, card or {}))
        if card is None:
            bare.append((version, entries[-1]))
    if bare and context.root is not None:
        from dataops.repo.hashes import content_hashes

        digests = content_hashes(context.git, [version for version, _ in bare], context.prefix)
        for (_, entry), digest in zip(bare, digests, strict=True):
            entry["hash"] = digest
    return entries


def _entry(version: Version, card: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "artifact": version.artifact,
        "version": str(version.number),
        "aliases": list(version.aliases),
        "tag": version.tag,
        "commit": version.commit,
        "date": f"{version.time:%Y-%m-%dT%H:%M:%SZ}",
        "author": version.author,
        "email": version.email,
        "hash": card.get("hash"),
        "rows": card.get("rows"),
        "bytes": card.get("bytes"),
        "files": card.get("files"),
        "bump": card.get("bump"),
        "reason": card.get("reason") or version.subject,
        "stages": list(version.stages),
        "deprecated": version.deprecated,
    }
