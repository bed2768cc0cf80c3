"""Filters as pyarrow takes them, and which partitions they rule out by name."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dataops.errors import DataOpsError

if TYPE_CHECKING:
    import pandas as pd

    from dataops.repo.recorded import Snapshot

Filters = Sequence[Any]  # [(column, operator, value), …], or a list of such lists
Ways = list[list[tuple[str, str, Any]]]  # one of the lists must hold, with all of its conditions
OPERATORS = ("==", "=", "!=", "<", ">", "<=", ">=", "in", "not in")
MONTH, DAY = re.compile(r"(\d{4})-(\d{2})"), re.compile(r"(\d{4})-(\d{2})-(\d{2})")


def normal(filters: Filters | None) -> Ways:
    """Any of the two forms as the longer one; `[]` for no filters.

    Raises:
        DataOpsError: it is neither.
    """
    if not filters:
        return []
    ways = [filters] if all(isinstance(one, tuple) for one in filters) else filters
    checked: Ways = []
    for way in ways:
        if not isinstance(way, Sequence) or isinstance(way, str):
            raise _wrong(way)
        checked.append([_condition(one) for one in way])
    return checked


def columns(ways: Ways) -> list[str]:
    """Every column that a filter names."""
    return list(dict.fromkeys(name for way in ways for name, _, _ in way))


def may_match(file: str, time: str, ways: Ways) -> bool:
    """Whether a partition can hold rows that pass; True where its name says nothing."""
    days = _days(file)
    return days is None or not ways or any(all(_overlaps(days, one, time) for one in way) for way in ways)


def partitioned_by(snapshot: Snapshot, path: str) -> str | None:
    """The contract's time column, where the stage that made the data partitioned it by that; else None: no pruning."""
    stage = snapshot.stage_of(path)
    for values in stage.params.values() if stage is not None else ():
        contract = values.get("contract")
        if isinstance(contract, Mapping) and contract.get("partition", "month") in ("month", "day"):
            time = contract.get("time")
            return time if isinstance(time, str) else None
    return None


def mask(frame: pd.DataFrame, ways: Ways) -> pd.Series:
    """Which rows pass, shape (n,); a missing value passes nothing."""
    import pandas as pd

    passed = pd.Series(False, index=frame.index)
    for way in ways:
        here = pd.Series(True, index=frame.index)
        for name, how, value in way:
            here &= _compare(frame[name], how, value)
        passed |= here
    return passed


def _compare(column: pd.Series, how: str, value: Any) -> pd.Series:
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column):
        many = how in ("in", "not in")
        value = [timestamp(one, column.name) for one in value] if many else timestamp(value, column.name)
    if how == "in":
        return column.isin(list(value))
    if how == "not in":
        return ~column.isin(list(value)) & column.notna()
    name = {"==": "eq", "=": "eq", "!=": "ne", "<": "lt", ">": "gt", "<=": "le", ">=": "ge"}[how]
    try:
        found: pd.Series = getattr(column, name)(value)
    except TypeError:
        raise DataOpsError(f"{value!r} can't be compared with {column.name}, which is {column.dtype}") from None
    return found.fillna(value=False).astype(bool) & column.notna()


def timestamp(value: Any, name: Any) -> pd.Timestamp:
    """A filter's date: ISO 8601, or a date object. Nothing is guessed: 01.06.2024 is January to some.

    Raises:
        DataOpsError: it is none.
    """
    import pandas as pd

    try:
        return pd.Timestamp(dt.datetime.fromisoformat(value) if isinstance(value, str) else value)
    except (TypeError, ValueError):
        raise DataOpsError(f"{value!r} is no date, as {name} is", "write 2024-06-01") from None


def _condition(one: Any) -> tuple[str, str, Any]:
    """One checked (column, operator, value)."""
    if not isinstance(one, tuple | list) or len(one) != 3 or one[1] not in OPERATORS:
        raise _wrong(one)
    if one[1] in ("in", "not in") and (isinstance(one[2], str) or not hasattr(one[2], "__iter__")):
        raise DataOpsError(f"the filter {one!r}: {one[1]} takes a list")
    return str(one[0]), str(one[1]), one[2]


def _wrong(one: object) -> DataOpsError:
    return DataOpsError(f"{one!r} is no filter", f"as ('store_id', '==', 3); operators: {' '.join(OPERATORS)}")


def _days(file: str) -> tuple[dt.date, dt.date] | None:
    """The first day of a partition and the first after it, from its file's name."""
    stem = file.rpartition("/")[2].partition(".")[0]
    try:
        if found := DAY.fullmatch(stem):
            first = dt.date(*map(int, found.groups()))
            return first, first + dt.timedelta(1)
        if found := MONTH.fullmatch(stem):
            year, month = map(int, found.groups())
            return dt.date(year, month, 1), dt.date(year + month // 12, month % 12 + 1, 1)
    except (ValueError, OverflowError):
        pass
    return None


def _overlaps(days: tuple[dt.date, dt.date], condition: tuple[str, str, Any], time: str) -> bool:
    """Whether a row of these days can pass the condition; True where that isn't known."""
    name, how, value = condition
    if name != time:
        return True
    if how == "in":
        return any(_overlaps(days, (name, "==", one), time) for one in value)
    moment = _moment(value)
    if moment is None or how in ("!=", "not in"):
        return True
    first, after = (dt.datetime.combine(day, dt.time()) for day in days)
    if how in ("==", "="):
        return first <= moment < after
    if how in ("<", "<="):
        return first < moment or (how == "<=" and first == moment)
    return moment < after


def _moment(value: Any) -> dt.datetime | None:
    """A filter's value as a time without zone; None where it is none, or has one."""
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, dt.datetime):
        return None if value.tzinfo is not None else value
    return dt.datetime.combine(value, dt.time()) if isinstance(value, dt.date) else None
