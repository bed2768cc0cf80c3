"""What is asked of a row, a key's value or a time: typed by the column it meets, tried on statistics before values."""

from __future__ import annotations

import datetime as dt
import decimal
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from dataops.errors import DataOpsError
from dataops.lineage.recordlevel import footer, values

if TYPE_CHECKING:
    import pyarrow as pa

    from dataops.lineage.recordlevel.footer import Bounds


class UnfitError(Exception):
    """The value is not of the column's type."""


class Typed(Protocol):
    """A condition for one type of column."""

    def may(self, found: Bounds | None) -> bool:
        """Whether values within these bounds can meet it; True where that isn't known."""

    def mask(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Which values meet it, null for a null."""


class Condition(Protocol):
    """What one column must hold."""

    @property
    def column(self) -> str:
        """The column."""

    def typed(self, kind: pa.DataType) -> Typed:
        """The condition for columns of this type.

        Raises:
            UnfitError: there is none.
        """


@dataclass(frozen=True)
class Equals:
    """A key's value, as it was typed: `007` is a text in one column and seven in another."""

    column: str
    text: str

    def typed(self, kind: pa.DataType) -> Typed:
        """Its value in that type."""
        import pyarrow as pa

        kind = values.plain(kind)
        try:
            return _Equals(pa.scalar(values.value(self.text, kind), kind))
        except (ValueError, KeyError, OSError, OverflowError, decimal.InvalidOperation, pa.ArrowException):
            raise UnfitError(f"{self.text!r} is no {kind} ({self.column})") from None


@dataclass(frozen=True)
class Within:
    """From `first` up to but without `end`."""

    column: str
    first: dt.datetime | None
    end: dt.datetime | None

    def typed(self, kind: pa.DataType) -> Typed:
        """For days and times, also as text; a time without an offset counts in the column's own time zone."""
        import pyarrow as pa

        kind = values.plain(kind)
        if not pa.types.is_date(kind) and not pa.types.is_timestamp(kind) and not values.is_text(kind):
            raise UnfitError(f"{self.column} holds no dates but {kind}")
        zone = getattr(kind, "tz", None)
        try:
            return _Within(values.in_zone(self.first, zone), values.in_zone(self.end, zone), kind)
        except (ValueError, KeyError, OSError):
            raise UnfitError(f"{self.column} has the time zone {zone}, which is not known here") from None


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

    def mask(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        import pyarrow.compute as pc

        return pc.equal(values.decoded(column), self.value)


@dataclass(frozen=True)
class _Within:
    first: dt.datetime | None
    end: dt.datetime | None
    kind: pa.DataType
    """As the column has it."""

    def may(self, found: Bounds | None) -> bool:
        if found is None or found.only_nulls:
            return found is None
        known = None if values.is_text(self.kind) else footer.bounds(found, self.kind)
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

    def mask(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        import pyarrow as pa
        import pyarrow.compute as pc

        times = values.decoded(column)
        if values.is_text(times.type):
            chunks = [values.as_column(chunk, "datetime") for chunk in times.cast(pa.string()).chunks]
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
    start = values.span(first)[0] if first is not None else None
    end = values.span(last)[1] if last is not None else None
    if start is not None and end is not None and (start.tzinfo is None) == (end.tzinfo is None) and start >= end:
        raise DataOpsError(f"nothing lies between {first} and {last}", "--from comes first")
    return Within(column, start, end)


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
