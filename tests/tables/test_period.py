"""dataops.tables.period: time in whole steps."""

from __future__ import annotations

import math
from datetime import datetime

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataops.tables.period import floor, steps

EPOCH = datetime(1970, 1, 1)
SLOW = {
    "h": lambda t: math.floor((t - EPOCH).total_seconds() / 3600),
    "D": lambda t: (t - EPOCH).days,
    "W": lambda t: (t - datetime(1969, 12, 29)).days // 7,
    "M": lambda t: (t.year - 1970) * 12 + t.month - 1,
}


@pytest.mark.parametrize("frequency", ["h", "D", "W", "M"])
@settings(max_examples=40, deadline=None)
@given(times=st.lists(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)), min_size=1, max_size=20))
def test_steps_and_floor(frequency, times):
    """Steps are what counting by hand gives, before 1970 too; a step's start is in it and is its first moment."""
    values = pd.Series(times).astype("datetime64[us]")
    assert steps(values, frequency).tolist() == [SLOW[frequency](time) for time in times]
    starts = floor(values, frequency)
    assert starts.dtype == "datetime64[us]"
    assert steps(starts, frequency).tolist() == steps(values, frequency).tolist()
    assert (starts <= values).all()
    assert (steps(starts - pd.Timedelta(microseconds=1), frequency) == steps(values, frequency) - 1).all()


@pytest.mark.parametrize("frequency", ["h", "D", "W", "M"])
def test_null_stays_null(frequency):
    """A row without a time has no step to start."""
    values = pd.Series([pd.NaT, pd.Timestamp("2024-01-31 13:45")], index=[7, 7]).astype("datetime64[us]")
    assert floor(values, frequency).isna().tolist() == [True, False]
    assert floor(values, frequency).index.tolist() == [7, 7]
