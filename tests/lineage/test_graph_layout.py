"""Where boxes and arrows lie: nothing overlaps, nothing is cut, every arrow can be followed."""

from __future__ import annotations

import random
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from counted import calls
from drawn import check, columns, history, hostile, monorepo, tangle, template, version

from dataops.lineage.draw.graph import Edge, Graph, Node
from dataops.lineage.draw.history import Entry, of_history
from dataops.lineage.draw.layers import crossings, layered
from dataops.lineage.draw.layout import drawing
from dataops.lineage.draw.picture import of_trace
from dataops.lineage.draw.svg import svg
from dataops.lineage.draw.text import elided, width

GRAPHS = {
    "template": lambda: of_trace(template()),
    "template with code": lambda: of_trace(template(), code=True),
    "monorepo": lambda: of_trace(monorepo()),
    "monorepo, unfolded": lambda: of_trace(monorepo(), fold=False),
    "hostile names": hostile,
    "5 versions": lambda: of_history(history(5)),
    "200 versions": lambda: of_history(history(200)),
    "200 others": lambda: of_history(history(200, seed=7)),
    "four artifacts": lambda: of_history(columns()),
    "nothing": lambda: Graph("Nothing", (), ()),
    "one": lambda: Graph("One", (Node("a", "model", "a"),), ()),
    **{f"tangle {seed}": lambda seed=seed: tangle(60, seed) for seed in range(4)},
}


@pytest.mark.parametrize("name", GRAPHS)
def test_every_drawing_can_be_read(name: str) -> None:
    """Each box and arrow is there once, no boxes meet, no text leaves its box, no arrow crosses a stranger's box."""
    graph = GRAPHS[name]()
    check(graph, drawing(graph))


@pytest.mark.parametrize("seed", range(8))
def test_arrows_point_forward(seed: int) -> None:
    """Every edge of a graph without cycles leads to a later layer, through one dummy in each between."""
    graph = tangle(40, seed)
    number = {node.id: place for place, node in enumerate(graph.nodes)}
    found = layered(40, [(number[edge.source], number[edge.target]) for edge in graph.edges])
    level = {node: place for place, layer in enumerate(found.layers) for node in layer}
    assert not any(found.reversed)
    assert sorted(level) == list(range(len(level)))
    for edge, chain in zip(graph.edges, found.chains, strict=True):
        assert (chain[0], chain[-1]) == (number[edge.source], number[edge.target])
        assert [level[node] for node in chain] == list(range(level[chain[0]], level[chain[-1]] + 1))


def test_a_source_stands_beside_its_reader() -> None:
    """What is read late comes in late, not at the very beginning with an arrow across the whole picture."""
    found = layered(5, [(0, 1), (1, 2), (2, 3), (4, 3)])
    assert found.layers == ((0,), (1,), (2, 4), (3,))


def test_a_cycle_is_drawn_all_the_same() -> None:
    """A broken record may turn in a circle: one arrow goes back, and the picture is whole."""
    assert sum(layered(3, [(0, 1), (1, 2), (2, 0)]).reversed) == 1
    nodes = tuple(Node(name, "stage", name) for name in "abc")
    graph = Graph("Circle", nodes, (Edge("a", "b"), Edge("b", "c"), Edge("c", "a"), Edge("a", "a")))
    found = drawing(graph)
    check(graph, found)
    back = next(route for route in found.routes if route.edge and route.edge.source == "c")
    assert back.heading == "left"


def test_crossings_are_undone() -> None:
    """Pairs that were shuffled lie side by side again."""
    pairs = [(one, 20 + two) for one, two in enumerate(random.Random(3).sample(range(20), 20))]
    found = layered(40, pairs)
    assert crossings([range(20), range(20, 40)], {one: [two] for one, two in pairs}) > 50
    assert crossings(found.layers, found.links()[1]) == 0


def test_the_main_line_is_straight() -> None:
    """From validate on every box of the template's pipeline stands exactly below the one before."""
    boxes = {box.node.title: box for box in drawing(of_trace(template())).boxes if box.node}
    chain = ["validate", "data/validated", "featurize", "data/features", "split", "dataset@v1.1.0", "train"]
    middles = {round(boxes[name].x + boxes[name].width / 2) for name in [*chain, "models/model.tar.gz"]}
    assert max(middles) - min(middles) <= 1
    assert [boxes[name].y for name in chain] == sorted(boxes[name].y for name in chain)


def test_sizes_fit_a_page() -> None:
    """No picture is wider than a page where it needn't be, and 200 versions can be scrolled."""
    assert drawing(of_trace(template())).width < 700
    assert drawing(of_trace(monorepo())).height < 900
    many = drawing(of_history(history(200)))
    assert many.width < 900
    assert many.height < 200 * 40 + 200


def test_the_work_grows_with_the_versions() -> None:
    """Four times as many versions are four times the work, and a little."""
    few, many = (calls(partial(svg, of_history(history(count)))) for count in (50, 200))
    assert many < 6 * few


@pytest.mark.parametrize("salt", ["1", "2"])
def test_the_same_graph_is_the_same_picture(salt: str) -> None:
    """In any process, whatever order sets have there."""
    script = (
        "import drawn; from dataops.lineage.draw.svg import svg; from dataops.lineage.draw import picture, history;"
        "print(svg(picture.of_trace(drawn.monorepo())), svg(history.of_history(drawn.history(60))),"
        " svg(history.of_history(drawn.columns())), svg(drawn.tangle(60, 1)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONHASHSEED": salt, "PYTHONPATH": f"{Path(__file__).parent}:{Path(__file__).parents[2] / 'src'}"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    here = [of_trace(monorepo()), of_history(history(60)), of_history(columns()), tangle(60, 1)]
    assert done.stdout == " ".join(svg(graph) for graph in here) + "\n"


def test_long_names_are_cut_in_the_middle() -> None:
    """Both ends of a path stay."""
    cut = elided("data/a/very/long/way/down/to/the/last/of/all/files.parquet", 13, 200)
    assert width(cut, 13) <= 200
    assert cut.startswith("data/a")
    assert cut.endswith(".parquet")
    assert elided("short", 13, 200) == "short"


def test_broken_graphs_are_refused() -> None:
    """An arrow to nowhere, an id twice, two boxes in one place."""
    one, two = Node("a", "data", "a"), Node("b", "data", "b")
    for graph in (
        Graph("x", (one,), (Edge("a", "b"),)),
        Graph("x", (one, one), ()),
        Graph("x", (one, two), (), {"a": 0, "b": 0}, {"a": 0, "b": 0}),
    ):
        with pytest.raises(ValueError, match=r"two nodes|both nodes"):
            drawing(graph)


SIDE_BY_SIDE = [
    Entry(version("dataset@v1.0.0", 0)),
    Entry(version("dataset@v2.0.0", 1, commit="c" * 40)),
    Entry(version("model@v1.0.0", 2, commit="c" * 40), ("dataset@v1.0.0",)),
    Entry(version("model@v2.0.0", 3), ("dataset@v2.0.0",)),
]  # what comes in beside a version that it was not made of


@pytest.mark.parametrize("entries", [history(60), history(200, seed=5), columns(20), SIDE_BY_SIDE])
def test_lines_never_run_together(entries: list[Entry]) -> None:
    """Two arrows lie on each other only where they leave one version or reach the same one."""
    pieces = []
    for route in drawing(of_history(entries)).routes:
        assert route.edge
        at = (0.0, 0.0)
        for end in (point for _, points in route.path for point in points):  # a round corner as if it had an angle
            for along in (0, 1):
                if at[1 - along] == end[1 - along] and abs(at[along] - end[along]) > 2:
                    pieces.append((along, at[1 - along], *sorted((at[along], end[along])), route.edge))
            at = end
    pieces.sort(key=lambda piece: piece[:3])
    for place, (along, where, begin, end, edge) in enumerate(pieces):
        for other_along, other_where, other_begin, other_end, other in pieces[place + 1 :]:
            if (other_along, other_where) != (along, where) or other_begin >= end - 2:
                break
            alike = edge.source == other.source or edge.target == other.target
            assert alike or min(end, other_end) - max(begin, other_begin) < 2, (edge, other)
