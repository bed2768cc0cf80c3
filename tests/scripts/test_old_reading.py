"""get_data.py, data_drift_detector.py and lineage_tracker.py: versions read by the old flags."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from oldcalls import Old
from toy import month

GET = "get_data.py"
DRIFT = "data_drift_detector.py"
LINEAGE = "lineage_tracker.py"


def test_list(twice: Old):
    """The header that pipelines look for."""
    assert twice.script(GET, "--list-versions").stdout.startswith("Available versions:\n  v1.1.1 ")


def test_metadata(twice: Old):
    """JSON and nothing else: the old facts of each file, and the card."""
    found = json.loads(twice.script(GET, "--version-id", "v1.1", "--metadata", "--bucket", twice.bucket).stdout)
    assert found["version_id"] == "v1.1.0"
    assert found["git_commit"] == twice.out("git", "rev-parse", "uploads@v1.1.0^{commit}")
    train = found["files"]["train.csv"]
    assert (train["rows"], train["duplicates"], train["missing"]["sales"]) == (84, 0, 0)
    assert found["card"]["rows"] == 252
    assert json.loads(twice.script(GET, "--latest").stdout)["version"] == "uploads@v1.1.1"


def test_download(twice: Old, tmp_path: Path):
    """An exact version, the latest over it as jobs do it every night, and some files of another artifact."""
    words = ("--download", "--local-dir", str(tmp_path / "d"))
    done = twice.script(GET, "--version-id", "v1.1", *words)
    assert "Using version ID: v1.1.0\nDownloaded uploads@v1.1.0: 3 files" in done.stdout
    assert (tmp_path / "d/train.csv").read_text() == month("2024-01")
    (tmp_path / "d/stray.csv").write_text("x")
    done = twice.script(GET, "--latest", *words)
    assert "holds 1 more file, which uploads@v1.1.1 has not" in done.stderr
    assert (tmp_path / "d/train.csv").read_text() == month("2024-01", sales=50)
    twice.script(
        GET, "--version-id", "dataset@v1.0", "--download", "--files", "train", "--local-dir", str(tmp_path / "e")
    )
    assert sorted(path.name for path in (tmp_path / "e/train").iterdir()) == ["2024-01.csv", "2024-02.csv"]


def test_a_number_is_that_number(twice: Old):
    """The old id v1.1 never became v1.1.1; `latest` and what is not a number mean what they mean everywhere."""
    for asked, name in (
        ("v1.1", "v1.1.0"),
        ("1.1.1", "v1.1.1"),
        ("v1", "v1.0.0"),
        ("latest", "v1.1.1"),
        ("v1.0", "v1.0.0"),
    ):
        assert f"Using version ID: {name}\n" in twice.script(GET, "--version-id", asked, "--uri").stdout


def test_uri(twice: Old):
    """DVC's objects; the readable folder once it is published."""
    done = twice.script(GET, "--version-id", "v1.1", "--uri", "--files", "train.csv")
    assert f"S3 URI: s3://{twice.bucket}/old-twice/files/md5/" in done.stdout
    assert "`dataops publish uploads@v1.1.1`" in twice.script(GET, "--latest", "--uri").stderr
    twice.dataops("publish", "uploads@v1.1.1")
    assert f"S3 URI: s3://{twice.bucket}/uploads/v1.1.1/\n" in twice.script(GET, "--latest", "--uri").stdout


def test_compare(twice: Old):
    """Which files differ."""
    said = twice.script(GET, "--compare", "v1.1", "latest").stdout
    assert "modified  train.csv" in said
    assert "validation.csv" not in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "which version?"),
        (("--version-id", "v9"), "v9 is no version of uploads"),
        (("--version-id", "main~2"), "is no version"),
        (("--version-id", "\x1b[31m"), "is no name of a version"),
        (("--version-id", ""), "which version?"),
        (("--version-id", "v1.1", "--latest"), "not allowed with"),
        (("--latest", "--bucket", "s3://other/"), "--bucket other: the data of this repository lie in"),
        (("--latest", "--uri", "--files", "nothing.csv"), "there is no file nothing.csv"),
        (("--latest", "--compare", "v1.1"), "expected 2 arguments"),
        (("--latest", "--download", "--local-dir", "dvc.yaml"), "hint: --local-dir names a folder"),
    ],
)
def test_get_refused(twice: Old, words: tuple[str, ...], told: str):
    """One line, status 2; what was typed can't steer a terminal."""
    said = twice.script(GET, *words, status=2).stderr
    assert told in said
    assert "\x1b" not in said


def test_drift(twice: Old, tmp_path: Path):
    """1 where it drifted, with the report saved; 0 where nothing moved."""
    words = ("--bucket", twice.bucket, "--threshold", "0.05", "--output", str(tmp_path / "drift.json"))
    done = twice.script(DRIFT, "--reference-version", "v1.1", "--current-version", "latest", *words, status=1)
    assert done.stdout.startswith("drift in sales (high): uploads@v1.1.1 against uploads@v1.1.0")
    assert f"Report saved to: {tmp_path / 'drift.json'}" in done.stdout
    assert json.loads((tmp_path / "drift.json").read_text())["columns_drifted"] == ["sales"]
    done = twice.script(DRIFT, "--reference-version", "v1.1", "--current-version", "v1.1.0")
    assert done.stdout.startswith("no drift")
    for wrong, told in (("9", "is no share"), ("x", "invalid float value"), ("nan", "is no share")):
        words = ("--reference-version", "v1.1", "--current-version", "latest", "--threshold", wrong)
        assert told in twice.script(DRIFT, *words, status=2).stderr
    words = ("--reference-version", "v1.1", "--current-version", "latest", "--output", "report.txt")
    assert "end it in .json" in twice.script(DRIFT, *words, status=2).stderr
    assert "--reference-version" in twice.script(DRIFT, status=2).stderr


def test_lineage(twice: Old, tmp_path: Path):
    """Trace both ways, list with both filters, the picture; nothing has to be created."""
    said = twice.script(LINEAGE, "trace", "--model-version", "v1.0", "--bucket", twice.bucket).stdout
    assert "made of    dataset@v1.0.0" in said
    assert "model@v1.0.0" in twice.script(LINEAGE, "trace", "--data-version", "dataset@v1.0").stdout
    for words in ((), ("--data-version", "dataset@v1.0.0"), ("--model-version", "v1.0.0")):
        assert "model@v1.0.0" in twice.script(LINEAGE, "list", *words).stdout
    assert "none of 1 versions" in twice.script(LINEAGE, "list", "--data-version", "v1.1").stdout
    out = tmp_path / "lineage.png"
    for words in ((), ("--model-version", "v1.0")):
        twice.script(LINEAGE, "graph", *words, "--output", str(out))
        assert out.read_bytes().startswith(b"\x89PNG")
    done = twice.script(
        LINEAGE, "create", "--data-version", "dataset@v1.0", "--model-version", "v1.0", "--job-name", "j"
    )
    assert "model@v1.0.0 was trained on dataset@v1.0.0" in done.stdout


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("create", "--data-version", "v1.1", "--model-version", "v1.0"), 1, "not of uploads@v1.1.0"),
        (
            ("create", "--data-version", "v1.1", "--model-version", "v7", "--model-path", "m.pkl"),
            1,
            "`dataops track m.pkl --name NAME --trained-on uploads@v1.1.0`",
        ),
        (("create", "--data-version", "v1.1"), 2, "lineage of what?"),
        (("trace",), 2, "trace what?"),
        (("trace", "--model-version", "v7"), 2, "v7 is no version of model"),
        (("list", "--bucket", "other"), 2, "--bucket other"),
        (("graph", "--output", "picture.txt"), 2, "no format is called so"),
        ((), 2, "ACTION"),
    ],
)
def test_lineage_refused(twice: Old, words: tuple[str, ...], status: int, told: str):
    """What can't be told, and how a model that was trained elsewhere is bound."""
    assert told in twice.script(LINEAGE, *words, status=status).stderr
