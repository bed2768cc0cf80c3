"""What is asked of a row, a key's value or a time: typed by the column it meets, tried on statistics before values."""

from __future__ import annotations

import datetime as dt
import decimal
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

from dataops.errors import DataOpsError
from dataops.lineage import footer

if TYPE_CHECKING:
    import pyarrow as pa

    from dataops.lineage.footer import Bounds

DAY, MONTH = re.compile(r"\d{4}-\d{2}-\d{2}"), re.compile(r"\d{4}-\d{2}")
TICK = dt.timedelta(microseconds=1)


class Unfit(Exception):  # noqa: N818  an answer
    """The value is not of the column's type."""


class Typed(Protocol):
    """A condition for one type of column."""

    def may(self, found: Bounds | None) -> bool:
        """Whether values within these bounds can meet it; True where that isn't known."""

    def mask(self, values: pa.ChunkedArray) -> pa.ChunkedArray:
        """Which values meet it, null for a null."""


class Condition(Protocol):
    """What one column must hold."""

    @property
    def column(self) -> str:
        """The column."""

    def typed(self, kind: pa.DataType) -> Typed:
        """The condition for columns of this type.

        Raises:
            Unfit: there is none.
        """


@dataclass(frozen=True)
class Equals:
    """A key's value, as it was typed: `007` is a text in one column and seven in another."""

    column: str
    text: str

    def typed(self, kind: pa.DataType) -> Typed:
        """Its value in that type."""
        import pyarrow as pa

        kind = plain(kind)
        try:
            return _Equals(pa.scalar(_value(self.text, kind), kind))
        except (ValueError, OverflowError, decimal.InvalidOperation, pa.ArrowException):
            raise Unfit(f"{self.text!r} is no {kind} ({self.column})") from None


@dataclass(frozen=True)
class Within:
    """From `first` up to but without `end`."""

    column: str
    first: dt.datetime | None
    end: dt.datetime | None

    def typed(self, kind: pa.DataType) -> Typed:
        """For days and times, also as text; a time without an offset counts in the column's own time zone."""
        import pyarrow as pa

        kind = plain(kind)
        if not pa.types.is_date(kind) and not pa.types.is_timestamp(kind) and not _is_text(kind):
            raise Unfit(f"{self.column} holds no dates but {kind}")
        zone = getattr(kind, "tz", None)
        try:
            return _Within(_in_zone(self.first, zone), _in_zone(self.end, zone), kind)
        except (ValueError, KeyError, OSError):
            raise Unfit(f"{self.column} has the time zone {zone}, which is not known here") from None


@dataclass(frozen=True)
class _Equals:
    value: pa.Scalar

    def may(self, found: Bounds | None) -> bool:
        if found is None or found.only_nulls or not self.value.is_valid:
            return found is None
        known = footer.bounds(found, self.value.type)
        if known is None:
            return True
        (low, high), wanted = known, footer.comparable(self.value)
        if isinstance(wanted, bytes) and isinstance(low, bytes) and isinstance(high, bytes):
            return low <= wanted and (wanted <= high or wanted.startswith(high))  # some writers cut without raising
        if isinstance(wanted, bytes) or isinstance(low, bytes) or isinstance(high, bytes):
            return True
        return bool(low <= wanted <= high)

    def mask(self, values: pa.ChunkedArray) -> pa.ChunkedArray:
        import pyarrow.compute as pc

        return pc.equal(_decoded(values), self.value)


@dataclass(frozen=True)
class _Within:
    first: dt.datetime | None
    end: dt.datetime | None
    kind: pa.DataType
    """As the column has it."""

    def may(self, found: Bounds | None) -> bool:
        if found is None or found.only_nulls:
            return found is None
        known = None if _is_text(self.kind) else footer.bounds(found, self.kind)
        if known is None or isinstance(known[0], bytes):
            return True
        low, high = (footer.microseconds(bound, self.kind) for bound in known)
        first, end = (_microseconds(moment, self.times) for moment in (self.first, self.end))
        # nanoseconds are no whole number of microseconds, so let the bounds be wider by one
        return (first is None or high + 1 >= first) and (end is None or low - 1 < end)

    @property
    def times(self) -> pa.DataType:
        """What values are compared as."""
        import pyarrow as pa

        return pa.timestamp("us", getattr(self.kind, "tz", None))

    def mask(self, values: pa.ChunkedArray) -> pa.ChunkedArray:
        import pyarrow as pa
        import pyarrow.compute as pc

        times = _decoded(values)
        if _is_text(times.type):
            chunks = [as_column(chunk, "datetime") for chunk in times.cast(pa.string()).chunks]
            times = pa.chunked_array(chunks, self.times)
        times = times.cast(self.times, safe=False)
        found = pc.is_valid(times)
        if self.first is not None:
            found = pc.and_(found, pc.greater_equal(times, pa.scalar(self.first, self.times)))
        if self.end is not None:
            found = pc.and_(found, pc.less(times, pa.scalar(self.end, self.times)))
        return found


def _microseconds(moment: dt.datetime | None, kind: pa.DataType) -> int | None:
    """A moment as microseconds of 1970, as columns of this type count them."""
    import pyarrow as pa

    return None if moment is None else int(pa.scalar(moment, kind).value)


def keys(words: Sequence[str]) -> list[Equals]:
    """The conditions that KEY=VALUE words make.

    Raises:
        DataOpsError: a word is none, or has no value; or a key is given twice.
    """
    example = "as `dataops lineage record customer_id=007 store_id=3`"
    found: dict[str, Equals] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name:
            raise DataOpsError(f"{word!r} is not KEY=VALUE", example)
        if name in found:
            raise DataOpsError(f"{name} is given twice", "a row has one value; ask once for each")
        if not value:
            raise DataOpsError(f"{name}= has no value", "leave the key out for any value")
        found[name] = Equals(name, value)
    if not found:
        raise DataOpsError("name at least one key", example)
    return list(found.values())


def window(column: str, first: str | None, last: str | None) -> Within | None:
    """Rows from `first` to `last`, both included: a time, a day or a month, as 2024-06.

    Raises:
        DataOpsError: one is none of these, or nothing lies between them.
    """
    if first is None and last is None:
        return None
    start = _span(first)[0] if first is not None else None
    end = _span(last)[1] if last is not None else None
    if start is not None and end is not None and (start.tzinfo is None) == (end.tzinfo is None) and start >= end:
        raise DataOpsError(f"nothing lies between {first} and {last}", "--from comes first")
    return Within(column, start, end)


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


def _value(text: str, kind: pa.DataType) -> Any:
    """A value as Arrow takes it for this type.

    Raises:
        ValueError: the text is none.
    """
    import pyarrow as pa

    is_a = pa.types
    if _is_text(kind):
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
        return _in_zone(_moment(text), kind.tz)
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


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _span(text: str) -> tuple[dt.datetime, dt.datetime]:
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


def _in_zone(moment: dt.datetime | None, zone: str | None) -> dt.datetime | None:
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


def _decoded(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values themselves of a dictionary."""
    kind = plain(values.type)
    return values if kind == values.type else values.cast(kind)


def contract_types(contract: Mapping[str, Any], columns: Sequence[str]) -> dict[str, str]:
    """What the contract says of these columns."""
    known = contract.get("columns")
    found = {name: known.get(name) for name in columns} if isinstance(known, Mapping) else {}
    return {name: str(spec["type"]) for name, spec in found.items() if isinstance(spec, Mapping) and spec.get("type")}


def no_column(name: str, known: Sequence[str]) -> DataOpsError:
    """What to say of a column that is nowhere."""
    close = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {close[0]}?" if close else f"columns: {', '.join(known[:12])}"
    return DataOpsError(f"there is no column {name}", hint)
