"""SVG, PNG, Mermaid and DOT: true to the graph, and harmless whatever things are called."""

from __future__ import annotations

import re
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import pydot
import pytest
from drawn import columns, history, hostile, monorepo, template
from matplotlib.image import imread

from dataops.errors import DataOpsError
from dataops.lineage.draw.dot import dot
from dataops.lineage.draw.graph import Graph, Node
from dataops.lineage.draw.history import of_history
from dataops.lineage.draw.layout import drawing
from dataops.lineage.draw.mermaid import mermaid
from dataops.lineage.draw.picture import of_trace
from dataops.lineage.draw.png import png, scaled
from dataops.lineage.draw.svg import svg
from dataops.versions.wording import clean

GRAPHS = {
    "template": lambda: of_trace(template(), code=True),
    "monorepo": lambda: of_trace(monorepo(), fold=False),
    "hostile": hostile,
    "history": lambda: of_history(history(200)),
    "columns": lambda: of_history(columns()),
    "nothing": lambda: Graph("Nothing", (), ()),
}
ELEMENTS = {"svg", "title", "rect", "g", "text", "path", "polygon"}
ATTRIBUTES = {
    "width", "height", "viewBox", "role", "aria-label", "font-family", "x", "y", "rx", "fill", "stroke", "stroke-width",
    "stroke-dasharray", "class", "font-size", "font-weight", "text-anchor", "text-decoration", "d", "points",
}  # fmt: skip


@pytest.fixture(params=GRAPHS)
def graph(request: pytest.FixtureRequest) -> Graph:
    """One of the graphs."""
    return GRAPHS[request.param]()


def test_svg_is_xml_and_nothing_else(graph: Graph) -> None:
    """It parses, has no element or attribute that could run or fetch anything, and a group for each box and arrow."""
    text = svg(graph)
    root = ET.fromstring(text)  # what a browser is as strict about
    found = drawing(graph)
    assert (root.get("width"), root.get("height")) == (f"{found.width}", f"{found.height}")
    assert root.get("viewBox") == f"0 0 {found.width} {found.height}"
    for element in root.iter():
        assert element.tag.removeprefix("{http://www.w3.org/2000/svg}") in ELEMENTS
        assert set(element.attrib) <= ATTRIBUTES
    groups = [group.get("class", "") for group in root.iter("{http://www.w3.org/2000/svg}g")]
    assert sum(name.startswith("node ") for name in groups) == len(graph.nodes)
    assert groups.count("edge") == len(graph.edges)
    assert "http" not in re.sub(r"<title>.*?</title>|<text.*?</text>", "", text, flags=re.DOTALL).replace(
        "http://www.w3.org/2000/svg", ""
    )


def test_svg_tips_tell_everything() -> None:
    """What a box cuts, its tip has whole, as it was called."""
    graph = hostile()
    root = ET.fromstring(svg(graph))
    space = "{http://www.w3.org/2000/svg}"
    tips = [g.findtext(f"{space}title") for g in root.iter(f"{space}g") if g.get("class", "").startswith("node")]
    for node, tip in zip(graph.nodes, tips, strict=True):
        assert (tip or "").startswith(clean(node.title)[:2000])


def test_mermaid_has_no_line_of_its_own_making(graph: Graph) -> None:
    """Each line is one of the few that are written here; labels hold letters, entities and line breaks alone."""
    lines = mermaid(graph).splitlines()
    assert [lines[0], lines[2]] == ["---", "---"]
    assert re.fullmatch(r'title: "(?:[^"\\]|\\["\\u]|\\u[0-9a-f]{4})*"', lines[1])
    assert lines[3] in ("flowchart LR", "flowchart TB")
    label = r'"(?:[\w /,.@=:-]|#\d+;|<br/>)+"'
    box = rf"  n\d+(?:\[{label}\]|\({label}\)|\[\({label}\)\]):::(?:source|data|code|stage|dataset|model|faded)"
    arrow = rf"  n\d+ (?:-->|-\.->)(?:\|{label}\|)? n\d+"
    style = r"  (?:classDef \w+ fill:#\w{6},stroke:#\w{6},color:#\w{6}(?:,stroke-dasharray:4 3)?|style n\d+ [\w:#,-]+)"
    kinds = [[line for line in lines[4:] if re.fullmatch(form, line)] for form in (box, arrow, style)]
    assert sum(map(len, kinds)) == len(lines) - 4
    assert len(kinds[0]) == len(graph.nodes)
    assert len(kinds[1]) == len([edge for edge in graph.edges if not (edge.weak and graph.rows)])


def test_mermaid_says_the_names() -> None:
    """Decoded, a label begins with the title, shortened where it is long."""
    graph = hostile()
    boxes = re.findall(r'^  n\d+[\[(]+"(.*?)"[\])]+:::', mermaid(graph), re.MULTILINE)
    for node, text in zip(graph.nodes, boxes, strict=True):
        said = re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text.split("<br/>")[0])
        expected = (clean(node.title) or "?").replace("\ufb02", "fl").replace("$$", "$ $")
        assert said == (expected if len(expected) <= 80 else expected[:79] + "…")


def test_mermaid_of_200_versions_can_be_drawn() -> None:
    """It stays below what Mermaid takes by default: 50,000 characters and 500 arrows."""
    text = mermaid(of_history(history(200)))
    assert len(text) < 50_000
    assert text.count("-->") < 500


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of pydot's, about its parser
def test_dot_is_read_by_a_parser(graph: Graph) -> None:
    """The same boxes and arrows, and names as they are called, none as HTML."""
    found = pydot.graph_from_dot_data(dot(graph))
    assert found is not None
    nodes = {node.get_name(): node for node in found[0].get_nodes() if re.fullmatch(r"n\d+", node.get_name())}
    assert len(nodes) == len(graph.nodes)
    assert len(found[0].get_edges()) == len(graph.edges)
    for number, node in enumerate(graph.nodes):
        label = nodes[f"n{number}"].get_label()
        assert label.startswith('"')
        written = (clean(node.title) or "?").replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
        assert label[1:].startswith(written)


def test_png_is_the_same_picture(tmp_path: Path, graph: Graph) -> None:
    """As many pixels as it says, twice the SVG's; the same bytes each time; no warning about strange letters."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        width, height = png(graph, tmp_path / "a.png")
        png(graph, tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert b"matplotlib" not in (tmp_path / "a.png").read_bytes().lower()
    picture = imread(tmp_path / "a.png")
    assert picture.shape[:2] == (height, width)
    found = drawing(graph)
    scale = width / found.width
    assert 0.5 <= scale <= 2
    for box in found.boxes:  # its colour is where the layout says
        x, y = round((box.x + box.width - 6) * scale), round((box.y + 4.5) * scale)
        fill = [int(box.look.fill[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        assert abs(picture[y, x, :3] - fill).max() < 0.02, box.node


def test_no_absurd_png(tmp_path: Path) -> None:
    """Long histories are drawn smaller, and refused where nobody could read them."""
    assert scaled(700, 1000) == 2
    assert scaled(700, 16_000) == 1
    assert scaled(10_000, 10_000) ** 2 * 1e8 == pytest.approx(6e7)
    with pytest.raises(DataOpsError, match="too large for a PNG"):
        scaled(700, 40_000)
    tall = Graph("Tall", nodes := tuple(Node(f"n{n}", "data", f"n{n}") for n in range(2000)), (),
                 {node.id: n for n, node in enumerate(nodes)}, {node.id: 0 for node in nodes}, ("x",))  # fmt: skip
    with pytest.raises(DataOpsError, match="--limit"):
        png(tall, tmp_path / "tall.png")
    assert not list(tmp_path.iterdir())
