"""Is every version still all there? Its tag, its commit, its list of files, and every object on the remote."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from dataops.errors import DataOpsError
from dataops.store.cache import Cache
from dataops.store.objects import Object, Progress, Store, silent
from dataops.store.proof import Proof, prove, reread
from dataops.versions import inventory
from dataops.versions.context import Context
from dataops.versions.findings import Checked, Finding, Report, State
from dataops.versions.inventory import Item, Listed, Part, Reach, Subject, Survey
from dataops.versions.repair import Repaired, repair

Key = tuple[str | None, str, str]  # remote, algorithm and digest of an object


@dataclass(frozen=True)
class Sample:
    """Which objects are read: a random share, or one of several fixed parts (`3/10`), which together are all."""

    share: float = 1.0
    part: int = 0
    of: int = 0

    def of_objects(self, objects: Sequence[Object]) -> list[Object]:
        """The chosen ones; at least one, where there is any."""
        if self.of:
            return [obj for obj in objects if int(obj.digest[:12], 16) % self.of == self.part - 1]
        if self.share >= 1:
            return list(objects)
        return random.sample(list(objects), math.ceil(len(objects) * self.share))


@dataclass(frozen=True)
class Options:
    """What a person may say."""

    every: bool = False
    read: Sample | None = None
    """Which objects are read back and hashed; None: the store's own checksums do."""
    repair: bool = False
    remote: str | None = None
    spare: str | None = None
    """A second remote to restore from."""


def sample(text: str) -> Sample:
    """`10%`, or `3/10`: the third of ten fixed parts.

    Raises:
        DataOpsError: it is neither.
    """
    if (found := re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?)%", text)) and 0 < float(found[1]) <= 100:
        return Sample(share=float(found[1]) / 100)
    if (found := re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)) and 1 <= int(found[1]) <= int(found[2]):
        return Sample(part=int(found[1]), of=int(found[2]))
    raise DataOpsError(f"{text!r} is no part of the objects", "as 10% (random) or 3/10 (the third of ten parts)")


def verify(context: Context, asked: str | None, options: Options, *, progress: Progress = silent) -> Report:
    """Check versions, and repair what can be where `options` say so.

    Raises:
        DataOpsError: nothing has that name, or a remote can't be asked.
    """
    stores: dict[str | None, Store] = {}

    def reach(remote: str | None) -> Store:
        name = options.remote or remote
        if name not in stores:
            stores[name] = context.store(name)
        return stores[name]

    spare = context.store(options.spare) if options.spare else None
    wanted = inventory.subjects(context, asked, every=options.every)
    survey = inventory.survey(context, wanted, progress)
    listed = inventory.listings(survey.parts, reach, context.cache, spare, progress)
    found = inventory.items(survey.parts, listed)
    proofs = _prove(found, listed, reach, context.cache, options.read, progress)
    findings = _findings(found, proofs, listed, survey, reach)
    if options.repair:
        findings = _repaired(findings, found, reach, context.cache, spare, progress)
    return Report(
        reach(None).url,
        tuple(_checked(wanted, survey, listed, findings)),
        tuple(findings),
        len(found),
        sum(proof.how == "read back" for proof in proofs),
        sum(proof.state == "unknown" for proof in proofs),
    )


def _prove(
    found: Sequence[Item],
    listed: dict[Part, Listed],
    reach: Reach,
    cache: Cache | None,
    read: Sample | None,
    progress: Progress,
) -> list[Proof]:
    """What is known of each object, in their order. Lists have been read already."""
    proofs: dict[int, Proof] = {}
    for place, item in enumerate(found):
        if item.obj.is_folder:
            one = listed[item.places[0][0]]
            proofs[place] = Proof(item.obj, _state(one), "read back", one.detail)
    for remote in {item.remote for item in found}:
        places = [place for place, item in enumerate(found) if item.remote == remote and place not in proofs]
        objects = [found[place].obj for place in places]
        chosen = set(read.of_objects(objects)) if read else set()
        again = [place for place in places if found[place].obj in chosen]
        others = [place for place in places if found[place].obj not in chosen]
        store = reach(remote)
        asked = prove([found[place].obj for place in others], store, cache, read_back=False, progress=progress)
        for place, proof in zip(others, asked, strict=True):
            proofs[place] = proof
            if proof.state == "unknown" and proof.how:  # its checksum speaks against it: look
                again.append(place)
        told = reread([found[place].obj for place in again], store, progress=progress)
        proofs.update(zip(again, told, strict=True))
    return [proofs[place] for place in range(len(found))]


def _state(one: Listed) -> Literal["proven", "missing", "damaged"]:
    return "proven" if one.state == "sound" else "missing" if one.state == "missing" else "damaged"


def _findings(
    found: Sequence[Item], proofs: Sequence[Proof], listed: dict[Part, Listed], survey: Survey, reach: Reach
) -> list[Finding]:
    """What is missing or damaged, with every version and file it belongs to."""
    findings = []
    for item, proof in zip(found, proofs, strict=True):
        if proof.state not in ("missing", "damaged"):
            continue
        uses = tuple(
            replace(use, path=f"{use.path}/{path}" if path else use.path)
            for part, path in item.places
            for use in survey.parts[part]
        )
        state: State = "missing" if proof.state == "missing" else "damaged"
        if item.obj.is_folder and listed[item.places[0][0]].state == "hostile":
            state = "hostile"
        uri = reach(item.remote).uri(item.obj)
        findings.append(Finding(item.obj, state, proof.detail, uri, uses, remote=item.remote))
    return findings


def _repaired(
    findings: list[Finding],
    found: Sequence[Item],
    reach: Reach,
    cache: Cache | None,
    spare: Store | None,
    progress: Progress,
) -> list[Finding]:
    """The findings after repair. A missing list comes back only when all its files are there: DVC takes a folder whose
    list is there for complete.
    """
    at = {(item.remote, item.obj.algorithm, item.obj.digest): item for item in found}
    inside: dict[Part, set[str]] = {}
    for item in found:
        for part, path in item.places:
            if path:
                inside.setdefault(part, set()).add(item.obj.digest)
    lost = {(one.remote, one.obj.digest) for one in findings if not one.obj.is_folder}
    done = []
    for count, one in enumerate(sorted(findings, key=lambda one: one.obj.is_folder), 1):
        item = at[(one.remote, one.obj.algorithm, one.obj.digest)]
        files = {digest for part, _ in item.places for digest in inside.get(part, ())} if one.obj.is_folder else ()
        incomplete = any((one.remote, digest) in lost for digest in files)
        if one.state == "hostile":
            outcome = Repaired(notes=("its hash is right, so that no repair changes it",))
        elif incomplete and one.state == "missing":
            outcome = Repaired(notes=("the list waits for its files: restored alone it would make them look complete",))
        else:
            outcome = repair(one.obj, reach(item.remote), cache, spare)
        if outcome.source:
            lost.discard((one.remote, one.obj.digest))
        done.append(replace(one, repaired=outcome.source, notes=outcome.notes))
        progress(count, len(findings), "repair")
    return done


def _checked(
    wanted: Sequence[Subject], survey: Survey, listed: dict[Part, Listed], findings: Sequence[Finding]
) -> list[Checked]:
    """How each version stands."""
    still = {(one.remote, one.obj.algorithm, one.obj.digest) for one in findings if not one.repaired}
    inside: dict[Part, set[Key]] = {}
    for part in survey.parts:
        digests = [part.obj.digest, *(entry.digest for entry in (listed[part].entries if part in listed else ()))]
        inside[part] = {(part.remote, part.obj.algorithm, digest) for digest in digests}
    parts: dict[tuple[str, str], list[Part]] = {}
    for part, uses in survey.parts.items():
        for use in uses:
            parts.setdefault((use.version, use.role), []).append(part)
    checked = []
    for subject in wanted:
        own: set[Key] = set().union(*(inside[part] for part in parts.get((subject.name, "artifact"), ())))
        inputs = set().union(*(inside[part] for part in parts.get((subject.name, "input"), ()))) - own
        problems, notes = survey.problems.get(subject.name, ()), survey.notes.get(subject.name, ())
        counts = len(own), len(inputs), len(own & still), len(inputs & still)
        checked.append(Checked(subject, tuple(problems), tuple(notes), *counts))
    return checked
