"""The first Wasserstein distance of sorted samples, exactly and in one pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dataops.tables.drift.lines import LARGEST

CHUNK = 1 << 15


def distance(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    """The mean of |x - y| over equal ranks of sorted, finite samples, (n,) and (m,): the area between F and G.

    At most the largest float there is.

    Ranks i / n and j / m cut [0, 1] into pieces on which both quantile functions are constant; their lengths are
    whole numbers of 1 / (n m), which floats hold, and divide without an error, up to n m = 2^53.
    """
    n, m = len(a), len(b)
    unit = max(abs(float(side[end])) for side in (a, b) for end in (0, -1)) or 1.0
    unit = unit if unit > 1e150 or unit < 1e-150 else 1.0
    if n == m:
        total = sum(float(_gaps(a[i : i + CHUNK], b[i : i + CHUNK], unit).sum()) for i in range(0, n, CHUNK))
        return min(total / n * unit, LARGEST)
    return min((_pieces(a, b, unit, every=True) + _pieces(b, a, unit, every=False)) / n / m * unit, LARGEST)


def _pieces(a: npt.NDArray[Any], b: npt.NDArray[Any], unit: float, *, every: bool) -> float:
    """Area over the pieces that begin at a rank of `a`; without `every`, where none of `b` begins as well."""
    n, m = len(a), len(b)
    total = 0.0
    for begin in range(0, n, CHUNK):
        end = min(begin + CHUNK, n)
        start = np.arange(begin, end, dtype=np.float64) * m
        place = np.floor(start / n)
        length = np.minimum(start + m, (place + 1) * n) - start
        if not every:
            length[start == place * n] = 0
        total += float((_gaps(a[begin:end], b[place.astype(np.int64)], unit) * length).sum())
    return total


def _gaps(a: npt.NDArray[Any], b: npt.NDArray[Any], unit: float) -> npt.NDArray[np.float64]:
    x, y = a.astype(np.float64), b.astype(np.float64)
    return np.abs(x - y if unit == 1.0 else x / unit - y / unit)
