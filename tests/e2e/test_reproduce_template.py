"""The template itself run again: from a fresh clone the same bytes; with one line changed, the stage is named."""

from __future__ import annotations

import json

import pytest
from checkout import Repo

pytestmark = pytest.mark.e2e


def test_a_model_comes_out_the_same_and_one_changed_line_is_found(clone: Repo) -> None:
    """Every stage from the landing batches to the model is identical; a line of featurize makes it the first to differ.

    The clone's own tree, index and branches stay as they are.
    """
    clone.run("git", "tag", "-a", "model@v1.0.0", "-m", "first")
    before = (
        clone.out("git", "status", "--porcelain"),
        clone.out("git", "for-each-ref"),
        clone.out("git", "stash", "list"),
    )
    said = clone.out("dataops", "reproduce", "model@v1.0.0")
    assert "identical: model@v1.0.0 comes out byte for byte" in said
    ran = [line.split()[:2] for line in said.splitlines() if line.startswith("  ")]
    assert ran == [[stage, "identical"] for stage in ("collect", "validate", "featurize", "split", "train")]
    after = (
        clone.out("git", "status", "--porcelain"),
        clone.out("git", "for-each-ref"),
        clone.out("git", "stash", "list"),
    )
    assert after == before
    assert len(clone.out("git", "worktree", "list").splitlines()) == 1

    source = clone.path / "src/pipeline/featurize.py"
    text, one = source.read_text(), "history.rolling_mean(n, horizon)"
    assert one in text
    source.write_text(text.replace(one, "history.rolling_mean(n + 1, horizon)"))
    clone.commit("Another mean")
    done = clone.run("dataops", "reproduce", "HEAD", "--json", status=1)
    found = json.loads(done.stdout)
    assert (found["verdict"], found["first_different"]) == ("different", "featurize")
    assert [stage["verdict"] for stage in found["stages"]] == ["identical", "identical", "different", "different"]
    assert any("src/pipeline/featurize.py" in line for line in found["not_what_ran"])
    features = next(one for one in found["stages"][2]["outputs"] if one["path"] == "data/features")
    assert "largest relative difference" in features["how"]
