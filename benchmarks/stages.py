"""What the stages cost on 913,000 rows: time, peak memory, an appended month, and how they grow.

python benchmarks/stages.py

Every run is a process of its own that first runs the stage on a few rows, so that imports count as neither time nor
memory. Memory is by how much the peak of the resident set is above that (Linux only), against the stage's input and
output as frames.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import yaml

from benchmarks.demand import CONTRACT, DAYS, demand
from dataops.files import write_json
from dataops.ingest.batches import File, Manifest, Source, folder_name
from dataops.tables import parquet
from dataops.tables.contract import Contract

ROOT = Path(__file__).parents[1]
STAGES = ("collect", "validate", "featurize", "split")
FOLDERS = {  # what goes in and comes out
    "collect": ("landing", "raw"),
    "validate": ("raw", "validated"),
    "featurize": ("validated", "features"),
    "split": ("features", "dataset"),
    "feature_store": ("features", "feature_store"),
    "train": ("dataset/train", "dataset/validation"),  # both go in; what comes out is small
}
MONTH = 31  # days: the last of the five years is a December
ROUNDS = 3
GROWTH = (1, 4, 16)  # million rows


class Cost(NamedTuple):
    """What one run of a stage took."""

    seconds: float
    mb: float


def run() -> Iterator[str]:
    """Each stage by itself, then a month appended, then growth."""
    with tempfile.TemporaryDirectory(prefix="bench-stages-") as name:
        folder = Path(name)
        tiny, whole = folder / "tiny", folder / "whole"
        rows = demand()
        last = rows["date"] > rows["date"].max() - pd.Timedelta(days=MONTH)
        repository(tiny, [demand(2, 2, 900)])
        repository(whole, [rows[~last]])
        for stage in FOLDERS:
            measured(stage, tiny, None)
        yield from alone(whole, tiny)
        yield from appended(whole, tiny, rows[last])
        shutil.rmtree(whole)
        yield from growth(folder, tiny)


def alone(whole: Path, tiny: Path) -> Iterator[str]:
    """Time and memory of each stage, from nothing."""
    for stage, (given, made) in FOLDERS.items():
        costs = [measured(stage, whole, tiny) for _ in range(ROUNDS)]
        seconds, peak = (statistics.median(values) for values in zip(*costs, strict=True))
        size = in_memory(whole / "data" / given) + in_memory(whole / "data" / made)
        told = f"peak {peak:5.0f} MB, input and output {size:4.0f} MB: {peak / size:.1f} times"
        yield f"{stage:13} {seconds:6.2f} s  {told}"


def appended(whole: Path, tiny: Path, month: pd.DataFrame) -> Iterator[str]:
    """All four stages again when a month has come, after DVC has taken what they made before, and from nothing."""
    again, nothing = [], []
    for _ in range(ROUNDS):
        place = whole.with_name("appended")
        shutil.copytree(whole, place, symlinks=True)
        for stage in STAGES:
            measured(stage, place, tiny)
        committed(place)
        land(place, month, 2)
        again.append(sum(measured(stage, place, tiny).seconds for stage in STAGES))
        for left in (*(f"data/{FOLDERS[stage][1]}" for stage in STAGES), ".dataops", ".dvc/cache"):
            shutil.rmtree(place / left)
        nothing.append(sum(measured(stage, place, tiny).seconds for stage in STAGES))
        shutil.rmtree(place)
    then, first = statistics.median(again), statistics.median(nothing)
    yield f"collect to split, a month appended {then:.2f} s, from nothing {first:.2f} s: {then / first:.2f}"


def committed(folder: Path) -> None:
    """What DVC does with a stage's output when it ends, and before it runs again."""
    for stage in STAGES:
        output = folder / "data" / FOLDERS[stage][1]
        for file in [file for file in output.rglob("*") if file.is_file()]:
            digest = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
            cached = folder / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
            cached.parent.mkdir(parents=True, exist_ok=True)
            file.replace(cached)
        shutil.rmtree(output)


def growth(folder: Path, tiny: Path) -> Iterator[str]:
    """Seconds by rows, the least of three runs, and the slope of their logarithms: 1 is proportional."""
    times: dict[str, list[float]] = {"validate": [], "featurize": []}
    counts = []
    for millions in GROWTH:
        place = folder / "grown"
        rows = demand(10, round(1e5 * millions / DAYS))
        repository(place, [rows.iloc[:1]])
        contract = Contract.model_validate(CONTRACT)
        form, index = parquet.schema(contract), contract.index
        for name in ("raw", "validated"):
            parquet.write(rows, place / "data" / name, form, index, contract.time, contract.partition)
        values = {"last_ingested_at": "2018-01-01T00:00:00Z", "unreadable_values": 0, "values_read": rows.size}
        write_json(place / "reports/collection.json", values)
        counts.append(len(rows))
        del rows
        for stage, found in times.items():
            found.append(min(measured(stage, place, tiny).seconds for _ in range(ROUNDS)))
        shutil.rmtree(place)
    for stage, found in times.items():
        slope = np.polyfit(np.log(counts), np.log(found), 1)[0]
        told = ", ".join(f"{n / 1e6:.1f}M rows {seconds:.2f} s" for n, seconds in zip(counts, found, strict=True))
        yield f"{stage:13} {told}: slope {slope:.2f}"


def repository(folder: Path, batches: list[pd.DataFrame]) -> None:
    """What the stages look for in a repository: the template's params.yaml for these columns, and landed batches."""
    (folder / ".dvc").mkdir(parents=True)
    (folder / "data").mkdir()
    params: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["contract"] = CONTRACT
    params["collect"]["columns"] = {name: name for name in CONTRACT["columns"]}
    params["validate"]["max_age_days"] = None
    params["featurize"]["known_ahead"] = []
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    for name in ("dvc.yaml", "src", "requirements"):  # what a stage depends on besides its data
        (folder / name).symlink_to(ROOT / name)
    (folder / "data/exclusions.csv").write_text("date,store,item,reason\n")
    for number, rows in enumerate(batches, 1):
        land(folder, rows, number)


def land(folder: Path, rows: pd.DataFrame, sequence: int) -> None:
    """One batch, as `dataops ingest` leaves it."""
    content = rows.to_csv(index=False).encode()
    file = File(name="sales.csv", bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    source = Source(kind="files", description="benchmark")
    manifest = Manifest(
        sequence=sequence,
        source=source,
        ingested_at="2018-01-01T00:00:00Z",
        files=[file],
        columns=list(CONTRACT["columns"]),
    )
    batch = folder / "data/landing" / folder_name(manifest)
    batch.mkdir(parents=True)
    (batch / file.name).write_bytes(content)
    (batch / "batch.json").write_text(manifest.model_dump_json())


def in_memory(folder: Path) -> float:
    """MB of everything below a folder as frames: text as it was read, tables as they are."""
    from dataops.tables.sources import ReadOptions, read_source

    files = [path for path in folder.rglob("*") if path.suffix in (".csv", ".parquet")]
    frames = [read_source(file, ReadOptions()) if file.suffix == ".csv" else parquet.read([file]) for file in files]
    return float(sum(frame.memory_usage(index=False, deep=True).sum() for frame in frames)) / 1e6


def measured(stage: str, folder: Path, tiny: Path | None) -> Cost:
    """One run in a process of its own, warmed up on the tiny repository."""
    command = [sys.executable, "-m", "benchmarks.stages", stage, *(str(at) for at in (tiny, folder) if at)]
    known = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    done = subprocess.run(command, env=known, cwd=ROOT, check=True, capture_output=True, text=True)
    seconds, mb = done.stdout.split()
    return Cost(float(seconds), float(mb))


def once(stage: str, folders: list[str]) -> None:
    """Run a stage in each folder; print the seconds of the last and by how much its peak was above its start."""
    main = fit if stage == "train" else importlib.import_module(f"pipeline.{stage}").main
    seconds = before = 0.0
    for folder in folders:
        os.chdir(folder)
        Path("/proc/self/clear_refs").write_text("5")  # the peak is the present; Linux's ru_maxrss keeps a parent's
        before, begun = resident("VmHWM"), time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            main()
        seconds = time.perf_counter() - begun
    print(seconds, resident("VmHWM") - before)


def fit() -> None:
    """The entry point of training, in this process."""
    from dataops.training import launch, local
    from pipeline import train

    with local.workspace() as work:
        for name in ("model", "output"):
            (work / name).mkdir()
        os.environ.update(local.environment(os.environ, work, launch.hyperparameters()))
        train.main()


def resident(what: str) -> float:
    """MB of this process, as Linux counts them."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(what)]
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    if len(sys.argv) > 1:
        once(sys.argv[1], sys.argv[2:])
    else:
        for line in run():
            print(line, flush=True)
