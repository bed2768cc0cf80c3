"""A training channel: Parquet files, known by their bytes and read some rows at a time.

`pipeline.train` imports it, and it is sent to SageMaker with the entry point. A whole channel never exists as a frame,
which would be as large again as what LightGBM takes: a first reading (`survey`) finds the order of the files, the
columns' types and the categories, a second (`rows`) what is learnt from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import boosting

ROWS = 65_536  # of a frame


class File(NamedTuple):
    """What the first reading leaves of a file."""

    path: Path
    age: tuple[bool, Any]  # by which files are ordered: its first time; files without rows last
    numeric: dict[str, set[bool]]  # has a column numbers or flags (True), other values (False), or nothing but gaps
    categories: dict[str, list[pd.Series]]  # the different values of each
    target: np.ndarray[Any, np.dtype[np.float64]]  # those that are known


def contents(folder: Path) -> dict[str, Path]:
    """The Parquet files below a channel by the SHA-256 of their bytes, in its order.

    Names and folders say nothing: SageMaker keeps the object's key, which for DVC's objects is a hash. What isn't
    Parquet (a manifest, metadata.json) and what is hidden is passed over, and bytes that lie there twice count once, as
    they do where files are kept by hash.
    """
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            with path.open("rb") as file:
                parquet = file.read(4) == b"PAR1"
            if parquet:
                found[digest(path)] = path
    if not found:
        raise SystemExit(f"error: the channel {folder} holds no Parquet file")
    return dict(sorted(found.items()))


def digest(path: Path) -> str:
    """The SHA-256 of a file, read a piece at a time."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            found.update(piece)
    return found.hexdigest()


def survey(channel: dict[str, Path], time: str, target: str, categories: list[str]) -> list[File]:
    """The files of a channel, the oldest first; those of one time in their given order."""
    found = [_surveyed(path, time, target, categories) for path in channel.values()]
    if all(time in file.numeric for file in found):
        found.sort(key=lambda file: file.age)
    if not any(len(file.target) for file in found):
        raise SystemExit(f"error: no row of the channel has a {target}: {', '.join(map(str, channel.values()))[:200]}")
    return found


def _surveyed(path: Path, time: str, target: str, categories: list[str]) -> File:
    numeric: dict[str, set[bool]] = {}
    values: dict[str, list[pd.Series]] = {}
    times, targets = [], []
    for frame in read(path):
        for name, column in frame.items():
            kinds = numeric.setdefault(str(name), set())
            if column.dtype != object or column.notna().any():
                kinds.add(bool(pd.api.types.is_numeric_dtype(column)))
        if time in frame:
            times.append(frame[time].min())
        known = learnable(frame, target)
        targets.append(known[target].to_numpy("float64"))
        for name in set(categories) & set(known.columns):
            values.setdefault(name, []).append(known[name].drop_duplicates())
    first = pd.Series(times).min() if times else None
    return File(path, (frame.empty, first), numeric, values, np.concatenate(targets))


def read(path: Path, columns: list[str] | None = None) -> Iterator[pd.DataFrame]:
    """A Parquet file, or some of its columns, some rows at a time, and a frame without rows where there are none.

    A flag with gaps, which comes as an object, is 1, 0 and NaN.
    """
    try:
        with path.open("rb") as file:
            parquet = pq.ParquetFile(file)
            batches = (pa.Table.from_batches([batch]) for batch in parquet.iter_batches(ROWS, columns=columns))
            for table in batches if parquet.metadata.num_rows else [parquet.schema_arrow.empty_table()]:
                frame = table.to_pandas()
                for name in frame.columns:
                    if frame[name].dtype == object and pd.api.types.infer_dtype(frame[name]) == "boolean":
                        frame[name] = frame[name].map({True: 1.0, False: 0.0})
                yield frame
    except (OSError, ValueError) as error:
        raise SystemExit(f"error: {path} is damaged: {error}") from None


def learnable(frame: pd.DataFrame, target: str) -> pd.DataFrame:
    """The rows that have a target to learn from."""
    if target not in frame:
        return frame.iloc[:0].assign(**{target: 0.0})
    known = frame[target].notna()
    return frame if known.all() else frame[known]


def rows(files: list[File], spec: dict[str, Any]) -> boosting.Rows:
    """What a model of that specification learns from; a column that only some of the files have has gaps in others."""
    wanted = [*spec["features"], spec["target"]]
    for name in wanted:
        if not any(name in file.numeric for file in files):
            raise SystemExit(f"error: {name} is in no file of the channel: {files[0].path}, …")

    def frames() -> Iterator[pd.DataFrame]:
        for file in files:
            if len(file.target):
                for frame in read(file.path, [name for name in wanted if name in file.numeric]):
                    yield learnable(frame, spec["target"]).reindex(columns=wanted)

    return boosting.rows(frames(), spec)
