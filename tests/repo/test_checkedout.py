"""dataops.repo.checkedout: what the work tree's files record, as a commit's are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataops.errors import DataOpsError
from dataops.repo import checkedout

MD5 = "0123456789abcdef0123456789abcdef"
DVC_YAML = """\
vars: [params.yaml, more.toml]
stages:
  split: {cmd: x, wdir: sub, outs: [../data/set]}
  train: {cmd: x, outs: ["${place}/model", {report.json: {cache: false}}]}
  part: {foreach: [a, b], do: {cmd: x, outs: ["${more.folder}/${item}"]}}
"""
LOCK = f"""\
schema: '2.0'
stages:
  split: {{cmd: x, outs: [{{path: ../data/set, hash: md5, md5: {MD5}.dir}}]}}
  train: {{cmd: x, outs: [{{path: models/model, md5: {MD5}}}, {{path: report.json, hash: md5, md5: {MD5}}}]}}
  part@a: {{cmd: x, outs: [{{path: parts/a, hash: md5, md5: {MD5}}}]}}
  gone: {{cmd: x, outs: [{{path: data/gone, hash: md5, md5: {MD5}}}]}}
"""


def put(root: Path, **files: str) -> None:
    """Files by their names, in which `_` is a dot."""
    for name, text in files.items():
        (root / name.replace("_", ".")).write_text(text)


def test_outputs(tmp_path: Path):
    """Working directories and templates count, DVC 2's hashes are told apart, and a stage that is gone is gone."""
    put(
        tmp_path, dvc_yaml=DVC_YAML, dvc_lock=LOCK, params_yaml="place: models\n", more_toml='more = {folder = "parts"}'
    )
    found = {out.path: (out.digest, out.algorithm, out.cached) for out in checkedout.outputs(tmp_path)}
    assert found == {
        "data/set": (f"{MD5}.dir", "md5", True),
        "models/model": (MD5, "md5-dos2unix", True),
        "report.json": (MD5, "md5", False),
        "parts/a": (MD5, "md5", True),
    }


def test_an_output_of_its_own(tmp_path: Path):
    """`dvc add` writes a .dvc file beside what it records; dvc.lock goes first."""
    assert checkedout.output(tmp_path, "raw") is None
    put(tmp_path, raw_dvc=f"outs: [{{path: raw, hash: md5, md5: {MD5}.dir}}]\n")
    out = checkedout.output(tmp_path, "raw")
    assert out is not None
    assert (out.path, out.digest, out.stage) == ("raw", f"{MD5}.dir", "raw.dvc")
    put(tmp_path, dvc_yaml=DVC_YAML, dvc_lock=LOCK, report_json_dvc=f"outs: [{{path: report.json, md5: {MD5}}}]\n")
    report = checkedout.output(tmp_path, "report.json")
    assert report is not None
    assert report.stage == "dvc.yaml:train"


@pytest.mark.parametrize("lock", ["<<<<<<< HEAD\nschema: '2.0'\n", "[1, 2]", "stages: 3", "schema: 1\nstages: {a: 3}"])
def test_a_broken_lock(tmp_path: Path, lock: str):
    """A merge conflict, or anything else that isn't DVC's: one line that names the file."""
    put(tmp_path, dvc_yaml=DVC_YAML, dvc_lock=lock)
    with pytest.raises(DataOpsError, match=r"dvc\.lock"):
        checkedout.outputs(tmp_path)
