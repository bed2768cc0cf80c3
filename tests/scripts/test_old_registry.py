"""data_version_manager.py: single files with versions, by the old actions."""

from __future__ import annotations

from pathlib import Path

from oldcalls import Old

MANAGER = "data_version_manager.py"


def test_version_list_and_info(old: Old, tmp_path: Path):
    """A file of the repository, its next version from elsewhere, the same again; then what there is."""
    path = old.path / "data/stores.csv"
    path.write_text("store,city\n1,Berlin\n")
    words = ("--version", "v1.0", "--description", "Where they are")
    done = old.script(MANAGER, "version", "data/stores.csv", "stores", *words)
    assert "Created version v1.0.0 of stores: 20 B, sha256 " in done.stdout
    assert old.out("git", "status", "--porcelain") == ""
    newer = tmp_path / "new stores.csv"
    newer.write_text("store,city\n1,Berlin\n2,Bonn\n")
    assert "Created version v1.1.0" in old.script(MANAGER, "version", str(newer), "stores").stdout
    assert path.read_text() == newer.read_text()
    assert "is unchanged since stores@v1.1.0" in old.script(MANAGER, "version", str(newer), "stores", status=1).stderr
    assert old.tags(remote=True) == ["stores@v1.0.0", "stores@v1.1.0"]
    for words in ((), ("stores",)):
        listed = old.script(MANAGER, "list", *words).stdout.splitlines()
        assert [line.split()[0] for line in listed] == ["stores", "version", "v1.1.0", "v1.0.0"]
    assert old.script(MANAGER, "info", "stores").stdout.startswith("stores@v1.1.0\n")
    assert "Where they are" in old.script(MANAGER, "info", "stores", "--version", "v1.0").stdout


def test_a_file_from_elsewhere(old: Old, tmp_path: Path):
    """It lies below data/ under its name from then on; what it is needn't be a table."""
    (tmp_path / "model.pkl").write_bytes(b"\x80weights")
    old.script(MANAGER, "version", str(tmp_path / "model.pkl"), "tuned")
    assert (old.path / "data/tuned.pkl").read_bytes() == b"\x80weights"


def test_refused(old: Old, tmp_path: Path):
    """One line each, and nothing changes."""
    (tmp_path / "a.csv").write_text("a\n1\n")
    file = str(tmp_path / "a.csv")
    before = old.state()
    for words, told in {
        ("version", "nothing.csv", "a"): "there is no file nothing.csv",
        ("version", "data", "a"): "there is no file data",
        ("version", file, "../../a"): "can't name an artifact",
        ("version", file, "a", "--version", "final"): "a version's own name is a number",
        ("version", file, "a", "--version", "2024-01-15"): "a version's own name is a number",
        ("version", file, "dataset"): "dataset is a folder",
        ("version", "build.py", "code"): "build.py is in git",
        ("version", "reports/validation.json", "report"): "is in git",
        ("version", "models/model.bin", "again"): "is the artifact model already",
        ("list", "nothing"): "nothing has no versions",
        ("info", "nothing"): "there are no versions yet",
        ("info", "--help-me"): "the following arguments are required",
        ("version",): "the following arguments are required",
    }.items():
        assert told in old.script(MANAGER, *words, status=2).stderr, words
    assert old.state()[:4] == before[:4]
