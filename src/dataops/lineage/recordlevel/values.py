"""Values of a column's type from what a person typed, and from files that have no types."""

from __future__ import annotations

import datetime as dt
import decimal
import re
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from dataops.errors import DataOpsError

if TYPE_CHECKING:
    import pyarrow as pa

DAY, MONTH = re.compile(r"\d{4}-\d{2}-\d{2}"), re.compile(r"\d{4}-\d{2}")
TICK = dt.timedelta(microseconds=1)


def plain(kind: pa.DataType) -> pa.DataType:
    """The type of the values, however they are encoded."""
    import pyarrow as pa

    return plain(kind.value_type) if pa.types.is_dictionary(kind) else kind


def as_column(texts: pa.Array, to: Any) -> pa.Array:
    """Texts of a file without types as the contract's type `to`; None: as they are written, blanks around them aside.

    What can't be read as that type is null, which meets no condition.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from dataops.tables.parquet import ARROW

    if to not in ARROW:
        return pc.utf8_trim_whitespace(texts)
    import pandas as pd

    from dataops.tables.cast import cast

    found, _ = cast(pd.Series(texts.to_pandas(), dtype="str").replace("", None), to)
    return pa.array(found, ARROW[to], from_pandas=True)


def value(text: str, kind: pa.DataType) -> Any:
    """A value as Arrow takes it for this type.

    Raises:
        ValueError: the text is none.
    """
    import pyarrow as pa

    is_a = pa.types
    if is_text(kind):
        return text
    if is_a.is_null(kind):
        return None  # which nothing equals
    if (
        is_a.is_binary(kind)
        or is_a.is_large_binary(kind)
        or is_a.is_binary_view(kind)
        or is_a.is_fixed_size_binary(kind)
    ):
        return text.encode()
    if is_a.is_integer(kind) or is_a.is_decimal(kind) or is_a.is_float32(kind) or is_a.is_float64(kind):
        return _number(text, kind)
    if is_a.is_boolean(kind):
        from dataops.tables.cast import FALSE, TRUE

        if text.strip().lower() not in TRUE | FALSE:
            raise ValueError(text)
        return text.strip().lower() in TRUE
    if is_a.is_date(kind) and DAY.fullmatch(text):
        return dt.date.fromisoformat(text)
    if is_a.is_timestamp(kind):
        return in_zone(_moment(text), kind.tz)
    raise ValueError(text)


def _number(text: str, kind: pa.DataType) -> Any:
    import pyarrow as pa

    number = decimal.Decimal(text.strip())
    if not number.is_finite() or abs(number.adjusted()) > 400:
        raise ValueError(text)
    if pa.types.is_floating(kind):
        return float(number)
    if pa.types.is_decimal(kind):
        return number
    if number % 1:
        raise ValueError(text)
    return int(number)


def is_text(kind: pa.DataType) -> bool:
    """Is it a type of text?"""
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def span(text: str) -> tuple[dt.datetime, dt.datetime]:
    """The first moment of what is written, and the first after it.

    Raises:
        DataOpsError: it is neither month, day nor time.
    """
    try:
        if MONTH.fullmatch(text):
            first = dt.datetime.fromisoformat(f"{text}-01")
            return first, (first + dt.timedelta(31)).replace(day=1)
        moment = _moment(text)
        return moment, moment + (dt.timedelta(1) if DAY.fullmatch(text) else TICK)
    except (ValueError, OverflowError):
        raise DataOpsError(f"{text!r} is no date", "as 2024-06-01, 2024-06, or 2024-06-01T12:00") from None


def _moment(text: str) -> dt.datetime:
    if not DAY.match(text):
        raise ValueError(text)
    return dt.datetime.fromisoformat(text)


def in_zone(moment: dt.datetime | None, zone: str | None) -> dt.datetime | None:
    """A moment as a column keeps it: without an offset where the column has none (which then means UTC)."""
    if moment is None:
        return None
    if zone is None:
        return moment if moment.tzinfo is None else moment.astimezone(dt.UTC).replace(tzinfo=None)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=_zone(zone))


def _zone(name: str) -> dt.tzinfo:
    """A time zone by name, or an offset, as Arrow has both."""
    if re.fullmatch(r"[+-]\d{2}:?\d{2}", name):
        zone = dt.datetime.strptime(name, "%z").tzinfo
        assert zone is not None
        return zone
    return ZoneInfo(name)


def decoded(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values themselves of a dictionary."""
    kind = plain(values.type)
    return values if kind == values.type else values.cast(kind)
