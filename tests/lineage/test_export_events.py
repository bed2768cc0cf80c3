"""Run events of a trace: valid whatever is in it, linked from step to step, the same every time."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from openlineage_schemas import problems

from dataops.lineage.exports.openlineage import Kept, World, events
from dataops.lineage.traced import Commit, Input, Made, Step, Trace
from dataops.repo.records import Output, Source
from dataops.repo.registry import Version
from dataops.repo.tags import Number

COMMIT = Commit("a" * 40, "Tess Ter", "tess@example.com", dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC), "april")
WORLD = World("https://host.org/team/repo", "https://host.org/team/repo", lambda _: Kept("s3://bucket/dvc"))
CARD = {"format": 1, "type": "dataset", "path": "data/dataset", "hash": "d1" * 16 + ".dir", "rows": 9,
        "reason": "the first version", "schema": {"date": "date32[day]", "sales": "int64"}}  # fmt: skip


def out(path: str, digest: str = "", **more: Any) -> Output:
    """An output that DVC keeps."""
    return Output(
        path,
        digest or path.encode(errors="surrogateescape").hex().ljust(32, "0")[:32],
        "md5",
        10,
        1,
        True,
        None,
        **more,
    )


def data(path: str, digest: str | None = None, *makers: str, **more: Any) -> Input:
    """What a step read of another's."""
    return Input(path, "data", digest, "md5", makers, **more)


def step(name: str, *inputs: Input, outs: tuple[Output, ...] = (), **more: Any) -> Step:
    """A stage."""
    given = {"kind": "stage", "cmd": f"python {name}.py", "params": {}, **more}
    return Step(f"dvc.yaml:{name}", inputs=inputs, outs=tuple(Made(one) for one in outs), **given)


def tell(*steps: Step, world: World = WORLD, **more: Any) -> list[dict[str, Any]]:
    """The events; every one valid, as JSON reads them back."""
    told = events(Trace("model@v1.0.0", COMMIT, steps, **more), world)
    assert [problem for event in told for problem in problems(event)] == []
    text = json.dumps(told, ensure_ascii=False, allow_nan=False).encode()
    read: list[dict[str, Any]] = json.loads(text)
    return read


def named(datasets: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Namespace and name of each."""
    return [(one["namespace"], one["name"]) for one in datasets]


def test_an_output_is_the_next_ones_input() -> None:
    """By the same namespace, name and version, so that a catalogue draws one line from source to model."""
    dataset = out("data/dataset", CARD["hash"])
    first, second = tell(
        step("split", outs=(dataset,)),
        step("fit", data("data/dataset", CARD["hash"], "dvc.yaml:split"), outs=(out("model.bin"),)),
    )
    assert named(second["inputs"]) == named(first["outputs"]) == [(WORLD.namespace, "data/dataset")]
    assert second["inputs"][0]["facets"] == first["outputs"][0]["facets"]
    assert first["outputs"][0]["facets"]["version"]["datasetVersion"] == CARD["hash"]
    assert first["outputs"][0]["facets"]["dataSource"]["uri"] == "s3://bucket/dvc"
    assert second["inputs"][0]["inputFacets"]["inputStatistics"]["size"] == 10


def test_folders_of_an_output_are_a_subset_of_it() -> None:
    """Two folders of one dataset are one input, which says which."""
    both = [data(f"data/dataset/{part}", part * 2, "dvc.yaml:split") for part in ("train", "validation")]
    first, second = tell(step("split", outs=(out("data/dataset"),)), step("fit", *both))
    assert named(second["inputs"]) == named(first["outputs"])
    facets = second["inputs"][0]["inputFacets"]
    assert facets["subset"]["inputCondition"] == {
        "type": "location",
        "locations": ["data/dataset/train", "data/dataset/validation"],
    }
    assert facets["dataops_subset"]["subset"][0] == {"path": "data/dataset/train", "hash": "traintrain"}


def test_a_folder_of_outputs_is_all_of_them() -> None:
    """And nothing that its makers wrote elsewhere; with a part of one beside it, the one as a whole."""
    made = step("split", outs=(out("data/a"), out("data/b"), out("report.json")))
    read = [data("data", None, "dvc.yaml:split"), data("data/a/x", None, "dvc.yaml:split")]
    _, second = tell(made, step("fit", *read))
    assert [name for _, name in named(second["inputs"])] == ["data/a", "data/b"]
    assert "subset" not in second["inputs"][0]["inputFacets"]


def test_what_was_written_anew_since_is_another_version() -> None:
    """A stage that read an older content than its maker has now: the same dataset, the version that it read."""
    _, second = tell(
        step("split", outs=(out("data/dataset", "b" * 32),)),
        step("fit", data("data/dataset", "a" * 32, "dvc.yaml:split", problem="was aaaaaaa when it ran")),
    )
    facets = second["inputs"][0]["facets"]
    assert facets["version"]["datasetVersion"] == "a" * 32
    assert facets["dataops_object"]["problem"] == "was aaaaaaa when it ran"
    assert "inputStatistics" not in second["inputs"][0].get("inputFacets", {})


def test_a_run_has_one_id() -> None:
    """Of the commit, the step and the repository: the same twice, another of any other."""
    steps = (step("split"), step("fit"))
    ids = [event["run"]["runId"] for event in tell(*steps)]
    assert ids == [event["run"]["runId"] for event in tell(*steps)]
    other = World("https://host.org/fork/repo")
    assert len({*ids, *(event["run"]["runId"] for event in tell(*steps, world=other))}) == 4
    below = [event["run"]["runId"] for event in tell(*steps, prefix="teams/a")]
    assert not {*ids} & {*below}
    parents = {event["run"]["facets"]["parent"]["run"]["runId"] for event in tell(*steps)}
    assert len(parents) == 1
    assert not parents & {*ids}


def test_the_time_is_the_commits() -> None:
    """Whatever somebody set their clock to."""
    assert tell(step("fit"))[0]["eventTime"] == "2026-01-02T03:04:05Z"
    for time in (dt.datetime.min, dt.datetime.max):
        odd = Commit("b" * 40, "", "", time.replace(tzinfo=dt.UTC), "")
        assert problems(events(Trace("x", odd, (step("fit"),)), WORLD)[0]) == []


def test_a_version_says_what_it_holds() -> None:
    """Columns, rows and the reason of its card; which versions have that content."""
    made = Made(out("data/dataset", CARD["hash"]), ("dataset@v1.0.0",))
    world = World("n", None, cards={"dataset@v1.0.0": CARD})
    (event,) = tell(Step("dvc.yaml:split", "stage", "", (), {}, (made,)), world=world)
    facets = event["outputs"][0]["facets"]
    assert [(one["name"], one["type"]) for one in facets["schema"]["fields"]] == list(CARD["schema"].items())
    assert facets["documentation"]["description"] == "dataset@v1.0.0: the first version"
    assert facets["tags"]["tags"] == [{"key": "version", "value": "dataset@v1.0.0", "source": "git"}]
    assert event["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 9
    assert "sourceCode" not in event["job"]["facets"]  # a stage without a command
    assert "sourceCodeLocation" not in event["job"]["facets"]  # a repository without an address


def test_a_model_says_how_it_was_trained() -> None:
    """The training record and the evaluation stand at the step that wrote it, the tag at every one; NaN is null."""
    model = out("model.bin")
    version = Version("model", Number.parse("v1.0.0"), "model@v1.0.0", "c" * 40, COMMIT.sha, ())
    first, second = tell(
        step("split"),
        step("fit", outs=(model,)),
        version=version,
        output=model,
        training={"backend": "local", "loss": float("nan")},
        evaluation={"wape": float("inf"), "deep": [[1]]},
    )
    assert second["run"]["facets"]["dataops_training"]["training"] == {"backend": "local", "loss": None}
    assert second["run"]["facets"]["dataops_evaluation"]["evaluation"] == {"wape": None, "deep": [[1]]}
    assert "dataops_training" not in first["run"]["facets"]
    for event in (first, second):
        assert event["job"]["facets"]["sourceCodeLocation"]["tag"] == "model@v1.0.0"
        assert event["job"]["facets"]["sourceCodeLocation"]["version"] == COMMIT.sha
        assert {"key": "version", "value": "model@v1.0.0", "source": "git"} in event["run"]["facets"]["tags"]["tags"]


def test_a_model_trained_elsewhere_reads_what_its_card_names() -> None:
    """The version's own dataset, where its card says that it is."""
    model = out("model.bin")
    alone = Step("model.bin.dvc", "file", "", (), {}, (Made(model),))
    (event,) = tell(
        alone,
        output=model,
        trained_on=("dataset@v1.0.0", "dataset@v9.0.0"),
        world=World("n", cards={"dataset@v1.0.0": CARD}),
    )
    assert named(event["inputs"]) == [("n", "data/dataset")]
    assert event["inputs"][0]["facets"]["version"]["datasetVersion"] == CARD["hash"]
    assert event["job"]["facets"]["jobType"]["jobType"] == "ADD"


def test_parameters_go_by_the_names_that_dvc_gives_them() -> None:
    """Nested ones with dots, another file's with its name; every value as text."""
    params: dict[str, Any] = {
        "params.yaml": {"train.rounds": 600, "drift": {"on": "warn", "top": [1, 2]}, "empty": {}},
        "sub/other.toml": {"day": dt.date(2024, 1, 15), "rate": float("nan"), "none": None, "ok": True},
    }
    (event,) = tell(step("fit", params=params))
    listed = event["run"]["facets"]["executionParameters"]["parameters"]
    assert {one["key"]: one["value"] for one in listed} == {
        "train.rounds": "600",
        "drift.on": "warn",
        "drift.top": "[1, 2]",
        "empty": "{}",
        "sub/other.toml:day": '"2024-01-15"',
        "sub/other.toml:rate": "NaN",
        "sub/other.toml:none": "null",
        "sub/other.toml:ok": "true",
    }


def test_an_import_comes_from_its_source() -> None:
    """From a repository by the name that it has there itself; from a URL by the URL. Neither has a password in it."""
    source = Source("https://me:pa55@host.org/other/data.git", "c" * 40, "data/dataset")
    repo = Step("got.dvc", "import", "", (), {}, (Made(out("got", url=source.url, source=source)),))
    url = "https://host.org/d.csv?sig=s3cret"
    web = Step("web.dvc", "import", "", (Input(url, "external", "etag1", "etag"),), {}, (Made(out("web", url=url)),))
    first, second = tell(repo, web)
    assert named(first["inputs"]) == [("https://host.org/other/data", "data/dataset")]
    assert first["inputs"][0]["facets"]["tags"]["tags"][0]["value"] == "c" * 40
    assert named(second["inputs"]) == [("https://host.org", "d.csv")]
    assert second["inputs"][0]["facets"]["version"]["datasetVersion"] == "etag1"
    assert {event["job"]["facets"]["jobType"]["jobType"] for event in (first, second)} == {"IMPORT"}
    assert not [secret for secret in ("pa55", "s3cret") if secret in json.dumps([first, second])]


def test_nothing_secret_leaves_in_a_url() -> None:
    """Not in a command, a parameter, a report or the address of the remote."""
    model = out("model.bin")
    (event,) = tell(
        step(
            "fit", outs=(model,), cmd="curl https://me:pa55@host/x", params={"params.yaml": {"db": "pg://u:pa55@h/d"}}
        ),
        output=model,
        training={"image": "https://h/x?token=pa55&y=1"},
        world=World("n", None, lambda _: Kept("https://u:pa55@h/dvc", "https://h/o?X-Amz-Signature=pa55")),
    )
    text = json.dumps(event)
    assert "pa55" not in text
    assert event["job"]["facets"]["sourceCode"]["sourceCode"] == "curl https://host/x"


def test_a_monorepo_counts_from_its_top() -> None:
    """Jobs and data of two DVC repositories in one of git are told apart."""
    (event,) = tell(step("fit", data("raw", "a" * 32), outs=(out("model.bin"),)), prefix="teams/a")
    assert event["job"]["name"] == "teams/a/dvc.yaml:fit"
    assert event["job"]["facets"]["sourceCodeLocation"]["path"] == "teams/a/dvc.yaml"
    assert [name for _, name in named(event["inputs"] + event["outputs"])] == ["teams/a/raw", "teams/a/model.bin"]


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("dvc.yaml:fit", "dvc.yaml"),
        ("sub/dvc.yaml:fit@eu:1", "sub/dvc.yaml"),
        ("a:b/dvc.yaml:fit", "a:b/dvc.yaml"),
        ("data/a:b.csv.dvc", "data/a:b.csv.dvc"),
    ],
)
def test_the_file_that_declares_it(address: str, path: str) -> None:
    """Of a stage its dvc.yaml, of a .dvc file itself."""
    (event,) = tell(Step(address, "stage", "", (), {}, ()))
    assert event["job"]["facets"]["sourceCodeLocation"]["path"] == path


def test_code_is_of_the_job() -> None:
    """No dataset: it stands with the job, by its hash."""
    code = [
        Input("fit.py", "code", "a" * 32, "md5"),
        Input("src", "code", None, "md5", problem="is not at this commit what it was"),
    ]
    (event,) = tell(step("fit", *code))
    assert event["inputs"] == []
    assert event["job"]["facets"]["dataops_code"]["code"] == [
        {"path": "fit.py", "hash": "a" * 32},
        {"path": "src", "hash": None, "problem": "is not at this commit what it was"},
    ]


HOSTILE = [
    'a"b',
    "ünï cödé",
    "a\nb",
    "\x1b[31mred",
    "\u202egnp",
    "\udcff",
    "x" * 5000,
    "' OR 1=1",
    "${PATH}",
    "//",
    "@",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(name: str) -> None:
    """Paths, commands, parameters, columns and versions of somebody's commit: valid, and no terminal obeys them."""
    made = Made(out(f"data/{name}"), (f"dataset@{name}",))
    card = {"schema": {name: name}, "reason": name, "type": name, "rows": True}
    told = tell(
        Step(f"dvc.yaml:{name}", "stage", name, (), {name: {name: {name: name}}}, (made,)),
        step("fit", data(f"data/{name}/{name}"), data(f"/abs/{name}"), data(f"s3://{name}/{name}"), data(f"../{name}")),
        world=World(name, None, lambda _: Kept(f"s3://{name}", name), {f"dataset@{name}": card}),
        output=made.output,
        training={name: [name, {name: name}]},
    )
    assert not {"\x1b", "\u202e", "\udcff"} & {*json.dumps(told, ensure_ascii=False)}


def test_endless_nesting_ends() -> None:
    """A report or parameter nested beyond reason is cut, not a crash."""
    deep: dict[str, Any] = {}
    for _ in range(900):
        deep = {"x": deep, "y": [deep]} if not deep else {"x": deep}
    model = out("model.bin")
    tell(step("fit", outs=(model,), params={"params.yaml": {"deep": deep}}), output=model, training=deep)
