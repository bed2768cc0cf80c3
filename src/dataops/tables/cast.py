"""From values as written to the contract's types. Nothing is guessed: how numbers and dates are written is stated."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from dataops.tables.contract import Type

TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})


class Written(NamedTuple):
    """How the source writes numbers and dates."""

    decimal: str = "."
    thousands: str | None = None
    date_format: str | None = None  # strftime; None: ISO 8601


PLAIN = Written()


def cast(values: pd.Series, to: Type, written: Written = PLAIN) -> tuple[pd.Series, pd.Series]:
    """`values` as type `to`, and a boolean Series that marks what could not be read (null in the result).

    A string that is null already stays null and is not marked. Integers come back as int64, or Int64 where there are
    nulls; dates as datetime64[us] at midnight; date-times with an offset are converted to UTC.
    """
    present = values.notna()
    result = _CASTS[to](values, written)
    return _narrow(result, to), present & result.isna()


def _text(values: pd.Series) -> pd.Series:
    return values.astype("str").str.strip()


def _number(values: pd.Series, written: Written) -> pd.Series:
    if pd.api.types.is_numeric_dtype(values.dtype):
        return _finite(values)
    text = _text(values)
    if written.thousands:
        # 1,234.5 is read; 1,2,3 is not: a separator stands before groups of three digits or nowhere
        mark = written.thousands.replace(".", r"\.")
        point = written.decimal.replace(".", r"\.")
        good = text.str.fullmatch(rf"[+-]?\d{{1,3}}({mark}\d{{3}})*({point}\d*)?|[+-]?\d+({point}\d*)?").fillna(False)
        text = text.where(good.astype(bool)).str.replace(written.thousands, "", regex=False)
    if written.decimal != ".":
        text = text.where(~text.str.contains(".", regex=False).fillna(False).astype(bool))
        text = text.str.replace(written.decimal, ".", regex=False)
    number = pd.to_numeric(text, errors="coerce")
    return _finite(number)


def _finite(values: pd.Series) -> pd.Series:
    numbers = values.astype("Float64")
    return numbers.mask(numbers.isin([np.inf, -np.inf]))


def _integer(values: pd.Series, written: Written) -> pd.Series:
    if pd.api.types.is_integer_dtype(values.dtype):
        return values.astype("Int64")
    if not pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_object_dtype(values.dtype):
        plain = _text(values)
        if plain.str.fullmatch(r"[+-]?\d{1,18}").all():  # exact beyond 2**53, where a float is not
            return plain.astype("int64").astype("Int64")
    number = _number(values, written)
    whole = (number % 1 == 0) & (number.abs() < 2**53)
    return number.where(whole.fillna(False)).astype("Int64")


def _datetime(values: pd.Series, written: Written) -> pd.Series:
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    if not pd.api.types.is_datetime64_dtype(values.dtype):
        values = _parse(_text(values), written.date_format)
    return values.astype("datetime64[us]")


def _parse(text: pd.Series, date_format: str | None) -> pd.Series:
    """Dates repeat: each distinct text is read once."""
    codes, unique = pd.factorize(text)
    style = date_format or "ISO8601"
    known = pd.Series(unique, dtype="str")
    if date_format is None:  # pandas takes a bare "2024" or "20240131" for ISO 8601; an id column must not pass
        known = known.where(known.str.match(r"\d{4}-\d{2}(-\d{2})?"))
    parsed = pd.to_datetime(known, format=style, errors="coerce", utc=True).dt.tz_localize(None)
    dates = np.append(parsed.to_numpy("datetime64[us]"), np.datetime64("NaT"))  # a null has code -1: the last
    return pd.Series(dates[codes], index=text.index)


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
    if pd.api.types.is_float_dtype(values.dtype) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")  # 17850.0 in one file and 17850 in the next are one id
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
