"""One trace as a picture: where the data came in, the stages, what they wrote, and what it is all about."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from dataops.lineage.draw.fold import folded
from dataops.lineage.draw.graph import Edge, Graph, Kind, Node
from dataops.lineage.traced import Input, Made, Step, Trace
from dataops.repo.gittext import public

SHORT = 7  # characters of a hash
CODE_LINES = 7
VALUE = 40  # characters of a parameter's value
DEEPEST = 10


def of_trace(
    trace: Trace, *, code: bool = False, fold: bool = True, deprecated: Collection[str] = frozenset()
) -> Graph:
    """Sources, stages and outputs, with arrows in the direction of the data.

    An output has a box when a later stage read it, when it was released or asked for, or when DVC keeps it and the
    trace is of a whole commit; the others, reports mostly, are counted in their stage's box. `code`: code and
    parameters in boxes beside each stage. `fold`: many boxes that stand alike, as those of `foreach`, become one.
    `deprecated`: the names of versions that were taken back.
    """
    read = {one.path for step in trace.steps for one in step.inputs if one.role != "code"}
    nodes: dict[str, Node] = {}
    edges: dict[tuple[str, str], Edge] = {}
    holding = {up for path in read for up in _up(path)}
    outs = {
        step.address: [made for made in step.outs if _shown(trace, step, made, read, holding)] for step in trace.steps
    }
    for step in trace.steps:
        if step.kind == "stage":
            rest = [made for made in step.outs if made not in outs[step.address]]
            nodes[_stage(step)] = _stage_node(step, rest, code)
        for made in outs[step.address]:
            nodes[_out(made)] = _out_node(trace, step, made)
            if step.kind == "stage":
                edges[_stage(step), _out(made)] = Edge(_stage(step), _out(made))
    for step in trace.steps:
        if step.kind == "stage":
            _add_inputs(step, outs, nodes, edges)
            if code:
                _add_code(step, nodes, edges)
    _add_trained_on(trace, nodes, edges)
    commit = trace.commit
    subtitle = f"commit {commit.sha[:SHORT]}, {commit.time:%Y-%m-%d}, {commit.author}: {commit.subject}"
    title = f"What {trace.name} was made of"
    shown = tuple(_taken_back(node, deprecated) for node in nodes.values())
    graph = Graph(title, shown, tuple(edges.values()), subtitle=subtitle)
    return folded(graph) if fold else graph


def _stage(step: Step) -> str:
    return f"stage:{step.address}"


def _out(made: Made) -> str:
    return f"out:{made.output.path}"


def _is_chosen(trace: Trace, made: Made) -> bool:
    return trace.output is not None and trace.output.path == made.output.path


def _shown(trace: Trace, step: Step, made: Made, read: set[str], holding: set[str]) -> bool:
    path = made.output.path
    if step.kind != "stage" or made.versions or _is_chosen(trace, made):
        return True
    if trace.output is None and made.output.cached:
        return True
    return path in holding or any(up in read for up in _up(path))


def _touch(one: str, two: str) -> bool:
    """Is a path the other, or does one lie in the other?"""
    return one in _up(two) or two in _up(one)


def _up(path: str) -> Iterator[str]:
    """The path and every folder above it, the DVC root as `.` at last."""
    yield path
    while path.strip("/") and (path := posixpath.dirname(path)):
        yield path
    yield "."


def _stage_node(step: Step, rest: Sequence[Made], code: bool) -> Node:
    files = [one for one in step.inputs if one.role == "code"]
    params = len(list(_values(step)))
    counted = [] if code else [_count(len(files), "code file"), _count(params, "parameter")]
    lines = [", ".join(filter(None, counted)), f"{_count(len(rest), 'more output')}, not used here" if rest else ""]
    lines += [f"! {one.path}: {one.problem}" for one in step.inputs if one.problem]
    tip = [step.cmd, *(f"{one.path} {_short(one.digest)}" for one in files), *_values(step)]
    tip += [f"also writes {made.output.path} {_short(made.output.digest)}" for made in rest]
    return Node(_stage(step), "stage", step.name, tuple(filter(None, lines)), "\n".join(tip))


def _out_node(trace: Trace, step: Step, made: Made) -> Node:
    out, chosen = made.output, _is_chosen(trace, made)
    lines, tip = [_short(out.digest)], [f"{out.path}", f"{out.algorithm} {out.digest}"]
    title, others = out.path, list(made.versions)
    if chosen and trace.version is not None:
        others = [trace.version.name, *(name for name in others if name != trace.version.name)]
    if others:
        title = others[0]
        lines = [f"{out.path}  {_short(out.digest)}"]
        if others[1:]:
            lines.append("also " + ", ".join(others[1:3]) + (" …" if others[3:] else ""))
            tip.append("also " + ", ".join(others[1:]))
    if step.kind != "stage":
        lines += [_origin(made), posixpath.basename(step.address) if not _origin(made) else ""]
        tip.append(step.address)
        tip += [f"{out.source.path} of {public(out.source.url)} at {out.source.revision}"] if out.source else []
    if chosen:
        lines += _about(trace)
    stages = trace.version.stages if chosen and trace.version else ()
    kind = _kind(trace, step, made, title)
    return Node(_out(made), kind, title, tuple(filter(None, lines)), "\n".join(tip), False, stages, chosen)


def _taken_back(node: Node, deprecated: Collection[str]) -> Node:
    """Faded, and it says why, where the version that gives a box its title was taken back."""
    return replace(node, faded=True, lines=(*node.lines, "deprecated")) if node.title in deprecated else node


def _origin(made: Made) -> str:
    if made.output.source is not None:
        return f"from {public(made.output.source.url)}"
    return f"from {made.output.url}" if made.output.url else ""


def _kind(trace: Trace, step: Step, made: Made, title: str) -> Kind:
    """A source is green unless it was released; a model is known by its training record or by its name."""
    named = (
        (title.rpartition("@")[0] or title).lower() if made.versions or _is_chosen(trace, made) else made.output.path
    )
    if _is_chosen(trace, made) and trace.version is not None:
        declared = (trace.version.card or {}).get("type")
        if isinstance(declared, str) and declared:
            return "model" if declared == "model" else "dataset"
    if step.kind == "stage" and "model" in posixpath.basename(named.lower()):
        return "model"
    if made.versions or (_is_chosen(trace, made) and trace.version is not None):
        return "dataset"
    return "data" if step.kind == "stage" else "source"


def _about(trace: Trace) -> Iterator[str]:
    """Where it was trained and how good it is, a line each."""
    training = trace.training or {}
    backend, job = training.get("backend"), training.get("job")
    if backend:
        yield f"trained {'locally' if backend == 'local' else f'on {backend}'}" + (f", job {job}" if job else "")
    model = (trace.evaluation or {}).get("model")
    numbers = {name: value for name, value in model.items() if _is_number(value)} if isinstance(model, Mapping) else {}
    yield ", ".join(f"{name} {value:.4g}" for name, value in list(numbers.items())[:3])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _add_inputs(
    step: Step, outs: Mapping[str, Sequence[Made]], nodes: dict[str, Node], edges: dict[tuple[str, str], Edge]
) -> None:
    """The arrows into a stage, and boxes for what no step of the trace made."""
    for one in step.inputs:
        if one.role == "code":
            continue
        makers = [made for maker in one.makers for made in outs.get(maker, ()) if _touch(made.output.path, one.path)]
        ends = [(_out(made), made.output.path) for made in makers]
        if not ends:
            name = f"in:{one.path}"
            nodes.setdefault(name, _in_node(one))
            ends = [(name, one.path)]
        for source, path in ends:
            part = posixpath.relpath(one.path, path) if one.path.startswith(f"{path}/") else ""
            known = edges.get((source, _stage(step)))
            label = ", ".join(filter(None, [known.label if known else "", one.problem or part]))
            weak = bool(one.problem) or (known is not None and known.weak)
            edges[source, _stage(step)] = Edge(source, _stage(step), label, weak)


def _in_node(one: Input) -> Node:
    lines = [f"{one.path}  {_short(one.digest)}" if one.versions else _short(one.digest)]
    kind: Kind = "dataset" if one.versions else "source"
    tip = f"{one.path}\n{one.algorithm} {one.digest or 'not recorded'}"
    return Node(f"in:{one.path}", kind, one.versions[0] if one.versions else one.path, tuple(filter(None, lines)), tip)


def _add_code(step: Step, nodes: dict[str, Node], edges: dict[tuple[str, str], Edge]) -> None:
    """A box with the code of a stage, and one with its parameters."""
    code = [one for one in step.inputs if one.role == "code"]
    code.sort(key=lambda one: PurePosixPath(one.path).stem != step.name)  # its own file first: not all are shown
    files = [f"{one.path}  {_short(one.digest)}".strip() for one in code]
    for what, lines in (("code", files), ("params", list(_values(step)))):
        if lines:
            name = f"{what}:{step.address}"
            shown = tuple(lines if len(lines) <= CODE_LINES else [*lines[: CODE_LINES - 1], _more(lines)])
            title = f"{'code' if what == 'code' else 'parameters'} of {step.name}"
            nodes[name] = Node(name, "code", title, shown, "\n".join(lines))
            edges[name, _stage(step)] = Edge(name, _stage(step))


def _more(lines: Sequence[str]) -> str:
    return f"and {len(lines) - CODE_LINES + 1} more"


def _add_trained_on(trace: Trace, nodes: dict[str, Node], edges: dict[tuple[str, str], Edge]) -> None:
    """Versions that the card names, of a model that was trained elsewhere, where the steps don't lead to them."""
    chosen = next((node.id for node in nodes.values() if node.chosen), None)
    if chosen is None:
        return
    here = {name for step in trace.steps for made in step.outs for name in made.versions}
    here |= {name for step in trace.steps for one in step.inputs for name in one.versions}
    for name in trace.trained_on:
        if name not in here:
            nodes[f"version:{name}"] = Node(f"version:{name}", "dataset", name, ("named by the model's card",))
            edges[f"version:{name}", chosen] = Edge(f"version:{name}", chosen, "trained", weak=True)


def _values(step: Step) -> Iterator[str]:
    """`train.rounds = 600`, the values one by one, those of the section that is called like the stage first."""
    pairs = [pair for values in step.params.values() for pair in _leaves(values, "")]
    own = step.name.rpartition(":")[2].partition("@")[0] + "."
    for name, value in sorted(pairs, key=lambda pair: not pair[0].startswith(own)):
        text = str(value)
        yield f"{name} = {text if len(text) <= VALUE else text[: VALUE - 1] + '…'}"


def _leaves(values: Mapping[str, Any], above: str) -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value and above.count(".") < DEEPEST:
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _short(digest: str | None) -> str:
    return (digest or "")[:SHORT]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}" if number else ""
