"""What a picture of one version shows, and what it leaves to the tips."""

from __future__ import annotations

from dataclasses import replace

from drawn import code, data, made, monorepo, template, traced, version

from dataops.lineage.draw.fold import folded
from dataops.lineage.draw.graph import Edge, Graph, Node
from dataops.lineage.draw.picture import of_trace
from dataops.lineage.traced import Step


def titles(graph: Graph) -> dict[str, Node]:
    """Boxes by their titles, each of which is there once."""
    assert len({node.title for node in graph.nodes}) == len(graph.nodes)
    return {node.title: node for node in graph.nodes}


def arrows(graph: Graph) -> list[tuple[str, str]]:
    """Arrows by the titles of their ends."""
    title = {node.id: node.title for node in graph.nodes}
    return [(title[edge.source], title[edge.target]) for edge in graph.edges]


def test_the_templates_own_pipeline() -> None:
    """Sources, stages and what stages read: thirteen boxes in a row, the dataset's version and the model stand out."""
    graph = of_trace(template())
    found = titles(graph)
    assert {name: node.kind for name, node in found.items()} == {
        "data/landing": "source", "data/exclusions.csv": "source", "collect": "stage", "data/raw": "data",
        "reports/collection.json": "data", "validate": "stage", "data/validated": "data", "featurize": "stage",
        "data/features": "data", "split": "stage", "dataset@v1.1.0": "dataset", "train": "stage",
        "models/model.tar.gz": "model",
    }  # fmt: skip
    assert [node.title for node in graph.nodes if node.chosen] == ["models/model.tar.gz"]
    assert sorted(arrows(graph)) == sorted([
        ("data/landing", "collect"), ("collect", "data/raw"), ("collect", "reports/collection.json"),
        ("data/exclusions.csv", "validate"), ("data/raw", "validate"), ("reports/collection.json", "validate"),
        ("validate", "data/validated"), ("data/validated", "featurize"), ("featurize", "data/features"),
        ("data/features", "split"), ("split", "dataset@v1.1.0"), ("dataset@v1.1.0", "train"),
        ("train", "models/model.tar.gz"),
    ])  # fmt: skip
    label = next(edge.label for edge in graph.edges if edge.target == "stage:dvc.yaml:train")
    assert label == "train, validation", "which parts of the folder it read"
    assert found["train"].lines == ("8 code files, 6 parameters", "2 more outputs, not used here")
    assert "src/pipeline/train.py" in found["train"].tip
    assert "reports/training.json" in found["train"].tip
    assert found["models/model.tar.gz"].lines[1:] == ("trained locally", "wape 0.1812, mae 3.2")
    assert "a1b2c3d" in graph.subtitle


def test_the_released_name_is_the_title() -> None:
    """Of the traced version its own name, stages and whether it was taken back; the path and hash below."""
    trace = replace(template(), version=version("model@v1.2.0", 1, "prod"))
    chosen = next(node for node in of_trace(trace).nodes if node.chosen)
    assert (chosen.title, chosen.badges, chosen.faded) == ("model@v1.2.0", ("prod",), False)
    assert chosen.lines[0].startswith("models/model.tar.gz")


def test_what_was_taken_back_is_faded() -> None:
    """The traced version or the data that it was made of."""
    graph = of_trace(template(), deprecated={"dataset@v1.1.0", "dataset@v9.0.0"})
    assert [(node.title, node.lines[-1]) for node in graph.nodes if node.faded] == [("dataset@v1.1.0", "deprecated")]


def test_code_and_parameters_as_boxes() -> None:
    """One of each a stage, the stage's own parameters first."""
    graph = of_trace(template(), code=True)
    found = titles(graph)
    assert any(line.startswith("src/pipeline/train.py") for line in found["code of train"].lines)
    assert found["parameters of train"].lines[0] == "train.a = 1"
    assert ("code of train", "train") in arrows(graph)
    assert ("parameters of split", "split") in arrows(graph)
    assert not any("code file" in line for node in graph.nodes for line in node.lines)


def test_a_foreach_is_one_box() -> None:
    """Forty imports, stages and files are one each; told one by one when they are asked for."""
    graph = of_trace(monorepo(40))
    assert [node.title for node in graph.nodes] == [
        "40 files in data/raw/", "regions/dvc.yaml:prepare, 40 times", "40 files in data/ready/",
        "regions/dvc.yaml:merge", "regions:all@v3.0.0", "regions/dvc.yaml:train", "models/model.pkl",
        "s3://bucket/holidays.csv",
    ]  # fmt: skip
    assert "data/raw/39.csv" in graph.nodes[0].tip
    assert len(graph.edges) == 7
    whole = of_trace(monorepo(40), fold=False)
    assert len(whole.nodes) == 3 * 40 + 5
    assert len(whole.edges) == 3 * 40 + 4
    assert of_trace(monorepo(6)) == of_trace(monorepo(6), fold=False), "a few may stand side by side"


def test_folding_keeps_what_matters() -> None:
    """A released file keeps its box, a problem its line, and nothing joins a box to itself twice."""
    stages = [Node(f"s{n}", "stage", f"fit@{n}", ("! x was ab when it ran",) if n == 3 else ()) for n in range(9)]
    outs = [Node(f"o{n}", "dataset" if n == 5 else "data", f"out/{n}") for n in range(9)]
    graph = folded(Graph("x", (*stages, *outs), tuple(Edge(f"s{n}", f"o{n}") for n in range(9))))
    assert [node.title for node in graph.nodes] == ["fit, 9 times", "8 files in out/", "out/5"]
    assert "! x was ab when it ran" in graph.nodes[0].lines
    assert [(edge.source, edge.target) for edge in graph.edges] == [("s0", "o0"), ("s0", "o5")]


def test_released_files_never_fold() -> None:
    """However many stand alike."""
    nodes = (Node("s", "stage", "fit"), *(Node(f"o{n}", "dataset", f"part-{n}@v1.0.0") for n in range(9)))
    graph = Graph("x", nodes, tuple(Edge("s", f"o{n}") for n in range(9)))
    assert folded(graph) == graph


def test_a_contradiction_shows() -> None:
    """A stage that read what its maker has overwritten since: a dashed arrow, and a line in its box."""
    one = Step("a.dvc", "file", "", (), {}, (made("a", "a.dvc"),))
    problem = "was cd34 when it ran; a.dvc has ab12 now"
    two = Step("dvc.yaml:fit", "stage", "fit", (data("a", "a.dvc", problem=problem),), {}, (made("b", "dvc.yaml:fit"),))
    graph = of_trace(traced([one, two], "b"))
    edge = next(edge for edge in graph.edges if edge.target == "stage:dvc.yaml:fit")
    assert (edge.weak, edge.label) == (True, problem)
    assert f"! a: {problem}" in titles(graph)["fit"].lines


def test_where_data_came_in() -> None:
    """An import tells its URL, an external dependency is a source, and a released one has its name."""
    steps = [
        Step("in.csv.dvc", "import", "", (), {}, (made("in.csv", "in.csv.dvc", url="https://example.org/in.csv"),)),
        Step("dvc.yaml:fit", "stage", "fit",
             (data("in.csv", "in.csv.dvc"), data("s3://bucket/more"), data("/data/all", versions=("other@v1.0.0",))),
             {}, (made("model.pkl", "dvc.yaml:fit"),)),
    ]  # fmt: skip
    found = titles(of_trace(traced(steps, "model.pkl")))
    assert "from https://example.org/in.csv" in found["in.csv"].lines
    assert found["s3://bucket/more"].kind == "source"
    assert found["other@v1.0.0"].kind == "dataset"
    assert found["model.pkl"].kind == "model"


def test_a_model_from_elsewhere() -> None:
    """What its card says it was trained on is joined to it by a weak arrow."""
    step = Step("model.pkl.dvc", "file", "", (), {}, (made("model.pkl", "model.pkl.dvc"),))
    graph = of_trace(traced([step], "model.pkl", trained_on=("dataset@v1.0.0",)))
    assert arrows(graph) == [("dataset@v1.0.0", "model.pkl")]
    assert graph.edges[0].weak


def test_a_whole_commit() -> None:
    """Without one output to trace, DVC's outputs have boxes and reports that nobody reads do not."""
    step = Step("dvc.yaml:fit", "stage", "fit", (code("fit.py"),), {},
                (made("model.pkl", "x"), made("metrics.json", "x", cached=False)))  # fmt: skip
    assert list(titles(of_trace(traced([step])))) == ["fit", "model.pkl"]


def test_nothing_recorded() -> None:
    """An empty trace is an empty picture, not an error."""
    assert of_trace(traced([])).nodes == ()


def test_folders_and_the_files_in_them() -> None:
    """Whoever reads a folder is joined to each output in it; whoever reads a file, to the folder around it."""
    one = Step("dvc.yaml:one", "stage", "", (), {}, (made("data/a", "x"), made("data/b/c", "x"), made("other", "x")))
    two = Step("dvc.yaml:two", "stage", "", (data("data", "dvc.yaml:one"),), {}, (made("all", "y"),))
    end = Step("dvc.yaml:end", "stage", "", (data("all/part", "dvc.yaml:two"), data(".", "dvc.yaml:one")), {},
               (made("model", "z"),))  # fmt: skip
    into = [pair for pair in arrows(of_trace(traced([one, two, end], "model"))) if pair[1] in ("two", "end")]
    assert into == [("data/a", "two"), ("data/b/c", "two"), ("all", "end"), ("data/a", "end"), ("data/b/c", "end"),
                    ("other", "end")]  # fmt: skip


def test_strange_paths_end() -> None:
    """Whatever a broken record calls an output."""
    paths = ["//", "/", ".", "..", "../../x", "a//b", "s3://bucket//x", " "]
    steps = [Step(f"dvc.yaml:s{n}", "stage", "", (data(path, "dvc.yaml:s0"),), {}, (made(path, "x"),))
             for n, path in enumerate(paths)]  # fmt: skip
    assert len(of_trace(traced(steps)).nodes) >= len(paths)
