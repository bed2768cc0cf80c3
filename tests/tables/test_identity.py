"""dataops.tables.identity: rows are numbered by key and step, whatever the types, and repeats are found."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workbench import Bench, sales

from dataops.tables.identity import combined, identity, repeated, repeats

KINDS = {
    "integer": (st.integers(-3, 3), "int64"),
    "wide": (st.integers(-(2**63), 2**63 - 1), "int64"),
    "nullable": (st.one_of(st.none(), st.integers(-3, 3)), "Int64"),
    "number": (st.sampled_from([0.0, -0.0, 1.5, np.nan, np.inf, 1e300]), "float64"),
    "string": (st.sampled_from(["", "a", "A", "a ", None]), "str"),
    "boolean": (st.booleans(), "bool"),
    "time": (st.sampled_from([None, "2024-01-01", "1969-12-31T23:59", "0001-01-01"]), "datetime64[us]"),
}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_same_rows_have_the_same_number(data):
    """Up to four columns of any type, in any order: numbers are equal just where the rows are."""
    kinds = data.draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4))
    rows = data.draw(st.integers(0, 25))
    columns = [data.draw(st.lists(KINDS[kind][0], min_size=rows, max_size=rows)) for kind in kinds]
    frame = pd.DataFrame(
        {
            n: pd.Series(values, dtype=KINDS[kind][1])
            for n, (kind, values) in enumerate(zip(kinds, columns, strict=True))
        }
    )
    numbers = combined([frame[name] for name in frame])
    wanted = [tuple("null" if pd.isna(value) else value for value in row) for row in zip(*columns, strict=True)]
    assert [a == b for a in numbers for b in numbers] == [a == b for a in wanted for b in wanted]
    counts = Counter(wanted)
    assert repeated(numbers).tolist() == [counts[row] > 1 for row in wanted]
    assert repeats(numbers) == len(wanted) - len(counts)


def test_many_wide_keys():
    """Keys whose combinations no integer can number, of thousands of values each."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({n: rng.integers(-(2**62), 2**62, 5000) for n in range(8)})
    frame = pd.concat([frame, frame.iloc[100:200]], ignore_index=True)
    found = repeated(combined([frame[name] for name in frame]))
    np.testing.assert_array_equal(found, frame.duplicated(keep=False))
    assert found.sum() == 200


@pytest.mark.parametrize("frequency", ["h", "D", "W", "M"])
def test_rows_of_one_step(bench: Bench, frequency):
    """Two times in one hour, day, week or month are one identity; the next step's is another."""
    bench.params["contract"] |= {"frequency": frequency}
    bench.params["contract"]["columns"]["date"]["type"] = "datetime"
    first = pd.Timestamp("2024-04-01")  # a Monday
    end = {"h": "2024-04-01T00:59", "D": "2024-04-01T23:00", "W": "2024-04-07T23:00", "M": "2024-04-30"}[frequency]
    after = {"h": "2024-04-01T01:00", "D": "2024-04-02", "W": "2024-04-08", "M": "2024-05-01"}[frequency]
    frame = sales(days=1, stores=1, products=1).iloc[[0] * 5].reset_index(drop=True)
    frame["date"] = pd.to_datetime(pd.Series([first, end, after, None, None])).astype("datetime64[us]")
    numbers = identity(frame, bench.contract)
    assert repeated(numbers).tolist() == [True, True, False, True, True]
    assert repeats(numbers) == 2
