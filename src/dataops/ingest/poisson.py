"""Poisson counts that are the same on every machine: no `exp` or `log` of the processor decides them.

Small means come from a table made with Python's unlimited integers; large ones need a square root, which IEEE 754
rounds correctly everywhere.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

STEPS, LARGEST = 8, 32  # the table has means of 1/8, 2/8, … 32; above, the normal distribution is near enough


@functools.cache
def _table() -> Ints:
    """Distribution functions of Poisson, flat and ascending: mean number i (in eighths) at i * 2**32 + P(X <= k)."""
    one = 1 << 128
    eighth, term = 0, one
    for n in range(1, 40):  # exp(-1/8) as its power series
        eighth += term
        term = -term // (STEPS * n)
    flat, zero = [], one
    for i in range(STEPS * LARGEST + 1):
        probability, total = zero, 0
        for k in range(90):
            total += probability
            flat.append((i << 32) + min(total >> 96, (1 << 32) - 1))
            probability = probability * i // (STEPS * (k + 1))
        zero = zero * eighth >> 128
    return np.array(flat, np.int64)


def poisson(mean: Ints, draw: Ints) -> Ints:
    """Counts with the means `mean` (thousandths), decided by 32-bit draws; above 32, normal."""
    step = np.minimum((mean * STEPS + 500) // 1000, STEPS * LARGEST)
    small = np.searchsorted(_table(), (step << 32) + draw, side="right") - step * 90
    spread = np.floor(np.sqrt((mean * 1000).astype(np.float64))).astype(np.int64)
    uniform = [draw & 255, draw >> 8 & 255, draw >> 16 & 255, draw >> 24]
    bell = (sum(uniform[1:], uniform[0]) - 510) * 1000 // 148  # four uniforms: thousandths of a standard deviation
    large = np.maximum((mean + spread * bell // 1000 + 500) // 1000, 0)
    return np.asarray(np.where(mean >= LARGEST * 1000, large, small))
