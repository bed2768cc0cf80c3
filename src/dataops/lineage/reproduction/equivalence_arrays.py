"""Parquet and NumPy files side by side: the same columns, types, rows and order; floats within the tolerance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dataops.lineage.reproduction.tally import NEAR_ZERO, Tally, UnlikeError

LARGEST = 4 << 30  # bytes of a table in memory
Floats = npt.NDArray[np.float64]


def parquet(old: Path, new: Path, tally: Tally) -> None:
    """Two Parquet files; how their columns are encoded and compressed is nothing."""
    try:
        files = [pq.ParquetFile(path) for path in (old, new)]
        for file in files:
            groups = (file.metadata.row_group(place) for place in range(file.metadata.num_row_groups))
            if sum(group.total_byte_size for group in groups) > LARGEST:
                raise UnlikeError(f"a table of more than {LARGEST >> 30} GiB: not looked into")
        types = [{field.name: str(_plain(field.type)) for field in file.schema_arrow} for file in files]
        counts = [file.metadata.num_rows for file in files]
        if told := _structure(types[0], types[1], counts):
            raise UnlikeError(told)
        one, other = (file.read() for file in files)
        for place, name in enumerate(one.column_names):
            _column(_decoded(one.column(place)), _decoded(other.column(place)), name, tally)
    except (pa.ArrowException, OSError, ValueError, TypeError, ArithmeticError, MemoryError) as error:
        raise UnlikeError(
            f"it can't be read as Parquet: {str(error).splitlines()[0] if str(error) else error!r}"
        ) from None


def numpy(old: Path, new: Path, tally: Tally) -> None:
    """Two .npy files; nothing is unpickled."""
    try:
        one, other = (np.load(path, allow_pickle=False) for path in (old, new))
    except (ValueError, OSError, EOFError, MemoryError) as error:
        raise UnlikeError(f"it can't be read as an array: {error}") from None
    if one.shape != other.shape or one.dtype != other.dtype:
        raise UnlikeError(f"{other.dtype}{list(other.shape)}, was {one.dtype}{list(one.shape)}")
    if np.issubdtype(one.dtype, np.floating):
        _floats(one.ravel().astype(np.float64), other.ravel().astype(np.float64), "", tally)
    else:
        _exact(int(np.count_nonzero(one != other)), one.size, "", tally)


def _structure(old: dict[str, str], new: dict[str, str], counts: list[int]) -> str:
    """How columns and rows differ; "" where they don't."""
    told = [f"no column {name}" for name in old if name not in new]
    told += [f"column {name} is new" for name in new if name not in old]
    told += [f"{name} is {new[name]}, was {kind}" for name, kind in old.items() if new.get(name, kind) != kind]
    if not told and list(old) != list(new):
        told = ["its columns are in another order"]
    if counts[0] != counts[1]:
        told.append(f"{counts[1]:,} rows, were {counts[0]:,}")
    return ", ".join(told[:4])


def _column(old: pa.ChunkedArray, new: pa.ChunkedArray, name: str, tally: Tally) -> None:
    if pa.types.is_floating(old.type):
        nulls = [_null(side) for side in (old, new)]
        lost = int(np.count_nonzero(nulls[0] != nulls[1]))
        keep = ~(nulls[0] | nulls[1])
        if lost:
            tally.other(name, lost)
        sides = [side.cast(pa.float64()).to_numpy()[keep] for side in (old, new)]
        _floats(sides[0], sides[1], name, tally)
        tally.same(int(np.count_nonzero(nulls[0] & nulls[1])))
        return
    try:
        nulls = [_null(side) for side in (old, new)]
        unequal = pc.fill_null(pc.not_equal(old, new), False).to_numpy(zero_copy_only=False)
        differing = int(np.count_nonzero(unequal | (nulls[0] != nulls[1])))
    except (pa.ArrowException, TypeError):  # nested
        differing = sum(one != other for one, other in zip(old.to_pylist(), new.to_pylist(), strict=True))
    _exact(differing, len(old), name, tally)


def _exact(differing: int, count: int, name: str, tally: Tally) -> None:
    tally.same(count - differing)
    if differing:
        tally.other(name, differing)


def _floats(old: Floats, new: Floats, name: str, tally: Tally) -> None:
    """Shape (n,) each; as `tally.relative`, for all at once."""
    with np.errstate(invalid="ignore", over="ignore"):
        same = (old == new) | (np.isnan(old) & np.isnan(new))
        apart = np.abs(old - new) / np.maximum(np.maximum(np.abs(old), np.abs(new)), NEAR_ZERO)
    apart[~np.isfinite(apart)] = np.inf
    apart[same] = 0.0
    beyond = int(np.count_nonzero(apart > tally.tolerance))
    tally.many(len(old), int(np.count_nonzero(~same)), beyond, float(apart.max(initial=0.0)), name)


def _null(side: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = pc.is_null(side).to_numpy()
    return found


def _plain(kind: Any) -> Any:
    """The type of the values, however they are stored."""
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return {pa.large_string(): pa.string(), pa.large_binary(): pa.binary()}.get(inner, inner)


def _decoded(side: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(side.type):
        side = side.cast(side.type.value_type)
    return side.cast(_plain(side.type)) if side.type != _plain(side.type) else side
