"""Time as whole steps of the contract's frequency, so that lags and windows count dates and not rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from dataops.tables.contract import Frequency

SEASON: dict[Frequency, int] = {"h": 24, "D": 7, "W": 52, "M": 12}  # the season a forecaster names first
HORIZON: dict[Frequency, tuple[int, str]] = {"h": (24, "day"), "D": (7, "week"), "W": (1, "week"), "M": (1, "month")}
MONDAY = 3  # 1970 began on a Thursday, three days after a Monday
HOUR = 3_600_000_000  # microseconds
LENGTH: dict[Frequency, int] = {"h": HOUR, "D": 24 * HOUR, "W": 7 * 24 * HOUR}
YEAR: dict[Frequency, int] = {"h": 8736, "D": 364, "W": 52, "M": 12}  # whole weeks, so that weekdays meet


def steps(times: pd.Series, frequency: Frequency) -> npt.NDArray[np.int64]:
    """Steps since 1970 of times, (n,), none missing: hours, days, weeks from Monday to Sunday (ISO 8601) or months."""
    values = times.to_numpy("datetime64[us]")
    if frequency == "M":
        return values.astype("datetime64[M]").view(np.int64)
    moments = values.view(np.int64)  # a division takes a quarter of what numpy's change of units does
    return (moments + MONDAY * 24 * HOUR if frequency == "W" else moments) // LENGTH[frequency]


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
