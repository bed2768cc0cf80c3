"""What makes a row one of a kind: its keys and its step of time, as lags and windows count steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

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
    numbers, size = _numbered(columns[0])
    for values in columns[1:]:
        found, count = _numbered(values)
        if size * count > LARGEST:
            numbers, size = _factorized(numbers)
        numbers, size = found * size + numbers, size * count
    return numbers


def repeated(numbers: Integers) -> npt.NDArray[np.bool_]:
    """Which of the numbers occur more than once, shape (n,)."""
    if not len(numbers):
        return np.zeros(0, dtype=bool)
    if numbers.max() < 2 * len(numbers):
        return np.asarray(np.bincount(numbers)[numbers] > 1)
    return pd.Series(numbers).duplicated(keep=False).to_numpy()


def repeats(numbers: Integers) -> int:
    """How many rows have the number of an earlier one."""
    if not len(numbers):
        return 0
    if numbers.max() < 2 * len(numbers):
        return len(numbers) - int(np.count_nonzero(np.bincount(numbers)))
    return int(pd.Series(numbers).duplicated().sum())


def _numbered(values: pd.Series) -> tuple[Integers, int]:
    """A number from 0 on for each value, and how many there may be."""
    if pd.api.types.is_integer_dtype(values.dtype) and len(values) and not values.hasnans:
        whole = values.to_numpy(np.int64)
        low, size = int(whole.min()), int(whole.max()) - int(whole.min()) + 1
        if size <= 16 * len(whole):
            return whole - low, size
    return _factorized(values)


def _factorized(values: Any) -> tuple[Integers, int]:
    codes, unique = pd.factorize(values, use_na_sentinel=False)
    return codes.astype(np.int64), max(1, len(unique))
