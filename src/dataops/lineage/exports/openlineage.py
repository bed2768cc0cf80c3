"""A trace as OpenLineage run events (spec 2-0-2): what Marquez, DataHub and other catalogues of lineage read.

One COMPLETE event a step. Git knows what a stage read and wrote and which commit recorded it, not when it began: the
time is the commit's, and there is no START event. A run's id follows from the repository, the commit and the step, so
that exporting twice tells of the same run twice. Facets are the published ones wherever there is one.
"""

from __future__ import annotations

import json
import posixpath
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dataops.lineage.exports import places
from dataops.lineage.exports.facets import PRODUCER, SPEC, Facets, clean, facets, parameters, tags
from dataops.lineage.exports.places import Place
from dataops.lineage.traced import Input, Made, Step, Trace
from dataops.repo.records import Output

KINDS = {"stage": "STAGE", "file": "ADD", "import": "IMPORT"}
PIPELINE = "pipeline"  # the job whose runs are the parents of its stages' runs


@dataclass(frozen=True)
class Kept:
    """Where an output lies beside its repository."""

    remote: str | None = None
    """The remote of DVC, as `s3://bucket/prefix`."""
    uri: str | None = None
    """The object there."""


@dataclass(frozen=True)
class World:
    """What the events need to know beside the trace."""

    namespace: str
    """Of the jobs, and of the data that the repository tracks."""
    repository: str | None = None
    """Its address on the web."""
    kept: Callable[[Output], Kept] = lambda _: Kept()
    cards: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By version, as `dataset@v1.2.0`."""


def events(trace: Trace, world: World) -> list[dict[str, Any]]:
    """One run event a step, each after those that it needs, as JSON has them."""
    told = _Telling(trace, world)
    return [clean(told.event(step)) for step in trace.steps]


@dataclass(frozen=True)
class _Telling:
    trace: Trace
    world: World

    @cached_property
    def made(self) -> dict[str, tuple[Made, Step]]:
        """Every output of the trace and its step, by path."""
        return {made.output.path: (made, step) for step in self.trace.steps for made in step.outs}

    def event(self, step: Step) -> dict[str, Any]:
        return {
            "eventType": "COMPLETE",
            "eventTime": self.trace.commit.time.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "producer": PRODUCER,
            "schemaURL": SPEC + "RunEvent",
            "run": {"runId": self.run_id(step.address), "facets": self.of_run(step)},
            "job": {**self.job(step.address), "facets": self.of_job(step)},
            "inputs": list(self.inputs(step)),
            "outputs": [self.output(made) for made in step.outs],
        }

    def job(self, address: str) -> dict[str, str]:
        return {"namespace": self.world.namespace, "name": posixpath.join(self.trace.prefix, address)}

    def run_id(self, address: str) -> str:
        """The same for the same step of the same commit."""
        name = json.dumps([self.trace.commit.sha, self.job(address)], sort_keys=True)
        return str(uuid.uuid5(uuid.NAMESPACE_URL, name))

    def of_run(self, step: Step) -> Facets:
        version = self.trace.version
        ends = self.ends(step)
        return facets(
            "run",
            parent={"run": {"runId": self.run_id(PIPELINE)}, "job": self.job(PIPELINE)},
            processing_engine={"name": "dvc", "version": "unknown"},  # which one ran is nowhere recorded
            executionParameters=parameters(step.params),
            tags=tags(git_commit=self.trace.commit.sha, version=version.name if version else None),
            dataops_training={"training": self.trace.training} if ends and self.trace.training else None,
            dataops_evaluation={"evaluation": self.trace.evaluation} if ends and self.trace.evaluation else None,
        )

    def ends(self, step: Step) -> bool:
        """Whether the step wrote what is traced."""
        return self.trace.output is not None and any(made.output == self.trace.output for made in step.outs)

    def of_job(self, step: Step) -> Facets:
        url, tag = self.world.repository, {"tag": self.trace.version.tag} if self.trace.version else {}
        folder, pipeline, _ = step.address.rpartition("dvc.yaml:")
        path = posixpath.join(self.trace.prefix, folder + pipeline.rstrip(":") if pipeline else step.address)
        where = {"type": "git", "url": url, "repoUrl": url, "path": path, "version": self.trace.commit.sha, **tag}
        code = [
            {"path": one.path, "hash": one.digest} | ({"problem": one.problem} if one.problem else {})
            for one in step.inputs
            if one.role == "code"
        ]
        return facets(
            "job",
            jobType={"processingType": "BATCH", "integration": "DVC", "jobType": KINDS[step.kind]},
            sourceCodeLocation=where if url else None,
            sourceCode={"language": "shell", "sourceCode": step.cmd} if step.cmd else None,
            dataops_code={"code": code} if code else None,
        )

    def inputs(self, step: Step) -> Iterator[dict[str, Any]]:
        sources = [made.output for made in step.outs if made.output.source is not None]
        if step.kind == "import" and sources:
            yield from map(self.imported, sources)
            return
        read: dict[str, list[Input]] = {}
        for one in step.inputs:
            for path in self.datasets(one) if one.role != "code" else ():
                read.setdefault(path, []).append(one)
        for path, parts in read.items():
            yield self.known(path, parts) if path in self.made else self.foreign(path, parts[0].digest)
        for name in self.trace.trained_on if self.ends(step) else ():
            card = self.world.cards.get(name, {})
            if isinstance(card.get("path"), str):
                yield self.foreign(card["path"], card.get("hash"), name)

    def datasets(self, one: Input) -> list[str]:
        """The outputs that an input is, lies in, or holds; else its own path."""
        holder = one.path
        while holder and holder not in self.made:
            holder = posixpath.dirname(holder) if posixpath.dirname(holder) != holder else ""
        if holder:
            return [holder]
        below = "" if one.path == "." else f"{one.path}/"
        held = [path for path, (_, step) in self.made.items() if path.startswith(below) and step.address in one.makers]
        return held or [one.path]

    def known(self, path: str, parts: Sequence[Input]) -> dict[str, Any]:
        """A dataset that a step wrote, by the name under which it wrote it: all of it, or some folders in it."""
        made = self.made[path][0]
        whole = next((one for one in parts if not one.path.startswith(f"{path}/")), None)
        if whole is None:
            inside = {
                "type": "location",
                "locations": [self.place(one.path).name for one in parts],
            }
            found = [{"path": one.path, "hash": one.digest} for one in parts]
            more = facets("input", subset={"inputCondition": inside}, dataops_subset={"subset": found})
            return {**self.dataset(path, self.of_dataset(made)), "inputFacets": more}
        if whole.path == path and whole.digest not in (None, made.output.digest):
            return self.foreign(path, whole.digest, problem=whole.problem)  # it has been written anew since
        more = facets("input", inputStatistics=self.counts(made))
        return {**self.dataset(path, self.of_dataset(made)), "inputFacets": more}

    def foreign(self, path: str, digest: str | None, version: str | None = None, problem: str = "") -> dict[str, Any]:
        """A dataset of which nothing but its hash is known here."""
        return self.dataset(
            path,
            facets(
                "dataset",
                version={"datasetVersion": digest} if digest else None,
                tags=tags(version=version),
                dataops_object={"problem": problem} if problem else None,
            ),
        )

    def imported(self, output: Output) -> dict[str, Any]:
        """What `dvc import` took, by the name that the other repository has for it when it is exported itself."""
        source = output.source
        assert source is not None
        known = facets(
            "dataset",
            version={"datasetVersion": output.digest} if output.digest else None,
            tags=tags(git_commit=source.revision),
        )
        name = posixpath.normpath(source.path.strip("/") or ".")
        return {"namespace": places.namespace(source.url), "name": name, "facets": known}

    def output(self, made: Made) -> dict[str, Any]:
        more = facets("output", outputStatistics=self.counts(made))
        return {**self.dataset(made.output.path, self.of_dataset(made)), "outputFacets": more}

    def dataset(self, path: str, known: Facets) -> dict[str, Any]:
        place = self.place(path)
        return {"namespace": place.namespace, "name": place.name, "facets": known}

    def place(self, path: str) -> Place:
        return places.inside(self.world.namespace, self.trace.prefix, path)

    def card(self, made: Made) -> tuple[str, Mapping[str, Any]]:
        """The newest released version with this content that has a card, and the card."""
        name = next((name for name in reversed(made.versions) if self.world.cards.get(name)), "")
        return name, self.world.cards.get(name, {})

    def counts(self, made: Made) -> dict[str, int]:
        stated = {
            "rowCount": self.card(made)[1].get("rows"),
            "size": made.output.size,
            "fileCount": made.output.files,
        }
        return {name: count for name, count in stated.items() if type(count) is int}

    def of_dataset(self, made: Made) -> Facets:
        out = made.output
        name, card = self.card(made)
        model = card.get("type") == "model"
        columns = card.get("schema") if not model else None  # a model's are those of what it reads
        here = self.place(out.path).namespace == self.world.namespace
        kept = self.world.kept(out) if out.cached else Kept(self.world.repository if here else None)
        stated = {"hash": out.digest, "algorithm": out.algorithm, "uri": kept.uri}
        fields = [
            {"name": str(column), "type": str(its), "ordinal_position": number}
            for number, (column, its) in enumerate((columns or {}).items(), 1)
        ]
        return facets(
            "dataset",
            version={"datasetVersion": out.digest} if out.digest else None,
            dataSource={"name": kept.remote, "uri": places.uri(kept.remote)} if kept.remote else None,
            datasetType={"datasetType": "MODEL" if model else "FILE"},
            schema={"fields": fields} if fields else None,
            documentation={"description": f"{name}: {card['reason']}"} if card.get("reason") else None,
            tags=tags(version=list(made.versions)),
            dataops_object={key: value for key, value in stated.items() if value},
        )
