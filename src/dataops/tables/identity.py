"""What makes a row one of a kind: its keys and its step of time, as lags and windows count steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from dataops.tables.blocks import blocks
from dataops.tables.contract import Contract
from dataops.tables.period import floor, steps

Integers = npt.NDArray[np.int64]

LARGEST = 1 << 62  # what a code may reach


def identity(frame: pd.DataFrame, contract: Contract) -> Integers:
    """A number for each row, shape (n,), the same where keys and step of time are the same; null equals null."""
    times, frequency = frame[contract.time], contract.frequency
    moments = pd.Series(steps(times, frequency)) if times.notna().all() else floor(times, frequency)
    return combined([moments, *(frame[name] for name in contract.keys)])


def combined(columns: list[pd.Series]) -> Integers:
    """A number for each row, shape (n,), the same where all columns, each (n,), are the same; null equals null."""
    found, low, size = _numbered(columns[0])
    numbers = found - low
    for values in columns[1:]:
        found, low, count = _numbered(values)
        if size * count > LARGEST:
            numbers, _, size = _factorized(numbers)
        for part in blocks(len(numbers)):
            numbers[part] += (found[part] - low) * size
        size *= count
    return numbers


def repeated(numbers: Integers) -> npt.NDArray[np.bool_]:
    """Which of the numbers occur more than once, shape (n,)."""
    if not len(numbers):
        return np.zeros(0, dtype=bool)
    if numbers.max() < 2 * len(numbers):
        counts = np.bincount(numbers)
        return np.asarray(counts[numbers] > 1) if counts.max() > 1 else np.zeros(len(numbers), dtype=bool)
    return pd.Series(numbers).duplicated(keep=False).to_numpy()


def repeats(numbers: Integers) -> int:
    """How many rows have the number of an earlier one."""
    if not len(numbers):
        return 0
    if numbers.max() < 2 * len(numbers):
        return len(numbers) - int(np.count_nonzero(np.bincount(numbers)))
    return int(pd.Series(numbers).duplicated().sum())


def distinct(values: pd.Series) -> int:
    """How many different values there are, nulls apart."""
    if not pd.api.types.is_integer_dtype(values.dtype) or values.hasnans:
        return int(values.nunique())
    found, low, size = _numbered(values)
    seen = np.zeros(size, dtype=bool)
    for part in blocks(len(found)):
        seen[found[part] - low] = True
    return int(np.count_nonzero(seen))


def _numbered(values: pd.Series) -> tuple[Integers, int, int]:
    """A number for each value, the least of them, and how many there may be from it on."""
    if pd.api.types.is_integer_dtype(values.dtype) and len(values) and not values.hasnans:
        whole = values.to_numpy(np.int64)
        low, size = int(whole.min()), int(whole.max()) - int(whole.min()) + 1
        if size <= 16 * len(whole):
            return whole, low, size
    return _factorized(values)


def _factorized(values: Any) -> tuple[Integers, int, int]:
    codes, unique = pd.factorize(values, use_na_sentinel=False)
    return codes.astype(np.int64), 0, max(1, len(unique))
