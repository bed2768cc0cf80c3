"""Which stages are out of date, of what DVC says and what git has; nothing is run here."""

from __future__ import annotations

from typing import Any

import pytest
from ci import stale

from dataops.repo.recorded import Snapshot
from dataops.repo.records import Dependency, Output, Stage


def stage(name: str, deps: dict[str, str], outs: dict[str, str], **params: Any) -> Stage:
    """A stage of dvc.yaml, or a .dvc file, with hashes."""
    address = name if name.endswith(".dvc") else f"dvc.yaml:{name}"
    made = tuple(Output(path, digest, "md5", 1, None, True, address) for path, digest in outs.items())
    read = tuple(Dependency(path, digest, "md5") for path, digest in deps.items())
    return Stage(address, "" if name.endswith(".dvc") else name, read, {"params.yaml": params}, made)


SNAPSHOT = Snapshot(
    "work tree",
    (
        stage("data/in.dvc", {}, {"data/in": "1.dir"}),
        stage("build", {"data/in": "1.dir", "build.py": "2"}, {"data/out": "3.dir"}, build={"a": 1, "b": {"c": [1]}}),
        stage("store", {"data/out": "3.dir"}, {"data/store": "4"}),
        stage("train", {"data/out/train": "5.dir"}, {"model": "6"}),
        stage("judge", {"model": "6", "data/out": "3.dir"}, {"report": "7"}),
    ),
    {},
)
FRESH = {  # a checkout without data
    "build": [{"changed deps": {"data/in": "deleted"}}, {"changed outs": {"data/out": "not in cache"}}],
    "train": [{"changed deps": {"data/out/train": "deleted"}}, {"changed outs": {"model": "deleted"}}],
    "data/in.dvc": [{"changed outs": {"data/in": "not in cache"}}],
}


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (FRESH, {}),
        ({"build": [{"changed deps": {"data/in": "modified"}}]}, {"build": ["data/in modified"]}),
        ({"build": [{"changed deps": {"build.py": "deleted"}}]}, {"build": ["build.py deleted"]}),
        ({"build": ["changed command"]}, {"build": ["changed command"]}),
        ({"build": [{"changed outs": {"data/out": "modified"}}]}, {"build": ["data/out modified"]}),
        (
            {"build": [{"changed deps": {"params.yaml": {"build": "modified"}}}]},
            {"build": ["build.a: 1 → 2", "build.b.c: [1] → None"]},
        ),
    ],
)
def test_what_is_stale(status: Any, found: Any):
    """Data that merely aren't here are not stale; parameters are named one by one."""
    params = {"params.yaml": {"build": {"a": 2, "b": {}}}}
    assert stale.stale(status, SNAPSHOT, params) == found


def test_what_never_ran():
    """A stage that dvc.lock doesn't know."""
    snapshot = Snapshot("work tree", SNAPSHOT.stages, {}, unrecorded={"new": "dvc.yaml:new"})
    assert stale.stale({}, snapshot, {}) == {"new": ["it never ran"]}


def test_another_list_of_files():
    """A part of a folder that changed since the stage read it, which `dvc status` doesn't see where it isn't."""
    assert stale.disagreeing(SNAPSHOT, lambda *_: None) == {}
    found = stale.disagreeing(SNAPSHOT, lambda *pair: pair[1].path != "data/out/train")
    assert found == {"train": ["data/out/train modified"]}


@pytest.mark.parametrize(
    ("names", "behind", "needed"),
    [
        (["build"], ["build", "store", "train", "judge"], {"data/in.dvc": ["data/in"]}),
        (["train"], ["train", "judge"], {"build": ["data/out", "data/out"]}),
        (["judge"], ["judge"], {"train": ["model"], "build": ["data/out"]}),
        ([], [], {}),
    ],
)
def test_what_has_to_be_here(names: list[str], behind: list[str], needed: dict[str, list[str]]):
    """What runs with a stage, and what that reads of others: nothing else is fetched."""
    assert stale.behind(names, SNAPSHOT) == behind
    assert stale.needed(names, SNAPSHOT) == needed


def test_what_is_not_here():
    """Outputs that are missing or incomplete; data that somebody changed are not simply missing."""
    assert stale.missing(FRESH) == {"data/out", "model", "data/in"}
    assert stale.unrecorded(FRESH) == []
    assert stale.unrecorded({"data/in.dvc": [{"changed outs": {"data/in": "modified"}}]}) == ["data/in"]
