"""The entry point as a platform would start it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from workbench import ROOT

from pipeline import train

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
    dvclive: bool = False  # it takes seconds to import, and SageMaker's images have none

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
        if not self.dvclive:
            (self.root / "absent").mkdir(exist_ok=True)
            (self.root / "absent/dvclive.py").write_text("raise ImportError('not here')\n")
            found["PYTHONPATH"] = str(self.root / "absent")
        found |= {f"SM_CHANNEL_{part.upper()}": str(self.root / part) for part in ("train", "validation")}
        found |= {"SM_MODEL_DIR": str(output / "model"), "SM_OUTPUT_DATA_DIR": str(output / "output")}
        return found | {f"SM_HP_{key.upper()}": json.dumps(value) for key, value in self.hyper.items()} | more

    def run(self, name: str, status: int = 0, **more: str) -> str:
        """Run a job to its end in this process, which has everything imported; what it said, errors last."""
        said = io.StringIO()
        absent = {} if self.dvclive else {"dvclive": None, "dvclive.live": None}
        environment = patch.dict(os.environ, self.environment(name, **more), clear=True)
        with environment, patch.dict(sys.modules, absent), redirect_stdout(said):
            code = 0
            try:
                train.main()
            except SystemExit as exit_:
                code = 1
                said.write(f"{exit_}\n")
        assert code == status, said.getvalue()
        return said.getvalue()

    @contextmanager
    def started(self, name: str, **more: str) -> Iterator[subprocess.Popen[str]]:
        """A job that runs as a process of its own; killed at the end, whatever happens."""
        command = [sys.executable, str(ENTRY)]
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
