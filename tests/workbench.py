"""A folder in which stages run as `dvc repro` runs them: params.yaml, data/landing, and what comes out."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import importlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import yaml

from dataops.errors import run
from dataops.ingest.batches import File, Manifest, Source, folder_name
from dataops.tables import parquet
from dataops.tables.contract import Contract

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"
PARAMS: dict[str, Any] = {
    "contract": {
        "time": "date",
        "target": "sales",
        "keys": ["store_id", "product_id"],
        "frequency": "D",
        "partition": "month",
        "columns": {
            "date": {"type": "date"},
            "store_id": {"type": "integer", "min": 1},
            "product_id": {"type": "string"},
            "sales": {"type": "integer", "min": 0},
            "price": {"type": "number", "min": 0, "max": 1000},
            "promotion": {"type": "boolean"},
        },
    },
    "collect": {"columns": {n: n for n in ("date", "store_id", "product_id", "sales", "price", "promotion")}},
    "validate": {"max_invalid": 0.01, "max_age_days": 7},
    "featurize": {
        "horizon": 7, "lags": [7, 14], "means": [7, 28], "stds": [7], "seasonal_means": [2], "trends": [7],
        "known_ahead": ["price", "promotion"], "holidays": ["01-01", "2024-03-29"],
    },
    "split": {"validation": 1, "test": 1},
    "drift": {"effect": 0.1, "alpha": 0.01, "missing": 0.02, "new_categories": 0.01, "window": "new",
              "on_drift": "warn"},
    "train": {"level": "mean_28", "rounds": 15, "early_stopping": 5, "min_data_in_leaf": 5, "num_leaves": 7,
              "threads": 1},
    "evaluate": {"naive_lag": 7},
}  # fmt: skip


class Done(NamedTuple):
    """How a stage ended: its exit status and what it said."""

    status: int
    out: str
    err: str


@dataclass
class Bench:
    """The repository `root`, the current folder."""

    root: Path
    params: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(PARAMS))
    landed: int = 0

    def __post_init__(self) -> None:
        self.save()
        (self.root / "data").mkdir()
        (self.root / "data/exclusions.csv").write_text("date,store_id,product_id,reason\n")
        (self.root / "reports").mkdir()
        (self.root / "reports/drift_reference.json").write_text('{"version": null, "profile": null}\n')

    @property
    def contract(self) -> Contract:
        """The contract as the stages read it."""
        return Contract.model_validate(self.params["contract"])

    def save(self) -> None:
        """Write params.yaml."""
        (self.root / "params.yaml").write_text(yaml.safe_dump(self.params, sort_keys=False))

    def set(self, section: str, **values: Any) -> None:
        """Change keys of one section."""
        self.params[section] |= values
        self.save()

    def columns(self, target: str = "sales", **types: Any) -> None:
        """Another set of columns, each with its entry or the mere name of its type; collected under the same names."""
        entries = {name: {"type": entry} if isinstance(entry, str) else entry for name, entry in types.items()}
        keys = [name for name in self.params["contract"]["keys"] if name in entries]
        self.params["contract"] |= {"columns": entries, "keys": keys, "target": target}
        self.params["collect"]["columns"] = {name: name for name in entries}
        ahead = self.params["featurize"]["known_ahead"]
        self.params["featurize"]["known_ahead"] = [name for name in ahead if name in entries]
        self.save()

    def land(self, files: dict[str, Any], at: str = "2024-04-30T06:00:00Z") -> Path:
        """One more batch: text, bytes, or a frame that is written in the format of its name."""
        self.landed += 1
        contents = {name: content_of(name, value) for name, value in files.items()}
        manifest = Manifest(
            sequence=self.landed,
            source=Source(kind="files", description="test"),
            ingested_at=at,
            files=[
                File(name=name, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
                for name, content in contents.items()
            ],
            columns=[],
        )
        folder = self.root / "data/landing" / folder_name(manifest)
        folder.mkdir(parents=True)
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        (folder / "batch.json").write_text(manifest.model_dump_json())
        return folder

    def run(self, stage: str, status: int = 0) -> Done:
        """Run a stage and check its exit status."""
        return ended(importlib.import_module(f"pipeline.{stage}").main, status)

    def through(self, *stages: str) -> None:
        """Run stages, all of which end well."""
        for stage in stages:
            self.run(stage)

    def report(self, name: str) -> dict[str, Any]:
        """A report; NaN, which JSON hasn't, fails."""
        return json.loads((self.root / f"reports/{name}.json").read_text(), parse_constant=_no_constant)

    def table(self, folder: str) -> pd.DataFrame:
        """The rows below data/."""
        return parquet.read(self.root / "data" / folder)

    def put(self, folder: str, frame: pd.DataFrame) -> None:
        """Write a folder below data/ as the stage before would have."""
        contract = self.contract
        parquet.write(
            frame,
            self.root / "data" / folder,
            parquet.schema(contract),
            contract.index,
            contract.time,
            contract.partition,
        )

    def collected(self, frame: pd.DataFrame, ingested: str = "2024-04-30T06:00:00Z") -> None:
        """data/raw and reports/collection.json as `collect` leaves them."""
        self.put("raw", frame)
        values = {"last_ingested_at": ingested, "unreadable_values": 0, "values_read": frame.size}
        (self.root / "reports/collection.json").write_text(json.dumps(values))


def ended(main: Callable[[], Any], status: int = 0) -> Done:
    """Call as a process would, and say how it ended; anything but a clear message is a failure."""
    out, err = io.StringIO(), io.StringIO()
    code: Any = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            run(main)
        except SystemExit as exit_:
            code = exit_.code
    done = Done(code, out.getvalue(), err.getvalue())
    assert done.status == status, done
    assert "Traceback" not in done.err
    return done


def content_of(name: str, value: Any) -> bytes:
    """What a file of that name would hold."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    buffer = io.BytesIO()
    if name.endswith(".parquet"):
        value.to_parquet(buffer, index=False)
    elif name.endswith(".jsonl"):
        return value.to_json(orient="records", lines=True, date_format="iso").encode()
    elif name.endswith(".xlsx"):
        value.to_excel(buffer, index=False)
    else:
        return value.to_csv(index=False).encode()
    return buffer.getvalue()


def sales(
    first: str = "2024-01-01", days: int = 121, stores: int = 2, products: int = 2, seed: int = 1
) -> pd.DataFrame:
    """Typed daily rows as the contract above wants them, sorted by key and time."""
    rng = np.random.default_rng(seed)
    dates = pd.date_range(first, periods=days, unit="us")
    frame = pd.MultiIndex.from_product(
        [range(1, stores + 1), [f"p{n}" for n in range(products)], dates], names=["store_id", "product_id", "date"]
    ).to_frame(index=False)
    level = frame["store_id"] * 5 + 6 + 3 * (frame["date"].dt.day_of_week >= 5)
    frame["sales"] = rng.poisson(level)
    frame["price"] = np.round(rng.uniform(1, 9, len(frame)), 2)
    frame["promotion"] = rng.random(len(frame)) < 0.2
    return frame[["date", "store_id", "product_id", "sales", "price", "promotion"]]


def _no_constant(text: str) -> None:
    raise AssertionError(f"{text} in JSON")
