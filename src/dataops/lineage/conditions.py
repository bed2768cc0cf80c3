"""What is asked of a row, a key's value or a time: typed by the column it meets, tried on statistics before values."""

from __future__ import annotations

import datetime as dt
import decimal
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

from dataops.errors import DataOpsError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

DAY, MONTH = re.compile(r"\d{4}-\d{2}-\d{2}"), re.compile(r"\d{4}-\d{2}")
TICK = dt.timedelta(microseconds=1)


class Unfit(Exception):  # noqa: N818  an answer
    """The value is not of the column's type."""


class Typed(Protocol):
    """A condition for one type of column."""

    def may(self, statistics: pq.Statistics | None) -> bool:
        """Whether values of these statistics can meet it; True where that isn't known."""

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
            return _Within(_in_zone(self.first, zone), _in_zone(self.end, zone), pa.timestamp("us", zone))
        except (ValueError, KeyError, OSError):
            raise Unfit(f"{self.column} has the time zone {zone}, which is not known here") from None


@dataclass(frozen=True)
class _Equals:
    value: pa.Scalar

    def may(self, statistics: pq.Statistics | None) -> bool:
        wanted = self.value.as_py()
        wanted = wanted.encode() if isinstance(wanted, str) else wanted

        def spans(low: Any, high: Any) -> bool:
            cut = isinstance(wanted, bytes) and wanted.startswith(high)  # some writers cut a bound without raising it
            return bool(low <= wanted and (wanted <= high or cut))

        return _judged(statistics, spans, isinstance(wanted, bytes))

    def mask(self, values: pa.ChunkedArray) -> pa.ChunkedArray:
        import pyarrow.compute as pc

        return pc.equal(_decoded(values), self.value)


@dataclass(frozen=True)
class _Within:
    first: dt.datetime | None
    end: dt.datetime | None
    kind: pa.DataType

    def may(self, statistics: pq.Statistics | None) -> bool:
        def spans(low: Any, high: Any) -> bool:
            return (self.first is None or _time(high) >= self.first) and (self.end is None or _time(low) < self.end)

        return _judged(statistics, spans)

    def mask(self, values: pa.ChunkedArray) -> pa.ChunkedArray:
        import pyarrow as pa
        import pyarrow.compute as pc

        times = _decoded(values)
        if _is_text(times.type):
            chunks = [as_column(chunk, "datetime") for chunk in times.cast(pa.string()).chunks]
            times = pa.chunked_array(chunks, self.kind)
        times = times.cast(self.kind, safe=False)
        found = pc.is_valid(times)
        if self.first is not None:
            found = pc.and_(found, pc.greater_equal(times, pa.scalar(self.first, self.kind)))
        if self.end is not None:
            found = pc.and_(found, pc.less(times, pa.scalar(self.end, self.kind)))
        return found


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
    if (
        is_a.is_binary(kind)
        or is_a.is_large_binary(kind)
        or is_a.is_binary_view(kind)
        or is_a.is_fixed_size_binary(kind)
    ):
        return text.encode()
    if is_a.is_integer(kind) or is_a.is_decimal(kind) or is_a.is_float32(kind) or is_a.is_float64(kind):
        number = decimal.Decimal(text.strip())
        if not number.is_finite() or abs(number.adjusted()) > 400:
            raise ValueError(text)
        if is_a.is_floating(kind):
            return float(number)
        if is_a.is_decimal(kind):
            return number
        if number % 1:
            raise ValueError(text)
        return int(number)
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


def _time(bound: Any) -> dt.datetime:
    """A bound of dates or times as a time."""
    return bound if isinstance(bound, dt.datetime) else dt.datetime.combine(bound, dt.time())


def _judged(statistics: pq.Statistics | None, spans: Callable[[Any, Any], bool], raw: bool = False) -> bool:
    """What `spans(low, high)` says of the bounds; True where there are none, or none that can be trusted."""
    if statistics is None:
        return True
    if statistics.has_null_count and statistics.null_count and not statistics.num_values:
        return False  # nothing but nulls
    if not statistics.has_min_max:
        return True
    try:  # a text that was cut may end within a letter, hence the bytes
        low, high = (statistics.min_raw, statistics.max_raw) if raw else (statistics.min, statistics.max)
        ordered = low <= high  # neither NaN nor nonsense
        return spans(low, high) if ordered else True
    except (TypeError, ValueError, OverflowError):
        return True


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
