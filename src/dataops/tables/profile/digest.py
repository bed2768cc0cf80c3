"""A t-digest (Dunning 2019) in the bytes of Apache DataSketches, made and read as arrays.

The library takes and gives single values; a comparison of twenty columns needs all of them at once. And its centroids
hold up to 3% of the values each; those made here at most 1.5 / CLUSTERS, and as many of them.
Layout: `tdigest_impl.hpp`, a header of 32 bytes (with minimum and maximum), then mean (float64) and weight (uint64)
of each centroid; a single value is 8 bytes and the value.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pybase64

CLUSTERS = 256  # about 5 kB a column
MOST = 4096  # after merges
HEADER = np.dtype(
    [
        ("longs", "u1"),
        ("version", "u1"),
        ("family", "u1"),
        ("k", "<u2"),
        ("flags", "u1"),
        ("", "<u2"),
        ("centroids", "<u4"),
        ("buffered", "<u4"),
        ("min", "<f8"),
        ("max", "<f8"),
    ]
)
CENTROID = np.dtype([("mean", "<f8"), ("weight", "<u8")])
SINGLE = 16  # bytes
ONE = (1).to_bytes(8, "little")
Floats = npt.NDArray[np.float64]


class Centroids(NamedTuple):
    """Means, ascending, shape (k,), and how many values each stands for, shape (k,)."""

    means: Floats
    weights: npt.NDArray[np.int64]


def clustered(values: npt.NDArray[Any], weights: npt.NDArray[np.int64], most: int = CLUSTERS) -> Centroids:
    """Sorted, finite `values`, (n,), that stand for `weights` of them, (n,), as at most so many centroids.

    Clusters begin at the shares s^2 (3 - 2 s) of the values: fine at both ends, and without a transcendental function,
    whose last bits depend on the CPU.
    """
    steps = np.arange(most) / most
    upto = np.cumsum(weights)
    begins = np.unique(np.searchsorted(upto - weights / 2, steps**2 * (3 - 2 * steps) * upto[-1]))
    begins = begins[begins < len(values)]
    ends = np.append(begins[1:], len(values)) - 1
    low, high = values[begins].astype(np.float64), values[ends].astype(np.float64)
    unit = max(abs(float(values[0])), abs(float(values[-1]))) or 1.0  # sums of the largest floats would overflow
    totals = np.diff(upto[ends], prepend=0)
    means = np.add.reduceat(values / unit * weights, begins) / totals * unit
    return Centroids(np.clip(means, low, high), totals)  # many of one value are that value, to the last bit


def packed(found: Centroids, low: float, high: float) -> str:
    """Centroids in the library's bytes, as base64."""
    head = np.zeros((), HEADER)
    head["longs"], head["version"], head["family"], head["k"] = 2, 1, 20, 200
    head["centroids"], head["min"], head["max"] = len(found.means), low, high
    return pybase64.b64encode(head.tobytes() + laid_out(*found)).decode()


def body(text: str) -> bytes:
    """The part of a digest that has its centroids, at least one.

    Raises:
        ValueError: it is none.
    """
    content = pybase64.b64decode(text, validate=True)  # a comparison would spend a fifth of its time in base64's
    if len(content) == SINGLE:
        return content[8:] + ONE
    if len(content) <= HEADER.itemsize or (len(content) - HEADER.itemsize) % CENTROID.itemsize:
        raise ValueError("it is no t-digest")
    return content[HEADER.itemsize :]


def laid_out(means: npt.ArrayLike, weights: npt.ArrayLike) -> bytes:
    """Centroids, (k,), as a digest has them."""
    found = np.empty(np.shape(means), CENTROID)
    found["mean"], found["weight"] = means, weights
    return found.tobytes()


def read(bodies: list[bytes]) -> tuple[Centroids, npt.NDArray[np.int64]]:
    """The centroids of some digests, one behind the other, and how many each has.

    Raises:
        ValueError: they are damaged.
    """
    found = np.frombuffer(b"".join(bodies), CENTROID)
    sizes = np.array([len(one) // CENTROID.itemsize for one in bodies])
    means, weights = found["mean"].copy(), found["weight"].astype(np.int64)
    if not np.isfinite(means).all() or (weights <= 0).any() or not sizes.all():
        raise ValueError("it is a damaged t-digest")
    falls = means[1:] < means[:-1]
    falls[np.cumsum(sizes)[:-1] - 1] = False
    if falls.any():  # the library alternates the direction of its merges
        order = np.lexsort((means, np.arange(len(sizes)).repeat(sizes)))
        means, weights = means[order], weights[order]
    return Centroids(means, weights), sizes


def together(left: Centroids, right: Centroids) -> tuple[Centroids, float]:
    """The centroids of both, and by how much more than theirs the distribution function may be off.

    Up to MOST of them all stay as they are: a centroid more between two is half its weight at most. Beyond, clusters
    of them are made.
    """
    means = np.concatenate((left.means, right.means))
    order = np.argsort(means, kind="stable")
    both = Centroids(means[order], np.concatenate((left.weights, right.weights))[order])
    if len(means) <= MOST:
        return both, error(both) / 3
    made = clustered(*both, MOST // 4)
    return made, error(made)


def error(found: Centroids) -> float:
    """How far the distribution function that is drawn through the centroids may be from that of the values.

    Clusters of sorted values don't overlap: at any point the true rank is that of a neighbouring centroid, one and a
    half of the largest of them away at most.
    """
    return 1.5 * float(found.weights.max() / found.weights.sum())
