"""A year of a dataset on the template itself: grown, corrected, narrowed, re-encoded; every version comes back."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from checkout import Repo

from dataops.ingest.recorded import folder_hash, md5

pytestmark = pytest.mark.e2e
VERSIONS = ["v1.0.0", "v1.1.0", "v1.1.1", "v2.0.0"]


def test_four_versions_and_their_bytes(history: Repo, tmp_path: Path) -> None:
    """`versions` lists four; what `get` brings has the hash of dvc.lock at the tag."""
    listed = json.loads(history.out("dataops", "versions", "dataset", "--json"))
    assert [entry["version"] for entry in listed] == VERSIONS[::-1]
    for version in VERSIONS:
        out = tmp_path / version
        history.run("dataops", "get", version, "--out", str(out))
        found = folder_hash({path.relative_to(out).as_posix(): md5(path) for path in out.rglob("*") if path.is_file()})
        assert found in history.out("git", "show", f"dataset@{version}^{{commit}}:dvc.lock")
    assert history.out("git", "status", "--porcelain") == ""


def test_everybody_agrees(history: Repo, tmp_path: Path) -> None:
    """gto, dvc and git read the same versions from the same tags."""
    show = json.loads(history.out("gto", "show", "dataset", "--json"))
    assert sorted(entry["version"] for entry in show) == VERSIONS
    told = json.loads(history.out("gto", "history", "dataset", "--json"))
    assert [entry["event"] for entry in told].count("registration") == len(VERSIONS)
    ours = json.loads(history.out("dataops", "show", "v1.1.0", "--json"))
    assert ours["commit"] == next(entry["commit_hexsha"] for entry in show if entry["version"] == "v1.1.0")
    assert ours["card"]["hash"] in history.out("git", "show", "dataset@v1.1.0")
    trees = []
    for name, command in {
        "artifacts": ("dvc", "artifacts", "get", ".", "dataset", "--rev", "v1.1.0", "-o"),
        "get": ("dvc", "get", ".", "data/dataset", "--rev", "dataset@v1.1.0", "-o"),
        "dataops": ("dataops", "get", "v1.1.0", "--out"),
    }.items():
        out = tmp_path / name
        history.run(*command, str(out))
        trees.append({str(path.relative_to(out)): md5(path) for path in out.rglob("*") if path.is_file()})
    assert trees[0] == trees[1] == trees[2]
    assert folder_hash(trees[0]) == ours["card"]["hash"]


def test_the_card_can_be_checked_by_hand(history: Repo, tmp_path: Path) -> None:
    """Its SHA-256 is that of `sha256sum`'s list."""
    history.run("dataops", "get", "v1.1.1", "--out", str(tmp_path / "x"))
    files = sorted((path for path in (tmp_path / "x").rglob("*") if path.is_file()), key=lambda path: str(path))
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(tmp_path / 'x')}\n" for path in files]
    card = json.loads(history.out("dataops", "show", "v1.1.1", "--json"))["card"]
    assert hashlib.sha256("".join(lines).encode()).hexdigest() == card["sha256"]


def test_load_reads_the_partitions_it_needs(history: Repo) -> None:
    """A month of one store, from a version that is not checked out."""
    code = (
        "import dataops; f = dataops.load('v1.0.0', part='train', columns=['date', 'sales'],"
        " filters=[('date', '>=', '2024-03-01'), ('date', '<', '2024-04-01'), ('store_id', '==', 2)]);"
        "print(len(f), list(f.columns), f['date'].min().date(), f['date'].max().date())"
    )
    said = history.out("python", "-c", code)
    assert said.endswith("['date', 'sales'] 2024-03-01 2024-03-31")
    assert int(said.split()[0]) > 100


def test_gc_keeps_every_version(history: Repo) -> None:
    """What nobody needs goes, from the cache and the remote; every released version still verifies, byte by byte."""
    said = history.out("dataops", "gc", "--remote", "--older-than", "0d", "--yes")
    assert "removed" in said
    assert "sound" in history.out("dataops", "verify", "--all", "--read-data")
    again = history.out("dataops", "gc", "--remote", "--older-than", "0d")
    assert "0 needed by nothing" in again
