"""CI's run on a small repository: what it refuses, whom it leaves alone, what a pull request is told."""

from __future__ import annotations

import json
import sys

import toy as toys
from cirepo import SCRIPTS, Pipeline


def test_broken_data_release_nothing(released: Pipeline):
    """The report says why; the branch and the tags are as they were; after a correction it goes on."""
    released.source(m2024_04=toys.month("2024-04", sales=-9))
    before = released.log(), released.tags()
    for _ in range(2):
        report = released.ci(status=1)
        assert "**check**: 1 file(s) with negative sales" in report
        assert "| data | failed |" in report
        assert (released.log(), released.tags()) == before
    released.toy.run("git", "checkout", "-q", ".")  # as a person takes back what the pipeline wrote
    released.source(m2024_04=toys.month("2024-04"))
    assert "dataset@v1.1.0" in released.ci()
    assert released.tags() == ["dataset@v1.0.0", "dataset@v1.1.0", "model@v1.0.0", "model@v1.1.0"]


def test_drift_that_may_not_be(released: Pipeline):
    """With on_drift: fail nothing is released and nothing trained; else the drift is told and the model is trained."""
    (released.toy.path / "fail-on-drift").write_text("yes\n")
    released.source(m2024_04=toys.month("2024-04", stores=4))
    before = released.log(), released.tags()
    report = released.ci(status=1)
    assert "drift in store" in report
    assert "| store | 0.5 | 0 | high | new categories |" in report
    assert (released.log(), released.tags()) == before
    (released.toy.path / "fail-on-drift").unlink()
    released.toy.commit("drift may be")
    report = released.ci()
    assert "the data changed; drift in store" in report
    assert released.tags()[-1] == "model@v1.1.0"
    reference = json.loads((released.toy.path / "reports/drift_reference.json").read_text())
    assert reference["version"] == "dataset@v1.1.0"
    assert reference["profile"]["rows"] == 3 * 28 * 3 + 4 * 28


def test_a_reference_that_somebody_pinned_stays(released: Pipeline):
    """A person's own choice since the last model isn't taken back."""
    reference = released.toy.path / "reports/drift_reference.json"
    mine = json.loads(reference.read_text()) | {"version": "mine"}
    reference.write_text(json.dumps(mine))
    released.toy.commit("mine")
    released.ci()
    assert "nothing to do" in released.ci()
    assert json.loads(reference.read_text())["version"] == "mine"


def test_a_model_that_a_gate_refuses(pipeline: Pipeline):
    """It is trained and committed once, and refused each time, without being trained again; nothing is pinned."""
    score = toys.SCORE.replace('"passed": True', '"passed": False, "problems": ["worse than naive"]')
    (pipeline.toy.path / "score.py").write_text(score)
    pipeline.toy.commit("strict")
    assert "worse than naive" in pipeline.ci(status=1)
    log = pipeline.log()
    report = pipeline.ci(status=1)
    assert "| release model | refused |" in report
    assert "| train |" not in report
    assert pipeline.log() == log == ["Model [skip ci]", "Data [skip ci]", "strict", "first"]
    assert pipeline.tags() == ["dataset@v1.0.0"]


def test_the_same_rows_in_other_bytes(released: Pipeline):
    """Whether that is a version, somebody has to say: until then every run refuses, and commits nothing more."""
    build = released.toy.path / "build.py"
    build.write_text(
        build.read_text().replace("shutil.copyfile(path, target)", "target.write_bytes(path.read_bytes().rstrip())")
    )
    released.toy.commit("no newline at the end")
    for _ in range(2):
        assert "re-encoded only" in released.ci(status=1)
        assert released.log()[:2] == ["Data [skip ci]", "no newline at the end"]
    report = released.ci("--bump", "patch")
    assert "dataset@v1.0.1" in report
    assert released.tags() == ["dataset@v1.0.0", "dataset@v1.0.1", "model@v1.0.0", "model@v1.1.0"]


def test_somebody_else_is_quicker(pipeline: Pipeline):
    """Another run releases the same in the same moment: there is one version, and both are content."""
    other = pipeline.checkout("other")
    driver = pipeline.folder / "driver.py"
    driver.write_text(f"""\
import subprocess, sys
from ci import steps
from ci.told import Told
from dataops.errors import run
from dataops.versions import context

def reached(name):
    if name == "dataset made":
        subprocess.run([sys.executable, {str(SCRIPTS / "ci_data.py")!r}, "--branch", "main"], cwd={str(other.path)!r},
                       check=True)

told = Told()
run(lambda: steps.run(context.here(), steps.Options(), told, reached))
print(told.steps)
""")
    done = pipeline.toy.run(sys.executable, str(driver), PYTHONPATH=f"{toys.SRC}:{SCRIPTS}")
    assert "somebody else's release of the same content" in done.stdout
    assert pipeline.tags() == ["dataset@v1.0.0", "model@v1.0.0"]
    assert len(pipeline.log()) == 4


def test_the_branch_moves_on(pipeline: Pipeline):
    """Somebody pushes while it computes: it starts over from their commit, and overwrites nothing."""
    other = pipeline.toy.clone(pipeline.folder / "colleague")
    (pipeline.toy.path / "score.py").write_text(f"""\
import pathlib, subprocess
other = pathlib.Path("{other.path}")
if not (other / "theirs").exists():
    (other / "theirs").write_text("theirs")
    for words in (["add", "theirs"], ["commit", "-qm", "theirs"], ["pull", "-q", "--rebase"],
                  ["push", "-q", "origin", "HEAD:main"]):
        subprocess.run(["git", *words], cwd=other, check=True)
{toys.SCORE}""")
    pipeline.toy.commit("slow")
    report = pipeline.ci()
    assert "main has moved on" in report
    assert pipeline.log()[:4] == [
        "Drift reference: dataset@v1.0.0 [skip ci]",
        "Model [skip ci]",
        "theirs",
        "Data [skip ci]",
    ]
    assert pipeline.tags() == ["dataset@v1.0.0", "model@v1.0.0"]


def test_a_pull_request_changes_nothing(released: Pipeline):
    """It computes, says what would be released and how that compares, and pushes neither data, commits nor tags."""
    released.toy.run("git", "switch", "-qc", "change")
    (released.toy.path / "data/source/2024-04.csv").write_text(toys.month("2024-04"))
    released.toy.dvc("add", "-q", "data/source")
    released.toy.dvc("push", "-q")
    released.toy.commit("April", push=False)
    pull = "refs/pull/1/merge"
    released.toy.run("git", "push", "-q", "origin", f"change:{pull}")
    objects = sorted((released.folder / "storage").rglob("*"))
    before = released.log(), released.tags()
    ci = released.checkout("request", pull)
    summary = released.folder / "summary.md"
    report = released.ci("--no-release", "--base", "main", where=ci, GITHUB_STEP_SUMMARY=str(summary))
    assert "would be dataset@v1.1.0" in report
    assert "28 days added" in report
    assert "would be a new version" in report
    assert "| rows | 252 | 336 |" in report
    assert summary.read_text() == report
    assert (released.log(), released.tags()) == before
    assert sorted((released.folder / "storage").rglob("*")) == objects
    plan = released.ci("--plan", where=released.checkout("another", pull))
    assert "run build: data/source modified" in plan
    assert "release dataset, if it comes out different" in plan


def test_who_is_left_alone(pipeline: Pipeline):
    """Work that isn't committed, or not pushed, or on nobody's branch, is one line and a hint; nothing is touched."""
    toy, params = pipeline.toy, pipeline.toy.path / "params.yaml"
    params.write_text(toys.PARAMS + "mine: 1\n")
    assert "not committed: params.yaml" in pipeline.ci(status=2)
    toy.commit("mine", push=False)
    assert "is not on origin/main yet" in pipeline.ci(status=2)
    toy.run("git", "reset", "-q", "--hard", "HEAD~1")
    toy.run("git", "checkout", "-q", "--detach")
    assert "--branch NAME" in pipeline.ci(status=2)
    assert "origin has no branch other" in pipeline.ci("--branch", "other", status=2)
    toy.run("git", "checkout", "-q", "main")
    (toy.path / "data/source/2024-01.csv").write_text(toys.month("2024-01", sales=1))
    assert "data/source was changed, and that is not recorded" in pipeline.ci(status=2)
    assert pipeline.log() == ["first"]


def test_a_remote_that_is_away(pipeline: Pipeline):
    """Data that can't be pushed are named by no commit; with the remote there again, the run finishes."""
    toy = pipeline.toy
    config = (toy.path / ".dvc/config.local").read_text()
    toy.dvc("remote", "modify", "--local", "storage", "url", "s3://nowhere/at-all")
    toy.dvc("remote", "modify", "--local", "storage", "endpointurl", "http://127.0.0.1:9")
    report = pipeline.ci(status=2, AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b", AWS_MAX_ATTEMPTS="1")
    assert "## Data: failed" in report
    assert pipeline.log() == ["first"]
    (toy.path / ".dvc/config.local").write_text(config)
    pipeline.ci()
    assert pipeline.tags() == ["dataset@v1.0.0", "model@v1.0.0"]
