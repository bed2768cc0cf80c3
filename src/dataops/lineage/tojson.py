"""Traces and impacts as JSON has them: nothing shortened."""

from __future__ import annotations

from typing import Any

from dataops.lineage.impact import Impact, Reached
from dataops.lineage.traced import Input, Made, Root, Step, Trace
from dataops.repo.gittext import public
from dataops.repo.records import Output
from dataops.repo.registry import Version


def of_trace(trace: Trace) -> dict[str, Any]:
    """What led to it: `steps` in the order of their running, `roots` where the data came in."""
    return {
        "name": trace.name,
        "artifact": trace.artifact,
        "version": str(trace.version.number) if trace.version else None,
        "tag": trace.version.tag if trace.version else None,
        "released": version(trace.version) if trace.version else None,
        "commit": {
            "id": trace.commit.sha,
            "author": trace.commit.author,
            "email": trace.commit.email,
            "date": f"{trace.commit.time:%Y-%m-%dT%H:%M:%SZ}",
            "subject": trace.commit.subject,
        },
        "output": output(trace.output) if trace.output else None,
        "made_of": list(trace.versions),
        "roots": [_root(root) for root in trace.roots],
        "steps": [_step(step) for step in trace.steps],
        "code": [{"path": one.path, "hash": one.digest, "algorithm": one.algorithm} for one in trace.code],
        "training": trace.training,
        "evaluation": trace.evaluation,
        "warnings": list(trace.warnings),
    }


def of_impact(impact: Impact) -> dict[str, Any]:
    """What it reached."""
    return {
        "name": impact.name,
        "data": [output(one) for one in impact.outputs],
        "same_content": [version(one) for one in impact.same],
        "reached": [_reached(one) for one in impact.reached],
        "commits_asked": impact.commits,
        "problems": list(impact.problems),
    }


def version(one: Version) -> dict[str, Any]:
    """A version in short."""
    return {
        "version": one.name,
        "commit": one.commit,
        "date": f"{one.time:%Y-%m-%dT%H:%M:%SZ}",
        "author": one.author,
        "stages": list(one.stages),
        "deprecated": one.deprecated,
    }


def output(one: Output) -> dict[str, Any]:
    """An output as recorded."""
    return {
        "path": one.path,
        "hash": one.digest or None,
        "algorithm": one.algorithm,
        "bytes": one.size,
        "files": one.files,
        "stage": one.stage,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "address": step.address,
        "kind": step.kind,
        "cmd": step.cmd,
        "frozen": step.frozen,
        "inputs": [_input(one) for one in step.inputs],
        "params": step.params,
        "outputs": [_made(one) for one in step.outs],
    }


def _input(one: Input) -> dict[str, Any]:
    return {
        "path": public(one.path),
        "role": one.role,
        "hash": one.digest,
        "algorithm": one.algorithm,
        "made_by": list(one.makers),
        "versions": list(one.versions),
        "problem": one.problem or None,
    }


def _made(one: Made) -> dict[str, Any]:
    return {**output(one.output), "versions": list(one.versions)}


def _root(root: Root) -> dict[str, Any]:
    source = root.source
    return {
        "path": public(root.path),
        "hash": root.digest,
        "recorded_by": root.step,
        "url": public(root.url) if root.url else None,
        "revision": source.revision if source else None,
        "source_path": source.path if source else None,
        "versions": list(root.versions),
    }


def _reached(one: Reached) -> dict[str, Any]:
    return {
        "artifact": one.artifact,
        "type": one.kind,
        "path": one.path,
        "hash": one.digest,
        "versions": [version(each) for each in one.versions],
        "refs": list(one.refs),
        "via": list(one.via),
    }
