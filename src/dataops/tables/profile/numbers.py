"""Numbers in a profile: exact counts, extremes and moments of every row; the distribution of every row or of a sample.

The distribution is every distinct value with its count where there are few, else a t-digest. Above SAMPLE rows it is
that of a sample, one row at random (of a fixed seed) out of each of SAMPLE equal stretches: no period of the data can
fall in with it, and its distribution function is within 0.0039 of the whole's everywhere with a probability of 0.999
(Dvoretzky, Kiefer & Wolfowitz 1956, Massart 1990: sqrt(ln(2 / 0.001) / 2 SAMPLE); stratified, rather less).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from dataops.tables.profile import digest, moments

SAMPLE = 1 << 18  # rows
COUNTED = 256  # distinct values that are counted one by one
SAMPLING = float(np.sqrt(np.log(2 / 0.001) / (2 * SAMPLE)))
Column = dict[str, Any]


def summary(values: pd.Series) -> Column:
    """The profile of a column of numbers, (n,). Infinities are counted apart, and take part in nothing else."""
    known, missing, infinite, total = finite(as_array(values), len(values))
    entry: Column = {"kind": "numeric", "missing": missing, "infinite": infinite, "count": len(known)}
    if not len(known):
        return entry
    low, high = float(known.min()), float(known.max())
    mean, deviation = moments.mean_and_deviation(known, low, high, total)
    entry |= {"mean": mean, "std": deviation, "min": low, "max": high, "integer": known.dtype.kind in "iu"}
    return entry | distribution(np.sort(known if len(known) <= SAMPLE else known[places(len(known))]), entry)


def finite(array: npt.NDArray[Any], rows: int) -> tuple[npt.NDArray[Any], int, int, float]:
    """The finite values of a column of `rows`; how many are missing, and infinite; and the sum of all."""
    with np.errstate(over="ignore", invalid="ignore"):  # infinities, or the largest floats
        total = float(array.sum(dtype=np.float64)) if len(array) else 0.0
    if np.isfinite(total):  # then every value is
        return array, rows - len(array), 0, total
    known = array[np.isfinite(array)]
    infinite = int(np.isinf(array).sum())
    return known, rows - len(known) - infinite, infinite, float("nan")


def as_array(values: pd.Series) -> npt.NDArray[Any]:
    """The column as numpy has it, of its own type; missing values are NaN, or left out where the type has none."""
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iuf":
        return values.to_numpy()
    known = values.dropna()
    kind = getattr(values.dtype, "kind", "O")
    return known.to_numpy(dtype=getattr(values.dtype, "numpy_dtype", np.int64) if kind in "iu" else np.float64)


@lru_cache(maxsize=4)
def places(count: int) -> npt.NDArray[np.int64]:
    """Positions of the sample among `count` rows, ascending: one in each of SAMPLE equal stretches."""
    inside = np.random.default_rng(0).random(SAMPLE)
    found: npt.NDArray[np.int64] = ((np.arange(SAMPLE) + inside) * (count / SAMPLE)).astype(np.int64)
    return found


def distribution(ordered: npt.NDArray[Any], entry: Column) -> Column:
    """The distribution of a sorted sample: its values counted, or a digest; and whether every value is its own."""
    begins = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    found: Column = {"unique": len(begins) == len(ordered), "error": 0.0}
    if len(ordered) < entry["count"]:
        found |= {"sampled": len(ordered), "error": SAMPLING}
    if len(begins) <= COUNTED:
        counts = scaled(np.diff(begins, append=len(ordered)), entry["count"])
        return found | {"values": ordered[begins].tolist(), "counts": counts.tolist()}
    means, weights = digest.clustered(ordered, np.ones(len(ordered), np.int64))
    made = digest.Centroids(means, scaled(weights, entry["count"]))
    found["error"] += digest.error(made)
    return found | {"digest": digest.packed(made, entry["min"], entry["max"])}


def scaled(counts: npt.NDArray[np.int64], total: int) -> npt.NDArray[np.int64]:
    """Counts of a sample, (n,), as those of the `total` that it stands for, which they add up to exactly."""
    upto = np.cumsum(counts)
    found: npt.NDArray[np.int64] = np.diff(np.rint(upto * (total / upto[-1])), prepend=0).astype(np.int64)
    return found


def standard_deviation(column: Column) -> float:
    """Sample standard deviation (n-1) out of a profile's column; 0 below two values."""
    if "std" in column:
        return float(column["std"])
    return float(np.sqrt(column["m2"] / (column["count"] - 1))) if column.get("count", 0) > 1 else 0.0  # format 1


def merged(a: Column, b: Column) -> Column:
    """Of both columns' rows."""
    missing, infinite = a["missing"] + b["missing"], a.get("infinite", 0) + b.get("infinite", 0)
    if not a["count"] or not b["count"]:
        return (a if a["count"] else b) | {"missing": missing, "infinite": infinite}
    mean, deviation = moments.together(
        (a["count"], b["count"]), (a["mean"], b["mean"]), (standard_deviation(a), standard_deviation(b))
    )
    entry = {
        "kind": "numeric",
        "missing": missing,
        "infinite": infinite,
        "count": a["count"] + b["count"],
        "mean": mean,
        "std": deviation,
        "min": min(a["min"], b["min"]),
        "max": max(a["max"], b["max"]),
        "integer": a.get("integer", False) and b.get("integer", False),
        "unique": a.get("unique", False) and b.get("unique", False),
    }
    if "sampled" in a or "sampled" in b:
        entry["sampled"] = sum(side.get("sampled", side["count"]) for side in (a, b))
    shares = [side.get("error", 0.0) * (side["count"] / entry["count"]) for side in (a, b)]
    both = digest.Centroids(
        *(np.concatenate(pair) for pair in zip(distribution_of(a), distribution_of(b), strict=True))
    )
    values, where = np.unique(both.means, return_inverse=True)
    if "values" in a and "values" in b and len(values) <= COUNTED:
        counts = np.zeros(len(values), np.int64)
        np.add.at(counts, where, both.weights)
        return entry | {"error": sum(shares), "values": values.tolist(), "counts": counts.tolist()}
    made, more = digest.together(distribution_of(a), distribution_of(b))
    packed = digest.packed(made, entry["min"], entry["max"])
    return entry | {"error": sum(shares) + more, "digest": packed}


def distribution_of(column: Column) -> digest.Centroids:
    """A profile's column as values and how many there are of each, or as centroids.

    Raises:
        ValueError: the digest is damaged.
    """
    return distributions_of([column])[0]


def distributions_of(columns: Sequence[Column]) -> tuple[digest.Centroids, npt.NDArray[np.int64]]:
    """Those of columns, (k,), one behind the other, and how many values or centroids each has, (k,).

    Raises:
        ValueError: one is damaged.
    """
    return digest.read(
        [
            digest.body(column["digest"]) if "digest" in column else digest.laid_out(column["values"], column["counts"])
            for column in columns
        ]
    )
