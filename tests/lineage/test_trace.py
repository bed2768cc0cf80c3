"""Back to where the data came in, in repositories that never heard of this package: every hash is dvc.lock's."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tagrepo import TagRepo, plant
from worlds import World

from dataops.errors import DataOpsError
from dataops.lineage import tojson
from dataops.lineage.trace import find, trace
from dataops.lineage.traced import Step, Trace
from dataops.repo.git import Git
from dataops.versions.context import Context


def traced(repo: TagRepo, asked: str, path: str | None = None) -> Trace:
    """The trace of a name, as the command finds it."""
    context = Context(Git(repo.path), repo.path)
    return trace(context, *find(context, asked, path))


def hashes(step: Step) -> tuple[set[str], set[str]]:
    """What a step read and wrote."""
    return {str(one.digest) for one in step.inputs}, {made.output.digest for made in step.outs}


def as_recorded(entry: dict[str, list[dict[str, str]]]) -> tuple[set[str], set[str]]:
    """The same of an entry of dvc.lock."""
    return {one["md5"] for one in entry.get("deps", [])}, {one["md5"] for one in entry["outs"]}


def names(steps: tuple[Step, ...]) -> list[str]:
    """The addresses."""
    return [step.address for step in steps]


@pytest.mark.parametrize("version", ["v1.0.0", "v1.1.0"])
def test_every_hash_of_a_monorepo_is_the_locks(monorepo: World, version: str) -> None:
    """Both teams' models, each at its own tag with `=`; nothing of the other team is in it."""
    for team in ("a", "b") if version == "v1.0.0" else ("a",):
        lock = monorepo.recorded(f"teams/{team}=model@{version}", f"teams/{team}/dvc.lock")
        found = traced(monorepo, f"teams/{team}:model@{version}")
        stages = {step.address: step for step in found.steps if step.kind == "stage"}
        assert set(stages) == {f"teams/{team}/dvc.yaml:{name}" for name in lock}
        for name, entry in lock.items():
            assert hashes(stages[f"teams/{team}/dvc.yaml:{name}"]) == as_recorded(entry)
        assert [step.address for step in found.steps if step.kind == "file"] == ["teams/shared/base.csv.dvc"]
        assert found.versions == (f"teams/{team}:data@{version}",)
        assert found.steps[-1].params == {f"teams/{team}/params.yaml": {"rate": int(version[3]) + 1}}
        assert not found.warnings


def test_the_equals_sign_of_a_tag_means_the_same(monorepo: World) -> None:
    """`teams/a=model@v1.0.0` is what git calls it."""
    assert traced(monorepo, "teams/a=model@v1.0.0") == traced(monorepo, "teams/a:model@v1.0.0")


@pytest.mark.parametrize("version", ["v1.0.0", "v1.1.0"])
def test_imports_and_foreach_stages(importing: World, version: str) -> None:
    """Each expanded stage by its name, `.dvc` files and the import with its source and the commit it was taken at."""
    lock = importing.recorded(f"model@{version}")
    found = traced(importing, f"model@{version}")
    stages = {step.name: step for step in found.steps if step.kind == "stage"}
    assert set(stages) == {"build@eu", "build@us", "merge", "fit"} == set(lock)
    for name, entry in lock.items():
        assert hashes(stages[name]) == as_recorded(entry)
    assert found.versions == (f"dataset@{version}",)
    roots = {root.path: root for root in found.roots}
    assert set(roots) == {"cats", "data/eu.csv", "data/us.csv"}
    for path in ("cats", "data/eu.csv", "data/us.csv"):
        pointer = yaml.safe_load(importing.run("git", "show", f"model@{version}:{path}.dvc"))
        assert roots[path].digest == pointer["outs"][0]["md5"]
    source = roots["cats"].source
    assert source is not None
    assert source.url.endswith("registry")
    assert source.revision == TagRepo(Path(source.url)).run("git", "rev-parse", "HEAD")


def test_each_step_comes_after_what_it_needs(importing: World) -> None:
    """Sources first, the traced stage last."""
    found = traced(importing, "model@v1.1.0")
    place = {address: number for number, address in enumerate(names(found.steps))}
    assert found.steps[-1].address == "dvc.yaml:fit"
    for step in found.steps:
        for one in step.inputs:
            assert all(place[maker] < place[step.address] for maker in one.makers)


def test_a_dataset_a_revision_and_a_path(importing: World) -> None:
    """What is upstream of each, and no more."""
    assert "dvc.yaml:fit" not in names(traced(importing, "dataset@v1.0.0").steps)
    assert names(traced(importing, "HEAD", "built/eu.csv").steps) == [
        "cats.dvc",
        "data/eu.csv.dvc",
        "dvc.yaml:build@eu",
    ]
    assert traced(importing, "built/eu.csv").steps == traced(importing, "HEAD", "built/eu.csv").steps
    assert set(names(traced(importing, "HEAD").steps)) > set(names(traced(importing, "dataset@v1.1.0").steps))
    assert traced(importing, "latest").name == "model@v1.1.0"  # a bare name means the model


def test_code_that_is_not_what_ran(tmp_path: Path) -> None:
    """dvc.lock knows what ran; a commit that has other code, files of it or a folder, is told apart."""
    repo = plant(tmp_path / "repo")
    repo.dvc("init")
    repo.write("src/a.py", "1\n")
    repo.write("src/__pycache__/a.pyc", "x")
    repo.write("one.py", "1\n")
    repo.write(".dvcignore", "__pycache__\n")
    repo.write(".gitignore", "__pycache__\n")
    repo.write("dvc.yaml", "stages: {fit: {cmd: echo 1 > m, deps: [src, one.py], outs: [m]}}\n")
    repo.dvc("repro")
    repo.commit("as it ran")
    assert traced(repo, "HEAD").warnings == ()
    repo.commit("edited after", **{"src/a.py": "2\n"})
    assert traced(repo, "HEAD").warnings == ("fit: src is not at this commit what it was when the stage ran",)
    repo.commit("both", **{"one.py": "2\n"})
    assert len(traced(repo, "HEAD").warnings) == 2
    repo.commit("other line ends", **{"src/a.py": "1\n", "one.py": "1\r\n"})
    assert traced(repo, "HEAD").warnings == ()
    repo.run("git", "rm", "-q", "one.py")
    repo.commit("gone")
    assert traced(repo, "HEAD").warnings == ("fit: one.py is recorded, but neither git nor DVC has it at this commit",)


def test_a_stage_that_read_other_data_than_is_recorded_now(tmp_path: Path) -> None:
    """Half of the pipeline ran again: what a model read is told by its own record, also of a part of a folder."""
    repo = plant(tmp_path / "repo")
    repo.dvc("init")
    stages = "cut: {cmd: mkdir d && cp raw d/x, deps: [raw], outs: [d]}, fit: {cmd: cp d/x m, deps: [d/x], outs: [m]}"
    stages += ", whole: {cmd: cp d/x n, deps: [d], outs: [n]}"
    repo.commit(**{"dvc.yaml": f"stages: {{{stages}}}\n", "raw": "1\n"})
    repo.dvc("repro")
    repo.commit("all")
    old = {out.output.path: out.output.digest for step in traced(repo, "HEAD").steps for out in step.outs}
    repo.write("raw", "2\n")
    repo.dvc("repro", "cut")
    repo.commit("half")
    for stage, path in (("fit", "d/x"), ("whole", "d")):
        (read,) = next(step for step in traced(repo, "HEAD").steps if step.name == stage).inputs
        assert read.path == path
        assert "dvc.yaml:cut has recorded something else since" in read.problem
    assert next(step for step in traced(repo, "HEAD").steps if step.name == "whole").inputs[0].digest == old["d"]
    shutil.rmtree(repo.path / ".dvc/cache")  # a clone that never pulled can't compare a part of a folder
    found = traced(repo, "HEAD")
    assert [step.name for step in found.steps if any(one.problem for one in step.inputs)] == ["whole"]


def test_what_is_broken_is_passed_over(tmp_path: Path) -> None:
    """A lock with conflict markers, a tag on a commit without a lock, a .dvc file that is none: a line each."""
    repo = plant(tmp_path / "repo")
    repo.dvc("init")
    repo.write("x.csv", "1\n")
    repo.dvc("add", "x.csv")
    repo.write("a/dvc.yaml", "stages: {s: {cmd: echo, deps: [../x.csv], outs: [o]}}\nartifacts: {model: {path: o}}\n")
    repo.write("a/dvc.lock", "<<<<<<< ours\nschema: '2.0'\n")
    repo.write("y.csv.dvc", "outs: 7\n")
    repo.commit()
    repo.tag("a=model@v1.0.0")
    found = traced(repo, "HEAD")
    assert names(found.steps) == ["x.csv.dvc"]
    assert [warning.split(" at ")[0] for warning in found.warnings] == ["a/dvc.lock", "y.csv.dvc"]
    model = traced(repo, "a:model@v1.0.0")
    assert model.steps == ()
    assert any("has a/o" in warning for warning in model.warnings)
    empty = plant(tmp_path / "empty")
    empty.commit()
    empty.tag("model@v1.0.0")
    assert traced(empty, "model@v1.0.0").steps == ()
    assert "declares the artifact model" in traced(empty, "model@v1.0.0").warnings[-1]


LOCKS = {
    "1.x": "fit:\n  cmd: fit\n  deps:\n  - path: x.csv\n    md5: {x}\n  outs:\n  - path: m\n    md5: {m}\n",
    "2.0": "schema: '2.0'\nstages:\n  fit:\n    cmd: fit\n    deps:\n    - path: x.csv\n      md5: {x}\n"
    "    outs:\n    - path: m\n      md5: {m}\n",
}


@pytest.mark.parametrize("schema", LOCKS)
def test_old_locks(tmp_path: Path, schema: str) -> None:
    """What DVC 1 and 2 wrote: stages at top level, no `hash:`; the pointer's hash is of normalised text, too."""
    repo = plant(tmp_path / "repo")
    digest = {"x": "a" * 32, "m": "b" * 32}
    repo.write(".dvc/config", "")
    repo.write("x.csv.dvc", f"outs:\n- path: x.csv\n  md5: {digest['x']}\n")
    repo.write("dvc.yaml", "stages: {fit: {cmd: fit, deps: [x.csv], outs: [m]}}\nartifacts: {model: {path: m}}\n")
    repo.write("dvc.lock", LOCKS[schema].format(**digest))
    repo.commit()
    repo.tag("model@v1.0.0")
    found = traced(repo, "model@v1.0.0")
    assert names(found.steps) == ["x.csv.dvc", "dvc.yaml:fit"]
    assert found.steps[1].inputs[0].digest == digest["x"]
    assert found.steps[1].inputs[0].makers == ("x.csv.dvc",)
    assert found.output is not None
    assert found.output.digest == digest["m"]


def test_names_that_mean_nothing(importing: World) -> None:
    """One line and the nearest."""
    with pytest.raises(DataOpsError, match=r"no stage or \.dvc file at .* has merged\.cvs") as caught:
        traced(importing, "HEAD", "merged.cvs")
    assert caught.value.hint == "did you mean merged.csv?"
    with pytest.raises(DataOpsError, match="no-such-thing"):
        traced(importing, "no-such-thing")
    for near in ("data/eu.cvs", "../data/eu.csv"):
        with pytest.raises(DataOpsError, match=near) as caught:
            traced(importing, near)
        assert caught.value.hint == "did you mean data/eu.csv?"
    with pytest.raises(DataOpsError, match="'' is no name of a version"):  # $VERSION, not set
        traced(importing, "")


def test_a_card_is_about_its_version_alone(tmp_path: Path) -> None:
    """Another output of the commit that a model was released at was neither trained nor judged."""
    repo = plant(tmp_path / "repo")
    repo.dvc("init")
    stages = "cut: {cmd: cp raw d, deps: [raw], outs: [d]}, fit: {cmd: cp d m, deps: [d], outs: [m]}"
    declared = f"stages: {{{stages}}}\nartifacts: {{model: {{path: m, type: model}}}}\n"
    repo.commit(**{"dvc.yaml": declared, "raw": "1\n"})
    repo.dvc("repro")
    repo.commit("all")
    card = {"format": 1, "artifact": "model", "version": "v1.0.0", "type": "model", "evaluation": {"wape": 0.25}}
    card["training"] = {"backend": "local"}
    repo.tag("model@v1.0.0", message=f"model v1.0.0: first\n\n{json.dumps(card, indent=2)}\n")
    assert traced(repo, "HEAD").training == {"backend": "local"}
    found = traced(repo, "HEAD", "d")
    assert (found.training, found.evaluation) == (None, None)


def test_json_is_whole(importing: World) -> None:
    """Everything of the trace, as any JSON reader takes it."""
    found = traced(importing, "model@v1.1.0")
    told = json.loads(json.dumps(tojson.of_trace(found), allow_nan=False))
    assert [step["address"] for step in told["steps"]] == names(found.steps)
    assert told["made_of"] == ["dataset@v1.1.0"]
    assert {root["path"] for root in told["roots"]} == {"cats", "data/eu.csv", "data/us.csv"}
    assert told["commit"]["author"] == "Tess Ter"
    assert {root["revision"] is None for root in told["roots"]} == {True, False}


def _walk(value: object) -> Iterator[object]:
    yield value
    if isinstance(value, dict):
        for item in value.values():
            yield from _walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item)


def test_no_password_of_a_url(tmp_path: Path) -> None:
    """An import's source may have one; neither JSON nor text shows it."""
    repo = plant(tmp_path / "repo")
    repo.write(".dvc/config", "")
    url = "https://me:secret@example.org/x.csv?token=secret"
    repo.write("x.csv.dvc", f"deps:\n- path: {url}\n  etag: '\"1\"'\nouts:\n- path: x.csv\n  md5: {'0' * 32}\n")
    repo.commit()
    told = tojson.of_trace(traced(repo, "HEAD"))
    assert told["roots"][0]["url"].startswith("https://example.org/x.csv")
    assert not any(isinstance(value, str) and "secret" in value for value in _walk(told))
