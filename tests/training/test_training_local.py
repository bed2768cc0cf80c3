"""dataops.training.local: the entry point as a process."""

from __future__ import annotations

import shutil

import pytest
from workbench import ROOT, Bench, ended, sales

from dataops.training import launch
from dataops.training.local import environment


@pytest.fixture
def ready(bench: Bench) -> Bench:
    """A dataset, and the entry point where it belongs."""
    shutil.copytree(ROOT / "src/pipeline", bench.root / "src/pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    bench.put("validated", sales())
    bench.through("featurize", "split")
    return bench


def test_environment_is_sagemakers(bench: Bench):
    """Channels, folders and hyperparameters are those of this run alone."""
    found = environment({"PATH": "/bin", "SM_HP_OLD": "1"}, bench.root / "w", {"rounds": 3, "level": "", "refit": True})
    assert found["SM_CHANNEL_TRAIN"] == str(bench.root / "data/dataset/train")
    assert found["SM_MODEL_DIR"] == str(bench.root / "w/model")
    assert {n: v for n, v in found.items() if n.startswith("SM_HP_")} == {
        "SM_HP_ROUNDS": "3", "SM_HP_LEVEL": '""', "SM_HP_REFIT": "true"}  # fmt: skip
    assert found["PATH"] == "/bin"


def test_a_failing_entry_point_leaves_the_model(ready: Bench, capfd):
    """Its own line is printed, the status is 2, and the model of before stays."""
    (ready.root / "models").mkdir()
    (ready.root / "models/model.tar.gz").write_bytes(b"before")
    ready.set("train", num_leafs=3)
    done = ended(launch.run, status=2)
    said = capfd.readouterr().err
    assert "error: params.yaml: train: unknown key num_leafs" in said
    assert "Traceback" not in said
    assert "src/pipeline/train.py failed with exit status 1" in done.err
    assert (ready.root / "models/model.tar.gz").read_bytes() == b"before"
    assert list((ready.root / ".dataops/tmp").iterdir()) == []
