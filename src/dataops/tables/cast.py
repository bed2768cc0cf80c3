"""From values as written to the contract's types. Nothing is guessed: how numbers and dates are written is stated."""

from __future__ import annotations

import datetime
import decimal
import re
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from dataops.tables.contract import Type
from dataops.tables.dates import parse

TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})


EARLIEST, LATEST = np.datetime64("0001-01-01", "us"), np.datetime64("9000-01-01", "us")  # 9999-12-31 means "never"


class Written(NamedTuple):
    """How the source writes numbers and dates."""

    decimal: str = "."
    thousands: str | None = None
    date_format: str | None = None  # as dates.parse takes it; None: ISO 8601


PLAIN = Written()


def cast(values: pd.Series, to: Type, written: Written = PLAIN) -> tuple[pd.Series, pd.Series]:
    """`values` as type `to`, and a boolean Series that marks what could not be read (null in the result).

    A string that is null already stays null and is not marked. Integers come back as int64, or Int64 where there are
    nulls; dates as datetime64[us] at midnight; date-times with an offset are converted to UTC.
    """
    present = values.notna()
    result = _mixed(values, to, written) if values.dtype == object else _distinct(values, to, written)
    return _narrow(result, to), present & result.isna()


def _distinct(values: pd.Series, to: Type, written: Written) -> pd.Series:
    """Values of one Python type. Text repeats: each distinct one is read once, unless most are distinct."""
    if values.dtype == "str":
        codes, unique = pd.factorize(values)
        if 2 * len(unique) < len(values):
            read = _CASTS[to](pd.Series(unique, dtype=values.dtype), written)
            return pd.Series(read.array.take(codes, allow_fill=True), index=values.index)  # a null has code -1
    return _CASTS[to](values, written)


def _mixed(values: pd.Series, to: Type, written: Written) -> pd.Series:
    """Values of several Python types, as JSON, Excel and files that differ give them.

    What is a number or a date already isn't read as text: 1.234 is no 1,234, whatever `thousands` says.
    """
    known = values.reset_index(drop=True).dropna()
    parts = [_CASTS[to](pd.Series(dtype="str"), written)]
    for kind, rows in known.groupby(known.map(lambda value: _kind(value, to)), sort=True):
        parts.append(_CASTS[to](_own(rows, str(kind)), written))
    whole: pd.Series = pd.concat(parts).reindex(range(len(values)))
    return whole.set_axis(values.index)


def _kind(value: Any, to: Type) -> str:
    """The kind of `_own` that holds a value without changing it."""
    if isinstance(value, bool | np.bool_):
        return "boolean"
    if isinstance(value, decimal.Decimal) and to != "string":
        return "integer" if value.is_finite() and value % 1 == 0 and abs(value) < 2**63 else "number"
    if isinstance(value, int | np.integer):
        return "integer" if abs(int(value)) < 2**63 else "text"
    if isinstance(value, float | np.floating):
        return "number"
    return "date" if isinstance(value, datetime.date) else "text"


def _own(rows: pd.Series, kind: str) -> pd.Series:
    """Values of one kind as that kind's type."""
    if kind == "date":
        return pd.Series(pd.to_datetime(rows, utc=True))
    if kind == "integer":
        return rows.map(int).astype("int64")
    if kind == "number":
        return rows.astype("float64")
    return rows.astype("bool") if kind == "boolean" else rows.astype("str")


def _text(values: pd.Series) -> pd.Series:
    return values.astype("str").str.strip()


def _number(values: pd.Series, written: Written) -> pd.Series:
    if pd.api.types.is_numeric_dtype(values.dtype):
        return _finite(values)
    return _finite(pd.to_numeric(_english(_text(values), written), errors="coerce"))


def _english(text: pd.Series, written: Written) -> pd.Series:
    """Numbers as text without thousands marks and with a decimal point; null where they are not written as stated."""
    if written.thousands:
        # 1,234.5 is read; 1,2,3 is not: a separator stands before groups of three digits or nowhere
        mark, point = re.escape(written.thousands), re.escape(written.decimal)
        good = text.str.fullmatch(rf"[+-]?\d{{1,3}}({mark}\d{{3}})*({point}\d*)?|[+-]?\d+({point}\d*)?").fillna(False)
        text = text.where(good.astype(bool)).str.replace(written.thousands, "", regex=False)
    if written.decimal != ".":
        text = text.where(~text.str.contains(".", regex=False).fillna(False).astype(bool))
        text = text.str.replace(written.decimal, ".", regex=False)
    return text


def _finite(values: pd.Series) -> pd.Series:
    numbers = values.astype("Float64")
    return numbers.mask(numbers.isin([np.inf, -np.inf]))


def _integer(values: pd.Series, written: Written) -> pd.Series:
    if pd.api.types.is_integer_dtype(values.dtype):
        if pd.api.types.is_unsigned_integer_dtype(values.dtype):
            values = values.where(values < 2**63)
        return values.astype("Int64")
    if pd.api.types.is_numeric_dtype(values.dtype):
        return _whole(_finite(values))
    text = _english(_text(values), written)
    result = _whole(_finite(pd.to_numeric(text, errors="coerce")))
    long = text.str.fullmatch(r"[+-]?\d{16,19}").fillna(False).to_numpy(bool)  # exact beyond 2**53, as no float is
    exact = [int(digits) for digits in text[long]]
    result.iloc[np.flatnonzero(long)] = pd.array([n if abs(n) < 2**63 else None for n in exact], dtype="Int64")
    return result


def _whole(number: pd.Series) -> pd.Series:
    whole = (number % 1 == 0) & (number.abs() < 2**53)
    return number.where(whole.fillna(False)).astype("Int64")


def _datetime(values: pd.Series, written: Written) -> pd.Series:
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    if not pd.api.types.is_datetime64_dtype(values.dtype):
        values = parse(_string(values, written), written.date_format)
    dates = values.astype("datetime64[us]")
    return dates.where((dates >= EARLIEST) & (dates < LATEST))


def _date(values: pd.Series, written: Written) -> pd.Series:
    days: pd.Series = _datetime(values, written).dt.floor("D")
    return days


def _boolean(values: pd.Series, _: Written) -> pd.Series:
    if pd.api.types.is_bool_dtype(values.dtype):
        return values.astype("boolean")
    text = _text(values).str.lower()
    result = pd.Series(pd.NA, index=values.index, dtype="boolean")
    result[text.isin(TRUE)] = True
    result[text.isin(FALSE)] = False
    return result


def _string(values: pd.Series, _: Written) -> pd.Series:
    if pd.api.types.is_float_dtype(values.dtype):  # 17850.0 in one file and 17850 in the next are one id
        codes, unique = pd.factorize(values)
        texts = [str(int(value)) if float(value).is_integer() else str(value) for value in unique]
        return pd.Series(np.array([*texts, None], dtype=object)[codes], index=values.index, dtype="str")
    return values.astype("str").where(values.notna()).str.strip()


_CASTS = {
    "date": _date,
    "datetime": _datetime,
    "integer": _integer,
    "number": _number,
    "string": _string,
    "boolean": _boolean,
}


def _narrow(values: pd.Series, to: Type) -> pd.Series:
    """numpy's types where there is no null to hold: faster, and what LightGBM and pandera expect."""
    if to == "number":
        return values.astype("float64")
    if to == "integer" and not values.hasnans:
        return values.astype("int64")
    if to == "boolean" and not values.hasnans:
        return values.astype("bool")
    return values
