"""What a card says beside the data themselves: where they came from, what the reports found, who released them."""

from __future__ import annotations

import datetime as dt
import json
import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from dataops.errors import DataOpsError
from dataops.repo.git import Git
from dataops.repo.gittext import complaint, public
from dataops.repo.recorded import Snapshot
from dataops.repo.records import Artifact, Output
from dataops.repo.registry import Version
from dataops.versions import card, gates, inputs
from dataops.versions.context import Context
from dataops.versions.gates import Gate

Hashes = Mapping[str, Sequence[tuple[str, Version]]]  # by artifact, (hash, version), ascending


def of(context: Context, artifact: Artifact, output: Output, snapshot: Snapshot) -> dict[str, Any]:
    """The card's keys that no other version and no bytes are needed for."""
    return {
        "artifact": artifact.name,
        "type": artifact.type,
        "path": artifact.path,
        "commit": snapshot.commit,
        "hash": output.digest,
        "sources": [
            {**source, "url": public(source["url"])} if "url" in source else source
            for source in inputs.sources(snapshot, output)
        ],
        **_summaries(context, artifact, output, snapshot),
        "author": author(context.git),
        "created_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }


def author(git: Git) -> str:
    """Who releases, as `Name <email>`.

    Raises:
        DataOpsError: git doesn't know.
    """
    done = git.done("var", "GIT_COMMITTER_IDENT")
    if done.returncode:
        reason = f"git doesn't know who you are: {complaint(done.stderr)}"
        raise DataOpsError(reason, "git config user.name 'Your Name' && git config user.email you@example.com")
    return done.stdout.decode(errors="replace").strip().rsplit(" ", 2)[0]


def previous(before: Version | None, hashes: Hashes) -> dict[str, Any] | None:
    """The version before, by number and hash."""
    if before is None:
        return None
    digest = next((digest for digest, one in hashes.get(before.artifact, ()) if one.tag == before.tag), None)
    return {"version": str(before.number), "hash": digest}


def data(version: Version, hashes: Hashes) -> dict[str, Any]:
    """A dataset version that a model is made of."""
    known = next((digest for digest, one in hashes.get(version.artifact, ()) if one.tag == version.tag), None)
    digest = known or (version.card or {}).get("hash")
    return {"version": version.name} | ({"hash": digest} if digest else {})


def overridden(gate: Gate, why: str | None, known: Mapping[str, Any]) -> dict[str, Any]:
    """Who went past a gate, and why."""
    return {
        "gate": gate.name,
        "found": gate.reason,
        "who": known["author"],
        "why": why,
        "at": known["created_at"],
    }


def _summaries(context: Context, artifact: Artifact, output: Output, snapshot: Snapshot) -> dict[str, Any]:
    """The reports' few numbers that are worth years: of those that gate the artifact, and of those about it."""
    beside = posixpath.join(posixpath.dirname(artifact.declared_in), "reports")
    gating = [_report(context, snapshot, gate.report) for gate in gates.declared(artifact) or []]
    first = next((report for report in gating if report), None)
    if artifact.type == "model":
        path = f"{beside}/training.json"
        together = snapshot.stage_of(path) == snapshot.stage_of(output.path)
        training = _report(context, snapshot, path) if together else None
        return {
            "evaluation": card.evaluation_summary(first) if first else None,
            "training": card.training_summary(training) if training else None,
        }
    path = f"{beside}/drift.json"
    drift = _report(context, snapshot, path) if _is_about(snapshot, path, output) else None
    return {
        "validation": card.validation_summary(first) if first else None,
        "drift": card.drift_summary(drift) if drift else None,
    }


def _report(context: Context, snapshot: Snapshot, path: str) -> dict[str, Any] | None:
    """A report of this commit; None where git has none."""
    text = context.git.blob(snapshot.commit, posixpath.join(context.prefix, path))
    try:
        value = json.loads(text) if text is not None else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _is_about(snapshot: Snapshot, report: str, output: Output) -> bool:
    """Whether the report was made of this very content: its stage isn't before the artifact, so it may be older."""
    stage = snapshot.stage_of(report)
    return stage is not None and any(one.path == output.path and one.digest == output.digest for one in stage.deps)
