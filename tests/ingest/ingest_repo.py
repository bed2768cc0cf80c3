"""What the tests of ingest share."""

from __future__ import annotations

import sys
from pathlib import Path

import warm

PARAMS = Path(__file__).parents[2] / "params.yaml"


def call(folder: Path, *words: str) -> str:
    """Run a program; its output."""
    done = warm.run(words, folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def dvc(folder: Path, *words: str) -> str:
    """Run DVC."""
    return call(folder, sys.executable, "-m", "dvc", *words)


def sales(path: Path, day: str = "2024-01-01", rows: int = 3) -> Path:
    """A small file with the columns that the template expects."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{day},{store},1,{store * 2},9.99,false" for store in range(1, rows + 1)]
    path.write_text("\n".join(["date,store_id,product_id,sales,price,promotion", *lines]) + "\n")
    return path
