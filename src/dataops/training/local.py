"""The default launcher: the script-mode entry point as a process on this machine."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dataops.archive import pack
from dataops.errors import DataOpsError
from dataops.files import SCRATCH, new_folder, write_json

ENTRY = Path("src/pipeline/train.py")
DATASET = Path("data/dataset")
MODEL = Path("models/model.tar.gz")
CURVE = Path("reports/training")
RECORD = Path("reports/training.json")


def environment(base: Mapping[str, str], work: Path, hyper: Mapping[str, Any]) -> dict[str, str]:
    """SageMaker's script-mode variables: channels, where the model and other output go, hyperparameters as JSON.

    OpenMP's threads wait without keeping their core busy, unless `base` says how: beside other work on the same cores
    a fit took more than five times as long, and here, unlike in a job of its own, there often is some.
    """
    return {
        "OMP_WAIT_POLICY": "PASSIVE",
        **{name: value for name, value in base.items() if not name.startswith("SM_")},
        "DVC_NO_ANALYTICS": "1",
        "SM_CHANNEL_TRAIN": str((DATASET / "train").resolve()),
        "SM_CHANNEL_VALIDATION": str((DATASET / "validation").resolve()),
        "SM_MODEL_DIR": str(work / "model"),
        "SM_OUTPUT_DATA_DIR": str(work / "output"),
        **{f"SM_HP_{str(name).upper()}": json.dumps(value, default=str) for name, value in hyper.items()},
    }


def run(hyper: Mapping[str, Any]) -> None:
    """Train, then put the model, the curve and the record in place, each in one step.

    Raises:
        DataOpsError: there is no data, or the entry point failed.
    """
    if not (DATASET / "train").is_dir():
        raise DataOpsError("data/dataset/train is missing", "run `dvc repro`, or `dvc pull` in a fresh clone")
    with workspace() as work:
        for name in ("model", "output"):
            (work / name).mkdir()
        status = subprocess.run([sys.executable, str(ENTRY)], env=environment(os.environ, work, hyper), check=False)
        if status.returncode:
            raise DataOpsError(f"{ENTRY} failed with exit status {status.returncode}", "its own words are above")
        packages = place(work)
    write_json(RECORD, {"backend": "local", "entry_point": str(ENTRY), "hyperparameters": hyper, "packages": packages})


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """An absolute folder for what the entry point leaves, until it is in place; gone at the end."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SCRATCH.resolve(), prefix="train-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def place(work: Path) -> dict[str, str]:
    """Put what the entry point left in `work` (model/, output/) in place; the packages that it says it ran with.

    Raises:
        DataOpsError: the training curve isn't among it, which dvc.yaml declares.
    """
    curve = work / "output" / "dvclive"
    if not curve.is_dir():
        raise DataOpsError(f"{ENTRY} left no training curve", "it writes dvclive/ into SM_OUTPUT_DATA_DIR")
    with new_folder(CURVE) as folder:
        shutil.copytree(curve, folder, dirs_exist_ok=True)
    pack(work / "model", MODEL)
    try:
        packages: dict[str, str] = json.loads((work / "output" / "packages.json").read_text())
    except (OSError, ValueError):
        return {}  # an entry point of your own needn't say
    return packages
