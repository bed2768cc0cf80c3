"""The commands `ingest` and `exclude` as a person calls them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dataops import cli
from dataops.ingest.exclusions import ensure_exclusions

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("repo")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], cwd=root, check=True)
    shutil.copy(ROOT / "params.yaml", root)
    (root / "below").mkdir()
    ensure_exclusions(root)
    return root


@pytest.fixture
def repo(made, tmp_path, monkeypatch):
    root = tmp_path / "repo"
    shutil.copytree(made, root)
    monkeypatch.chdir(root / "below")
    return root


def called(capsys, *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        cli.main(list(words))
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, err


def test_ingest_from_below_the_root(repo, capsys):
    """Relative paths are the caller's; the report names files, rows, batch and what to do next."""
    Path("s.csv").write_text("date,store_id,product_id,sales,price,promotion\n2024-01-01,1,1,1,1.0,false\n")
    status, out, err = called(capsys, "ingest", "s.csv", "--received", "2024-02-01T06:30")
    assert (status, err) == (0, "")
    assert "s.csv  1 row, 74 bytes" in out
    assert "batch data/landing/2024/02/01/0001-" in out
    assert "dvc repro" in out
    assert "git add data/landing.dvc" in out
    status, out, _ = called(capsys, "ingest", "s.csv")
    assert status == 0
    assert out.startswith("nothing new: s.csv")
    status, out, _ = called(capsys, "ingest", "s.csv", "--json", "--replace", "--dry-run")
    assert json.loads(out)["batch"] is None
    assert (repo / "data/exclusions.csv.dvc").exists()
    status, out, err = called(capsys, "exclude", "store_id=1", "--reason", "closed")
    assert (status, err) == (0, "")
    assert "store_id=1  closed" in out
    status, out, _ = called(capsys, "exclude", "--json")
    assert json.loads(out)[0]["reason"] == "closed"


def test_sample_as_json(repo, capsys):
    """--json is JSON alone."""
    status, out, err = called(
        capsys, "ingest", "sample", "--until", "2022-01-02", "--stores", "1", "--products", "2", "--json"
    )
    assert (status, err) == (0, "")
    result = json.loads(out)
    assert result["rows"] == 4
    assert result["files"][0]["name"] == "sales-2022-01.csv"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["ingest"], "say what to bring in"),
        (["ingest", "nothing.csv"], "no such file"),
        (["ingest", "sample", "more"], "comes alone"),
        (["ingest", "sample", "--items", "x"], "--items goes with the source http"),
        (["ingest", "x.csv", "--until", "2024-01-01"], "--until goes with the source sample"),
        (["ingest", "sample", "--received", "soon"], "is no date"),
        (["ingest", "sample", "--received", "2999-01-01"], "in the future"),
        (["ingest", "http", "gopher://x"], "begins with https"),
        (["exclude", "store_id"], "is not KEY=VALUE"),
        (["exclude", "store_id=1"], "--reason"),
        (["exclude", "store_id=1", "store_id=2", "--reason", "x"], "given twice"),
    ],
)
def test_wrong_calls(repo, capsys, words, says):
    """Status 2, one line and a hint, nothing made."""
    status, out, err = called(capsys, *words)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert says in err
    assert "Traceback" not in err
    assert not (repo / "data/landing").exists()


def test_outside_a_repository(tmp_path, monkeypatch, capsys):
    """The error says so."""
    monkeypatch.chdir(tmp_path)
    status, _, err = called(capsys, "ingest", "sample")
    assert status == 2
    assert "not inside a DVC repository" in err


def test_help_tells_the_sources(capsys):
    """Each source is in the help with an example."""
    status, out, _ = called(capsys, "ingest", "--help")
    assert status == 0
    for word in ("sample", "s3://", "http URL", "PATH", "--replace", "--dry-run"):
        assert word in out


def test_the_cli_starts_without_pandas():
    """Help costs nothing: no heavy import before a command runs."""
    heavy = ("pandas", "boto3", "requests", "numpy", "pyarrow")
    code = f"import sys, dataops.cli; dataops.cli.parser(); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
