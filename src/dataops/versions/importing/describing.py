"""The card of an imported version: what is known of its content now, and all that its own metadata said."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from dataops.errors import DataOpsError
from dataops.repo import cardtext
from dataops.repo.registry import Version
from dataops.store.objects import Object
from dataops.versions import card, content, facts
from dataops.versions.changes import Change
from dataops.versions.context import Context
from dataops.versions.importing.plan import Step

LARGEST = 64_000  # characters of a document that a card carries; the commit has it whole
LONGEST = 2_000  # of a message
MOST = 20  # findings


def describe(
    context: Context,
    one: Step,
    commit: str,
    previous: Version | None,
    data: Version | None,
    findings: Sequence[str],
    remote: str | None,
) -> str:
    """The tag's message.

    Raises:
        DataOpsError: bytes of the version before are nowhere; git doesn't know who goes past a finding.
    """
    snapshot, old = context.snapshot(commit), one.old
    artifact = snapshot.artifacts[old.artifact]
    output = snapshot.output(artifact.path)
    assert output is not None
    about = [{"version": data.name, "hash": (data.card or {}).get("hash")}] if data else []
    known: dict[str, Any] = {"files": output.files or 1, "bytes": output.size}
    try:
        described, change = content.describe(context, artifact, output, commit, previous, about, remote)
    except DataOpsError as error:
        context.store(remote).head(Object(output.digest))  # raises where the network is at fault, and not the content
        described, change = {}, Change("minor", f"not to be compared: {error.message}", {})
    known |= {
        **described,
        "artifact": one.artifact,
        "version": str(one.number),
        "aliases": [old.name],
        "type": old.kind,
        "path": artifact.path,
        "commit": commit,
        "hash": output.digest,
        "previous": {"version": str(previous.number), "hash": (previous.card or {}).get("hash")} if previous else None,
        "bump": change.kind,
        "reason": change.reason,
        "data": about or None,
        "training": card.training_summary(old.training) or None,
        "evaluation": card.evaluation_summary(old.evaluation) or None,
        "author": old.author[:LONGEST] or None,
        "created_at": f"{old.time:%Y-%m-%dT%H:%M:%SZ}",
        "message": old.message[:LONGEST] or None,
        "overrides": _overrides(context, findings) or None,
    }
    origin: dict[str, Any] = {"from": old.source, "name": old.name}
    document: dict[str, Any] = {"metadata": dict(old.document)} if old.document else {}
    if len(json.dumps(document, ensure_ascii=False)) > LARGEST:
        document = {"metadata_in_git": "metadata.json"}
    for more in (origin | document, origin):
        text = card.text(card.build(**known, imported=more), old.message[:LONGEST])
        if (cardtext.read(text.encode()) or {}).get("hash") == output.digest:
            return text
        known.pop("schema", None)  # a hundred thousand columns
    raise DataOpsError(f"the card of {one.tag} could not be read back: it has {len(text):,} characters")


def _overrides(context: Context, findings: Sequence[str]) -> list[Mapping[str, str]]:
    """What somebody imported in spite of a finding."""
    if not findings:
        return []
    who = facts.author(context.git)
    return [{"gate": "metadata", "found": one, "who": who, "why": "--allow-damaged"} for one in findings[:MOST]]


def path(context: Context, one: Step) -> str:
    """Where the artifact lies: where the pipeline's own of that name does, else among the data or the models."""
    head = context.git.commit_of("HEAD")
    declared = context.snapshot(head).artifact(one.old.artifact) if head else None
    if declared is not None:
        return declared.path
    folder = "models" if one.old.kind == "model" else "data"
    return posixpath.join(folder, one.old.files[0].path if one.old.single else one.old.artifact)
