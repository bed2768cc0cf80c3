"""Mean and standard deviation, at any magnitude that a float has, exact and merged."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

CHUNK = 1 << 15  # values: stays in the second cache, and is added in the same order on any machine
LARGE, SMALL = 1e150, 1e-150  # squares beyond overflow, or vanish
LARGEST = float(np.finfo(np.float64).max)


def mean_and_deviation(
    values: npt.NDArray[Any], low: float, high: float, total: float | None = None
) -> tuple[float, float]:
    """Mean and sample standard deviation (n-1; 0 below two values) of finite `values`, (n,), that span [low, high].

    `total` is their sum, where somebody knows it.
    Two passes, corrected (Chan, Golub & LeVeque 1983, equation 1.7), in units of the greatest magnitude
    where squares would overflow or vanish.
    """
    greatest = max(abs(low), abs(high))
    unit = 1.0 if SMALL < greatest < LARGE or not greatest else greatest
    pieces = [values[start : start + CHUNK] for start in range(0, len(values), CHUNK)]
    if unit == 1.0:
        whole = float(values.sum(dtype=np.float64)) if total is None or not np.isfinite(total) else total
        mean = whole / len(values)
    else:
        mean = sum(float((piece / unit).sum()) for piece in pieces) / len(values)
    squares, left, room = 0.0, 0.0, np.empty(min(CHUNK, len(values)))
    for piece in pieces:
        part = room[: len(piece)]
        np.subtract(piece if unit == 1.0 else piece / unit, mean, out=part, dtype=np.float64, casting="unsafe")
        left += float(part.sum())
        squares += float(np.square(part, out=part).sum())
    squares = max(squares - left**2 / len(values), 0.0)  # what rounding of the mean left
    deviation = (squares / (len(values) - 1)) ** 0.5 if len(values) > 1 else 0.0
    return float(np.clip(mean * unit, low, high)), min(deviation * unit, LARGEST)


def together(
    counts: tuple[int, int], means: tuple[float, float], deviations: tuple[float, float]
) -> tuple[float, float]:
    """Mean and standard deviation of two samples together (Chan, Golub & LeVeque 1979), without overflow."""
    (n, m), count = counts, sum(counts)
    mean = means[0] * (n / count) + means[1] * (m / count)
    delta = means[1] / 2 - means[0] / 2  # halves: the difference of two large numbers may be none
    unit = max(*deviations, abs(delta)) or 1.0
    squares = sum(((size - 1) * (deviation / unit) ** 2 for size, deviation in zip(counts, deviations, strict=True)), 0)
    squares += 4 * (delta / unit) ** 2 * n * (m / count)
    return mean, min((squares / (count - 1)) ** 0.5 * unit, LARGEST)
