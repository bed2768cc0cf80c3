"""dataops.params: every stage reads its section, and says what is wrong with it."""

from __future__ import annotations

import importlib

import pytest
import yaml
from workbench import ROOT

from dataops.checked import Checked
from dataops.errors import DataOpsError
from dataops.params import read, section
from dataops.tables.contract import Contract

STAGES = {"collect": "Collect", "validate": "Validate", "featurize": "Featurize", "split": "Split", "drift": "Drift",
          "evaluate": "Evaluate"}  # fmt: skip


class Sample(Checked):
    """A section."""

    horizon: int = 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "params.yaml is missing"),
        ("a: [1", "params.yaml is no valid YAML: "),
        ("a: 1\n\tb: 2\n", "params.yaml is no valid YAML: found a tab character that violates indentation, line 2"),
        (b"a: \xff\xfe\n", "params.yaml is not UTF-8"),
        ("", "params.yaml holds no sections"),
        ("- a\n", "params.yaml: expected keys and values, found a list"),
        ("other: {}\n", "params.yaml: the section sample is missing"),
        ("sample: {horizn: 3}\n", "params.yaml: sample: unknown key horizn"),
        ("sample: [1]\n", "params.yaml: sample: expected a section of keys, found list"),
    ],
)
def test_wrong_files(tmp_path, monkeypatch, text, message):
    """Each way to get params.yaml wrong is one line that names file, section and key."""
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / "params.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataOpsError) as error:
        section(Sample, "sample")
    assert error.value.message.startswith(message)
    assert "\n" not in error.value.message


def test_empty_section_is_all_defaults(tmp_path, monkeypatch):
    """`sample:` with nothing below it is a section."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("sample:\n")
    assert section(Sample, "sample").horizon == 1


def test_the_template_has_every_section():
    """The committed params.yaml satisfies every stage that reads it, and every hyperparameter is known."""
    path = ROOT / "params.yaml"
    assert section(Contract, "contract", path).target
    for stage, name in STAGES.items():
        section(getattr(importlib.import_module(f"pipeline.{stage}"), name), stage, path)
    train = importlib.import_module("pipeline.train")
    assert set(read(path)["train"]) <= set(train.DEFAULTS)


def test_dvc_tracks_what_stages_read():
    """dvc.yaml names the section of every stage, so that a changed parameter makes it run again."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for stage in STAGES:
        assert stage in stages[stage]["params"]
    for stage in ("feature_store", "train"):
        assert "featurize.known_ahead" in stages[stage]["params"]
    assert all("contract" in stage["params"] for stage in stages.values())


def test_a_key_that_stands_twice(tmp_path):
    """DVC refuses it; taking the last here would make the two disagree."""
    path = tmp_path / "params.yaml"
    path.write_text("a:\n  x: 1\n  x: 2\n")
    with pytest.raises(DataOpsError, match="no valid YAML: the key x twice, line 3"):
        read(path)


def test_a_huge_or_endless_file(tmp_path):
    """Neither hangs nor overflows."""
    path = tmp_path / "params.yaml"
    path.write_text("a: " + "[" * 100_000)
    with pytest.raises(DataOpsError, match="nested deeper than"):
        read(path)
    path.write_text("#" * (2 << 20))
    with pytest.raises(DataOpsError, match="larger than 256 KiB"):
        read(path)
