"""The history as a picture: columns of artifacts, rows of time."""

from __future__ import annotations

import random

from drawn import columns, history, version

from dataops.lineage.draw.history import Entry, connected, newest, of_history


def names(entries: list[Entry]) -> list[str]:
    """Of the versions."""
    return [entry.version.name for entry in entries]


def test_two_artifacts() -> None:
    """Data left of models; a model beside the dataset that it was just made of, else below what came before."""
    entries = [
        Entry(version("dataset@v1.0.0", 0)),
        Entry(version("model@v1.0.0", 1, "prod"), ("dataset@v1.0.0",), "WAPE 0.2"),
        Entry(version("dataset@v1.1.0", 2, deprecated="Ada: twice")),
        Entry(version("model@v1.1.0", 3), ("dataset@v1.0.0",)),
    ]
    graph = of_history(entries)
    assert graph.headings == ("dataset", "model")
    assert graph.columns == {name: name.startswith("model") for name in names(entries)}
    assert graph.rows == {"dataset@v1.0.0": 0, "model@v1.0.0": 0, "dataset@v1.1.0": 1, "model@v1.1.0": 2}
    assert [(e.source, e.target, e.weak) for e in graph.edges] == [
        ("dataset@v1.0.0", "model@v1.0.0", False), ("dataset@v1.0.0", "model@v1.1.0", False),
        ("dataset@v1.0.0", "dataset@v1.1.0", True), ("model@v1.0.0", "model@v1.1.0", True),
    ]  # fmt: skip
    node = {node.id: node for node in graph.nodes}
    assert node["model@v1.0.0"].badges == ("prod",)
    assert node["model@v1.0.0"].lines == ("2025-10-10 · WAPE 0.2",)
    assert node["dataset@v1.1.0"].faded
    assert "Ada: twice" in node["dataset@v1.1.0"].tip
    assert {name: one.kind for name, one in node.items()}["model@v1.1.0"] == "model"
    assert of_history(random.Random(1).sample(entries, 4)) == graph, "the order of the entries doesn't matter"


def test_time_runs_down() -> None:
    """Whatever is younger is never above; each artifact in one column, each cell taken once."""
    for entries in (history(200), columns(30)):
        graph = of_history(entries)
        order = sorted(entries, key=lambda entry: entry.version.time)
        rows = [graph.rows[entry.version.name] for entry in order]
        assert rows == sorted(rows)
        cells = [(graph.rows[name], graph.columns[name]) for name in names(entries)]
        assert len(set(cells)) == len(entries)
        for name in names(entries):
            assert graph.headings[graph.columns[name]] == name.split("@")[0]
        strong = [edge for edge in graph.edges if not edge.weak]
        assert sorted((edge.source, edge.target) for edge in strong) == sorted(
            (of, entry.version.name) for entry in entries for of in entry.data
        )
        assert all(graph.columns[edge.source] < graph.columns[edge.target] for edge in strong)


def test_data_comes_before_what_is_made_of_it() -> None:
    """Sales and weather, then features, then models."""
    assert of_history(columns()).headings == ("sales", "weather", "features", "model")


def test_the_newest_and_what_they_need() -> None:
    """With a limit, older data stay when a newer model was made of them."""
    entries = history(200)
    found = newest(entries, 20)
    assert names(found)[-20:] == names(sorted(entries, key=lambda entry: entry.version.time))[-20:]
    assert {name for entry in found[-20:] for name in entry.data} <= set(names(found))
    assert all(name.startswith("dataset") for name in names(found)[:-20])
    assert newest(entries, 1000) == sorted(entries, key=lambda entry: entry.version.time)


def test_one_artifact_and_its_relatives() -> None:
    """Back to what it was made of and forward to what was made of it, not sideways."""
    found = connected(columns(4), "features")
    assert {name.split("@")[0] for name in names(found)} == {"sales", "weather", "features", "model"}
    lone = [*columns(4), Entry(version("other@v1.0.0", 3)), Entry(version("else@v1.0.0", 4), ("other@v1.0.0",))]
    assert connected(lone, "features") == found
    assert names(connected(lone, "other")) == ["other@v1.0.0", "else@v1.0.0"]


def test_a_version_that_is_not_here() -> None:
    """A name that a card gives and no tag has still gets a box, faded."""
    graph = of_history([Entry(version("model@v1.0.0", 1), ("gone@v9.0.0",))])
    assert [(node.title, node.faded) for node in graph.nodes] == [("model@v1.0.0", False), ("gone@v9.0.0", True)]
    assert graph.headings == ("gone", "model")
    assert graph.rows["gone@v9.0.0"] < graph.rows["model@v1.0.0"]


def test_one_number_at_two_commits() -> None:
    """Two boxes, not one; what was made of that name hangs on the later one."""
    twice = [Entry(version("dataset@v1.0.0", day, commit=str(day) * 40)) for day in (1, 2)]
    graph = of_history([*twice, Entry(version("model@v1.0.0", 3), ("dataset@v1.0.0",))])
    assert len({node.id for node in graph.nodes}) == 3
    assert [node.title for node in graph.nodes] == ["dataset@v1.0.0", "dataset@v1.0.0", "model@v1.0.0"]
    assert next(edge.source for edge in graph.edges if not edge.weak).endswith("2" * 40)


def test_artifacts_in_a_circle() -> None:
    """Labels made by a model, a model made of the labels: drawn, in some order."""
    entries = [
        Entry(version("labels@v1.0.0", 0)),
        Entry(version("model@v1.0.0", 1), ("labels@v1.0.0",)),
        Entry(version("labels@v2.0.0", 2), ("model@v1.0.0", "labels@v1.0.0", "labels@v2.0.0")),
    ]
    graph = of_history(entries)
    assert sorted(graph.headings) == ["labels", "model"]
    assert len([edge for edge in graph.edges if not edge.weak]) == 3
    assert len(graph.edges) == 3, "a version made of the one before needs no second arrow"


def test_nothing_at_all() -> None:
    """No versions, no boxes."""
    assert of_history([]).nodes == ()
