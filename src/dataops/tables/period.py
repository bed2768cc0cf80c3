"""Time as whole steps of the contract's frequency, so that lags and windows count dates and not rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from dataops.tables.contract import Frequency

SEASON: dict[Frequency, int] = {"h": 24, "D": 7, "W": 52, "M": 12}  # the season a forecaster names first
HORIZON: dict[Frequency, tuple[int, str]] = {"h": (24, "day"), "D": (7, "week"), "W": (1, "week"), "M": (1, "month")}
MONDAY = 3  # 1970 began on a Thursday, three days after a Monday
YEAR: dict[Frequency, int] = {"h": 8736, "D": 364, "W": 52, "M": 12}  # whole weeks, so that weekdays meet


def steps(times: pd.Series, frequency: Frequency) -> npt.NDArray[np.int64]:
    """Steps since 1970, shape (n,): hours, days, weeks from Monday to Sunday (ISO 8601) or months."""
    values = times.to_numpy("datetime64[us]")
    if frequency == "W":
        return (values.astype("datetime64[D]").astype(np.int64) + MONDAY) // 7
    return values.astype(f"datetime64[{frequency}]").astype(np.int64)


def floor(times: pd.Series, frequency: Frequency) -> pd.Series:
    """Each time's start of step, datetime64[us]; a week starts on Monday."""
    values = times.to_numpy("datetime64[us]")
    if frequency == "W":
        days = values.astype("datetime64[D]").astype(np.int64)
        starts = ((days + MONDAY) // 7 * 7 - MONDAY).astype("datetime64[D]")
        starts[np.isnat(values)] = np.datetime64("NaT")
    else:
        starts = values.astype(f"datetime64[{frequency}]")
    return pd.Series(starts.astype("datetime64[us]"), index=times.index)
