"""CI's run on a small repository: what it refuses, whom it leaves alone, what a pull request is told."""

from __future__ import annotations

import json

import toy as toys
from cirepo import Pipeline


def test_broken_data_release_nothing(pipeline: Pipeline):
    """The report says why; the branch and the tags are as they were; after a correction it goes on."""
    pipeline.ci()
    pipeline.pull()
    pipeline.source(m2024_04=toys.month("2024-04", sales=-9))
    before = pipeline.log(), pipeline.tags()
    for _ in range(2):
        report = pipeline.ci(status=1)
        assert "**check**: 1 file(s) with negative sales" in report
        assert "| data | failed |" in report
        assert (pipeline.log(), pipeline.tags()) == before
    pipeline.toy.run("git", "checkout", "-q", ".")  # as a person takes back what the pipeline wrote
    pipeline.source(m2024_04=toys.month("2024-04"))
    assert "dataset@v1.1.0" in pipeline.ci()
    assert pipeline.tags() == ["dataset@v1.0.0", "dataset@v1.1.0", "model@v1.0.0", "model@v1.1.0"]


def test_drift_that_may_not_be(pipeline: Pipeline):
    """With on_drift: fail nothing is released and nothing trained; else the drift is told and the model is trained."""
    pipeline.ci()
    pipeline.pull()
    (pipeline.toy.path / "fail-on-drift").write_text("yes\n")
    pipeline.source(m2024_04=toys.month("2024-04", stores=4))
    before = pipeline.log(), pipeline.tags()
    report = pipeline.ci(status=1)
    assert "drift in store" in report
    assert "| store | 0.5 | 0 | high | new categories |" in report
    assert (pipeline.log(), pipeline.tags()) == before
    (pipeline.toy.path / "fail-on-drift").unlink()
    pipeline.toy.commit("drift may be")
    report = pipeline.ci()
    assert "the data changed; drift in store" in report
    assert pipeline.tags()[-1] == "model@v1.1.0"
    reference = json.loads((pipeline.toy.path / "reports/drift_reference.json").read_text())
    assert reference["version"] == "dataset@v1.1.0"
    assert reference["profile"]["rows"] == 3 * 28 * 3 + 4 * 28


def test_a_reference_that_somebody_pinned_stays(pipeline: Pipeline):
    """A person's own choice since the last model isn't taken back."""
    pipeline.ci()
    pipeline.pull()
    reference = pipeline.toy.path / "reports/drift_reference.json"
    mine = json.loads(reference.read_text()) | {"version": "mine"}
    reference.write_text(json.dumps(mine))
    pipeline.toy.commit("mine")
    pipeline.ci()
    assert "nothing to do" in pipeline.ci()
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
    assert pipeline.log()[:4] == ["Drift reference: dataset@v1.0.0 [skip ci]", "Model [skip ci]", "theirs",
                                  "Data [skip ci]"]  # fmt: skip
    assert pipeline.tags() == ["dataset@v1.0.0", "model@v1.0.0"]


def test_a_pull_request_changes_nothing(pipeline: Pipeline):
    """It computes, says what would be released and how that compares, and pushes neither data, commits nor tags."""
    pipeline.ci()
    pipeline.pull()
    pipeline.toy.run("git", "switch", "-qc", "change")
    (pipeline.toy.path / "data/source/2024-04.csv").write_text(toys.month("2024-04"))
    pipeline.toy.dvc("add", "-q", "data/source")
    pipeline.toy.dvc("push", "-q")
    pipeline.toy.commit("April", push=False)
    pipeline.toy.run("git", "push", "-q", "origin", "change")
    objects = sorted((pipeline.folder / "storage").rglob("*"))
    before = pipeline.log(), pipeline.tags()
    ci = pipeline.checkout("pr", "--branch", "change")
    summary = pipeline.folder / "summary.md"
    report = pipeline.ci("--no-release", "--base", "main", where=ci, GITHUB_STEP_SUMMARY=str(summary))
    assert "would be dataset@v1.1.0" in report
    assert "28 days added" in report
    assert "would be a new version" in report
    assert "| rows | 252 | 336 |" in report
    assert summary.read_text() == report
    assert (pipeline.log(), pipeline.tags()) == before
    assert sorted((pipeline.folder / "storage").rglob("*")) == objects
    assert "release dataset, if it comes out different" in pipeline.ci(
        "--plan", where=pipeline.checkout("p2", "-b", "change")
    )


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
