"""data_change_monitor.py: created and modified files of the old folders, as the old JSON lines."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from oldcalls import SCRIPTS
from watched import environ, plant, until


@pytest.mark.parametrize("words", [(), ("--poll", "0.2")])
def test_it_tells(tmp_path: Path, words: tuple[str, ...]):
    """What was told before is told, by events and by looking; SIGTERM ends it with 0, and it goes on where it was."""
    root = plant(tmp_path / "repo")
    told, said = tmp_path / "told", tmp_path / "said"

    def start() -> subprocess.Popen[bytes]:
        with told.open("ab") as out, said.open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, str(SCRIPTS / "data_change_monitor.py"), *words],
                cwd=root,
                env=environ(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        until(lambda: "watching data/raw, data/processed, data/staging" in said.read_text(), said.read_text)
        return process

    def lines() -> list[tuple[str, str]]:
        found = [json.loads(line) for line in told.read_text().splitlines()]
        assert all(set(line) == {"timestamp", "event_type", "file_path", "file_size"} for line in found)
        return [(line["event_type"], line["file_path"]) for line in found]

    process = start()
    (root / "data/raw/deep").mkdir(parents=True)
    (root / "data/raw/deep/a b.csv").write_text("1")
    (root / "data/raw/notes.txt").write_text("1")
    (root / "data/other").mkdir()
    (root / "data/other/c.csv").write_text("1")
    until(lambda: ("created", "data/raw/deep/a b.csv") in lines(), said.read_text)
    (root / "data/raw/deep/a b.csv").write_text("22")
    until(lambda: ("modified", "data/raw/deep/a b.csv") in lines(), said.read_text)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    (root / "data/staging").mkdir()
    (root / "data/staging/late.parquet").write_text("1")
    (root / "data/raw/deep/a b.csv").unlink()
    process = start()
    until(lambda: ("created", "data/staging/late.parquet") in lines(), said.read_text)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert sorted(lines()) == [
        ("created", "data/raw/deep/a b.csv"),
        ("created", "data/staging/late.parquet"),
        ("modified", "data/raw/deep/a b.csv"),
    ]
    assert said.read_text().count("now `dataops watch`") == 1
