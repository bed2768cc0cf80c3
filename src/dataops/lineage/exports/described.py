"""What Croissant needs of a version, gathered: its files and where they lie, its card, what dvc.yaml declares of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from dataops.errors import DataOpsError
from dataops.lineage import commits
from dataops.lineage.exports import croissant, places
from dataops.lineage.exports.export import Told, address
from dataops.lineage.trace import MODEL
from dataops.store.objects import LEGACY
from dataops.versions import get
from dataops.versions.context import DEFAULT, Context
from dataops.versions.get import Chosen


def described(context: Context, asked: str, told: Told = str) -> dict[str, Any]:
    """A version as Croissant.

    Raises:
        DataOpsError: there is no such version, it has no files, or its list of files or its remote can't be had.
    """
    chosen = get.choose(context, asked)
    if not chosen.listing.names:
        raise DataOpsError(f"{asked} has no files", "was it released empty?")
    version, git = chosen.target.version, chosen.context.git
    card = (version.card if version else None) or {}
    artifact = chosen.snapshot.artifact(chosen.target.artifact or DEFAULT)
    assert artifact is not None  # `choose` found its files
    (commit,) = commits.read(git, [chosen.target.commit])
    said = [artifact.desc, str(card.get("reason") or "")]
    description = ". ".join(text.rstrip(".") for text in said if text)
    known = artifact.meta
    if any(obj.algorithm == LEGACY for obj in chosen.listing.objects.values()):
        told("DVC 2 recorded these files: of a text with CRLF line ends, the md5 is not that of its bytes")
    if not known.get("license"):
        told(
            f"no licence is declared: {artifact.declared_in}, artifacts.{artifact.name.rpartition(':')[2]}.meta.license"
        )
    if not card.get("schema"):
        told("no card with columns: the files are described, not their records")
    return croissant.metadata(
        croissant.Dataset(
            name=artifact.name,
            description=description or f"{artifact.path} at {chosen.target.commit[:7]}",
            files=list(_files(chosen, card)),
            version=str(version.number).removeprefix("v") if version else None,
            date=version.time if version else commit.time,
            creator=version.author if version else commit.author,
            url=_text(known.get("url")) or places.repository(address(chosen.context)),
            license=_text(known.get("license")),
            citation=_text(known.get("citation")),
            keywords=artifact.labels,
            columns=card.get("schema", {}) if artifact.type != MODEL else {},
            contract=_contract(chosen),
        )
    )


def _files(chosen: Chosen, card: Mapping[str, Any]) -> Iterator[croissant.File]:
    """Every file with its address; one that lies in git by its own path, beside the description."""
    found = chosen.listing
    alone = found.whole is not None and not found.whole.is_folder and isinstance(card.get("sha256"), str)
    for name in found.names:
        if (obj := found.objects.get(name)) is not None:
            url = chosen.store.uri(obj)
            checksum = ("sha256", str(card["sha256"])) if alone else ("md5", obj.digest)
            yield croissant.File(name, places.harmless(url) if "://" in url else places.uri(url), checksum)
        else:
            content = chosen.context.git.blob(found.commit, found.in_git[name]) or b""
            yield croissant.File(name, name, ("sha256", hashlib.sha256(content).hexdigest()))


def _contract(chosen: Chosen) -> dict[str, str]:
    columns = chosen.context.contract(chosen.target.commit).get("columns")
    listed = columns.items() if isinstance(columns, dict) else ()
    return {str(name): str(its["type"]) for name, its in listed if isinstance(its, dict) and "type" in its}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
