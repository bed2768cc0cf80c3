"""One version with everything that its tag and its commit say."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from dataops.errors import DataOpsError
from dataops.repo.names import Target

if TYPE_CHECKING:
    from dataops.repo.recorded import Snapshot
    from dataops.versions.context import Context


def gather(context: Context, target: Target) -> dict[str, Any]:
    """The facts, as JSON has them. `hash` is dvc.lock's; the card's own is in `card`."""
    version = target.version
    artifact = target.artifact or "dataset"
    warnings: list[str] = []
    with contextlib.suppress(DataOpsError):  # several have it: the tag alone is shown
        context, _ = context.focused(target)
    recorded = _recorded(context, target.commit, artifact, warnings)
    facts: dict[str, Any] = {
        "artifact": artifact,
        "version": str(version.number) if version else None,
        "commit": target.commit,
        "hash": recorded["hash"] if recorded else None,
        "recorded": recorded,
    }
    if version is None:
        everything = (known for name in context.registry.artifacts for known in context.registry.versions(name))
        facts["versions_here"] = [known.name for known in everything if known.commit == target.commit]
        facts["same_content_as"] = _same(context, artifact, facts["hash"])
        return {**facts, "warnings": warnings}
    card = version.card or {}
    stated = card.get("hash")
    if isinstance(stated, str) and recorded and stated != recorded["hash"]:
        warnings.append(f"the card says {stated}, dvc.lock at {target.commit[:7]} says {recorded['hash']}")
    if isinstance(card.get("commit"), str) and card["commit"] != version.commit:
        warnings.append(f"the card is of commit {card['commit'][:7]}, the tag is on {version.commit[:7]}")
    return {
        **facts,
        "tag": version.tag,
        "date": f"{version.time:%Y-%m-%dT%H:%M:%SZ}",
        "author": version.author,
        "email": version.email,
        "subject": version.subject,
        "message": card.get("message", "" if version.card else version.body),
        "stages": list(version.stages),
        "deprecated": version.deprecated,
        "card": version.card,
        "warnings": warnings,
    }


def _recorded(context: Context, commit: str, artifact: str, warnings: list[str]) -> dict[str, Any] | None:
    """The artifact's output at `commit`."""
    try:
        snapshot: Snapshot = context.snapshot(commit)
    except DataOpsError as error:
        warnings.append(error.message)
        return None
    declared = snapshot.artifact(artifact)
    if declared is None:
        warnings.append(f"no dvc.yaml at {commit[:7]} declares the artifact {artifact}")
        return None
    out = snapshot.output(declared.path)
    inside = snapshot.covering(declared.path)
    if out is None and inside is not None:
        warnings.append(f"{declared.path} is a part of {inside.path}, which has the hash {inside.digest}")
        return None
    if out is None and (count := sum(path.startswith(f"{declared.path}/") for path in _paths(snapshot))):
        warnings.append(f"{declared.path} has no hash of its own: it holds {count} output{'s' * (count != 1)}")
        return None
    if out is None or not out.digest:
        warnings.append(f"neither dvc.lock nor a .dvc file at {commit[:7]} has {declared.path}")
        return None
    return {
        "path": out.path,
        "hash": out.digest,
        "algorithm": out.algorithm,
        "bytes": out.size,
        "files": out.files,
        "stage": out.stage,
    }


def _paths(snapshot: Snapshot) -> list[str]:
    return [out.path for stage in snapshot.stages for out in stage.outs]


def _same(context: Context, artifact: str, digest: str | None) -> list[str]:
    """The versions that have this content."""
    from dataops.repo.hashes import content_hashes

    if digest is None:
        return []
    versions = context.registry.versions(artifact)
    found = content_hashes(context.git, versions, context.prefix)
    return [version.name for version, known in zip(versions, found, strict=True) if known == digest]
