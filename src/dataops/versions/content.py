"""What a release holds, read from verified bytes, and how it differs from the version before it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dataops.archive import member
from dataops.errors import DataOpsError
from dataops.repo.recorded import Snapshot
from dataops.repo.records import Artifact, Output
from dataops.repo.registry import Version
from dataops.store.objects import Object
from dataops.store.transfer import into_cache
from dataops.versions import changes, files, rows
from dataops.versions.changes import Change, Side
from dataops.versions.context import Context
from dataops.versions.rows import Described


def describe(
    context: Context,
    artifact: Artifact,
    output: Output,
    commit: str,
    previous: Version | None,
    data: Sequence[Mapping[str, Any]],
    remote: str | None,
) -> tuple[dict[str, Any], Change]:
    """What the card says of the content, and the kind of change since `previous`.

    Raises:
        DataOpsError: bytes of either version are neither in the cache nor on the remote.
    """
    new = _objects(context, context.snapshot(commit), output, remote)
    bring = _bring(context, new, output.remote or remote)
    described = rows.describe(bring(list(new)), output.digest.endswith(".dir"))
    facts = {name: value for name, value in asdict(described).items() if value is not None}
    before = _before(context, artifact, previous, remote) if previous is not None else None
    if artifact.type == "model":
        features = _features(bring(list(new)))
        schema = dict.fromkeys(features, "feature") if features else None
        old = None if previous is None else previous.card or {}
        change = changes.classify_model(old, {"features": features, "data": data})
        facts |= {"schema": schema} if schema else {}
    else:
        change = changes.classify(before, _side(context, artifact, commit, new, bring, described, local=True))
    facts["schema_version"] = _schema_version(previous, facts.get("schema"))
    return facts, change


def _before(context: Context, artifact: Artifact, previous: Version, remote: str | None) -> Side:
    """The version before: what its card says, its files, and a way to its bytes."""
    snapshot = context.snapshot(previous.commit)
    declared = snapshot.artifact(artifact.name) or artifact
    output = snapshot.output(declared.path)
    if output is None:
        reason = f"dvc.lock at {previous.name} records no {declared.path}"
        raise DataOpsError(reason, "`--bump` says what kind of change this is, where the data can't")
    old = _objects(context, snapshot, output, remote)
    bring = _bring(context, old, output.remote or remote)
    return _side(context, declared, previous.commit, old, bring, previous.card, local=False)


def _side(
    context: Context,
    artifact: Artifact,
    commit: str,
    found: Mapping[str, Object],
    bring: changes.Bring,
    described: Described | Mapping[str, Any] | None,
    *,
    local: bool,
) -> Side:
    """One side of the comparison, with the keys that the contract or `meta.keys` names at that commit."""
    contract = context.contract(commit)
    columns = list(contract.get("columns") or {}) or None
    schema = (described or {}).get("schema") if isinstance(described, Mapping) else getattr(described, "schema", None)
    keys = [*(contract.get("keys") or []), *filter(None, [contract.get("time")])]
    if schema and not set(keys) <= set(schema):
        contract, keys, columns = {}, [], None  # params.yaml speaks of another table
    where = f"{artifact.declared_in}: artifacts.{artifact.name}.meta"
    if (named := artifact.meta.get("keys")) is not None:
        if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
            raise DataOpsError(f"{where}.keys: expected a list of columns", "as [store, date]")
        keys, columns = list(named), None
    if not isinstance(artifact.meta.get("time", ""), str):
        raise DataOpsError(f"{where}.time: expected a column", "as date")
    return Side(
        {path: obj.digest for path, obj in found.items()},
        bring,
        keys or None,
        artifact.meta.get("time", contract.get("time")),
        columns,
        described,
        contract.get("frequency") or "D",
        local,
    )


def _objects(context: Context, snapshot: Snapshot, output: Output, remote: str | None) -> Mapping[str, Object]:
    """The artifact's files by their path in it; a single file by its name."""
    store = context.store(output.remote or remote)
    return files.listing(context.git, context.prefix, snapshot, output.path, store, context.cache).objects


def _bring(context: Context, found: Mapping[str, Object], remote: str | None) -> changes.Bring:
    """A way to local, verified copies of some of these files: from the cache, else fetched into it."""
    cache, sound = context.cache, set[str]()
    if cache is None:
        raise DataOpsError("there is no cache to read from", "release in a clone of your own")

    def bring(paths: Sequence[str]) -> dict[str, Path]:
        wanted = list({found[path].digest: found[path] for path in paths if found[path].digest not in sound}.values())
        if wanted:
            into_cache(wanted, context.store(remote), cache)
        sound.update(obj.digest for obj in wanted)
        return {path: cache.path(found[path]) for path in paths}

    return bring


def _features(local: Mapping[str, Path]) -> list[str]:
    """The input columns that a model archive of this template names in its model.json; of others none."""
    for path, file in local.items():
        if path.endswith((".tar.gz", ".tgz")):
            try:
                spec = json.loads(member(file, "model.json"))
            except (DataOpsError, ValueError):
                continue
            if isinstance(spec, dict) and isinstance(spec.get("features"), list):
                return [str(name) for name in spec["features"]]
    return []


def _schema_version(previous: Version | None, schema: Mapping[str, str] | None) -> int | None:
    """Counts how often the columns have changed; 1 for the first."""
    if schema is None:
        return None
    card = (previous.card if previous else None) or {}
    known = card.get("schema_version")
    if not isinstance(known, int):
        return 1
    return known if card.get("schema") == schema else known + 1
