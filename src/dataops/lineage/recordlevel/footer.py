"""The statistics in a Parquet file's footer, read here: pyarrow's own accessors end the process where they are damaged.

The format: https://github.com/apache/parquet-format, parquet.thrift, in Thrift's compact protocol.
"""

from __future__ import annotations

import datetime as dt
import decimal
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

BOOLEAN, INT32, INT64, FLOAT, DOUBLE, BYTE_ARRAY, FIXED = 0, 1, 2, 4, 5, 6, 7  # physical types
PACKED = {BOOLEAN: "<?", INT32: "<i", INT64: "<q", FLOAT: "<f", DOUBLE: "<d"}
UNSIGNED = {INT32: "<I", INT64: "<Q"}
MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}  # in a unit of time
EPOCH = dt.date(1970, 1, 1).toordinal()
Value = int | float | bytes


@dataclass(frozen=True)
class Bounds:
    """What the statistics of one column in one row group say; None where they don't."""

    physical: int
    values: int
    """Nulls included."""
    nulls: int | None
    low: bytes | None
    high: bytes | None

    @property
    def only_nulls(self) -> bool:
        """Nothing in it equals anything."""
        return self.nulls is not None and self.nulls == self.values


def groups(footer: bytes, names: Sequence[str]) -> list[dict[str, Bounds]]:
    """Per row group, what is said of these columns.

    Raises:
        ValueError: it is no footer.
    """
    try:
        whole, _ = _struct(footer, 0)
        ordered = bool(whole.get(7))  # without it nobody knows what order the newer bounds are in
        return [_chunks(group, set(names), ordered=ordered) for group in whole[4]]
    except (IndexError, KeyError, TypeError, AttributeError, RecursionError, struct.error) as error:
        raise ValueError(f"a footer that can't be read: {error}") from None


def bounds(found: Bounds, kind: pa.DataType) -> tuple[Any, Any] | None:
    """The least and the greatest value, numbers or bytes as of `comparable`; None where they aren't known."""
    if found.low is None or found.high is None:
        return None
    try:
        low, high = _value(found.low, found.physical, kind), _value(found.high, found.physical, kind)
    except (struct.error, ValueError):
        return None
    return (low, high) if low <= high else None  # NaN is no bound


def comparable(value: pa.Scalar) -> Value:
    """A value as Parquet keeps those of its type: days, units of time and decimals as integers, texts as bytes."""
    import pyarrow as pa

    kind = value.type
    if pa.types.is_timestamp(kind):
        return int(value.value)
    found = value.as_py()
    if pa.types.is_date(kind):
        return int(found.toordinal() - EPOCH)
    if pa.types.is_decimal(kind):
        return int(found.scaleb(kind.scale, decimal.Context(prec=100)))
    return found.encode() if isinstance(found, str) else found


def microseconds(value: float, kind: pa.DataType) -> float:
    """A day or time, as `bounds` gives it, as microseconds of 1970."""
    import pyarrow as pa

    if pa.types.is_date(kind):
        return value * 86_400 * 1_000_000
    return value / 1000 if kind.unit == "ns" else value * MICROSECONDS[kind.unit]


def _chunks(group: dict[int, Any], names: set[str], *, ordered: bool) -> dict[str, Bounds]:
    found = {}
    for chunk in group[1]:
        meta = chunk.get(3) or {}
        path = meta.get(3)
        if not isinstance(path, list) or len(path) != 1:
            continue
        name = path[0].decode(errors="replace")
        if name in names:
            found[name] = _bounds(meta, ordered=ordered)
    return found


def _bounds(meta: dict[int, Any], *, ordered: bool) -> Bounds:
    said = meta.get(12) or {}
    low, high = (said.get(6), said.get(5)) if ordered else (None, None)
    if low is None and high is None and meta[1] in (INT32, INT64, FLOAT, DOUBLE):  # the older ones are of signed order
        low, high = said.get(2), said.get(1)
    nulls = said.get(3)
    return Bounds(
        meta[1],
        meta[5],
        nulls if isinstance(nulls, int) else None,
        low if isinstance(low, bytes) else None,
        high if isinstance(high, bytes) else None,
    )


def _value(content: bytes, physical: int, kind: pa.DataType) -> Any:
    """A bound: plain encoding without a length."""
    import pyarrow as pa

    if physical in PACKED:
        form = UNSIGNED.get(physical, "") if pa.types.is_unsigned_integer(kind) else ""
        return struct.unpack(form or PACKED[physical], content)[0]
    if physical not in (BYTE_ARRAY, FIXED):
        raise ValueError(physical)
    return int.from_bytes(content, "big", signed=True) if pa.types.is_decimal(kind) else bytes(content)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    found = shift = 0
    while True:
        byte = data[at]
        at += 1
        found |= (byte & 0x7F) << shift
        if byte < 0x80:
            return found, at
        shift += 7
        if shift > 63:
            raise IndexError("a number without end")


def _struct(data: bytes, at: int) -> tuple[dict[int, Any], int]:
    """A struct's fields by their numbers, and where it ends."""
    found: dict[int, Any] = {}
    number = 0
    while (head := data[at]) != 0:
        at += 1
        kind = head & 0x0F
        if head >> 4:
            number += head >> 4
        else:
            number, at = _varint(data, at)
            number = (number >> 1) ^ -(number & 1)
        if kind in (1, 2):
            found[number] = kind == 1
        else:
            found[number], at = _field(data, at, kind)
    return found, at + 1


def _field(data: bytes, at: int, kind: int) -> tuple[Any, int]:
    """One value of Thrift's type `kind`."""
    if kind in (4, 5, 6):
        number, at = _varint(data, at)
        return (number >> 1) ^ -(number & 1), at
    if kind == 8:
        length, at = _varint(data, at)
        if at + length > len(data):
            raise IndexError("a text without end")
        return data[at : at + length], at + length
    if kind in (9, 10):
        return _list(data, at)
    if kind == 12:
        return _struct(data, at)
    if kind in (1, 2, 3):
        return data[at], at + 1
    if kind == 7:
        return data[at : at + 8], at + 8
    raise IndexError(f"a value of type {kind}")  # a map, which Parquet has none of


def _list(data: bytes, at: int) -> tuple[list[Any], int]:
    head = data[at]
    at += 1
    size = head >> 4
    if size == 15:
        size, at = _varint(data, at)
    found = []
    for _ in range(size):
        value, at = _field(data, at, head & 0x0F)
        found.append(value)
    return found, at
