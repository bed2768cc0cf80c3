"""The contract against the slowest way to check it: row by row, in plain Python."""

from __future__ import annotations

import datetime
import math
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataops.tables import validation
from dataops.tables.contract import Contract
from dataops.tables.identity import identity, repeats

COLUMNS: dict[str, dict[str, Any]] = {
    "when": {"type": "datetime"},
    "shop": {"type": "integer", "min": 0, "max": 2},
    "item": {"type": "string", "allowed": ["a", "b"]},
    "sold": {"type": "number", "min": -1.5, "max": 1e300},
    "stock": {"type": "integer", "nullable": True, "min": 0},
    "open": {"type": "boolean"},
    "note": {"type": "string", "nullable": True},
}
TYPES = {"datetime": "datetime64[us]", "integer": "Int64", "string": "str", "number": "float64", "boolean": "boolean"}
TIMES = st.one_of(
    st.none(),
    st.sampled_from([datetime.datetime(2024, 2, 29), datetime.datetime(2024, 3, 1, 23, 59, 59, 999999)]),
    st.datetimes(datetime.datetime(1969, 12, 30), datetime.datetime(1970, 1, 3)),
)
ROW = st.fixed_dictionaries(
    {
        "when": TIMES,
        "shop": st.one_of(st.none(), st.integers(-1, 3)),
        "item": st.sampled_from([None, "", "a", "b", "c"]),
        "sold": st.sampled_from([math.nan, -1.5, -1.6, 0.0, 2.0, 1e300, 1.7e308]),
        "stock": st.one_of(st.none(), st.integers(-1, 1), st.integers(-(2**63), 2**63 - 1)),
        "open": st.sampled_from([True, False, None]),
        "note": st.sampled_from([None, "x"]),
    }
)


def contract(frequency="D", keys=("shop", "item")):
    """The contract above."""
    return Contract.model_validate(
        {"time": "when", "target": "sold", "keys": list(keys), "frequency": frequency, "columns": COLUMNS}
    )


def table(rows):
    """Typed as `collect` leaves them: without nulls, integers and truth values are numpy's."""
    frame = pd.DataFrame(index=range(len(rows)))
    for name, column in COLUMNS.items():
        frame[name] = pd.Series([row[name] for row in rows], dtype=TYPES[column["type"]])
        if column["type"] in ("integer", "boolean") and not frame[name].hasnans:
            frame[name] = frame[name].astype("int64" if column["type"] == "integer" else "bool")
    return frame


def null(value):
    """None or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def step(when, frequency):
    """The hour, day, week or month of a time, by the calendar."""
    if when is None:
        return None
    if frequency == "W":
        return when.isocalendar()[:2]
    return when.timetuple()[: {"h": 4, "D": 3, "M": 2}[frequency]]


def of_value(name, column, value):
    """The rules that one value breaks."""
    if null(value):
        return set() if column.nullable else {f"{name} is not null"}
    broken = set()
    if column.min is not None and value < column.min:
        broken.add(f"{name} >= {column.min}")
    if column.max is not None and value > column.max:
        broken.add(f"{name} <= {column.max}")
    if column.allowed is not None and value not in column.allowed:
        broken.add(f"{name} is an allowed value")
    return broken


def slow(rows, rules):
    """The rules that each row breaks, row by row; and how many rows repeat an earlier one's key and step."""
    broken = [
        set().union(*(of_value(name, column, row[name]) for name, column in rules.columns.items())) for row in rows
    ]
    index = ", ".join(rules.index)
    seen: set[Any] = set()
    groups: dict[Any, list[int]] = {}
    for number, row in enumerate(rows):
        key = (*(row[name] for name in rules.keys), step(row["when"], rules.frequency))
        whole = tuple(None if null(row[name]) else row[name] for name in rules.columns)
        if (key, whole) in seen:
            broken[number].add(f"repeats a row ({index})")
            continue
        seen.add((key, whole))
        groups.setdefault(key, []).append(number)
    for key, same in groups.items():
        for number in same if len(same) > 1 and not any(map(null, key)) else ():
            broken[number].add(f"contradicts a row of the same {index}")
    return {number: found for number, found in enumerate(broken) if found}, len(rows) - len(groups)


@pytest.mark.parametrize("frequency", ["h", "D", "W", "M"])
@pytest.mark.parametrize("keys", [(), ("shop", "item")])
@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_equals_the_slow_way(frequency, keys, data):
    """Nulls, ranges, allowed values, repeats and contradictions of rows in any order, single rows and none."""
    few = data.draw(st.lists(ROW, max_size=6))
    rows = data.draw(st.lists(st.sampled_from(few), max_size=12)) + few if few else few
    rules, frame = contract(frequency, keys), table(rows)
    wanted, twice = slow(rows, rules)
    found = validation.broken_rules(frame, rules)
    assert {number: set(text.split("; ")) for number, text in found.items()} == wanted
    assert all(len(text.split("; ")) == len(set(text.split("; "))) for text in found)
    assert validation.uniqueness(repeats(identity(frame, rules)), len(frame)) == pytest.approx(
        1 - twice / len(rows) if rows else 1
    )
    required = [name for name, column in rules.columns.items() if not column.nullable]
    cells = Counter(null(row[name]) for row in rows for name in required)
    assert validation.completeness(frame, rules) == pytest.approx(1 - cells[True] / max(1, cells.total()))
    valid = sum(any("row" not in rule.split()[:3] for rule in broken) for broken in wanted.values())
    assert validation.validity(found, len(rows)) == pytest.approx(1 - valid / len(rows) if rows else 1)


def test_a_column_without_any_value():
    """All null: each row says so, and nothing else goes wrong."""
    rows = [{"when": None, "shop": 1, "item": "a", "sold": math.nan, "stock": None, "open": None, "note": None}] * 3
    found = validation.broken_rules(table(rows), contract())
    assert {"when is not null", "sold is not null", "open is not null"} <= set(found[0].split("; "))
    report = validation.column_report(table(rows))
    assert report["sold"] == {
        "type": "float64",
        "missing": 3,
        "distinct": 0,
        "min": None,
        "mean": None,
        "max": None,
        "negative": 0,
    }


def test_thousands_of_series_of_different_length():
    """Two thousand series of 1 to 60 rows in no order: what was planted is found, and nothing else."""
    rng = np.random.default_rng(4)
    sizes = rng.integers(1, 60, 2000)
    number = np.repeat(np.arange(2000), sizes)
    day = np.arange(len(number)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    frame = pd.DataFrame(
        {
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(day, "D"),
            "shop": number % 3,
            "item": [f"i{n}" for n in number // 3],
            "sold": rng.random(len(number)),
        }
    )
    columns = {name: COLUMNS[name] for name in ("when", "shop", "sold")} | {"item": {"type": "string"}}
    rules = Contract.model_validate({"time": "when", "target": "sold", "keys": ["shop", "item"], "columns": columns})
    frame = frame.astype({"when": "datetime64[us]", "shop": "int64", "item": "str"})
    frame = frame.sample(frac=1, random_state=1).reset_index(drop=True)
    assert validation.broken_rules(frame, rules).empty
    wrong = pd.concat([frame, frame.iloc[[5]], frame.iloc[[9]].assign(sold=7.0)], ignore_index=True)
    found = validation.broken_rules(wrong, rules)
    assert sorted(found.index) == [9, len(frame), len(frame) + 1]
    assert validation.uniqueness(repeats(identity(wrong, rules)), len(wrong)) == pytest.approx(1 - 2 / len(wrong))
