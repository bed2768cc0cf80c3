"""Traces and histories to draw, and what must be true of every drawing."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from pathlib import Path

import yaml

from dataops.lineage.draw.drawing import Box, Drawing, Point, Route
from dataops.lineage.draw.graph import Edge, Graph, Node
from dataops.lineage.draw.history import Entry
from dataops.lineage.draw.text import width
from dataops.lineage.traced import Commit, Input, Made, Step, Trace
from dataops.repo.git import Ref
from dataops.repo.records import Output
from dataops.repo.registry import Version
from dataops.repo.tags import Number

ROOT = Path(__file__).parents[2]
COMMIT = Commit("a1b2c3d4e5f6", "Ada", "ada@example.com", dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "Data and model")
HOSTILE = (
    "end", "\"quoted\" 'x'", "a]b[c)d(e}f{", "x --> y; z", "line\nbreak", "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">', "`code`", "1. list", "- item", "# head", "**bold** __b__ _i_",
    "https://example.com/x?a=b&c=d", "www.example.com", "me@example.com", '%%{init: {"theme":"dark"}}%%',
    'click n0 "javascript:alert(1)"', "&lt;b&gt; &amp; &#60;", "#quot; #35;", '\\N \\G \\l \\"', "$x^2$ $$y$$",
    "😀 数据 \u202etxt", "n1@{ shape: x }", "style n0 fill:red", "\ufb02°°60¶ß", "-->|x|",
    "\x1b[31mred\x1b[0m", "\udc80", "]]>", "--><!--", "", "   ", "a" * 3000, "\ufffe\x00\x01",
    "[x](javascript:alert(1))", "---", "subgraph x", "```",
)  # fmt: skip


def digest(text: str) -> str:
    """Some hash."""
    return hashlib.md5(text.encode()).hexdigest()


def made(path: str, step: str, *versions: str, cached: bool = True, url: str | None = None) -> Made:
    """An output."""
    out = Output(path, digest(path), "md5", 1000, 3, cached, step, None, True, url)
    return Made(out, versions)


def data(path: str, *makers: str, versions: tuple[str, ...] = (), problem: str = "") -> Input:
    """What a step read of other steps."""
    return Input(path, "data" if makers else "external", digest(path), "md5", makers, versions, problem)


def code(path: str) -> Input:
    """A file of git that a step needs."""
    return Input(path, "code", digest(path), "md5")


def traced(steps: Sequence[Step], output: str | None = None, **more: object) -> Trace:
    """A trace of one of the outputs, or of all."""
    found = next((one.output for step in steps for one in step.outs if one.output.path == output), None)
    return Trace("model@v1.2.0", COMMIT, tuple(steps), "model", output=found, **more)


def template() -> Trace:
    """What led to the model in this template's own dvc.yaml."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    released = {"data/dataset": "dataset@v1.1.0"}
    steps, makers = [], {}
    for path in ("data/landing", "data/exclusions.csv"):
        steps.append(Step(f"{path}.dvc", "file", "", (), {}, (made(path, f"{path}.dvc"),)))
        makers[path] = f"{path}.dvc"
    for name in ("collect", "validate", "featurize", "split", "train"):
        stage, address = stages[name], f"dvc.yaml:{name}"
        inputs = []
        for dep in stage["deps"]:
            above = [maker for path, maker in makers.items() if dep == path or dep.startswith(f"{path}/")]
            inputs.append(data(dep, *above) if above else code(dep))
        outs = []
        for out in [*stage["outs"], *stage.get("metrics", [])]:
            path = out if isinstance(out, str) else next(iter(out))
            versions = (released[path],) if path in released else ()
            outs.append(made(path, address, *versions, cached=isinstance(out, str)))
            makers[path] = address
        params = {"params.yaml": {section: {"a": 1, "b": {"c": 2}} for section in stage["params"]}}
        steps.append(Step(address, "stage", stage["cmd"], tuple(inputs), params, tuple(outs)))
    evaluation = {"model": {"wape": 0.18123, "mae": 3.2}}
    return traced(steps, "models/model.tar.gz", training={"backend": "local"}, evaluation=evaluation)


def monorepo(count: int = 40) -> Trace:
    """As many imports and stages of a foreach, merged, and a model made of it."""
    steps: list[Step] = []
    parts = []
    for number in range(count):
        raw, ready = f"data/raw/{number:02}.csv", f"data/ready/{number:02}.parquet"
        address = f"regions/dvc.yaml:prepare@{number:02}"
        steps.append(Step(f"{raw}.dvc", "import", "", (), {}, (made(raw, f"{raw}.dvc", url="s3://bucket/x.csv"),)))
        inputs = (data(raw, f"{raw}.dvc"), code("src/prepare.py"))
        steps.append(Step(address, "stage", "python prepare.py", inputs, {}, (made(ready, address),)))
        parts.append(data(ready, address))
    merge, train = "regions/dvc.yaml:merge", "regions/dvc.yaml:train"
    steps.append(Step(merge, "stage", "", tuple(parts), {}, (made("data/all", merge, "regions:all@v3.0.0"),)))
    inputs = (data("data/all", merge), data("s3://bucket/holidays.csv"))
    steps.append(Step(train, "stage", "", inputs, {}, (made("models/model.pkl", train),)))
    return traced(steps, "models/model.pkl")


def version(name: str, day: float, *stages: str, commit: str = "", deprecated: str | None = None) -> Version:
    """A version that was released on that day."""
    artifact, _, number = name.rpartition("@")
    seconds = 1_760_000_000 + int(day * 86400)
    ref = Ref(
        f"refs/tags/{name}", digest(name), True, commit or digest(f"c{name}"), "Ada <a@example.com>", seconds, b""
    )
    return Version(artifact, Number.parse(number), name, digest(name), ref.commit, (ref,), tuple(stages), deprecated)


def history(count: int, seed: int = 1) -> list[Entry]:
    """Datasets, each with no, one or two models; one in four of an older dataset."""
    rng = random.Random(seed)
    entries: list[Entry] = []
    names: list[str] = []
    day, models = 0.0, 0
    while len(entries) < count:
        day += rng.randint(1, 9)
        names.append(f"dataset@v1.{len(names)}.0")
        entries.append(Entry(version(names[-1], day, deprecated="Ada: twice" if rng.random() < 0.06 else None)))
        for _ in range(min(rng.choice([0, 1, 1, 1, 2]), count - len(entries))):
            day += 1
            of = names[-1] if rng.random() < 0.75 else rng.choice(names[-9:])
            entries.append(Entry(version(f"model@v1.{models}.0", day), (of,), f"WAPE {rng.random():.3f}"))
            models += 1
    return entries


def columns(count: int = 8) -> list[Entry]:
    """Four artifacts: models made of features made of sales and weather, some of sales as well."""
    entries = []
    for n in range(count):
        entries.append(Entry(version(f"sales@v{n}.0.0", n * 10)))
        if n % 2 == 0:
            entries.append(Entry(version(f"weather@v{n}.0.0", n * 10 + 1)))
        made_of = (f"sales@v{n}.0.0", f"weather@v{n // 2 * 2}.0.0")
        entries.append(Entry(version(f"features@v{n}.0.0", n * 10 + 2), made_of))
        older = (f"sales@v{n - 1}.0.0",) if n % 3 == 2 else ()
        entries.append(Entry(version(f"model@v{n}.0.0", n * 10 + 3), (f"features@v{n}.0.0", *older)))
    return entries


def tangle(count: int, seed: int) -> Graph:
    """Some directed graph without cycles."""
    rng = random.Random(seed)
    kinds = ("source", "data", "stage", "dataset", "model", "code")
    nodes = [
        Node(f"i{n}", rng.choice(kinds), "t" * rng.randint(1, 30), ("line",) * rng.randint(0, 3)) for n in range(count)
    ]
    pairs = {tuple(sorted(rng.sample(range(count), 2))) for _ in range(int(count * 1.3))}
    return Graph("Tangle", tuple(nodes), tuple(Edge(f"i{one}", f"i{two}") for one, two in sorted(pairs)))


def hostile() -> Graph:
    """Every kind of name that nobody should give."""
    nodes = tuple(
        Node(
            f"{n} {name}", "data" if n % 2 else "stage", name, (name, name), name, badges=(name,) if n % 3 == 0 else ()
        )
        for n, name in enumerate(HOSTILE)
    )
    edges = tuple(Edge(one.id, two.id, one.title, n % 2 == 0) for n, (one, two) in enumerate(pairwise(nodes)))
    return Graph('T "q" <b>\n---\nx: 1\n%%{', nodes, edges, subtitle="</svg><script>")


def check(graph: Graph, found: Drawing) -> None:
    """What nobody should have to look for: nothing is missing, hidden, cut or led astray."""
    assert [box.node for box in found.boxes] == list(graph.nodes)
    assert sorted((r.edge.source, r.edge.target) for r in found.routes if r.edge) == sorted(
        {(edge.source, edge.target) for edge in graph.edges if edge.source != edge.target}
    )
    for one, two in combinations(found.boxes, 2):
        apart = one.x + one.width + 6 <= two.x or two.x + two.width + 6 <= one.x
        assert apart or one.y + one.height + 6 <= two.y or two.y + two.height + 6 <= one.y, (one.node, two.node)
    for x, y in [*_corners(found), *(point for route in found.routes for point in trail(route))]:
        assert 4 <= x <= found.width - 4, (x, y)
        assert 4 <= y <= found.height - 4, (x, y)
    for box in found.boxes:
        for text in [*box.texts, *(badge.text for badge in box.badges)]:
            wide = width(text.content, text.size, text.bold)
            start = text.x - wide / 2 if text.middle else text.x
            assert box.x + 4 <= start, text
            assert start + wide <= box.x + box.width - 4, text
            assert box.y + text.size * 0.7 < text.y < box.y + box.height - 3, text
    place = {box.node.id: box for box in found.boxes if box.node}
    for route in found.routes:
        assert route.edge
        source, target = place[route.edge.source], place[route.edge.target]
        assert touches(target, route.tip), route
        points = list(trail(route))
        assert touches(source, points[0]) or touches(source, points[-1]), route
        for box in found.boxes:
            if box not in (source, target):
                assert not any(inside(box, point) for point in points), (route.edge, box.node)


def _corners(found: Drawing) -> Iterator[Point]:
    for box in (*found.boxes, *found.samples):
        yield box.x, box.y
        yield box.x + box.width, box.y + box.height
    for text in found.texts:
        yield text.x, text.y - text.size
        yield text.x + width(text.content, text.size, text.bold), text.y


def touches(box: Box, point: Point) -> bool:
    """Does the point lie on the border?"""
    x, y = point
    if not (box.x - 0.2 <= x <= box.x + box.width + 0.2 and box.y - 0.2 <= y <= box.y + box.height + 0.2):
        return False
    return min(abs(x - box.x), abs(x - box.x - box.width), abs(y - box.y), abs(y - box.y - box.height)) < 0.2


def inside(box: Box, point: Point) -> bool:
    """Does the point lie in the box?"""
    return box.x < point[0] < box.x + box.width and box.y < point[1] < box.y + box.height


def trail(route: Route, parts: int = 12) -> Iterator[Point]:
    """Points along an arrow, close together."""
    at: Point = (0.0, 0.0)
    for letter, points in route.path:
        if letter == "M":
            yield points[0]
        else:
            controls = [at, *points]
            many = (
                parts if letter != "L" else max(parts, int(abs(at[0] - points[0][0]) + abs(at[1] - points[0][1])) // 8)
            )
            yield from (_bezier(controls, step / many) for step in range(1, many + 1))
        at = points[-1]


def _bezier(points: Sequence[Point], share: float) -> Point:
    """A point of a Bézier curve, by de Casteljau's method."""
    while len(points) > 1:
        points = [
            (one[0] + (two[0] - one[0]) * share, one[1] + (two[1] - one[1]) * share) for one, two in pairwise(points)
        ]
    return points[0]
