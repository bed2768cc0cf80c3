"""A trace in print: what it is, where its data came in, then each step."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from dataops.cli import cardlines
from dataops.cli.versiontext import line, size
from dataops.lineage.traced import Input, Made, Root, Step, Trace
from dataops.repo.gittext import public

WIDTH = 116
SHORT = 7
LONG = 80  # characters of a parameter's value, likewise
SOME = 4  # code files and parameters of a step that are named, unless all are asked for


def text(trace: Trace, *, full: bool = False) -> str:
    """All of it; `full`: nothing shortened."""
    head = trace.output
    path = "" if head is None or trace.name.startswith(head.path) else head.path
    lines = [line(f"{trace.name}  {path}  {_hash(head.digest, full) if head else ''}")]
    lines += _block(_facts(trace))
    if roots := trace.roots:
        lines += ["", "where the data came in"]
        lines += [f"  {_root(root, full)}" for root in dict.fromkeys(roots)]
    if trace.steps:
        lines += ["", "how it was made"]
        seen: set[str] = set()
        for step in trace.steps:
            lines += _step(step, full, seen)
    lines += ["", *(f"warning: {line(one)}" for one in trace.warnings)] if trace.warnings else []
    return "\n".join(lines)


def _facts(trace: Trace) -> Iterator[tuple[str, str]]:
    version, commit = trace.version, trace.commit
    if version is not None:
        yield "released", f"{version.time:%Y-%m-%d %H:%M} UTC by {version.author}"
        yield "stages", ", ".join(version.stages)
        yield "deprecated", version.deprecated or ""
    if commit.author:
        told = f"{commit.sha[:SHORT]}, {commit.time:%Y-%m-%d %H:%M} UTC by {commit.author}: {commit.subject}"
        yield "commit", told
    else:
        yield "commit", f"{commit.sha}, not in this clone"
    yield "made of", ", ".join(trace.versions) or ("no released version" if trace.version else "")
    if trace.training:
        yield "training", _training(trace.training)
    if trace.evaluation:
        yield from cardlines.reports({"evaluation": trace.evaluation})


def _training(found: Mapping[str, Any]) -> str:
    """Backend, job, image and instance, then the hyperparameters."""
    first = ("backend", "job", "arn", "image", "instance", "entry_point", "rounds", "seconds")
    parts = [f"{name} {found[name]}" for name in first if isinstance(found.get(name), str | int | float)]
    chosen = found.get("hyperparameters")
    parts += [f"{name}={value}" for name, value in chosen.items()] if isinstance(chosen, Mapping) else []
    return ", ".join(parts) or cardlines.brief(found)


def _block(pairs: Iterator[tuple[str, str]]) -> list[str]:
    return [
        part
        for label, value in pairs
        if value
        for part in textwrap.wrap(
            line(value), WIDTH, initial_indent=f"  {label:11}", subsequent_indent=" " * 13, break_on_hyphens=False
        )
    ]


def _root(root: Root, full: bool) -> str:
    told = [root.path, _hash(root.digest, full), _named(root.versions)]
    if root.source is not None:
        revision = root.source.revision if full else root.source.revision[:SHORT]
        told.append(f"from {root.source.path} of {public(root.source.url)} at {revision or 'no recorded revision'}")
    elif root.url:
        told.append(f"from {public(root.url)}" if root.url != root.path else "")
    return line("  ".join(filter(None, [public(told[0]), *told[1:]])))


def _step(step: Step, full: bool, seen: set[str]) -> Iterator[str]:
    """A step in a few lines; parameters that were `seen` with an earlier one are counted."""
    by = {"stage": "", "file": "  dvc add", "import": "  dvc import"}[step.kind]
    yield f"  {line(step.name)}{by}{'  frozen' if step.frozen and step.kind == 'stage' else ''}"
    rows = [("runs", "; ".join(step.cmd.splitlines()))]
    rows.append(("reads", ", ".join(_read(one, full) for one in step.inputs if one.role != "code")))
    code = [one for one in step.inputs if one.role == "code"]
    rows.append(("code", _some([f"{one.path}{f' {one.digest}' if full else ''}" for one in code], full)))
    params = [f"{name}={value if full else _short_value(value)}" for name, value in step.settings]
    new = [one for one in params if full or one not in seen]
    again = f"{len(params) - len(new)} as above" if len(new) < len(params) else ""
    seen.update(params)
    rows.append(("params", ", ".join(filter(None, [_some(new, full), again]))))
    rows.append(("writes", ", ".join(_made(one, full) for one in step.outs)))
    for label, value in rows:
        if value:
            first, rest = f"    {label:8}", " " * 12
            yield from textwrap.wrap(
                line(value), WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
            )


def _short_value(value: object) -> str:
    """A list of 150 columns is no line for a person: its beginning and how many there are."""
    text = str(value)
    if len(text) <= LONG:
        return text
    return f"{text[:LONG]}…" + (f" ({len(value)})" if isinstance(value, list | dict) else "")


def _read(one: Input, full: bool) -> str:
    said = {"external": " (outside)", "unknown": " (lost)"}.get(one.role, "")
    said = said or (" (in git)" if one.from_git else "")
    stale = " (NOT what is recorded now)" if one.problem and one.role == "data" else ""
    return " ".join(filter(None, [public(one.path), _hash(one.digest, full), _named(one.versions)])) + said + stale


def _made(one: Made, full: bool) -> str:
    out = one.output
    weight = size(out.size) if full else ""
    return " ".join(filter(None, [out.path, _hash(out.digest, full), _named(one.versions), weight]))


def _some(names: list[str], full: bool) -> str:
    if full or len(names) <= SOME + 1:
        return ", ".join(names)
    return f"{', '.join(names[:SOME])} and {len(names) - SOME} more"


def _named(versions: tuple[str, ...]) -> str:
    return f"[{', '.join(versions)}]" if versions else ""


def _hash(digest: str | None, full: bool) -> str:
    return (digest if full else digest[:SHORT]) if digest else ""
