"""Forward from some data: what reached whom, by what each stage recorded that it read."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tagrepo import TagRepo, plant
from toy import environ
from worlds import World

from dataops.errors import DataOpsError
from dataops.lineage import index, tojson
from dataops.lineage.impact import Impact, Reached, impact
from dataops.repo.git import Git
from dataops.versions.context import Context


def reached(repo: TagRepo, asked: str, path: str | None = None) -> Impact:
    """What a name's data reached."""
    context = Context(Git(repo.path), repo.path)
    return impact(context, context.resolve(asked), path)


def artifacts(found: Impact) -> dict[str | None, set[str]]:
    """The versions reached, by artifact; `not released` has none."""
    made: dict[str | None, set[str]] = {}
    for one in found.reached:
        if one.artifact:
            made.setdefault(one.artifact, set()).update(version.name for version in one.versions)
    return made


def row(found: Impact, path: str) -> Reached:
    """The only content of a path that was reached."""
    (one,) = [one for one in found.reached if one.path == path]
    return one


def test_the_models_of_a_team(monorepo: World) -> None:
    """A dataset's own model, not the next one's, nor the other team's."""
    assert artifacts(reached(monorepo, "teams/a:data@v1.0.0")) == {"teams/a:model": {"teams/a:model@v1.0.0"}}
    later = reached(monorepo, "teams/a:data@v1.1.0")
    assert artifacts(later) == {"teams/a:model": {"teams/a:model@v1.1.0"}}
    assert row(later, "teams/a/a.bin").versions[0].stages == ("prod",)
    assert row(later, "teams/a/a.bin").via == ("teams/a/dvc.yaml:fit",)


def test_what_all_share_reached_all(monorepo: World) -> None:
    """A file of `dvc add`, in every model there is; datasets don't read it."""
    found = artifacts(reached(monorepo, "HEAD", "teams/shared/base.csv"))
    assert found == {
        "teams/a:model": {"teams/a:model@v1.0.0", "teams/a:model@v1.1.0"},
        "teams/b:model": {"teams/b:model@v1.0.0"},
    }


def test_over_several_stages_and_an_import(importing: World) -> None:
    """The import reached both versions; what changed later only the later one; the way is told."""
    both = {"dataset": {"dataset@v1.0.0", "dataset@v1.1.0"}, "model": {"model@v1.0.0", "model@v1.1.0"}}
    assert artifacts(reached(importing, "HEAD", "cats")) == both
    assert artifacts(reached(importing, "HEAD", "data/us.csv")) == both
    found = reached(importing, "HEAD", "data/eu.csv")
    assert artifacts(found) == {"dataset": {"dataset@v1.1.0"}, "model": {"model@v1.1.0"}}
    assert row(found, "models/m.bin").via == ("build@eu", "merge", "fit")
    assert set(row(found, "models/m.bin").refs) == {"dataset@v1.1.0", "model@v1.1.0", "main"}


def test_a_stage_that_ran_again_on_other_data_is_not_reached(tmp_path: Path) -> None:
    """dvc.lock may hold the new data and the model of the old ones: each is judged by what it read."""
    repo = plant(tmp_path / "repo")
    repo.dvc("init")
    stages = "cut: {cmd: cp raw d, deps: [raw], outs: [d]}, fit: {cmd: cp d m, deps: [d], outs: [m]}"
    declared = f"stages: {{{stages}}}\nartifacts: {{dataset: {{path: d}}, model: {{path: m, type: model}}}}\n"
    repo.commit(**{"dvc.yaml": declared, "raw": "1\n"})
    repo.dvc("repro")
    repo.commit("one")
    repo.tag("dataset@v1.0.0")
    repo.write("raw", "2\n")
    repo.dvc("repro", "cut")
    repo.commit("two, but the model is that of one")
    repo.tag("dataset@v2.0.0")
    repo.tag("model@v2.0.0")
    assert artifacts(reached(repo, "dataset@v2.0.0")) == {}
    assert artifacts(reached(repo, "dataset@v1.0.0")) == {"model": {"model@v2.0.0"}}
    assert {version.name for version in reached(repo, "dataset@v1.0.0").same} == set()
    repo.tag("dataset@v2.0.1")
    assert {version.name for version in reached(repo, "dataset@v2.0.0").same} == {"dataset@v2.0.1"}


def test_branches_count_too(tmp_path: Path) -> None:
    """An untagged model on a branch was made of the data all the same."""
    repo = plant(tmp_path / "repo")
    repo.dvc("init")
    repo.commit(**{"dvc.yaml": "stages: {fit: {cmd: cp d m, deps: [d], outs: [m]}}\n"})
    repo.write("d", "1\n")
    repo.dvc("add", "d")
    repo.commit("data")
    repo.tag("dataset@v1.0.0")
    repo.run("git", "switch", "-qc", "try")
    repo.dvc("repro")
    repo.commit("a model")
    found = reached(repo, "try", "d")
    assert [(one.artifact, one.path, one.refs) for one in found.reached] == [(None, "m", ("try",))]
    with pytest.raises(DataOpsError, match="is a whole commit"):
        reached(repo, "try")


def test_the_index_may_go_or_be_damaged_at_any_time(importing: World, tmp_path: Path) -> None:
    """Cold, warm, deleted, garbage, in a folder that can't be written: the same answer."""
    repo = TagRepo(tmp_path / "copy")
    shutil.copytree(importing.path, repo.path, symlinks=True)
    git = Git(repo.path)
    file = repo.path / ".git" / index.FILE
    commits = [sha for _, sha in git.tips("refs/tags/", "refs/heads/")]
    digest = yaml_md5(repo, "data/us.csv.dvc")
    first = index.mentioning(git, commits, [digest])
    assert first == set(commits)
    assert file.is_file()
    size = file.stat().st_size
    assert index.mentioning(git, commits, [digest]) == first
    assert file.stat().st_size == size
    file.write_bytes(b"garbage" * 1000)
    assert index.mentioning(git, commits, [digest]) == first
    assert index.mentioning(git, commits, [digest]) == first
    file.unlink()
    file.mkdir()  # nothing can be written there
    assert index.mentioning(git, commits, [digest]) == first
    assert repo.run("git", "status", "--porcelain") == ""


def yaml_md5(repo: TagRepo, path: str) -> str:
    """The md5 of a .dvc file at HEAD."""
    return repo.run("git", "show", f"HEAD:{path}").split("md5: ")[1].split()[0]


def test_a_killed_index_is_whole_or_as_it_was(importing: World, tmp_path: Path) -> None:
    """Killed while it learns: the next question is answered as if nothing had been."""
    repo = TagRepo(tmp_path / "copy")
    shutil.copytree(importing.path, repo.path, symlinks=True)
    shutil.rmtree(repo.path / ".git/dataops", ignore_errors=True)
    code = (
        "import os, sys; from pathlib import Path\n"
        "from dataops.lineage import index; from dataops.repo.git import Git\n"
        "real = index._read\n"
        "def dying(git, blobs):\n"
        "    for place, one in enumerate(real(git, blobs)):\n"
        "        if place == 2: os.kill(os.getpid(), 9)\n"
        "        yield one\n"
        "index._read = dying\n"
        "git = Git(Path(sys.argv[1]))\n"
        "index.mentioning(git, [sha for _, sha in git.tips('refs/tags/')], ['0' * 32])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(repo.path)], env=environ({}), check=False)
    assert done.returncode == -9
    git = Git(repo.path)
    commits = [sha for _, sha in git.tips("refs/tags/")]
    assert index.mentioning(git, commits, [yaml_md5(repo, "data/us.csv.dvc")]) == set(commits)


def test_what_is_broken_or_not_here_is_passed_over(importing: World, tmp_path: Path) -> None:
    """A tag on a commit with a broken lock is reported; a commit that this clone lacks mentions nothing."""
    repo = TagRepo(tmp_path / "copy")
    shutil.copytree(importing.path, repo.path, symlinks=True)
    digest = yaml_md5(repo, "data/us.csv.dvc")
    repo.commit("broken", **{"dvc.lock": f"schema: '2.0'\n<<<<<<< ours\nx: {digest}\n"})
    repo.tag("model@v9.0.0")
    found = reached(repo, "HEAD", "data/us.csv")
    assert "model@v1.1.0" in artifacts(found)["model"]
    assert len(found.problems) == 1
    assert "conflict markers" in found.problems[0]
    assert index.mentioning(Git(repo.path), ["0" * 40], [digest]) == set()


def test_what_makes_no_sense(importing: World) -> None:
    """An output that isn't there is no data."""
    with pytest.raises(DataOpsError, match="nothing is recorded of nowhere"):
        reached(importing, "main", "nowhere")


def test_json(importing: World) -> None:
    """All of it."""
    told = json.loads(json.dumps(tojson.of_impact(reached(importing, "dataset@v1.0.0"))))
    assert told["data"][0]["path"] == "merged.csv"
    assert [one["versions"][0]["version"] for one in told["reached"] if one["artifact"]] == ["model@v1.0.0"]
