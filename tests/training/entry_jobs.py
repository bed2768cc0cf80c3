"""The entry point as a process of its own, as a platform would start it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from workbench import ROOT

ENTRY = ROOT / "src/pipeline/train.py"
HYPER = {"categories": ["product_id"], "level": "level", "rounds": 12, "early_stopping": 4, "threads": 1,
         "min_data_in_leaf": 5, "num_leaves": 7}  # fmt: skip


def rows(count: int, seed: int) -> pd.DataFrame:
    """Demand of 20 products with six features, some of which have gaps."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({f"f{n}": random.gamma(2, 3, count) for n in range(5)})
    frame = frame.mask(random.random(frame.shape) < 0.03)
    frame["level"] = random.gamma(2, 5, count)
    frame.insert(0, "product_id", random.integers(0, 20, count).astype(str))
    frame.insert(0, "date", pd.Timestamp("2024-01-01"))
    return frame.assign(sales=random.poisson(frame["level"] * np.exp(0.05 * frame["f1"].fillna(0))))


@dataclass
class Jobs:
    """Channels and output below `root`."""

    root: Path
    hyper: dict[str, Any] = field(default_factory=lambda: dict(HYPER))
    python: str = sys.executable

    def put(self, part: str, frame: pd.DataFrame, pieces: int = 1) -> Path:
        """A channel of some files."""
        folder = self.root / part
        folder.mkdir()
        for number in range(pieces):
            frame.iloc[number::pieces].to_parquet(folder / f"{number}.parquet", index=False)
        return folder

    def environment(self, name: str, **more: str) -> dict[str, str]:
        """The platform's variables for a job whose output goes below `name`; `more` goes over them."""
        output = self.root / name
        for folder in ("model", "output"):
            (output / folder).mkdir(parents=True, exist_ok=True)
        found = {variable: value for variable, value in os.environ.items() if not variable.startswith("SM_")}
        found |= {"DVC_NO_ANALYTICS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        found |= {f"SM_CHANNEL_{part.upper()}": str(self.root / part) for part in ("train", "validation")}
        found |= {"SM_MODEL_DIR": str(output / "model"), "SM_OUTPUT_DATA_DIR": str(output / "output")}
        return found | {f"SM_HP_{key.upper()}": json.dumps(value) for key, value in self.hyper.items()} | more

    def run(self, name: str, status: int = 0, **more: str) -> str:
        """Run a job to its end; what it said, errors after output."""
        command = [self.python, str(ENTRY)]
        done = subprocess.run(command, env=self.environment(name, **more), capture_output=True, text=True, check=False)
        assert done.returncode == status, (done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    @contextmanager
    def started(self, name: str, **more: str) -> Iterator[subprocess.Popen[str]]:
        """A job that runs; killed at the end, whatever happens."""
        command = [self.python, str(ENTRY)]
        with subprocess.Popen(
            command, env=self.environment(name, **more), stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def model(self, name: str) -> bytes:
        """model.txt."""
        return (self.root / name / "model/model.txt").read_bytes()

    def files(self, name: str) -> dict[str, bytes]:
        """Everything that a job left, by its path."""
        folder = self.root / name
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
