"""The whole history as a picture: what was released when, and what each version was made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dataops.lineage.draw.graph import Edge, Graph, Kind, Node
from dataops.lineage.draw.layers import depths
from dataops.repo.registry import Version

TITLE = "History of the released versions"


@dataclass(frozen=True)
class Entry:
    """A version in the history."""

    version: Version
    data: tuple[str, ...] = ()
    """The names of the released versions that it was made of, as `dataset@v1.2.0`."""
    note: str = ""
    """One small line, as `WAPE 0.18`."""
    kind: str | None = None
    """`type` of its artifact as dvc.yaml has it; None: not known."""


def connected(entries: Sequence[Entry], artifact: str) -> list[Entry]:
    """The versions of one artifact, what they were made of, and what was made of them, over any number of steps."""
    makes: dict[str, list[str]] = {}
    made_of: dict[str, list[str]] = {}
    for entry in entries:
        made_of.setdefault(entry.version.name, []).extend(entry.data)
        for name in entry.data:
            makes.setdefault(name, []).append(entry.version.name)
    start = [entry.version.name for entry in entries if entry.version.artifact == artifact]
    kept = _reached(start, made_of) | _reached(start, makes)
    return [entry for entry in entries if entry.version.name in kept]


def newest(entries: Sequence[Entry], limit: int) -> list[Entry]:
    """The newest so many in order of time, and before them what they were made of."""
    ordered = _by_time(entries)
    kept = ordered[max(0, len(ordered) - limit) :]
    names = {entry.version.name for entry in kept}
    needed = {name for entry in kept for name in entry.data} - names
    return [entry for entry in ordered[: len(ordered) - len(kept)] if entry.version.name in needed] + kept


def of_history(entries: Sequence[Entry], title: str = "") -> Graph:
    """Versions as boxes: a column an artifact, data before what is made of it, the oldest on top.

    A version stands in the row of what it was made of where nothing came between them, otherwise in a row of its own.
    What an entry is made of and that is no entry itself gets a box that tells its name alone.
    """
    ordered = _by_time(entries)
    ids = _ids(ordered)
    known = {entry.version.name: name for entry, name in zip(ordered, ids, strict=True)}  # of several, the last
    missing = sorted({name for entry in ordered for name in entry.data if name not in known})
    artifacts = [entry.version.artifact for entry in ordered] + [_artifact(name) for name in missing]
    sources = [{known.get(name, name) for name in entry.data} for entry in ordered]
    columns, headings = _columns(ordered, missing)
    column_of = dict(zip([*ids, *missing], (columns[artifact] for artifact in artifacts), strict=True))
    rows = _rows(ordered, ids, sources, column_of, missing)
    nodes = [_node(entry, name) for entry, name in zip(ordered, ids, strict=True)]
    nodes += [Node(name, _kind(_artifact(name)), name, ("no tag in this clone",), faded=True) for name in missing]
    edges = [
        Edge(one, name, "trained" if node.kind == "model" else "made")
        for name, node, made_of in zip(ids, nodes, sources, strict=False)
        for one in sorted(made_of, key=lambda one: (rows[one], column_of[one]))
        if one != name
    ]
    strong = {(edge.source, edge.target) for edge in edges}
    last: dict[str, str] = {}
    for entry, name in zip(ordered, ids, strict=True):
        before = last.get(entry.version.artifact)
        if before is not None and (before, name) not in strong:
            edges.append(Edge(before, name, "next", weak=True))
        last[entry.version.artifact] = name
    days = [f"{entry.version.time:%Y-%m-%d}" for entry in ordered]
    span = f", {' to '.join(sorted({days[0], days[-1]}))}, the newest at the bottom" if days else ""
    subtitle = f"{len(ordered):,} version{'s' * (len(ordered) != 1)}{span}"
    return Graph(title or TITLE, tuple(nodes), tuple(edges), rows, column_of, headings, subtitle)


def _reached(start: Sequence[str], links: Mapping[str, Sequence[str]]) -> set[str]:
    seen = set(start)
    todo = list(start)
    while todo:
        for name in links.get(todo.pop(), ()):
            if name not in seen:
                seen.add(name)
                todo.append(name)
    return seen


def _by_time(entries: Sequence[Entry]) -> list[Entry]:
    """The oldest first; of one second, what the other is made of."""
    ordered = sorted(entries, key=lambda e: (e.version.refs[0].seconds, e.version.artifact, e.version.number.key))
    used = {name for entry in entries for name in entry.data}
    return sorted(
        ordered,
        key=lambda e: (e.version.refs[0].seconds, bool(e.data), e.version.name not in used),
    )


def _ids(entries: Sequence[Entry]) -> list[str]:
    """The versions' names; where a name was given at several commits, with the commit."""
    count: dict[str, int] = {}
    for entry in entries:
        count[entry.version.name] = count.get(entry.version.name, 0) + 1
    return [
        entry.version.name if count[entry.version.name] == 1 else f"{entry.version.name} {entry.version.commit}"
        for entry in entries
    ]


def _artifact(name: str) -> str:
    return name.rpartition("@")[0] or name


def _kind(artifact: str, declared: str | None = None) -> Kind:
    """A model or data: as dvc.yaml says, else by the artifact's name."""
    if declared:
        return "model" if declared == "model" else "dataset"
    return "model" if "model" in artifact.lower() else "dataset"


def _node(entry: Entry, name: str) -> Node:
    version = entry.version
    day = f"{version.time:%Y-%m-%d}"
    facts = ["deprecated"] if version.deprecated else []
    told = " · ".join(filter(None, [day, *facts, entry.note]))
    tip = [f"{version.time:%Y-%m-%d %H:%M} UTC by {version.author}", f"commit {version.commit[:12]}", version.subject]
    tip += [f"deprecated by {version.deprecated}"] if version.deprecated else []
    tip += [f"made of {', '.join(entry.data)}"] if entry.data else []
    return Node(
        name, _kind(version.artifact, entry.kind), version.name, (told,),
        "\n".join(tip), version.deprecated is not None, version.stages,
    )  # fmt: skip


def _columns(entries: Sequence[Entry], missing: Sequence[str]) -> tuple[dict[str, int], tuple[str, ...]]:
    """A column for each artifact: what is made of others comes after them, and models after data."""
    made_of: dict[str, set[str]] = {_artifact(name): set() for name in missing}
    kinds: dict[str, Kind] = {}
    for entry in entries:
        own = entry.version.artifact
        made_of.setdefault(own, set()).update({_artifact(name) for name in entry.data} - {own})
        kinds[own] = _kind(own, entry.kind)
    names = sorted(made_of)
    place = {name: number for number, name in enumerate(names)}
    depth = depths(len(names), [(place[one], place[name]) for name in names for one in sorted(made_of[name])])
    order = sorted(names, key=lambda name: (depth[place[name]], kinds.get(name) == "model", name))
    return {name: place for place, name in enumerate(order)}, tuple(order)


def _rows(
    entries: Sequence[Entry],
    ids: Sequence[str],
    sources: Sequence[set[str]],
    columns: Mapping[str, int],
    missing: Sequence[str],
) -> dict[str, int]:
    """Downwards in time; together in a row is what belongs together."""
    rows: dict[str, int] = {}
    now: list[tuple[str, str]] = []  # the current row: id, commit
    taken: set[int] = set()
    row = -1
    for name in missing:
        rows[name] = row = row + 1
    for entry, name, made_of in zip(entries, ids, sources, strict=True):
        together = any(other in made_of or commit == entry.version.commit for other, commit in now)
        if not now or not together or columns[name] in taken:
            row, now, taken = row + 1, [], set()
        rows[name] = row
        now.append((name, entry.version.commit))
        taken.add(columns[name])
    return rows
